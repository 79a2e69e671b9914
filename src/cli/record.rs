//! `record`: runs a program and writes the traffic with its models and tools as a trace.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::ValueEnum;

use crate::act::record::{Bodies, Counts, Error, Limits, Options, Recording};
use crate::base::human;
use crate::cli::Cx;
use crate::cli::command::{Accepts, Command, GlobalOption};
use crate::cli::failure::{Exit, Failure};

/// Record any agent: run a command, and write every model call, tool call and result as a trace
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui record -- claude -p 'fix the test'
  saferun-tui record -o run.jsonl --max-cost 5 -- python agent.py
  saferun-tui tail \"$(ls -t ~/.local/state/saferun-tui/traces/*/* | head -1)\"     meanwhile

The base URLs of the child (OPENAI_BASE_URL, ANTHROPIC_BASE_URL, GOOGLE_GEMINI_BASE_URL, OLLAMA_HOST and others) \
point to a proxy on this machine, which forwards everything unchanged to where they pointed before. Bodies are \
written unchanged, into a file that only you may read; keys in headers and variables are never written.

Exit code: that of the command (128 + n if signal n ended it)")]
pub struct Record {
    /// The trace to append to [default: a new file in ~/.local/state/saferun-tui/traces]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Leave the base URLs alone: only hooks and MCP wrappers report what happens
    #[arg(long)]
    no_proxy: bool,
    /// Add the guard's hooks for this run only (claude, opencode; others: guard install)
    #[arg(long)]
    guard: bool,
    /// Also receive the OpenTelemetry of the child, into its own file next to the trace
    #[arg(long, conflicts_with = "no_proxy")]
    otlp: bool,
    /// Also record the calls of an MCP server that is reached over HTTP (claude and codex are pointed at it)
    #[arg(long, value_name = "NAME=URL", value_parser = server, conflicts_with = "no_proxy")]
    mcp: Vec<(String, String)>,
    /// Stop model calls after this many US$ at list prices
    #[arg(long, value_name = "USD", value_parser = amount)]
    max_cost: Option<f64>,
    /// Stop model calls after this many
    #[arg(long, value_name = "N")]
    max_calls: Option<u64>,
    /// Also mask what looks like a key in bodies
    #[arg(long)]
    mask: bool,
    /// How to write the bodies of requests: as the difference from the previous one, whole, or not at all
    #[arg(long, value_name = "HOW", default_value = "delta")]
    bodies: How,
    /// The command and its arguments
    #[arg(value_name = "CMD", required = true, last = true)]
    command: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum How {
    Delta,
    Full,
    None,
}

fn server(text: &str) -> Result<(String, String), String> {
    let (name, url) = text.split_once('=').ok_or("not NAME=URL")?;
    let is_plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_');
    if name.is_empty() || !name.chars().all(is_plain) {
        return Err("a name has letters, digits, - and _".to_owned());
    }
    let is_url = url.starts_with("https://") || url.starts_with("http://");
    let server = (name.to_owned(), url.to_owned());
    is_url
        .then_some(server)
        .ok_or_else(|| "not a URL".to_owned())
}

fn amount(text: &str) -> Result<f64, String> {
    let amount = text.trim_start_matches('$').parse::<f64>();
    let amount = amount.ok().filter(|it| it.is_finite() && *it >= 0.0);
    amount.ok_or_else(|| "not an amount of US$ such as 2.50".to_owned())
}

impl Command for Record {
    const NAME: &'static str = "record";
    const ACCEPTS: Accepts = Accepts::NONE.with(GlobalOption::PriceFile);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let options = Options {
            command: self.command,
            file: self.output,
            is_proxied: !self.no_proxy,
            is_masked: self.mask,
            is_guarded: self.guard,
            is_otlp: self.otlp,
            servers: self.mcp,
            bodies: match self.bodies {
                How::Delta => Bodies::Delta,
                How::Full => Bodies::Full,
                How::None => Bodies::None,
            },
            limits: Limits {
                max_cost: self.max_cost,
                max_calls: self.max_calls,
            },
            prices: cx.load.options.prices.clone(),
        };
        let recording = Recording::prepare(options).map_err(|error| failure(&error))?;
        let style = cx.notes.style.clone();
        let path = style.clean(&recording.path().to_string_lossy());
        for notice in &recording.notices {
            cx.notes.note(notice);
        }
        cx.notes.line(&format!(
            "recording to {path} · open: saferun-tui tail {path}"
        ));
        let recorded = recording.run().map_err(|error| failure(&error))?;
        let counts = &recorded.counts;
        cx.notes.line(&format!("recorded {}", summary(counts)));
        if counts.unpriced > 0 && self.max_cost.is_some() {
            let calls = human::counted(counts.unpriced, "model call");
            cx.notes.note(&format!(
                "no price is known for {calls}: --max-cost did not count them"
            ));
        }
        if counts.missing > 0 {
            let why = counts
                .problem
                .as_deref()
                .unwrap_or("writing failed for a while");
            let events = human::counted(counts.missing, "event");
            cx.notes
                .error(&format!("{events} could not be recorded: {why}"));
        }
        Ok(Exit::Child(recorded.code))
    }
}

fn failure(error: &Error) -> anyhow::Error {
    match error {
        Error::NoCommand | Error::Guard(_) => Failure::Usage(error.to_string()).into(),
        Error::NoHome
        | Error::File { .. }
        | Error::Program { .. }
        | Error::Server(_)
        | Error::System(_) => Failure::Input(error.to_string()).into(),
    }
}

/// `12 model calls, 9 tool calls, 1 blocked, $0.1234`
fn summary(counts: &Counts) -> String {
    let mut parts = vec![
        human::counted(counts.model_calls, "model call"),
        human::counted(counts.tool_calls, "tool call"),
    ];
    let more = [
        (counts.blocked, "blocked"),
        (counts.unguarded, "unguarded"),
        (counts.stopped, "stopped by a breaker"),
    ];
    parts.extend(
        more.iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{} {what}", human::count(*count))),
    );
    match (counts.usd > 0.0, counts.unpriced) {
        (true, 0) => parts.push(human::usd(counts.usd)),
        (true, _) => parts.push(format!("at least {}", human::usd(counts.usd))),
        (false, _) => {}
    }
    parts.join(", ")
}
