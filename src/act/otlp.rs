//! `listen`: receives OpenTelemetry traces and logs over HTTP and gRPC, and stores each request as one line of
//! OTLP/JSON. Nothing is interpreted here: that is up to the reader, which follows the file.

mod grpc;
mod http;
mod json;
mod protobuf;
mod store;
mod table;

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use thiserror::Error;
use tokio::sync::Semaphore;

pub use http::Http;

use crate::act::net::Net;
use crate::act::net::server::{self, Server};
use grpc::Grpc;
use store::Store;

#[cfg(test)]
mod tests;

/// The largest request, as sent and decoded.
const SENT: usize = 16 << 20;
const DECODED: usize = 64 << 20;
/// How many requests are read concurrently.
const IN_FLIGHT: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Traces,
    Logs,
    /// Accepted and counted, but not stored: metrics contain no actions of an agent.
    Metrics,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Protobuf,
    Json,
}

/// Why a request was refused.
#[derive(Debug, Error)]
pub(super) enum Refused {
    #[error("{0}")]
    Undecodable(String),
    #[error("the request is too large")]
    TooLarge,
    #[error("too much is queued for writing")]
    Behind,
    #[error("it cannot be written: {0}")]
    Disk(io::Error),
}

/// What was accepted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Taken {
    /// Spans with invalid ids.
    pub(super) rejected: u64,
}

const REJECTED: &str =
    "spans without a trace id of 16 bytes and a span id of 8 bytes were left out";

/// Totals so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub spans: u64,
    pub logs: u64,
    pub metrics: u64,
    pub rejected: u64,
}

/// Receives requests from any transport.
#[derive(Debug)]
pub struct Receiver {
    store: Store,
    slots: Semaphore,
    spans: AtomicU64,
    logs: AtomicU64,
    metrics: AtomicU64,
    rejected: AtomicU64,
}

impl Receiver {
    /// Stores them in a file that only this user may read.
    pub fn open(path: &Path) -> io::Result<Receiver> {
        Ok(Receiver {
            store: Store::open(path)?,
            slots: Semaphore::new(IN_FLIGHT),
            spans: AtomicU64::new(0),
            logs: AtomicU64::new(0),
            metrics: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
        })
    }

    pub fn counts(&self) -> Counts {
        let count = |it: &AtomicU64| it.load(Ordering::Relaxed);
        Counts {
            spans: count(&self.spans),
            logs: count(&self.logs),
            metrics: count(&self.metrics),
            rejected: count(&self.rejected),
        }
    }

    /// Stores the decoded body of a request. It counts as accepted once it is written.
    pub(super) async fn take(
        &self,
        signal: Signal,
        form: Form,
        bytes: &[u8],
    ) -> Result<Taken, Refused> {
        // Never closed.
        let _slot = self.slots.acquire().await;
        let read = match form {
            Form::Protobuf => protobuf::read(signal, bytes),
            Form::Json => json::read(signal, bytes),
        };
        let mut request = read.map_err(Refused::Undecodable)?;
        if signal == Signal::Metrics {
            self.metrics.fetch_add(1, Ordering::Relaxed);
            return Ok(Taken::default());
        }
        let rejected = json::reject(&mut request);
        let (spans, logs) = json::count(&request);
        if spans + logs > 0 {
            self.store.write(&request).await?;
        }
        self.spans.fetch_add(spans, Ordering::Relaxed);
        self.logs.fetch_add(logs, Ordering::Relaxed);
        self.rejected.fetch_add(rejected, Ordering::Relaxed);
        Ok(Taken { rejected })
    }
}

/// Listeners that end when they are dropped.
#[derive(Debug)]
pub struct Listening {
    pub http: Server,
    pub grpc: Option<Server>,
}

/// Must not be called on the network thread.
pub fn listen(
    net: &Net,
    receiver: &Arc<Receiver>,
    http: SocketAddr,
    grpc: Option<SocketAddr>,
) -> Result<Listening, server::Error> {
    let own = Arc::new(Http::new(Arc::clone(receiver)));
    let http = server::listen(net, http, own)?;
    let own = Arc::new(Grpc::new(Arc::clone(receiver)));
    let grpc = grpc.map(|address| server::listen_http2(net, address, own));
    Ok(Listening {
        http,
        grpc: grpc.transpose()?,
    })
}

/// The member that holds the data of a request.
fn member(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "resourceSpans",
        Signal::Logs => "resourceLogs",
        Signal::Metrics => "resourceMetrics",
    }
}

fn items<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    let list = of.get(name).and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}
