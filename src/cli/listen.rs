//! `listen`: receives OpenTelemetry traces and logs from agents, and stores them.

use std::path::PathBuf;
use std::sync::Arc;

use crate::act::net::Net;
use crate::act::net::server::{self, loopback};
use crate::act::otlp::{self, Receiver};
use crate::act::places::Places;
use crate::act::{child, record};
use crate::base::human;
use crate::cli::Cx;
use crate::cli::command::{Accepts, Command};
use crate::cli::failure::{Exit, Failure};

/// Receive OpenTelemetry traces and logs over HTTP and gRPC, and write them to a file that the explorer follows
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui listen
  saferun-tui listen -o agents.jsonl --grpc off
  export OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318    then run the agent
  export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf

Only programs on this machine can send, and only traces and logs are stored (metrics are counted). Exit code 69 when a \
port is in use.")]
pub struct Listen {
    /// Where to receive OTLP over HTTP (protobuf or JSON, gzip), on this machine only
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4318")]
    http: String,
    /// Where to receive OTLP over gRPC; `off` disables it
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4317")]
    grpc: String,
    /// The file to append to [default: a new file in ~/.local/state/saferun-tui/traces]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The code in `sysexits.h` for a service that is not available.
const UNAVAILABLE: u8 = 69;

impl Command for Listen {
    const NAME: &'static str = "listen";
    const ACCEPTS: Accepts = Accepts::NONE;

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let address = |text: &str| loopback(text).map_err(|it| Failure::Usage(it.to_string()));
        let http = address(&self.http)?;
        let grpc = match self.grpc.as_str() {
            "off" => None,
            text => Some(address(text)?),
        };
        let path = if let Some(path) = self.output {
            path
        } else {
            let places = Places::of_environment();
            let places = places.ok_or_else(|| Failure::Input("no home folder".to_owned()))?;
            record::new_file(&places, "otlp".as_ref())?
        };
        let shown = cx.notes.style.clean(&path.to_string_lossy());
        let receiver = Receiver::open(&path)
            .map_err(|error| Failure::Input(format!("{}: {error}", path.display())))?;
        let receiver = Arc::new(receiver);
        let net = Net::start()?;
        let listening = match otlp::listen(&net, &receiver, http, grpc) {
            Ok(listening) => listening,
            Err(taken @ server::Error::Taken { .. }) => {
                cx.notes.error(&taken.to_string());
                return Ok(Exit::Child(UNAVAILABLE));
            }
            Err(error) => return Err(Failure::Input(error.to_string()).into()),
        };
        let mut at = format!("http://{}", listening.http.address);
        if let Some(grpc) = &listening.grpc {
            at = format!("{at} and gRPC at {}", grpc.address);
        }
        cx.notes.line(&format!(
            "listening at {at} · writing {shown} · open: saferun-tui tail {shown} · ctrl-c ends"
        ));
        child::wait_for_end()?;
        let counts = receiver.counts();
        let mut words = format!(
            "took {} and {}",
            human::counted(counts.spans, "span"),
            human::counted(counts.logs, "log record"),
        );
        if counts.rejected > 0 {
            let rejected = human::counted(counts.rejected, "span");
            words = format!("{words}, left out {rejected} without ids");
        }
        if counts.metrics > 0 {
            let requests = human::counted(counts.metrics, "request");
            words = format!("{words}; {requests} with metrics, only counted");
        }
        cx.notes.line(&words);
        Ok(Exit::Done)
    }
}
