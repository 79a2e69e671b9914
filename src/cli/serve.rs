//! `serve`: serves the recorded answers of a run to an agent, and reports whether it did the same again.

mod dry;
mod report;

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use clap::ValueEnum;

use crate::act::child::{self, Launch};
use crate::act::net::Net;
use crate::act::net::server::loopback;
use crate::act::serve::{self, Live, Serving, Upstreams};
use crate::analysis::tape::Recording;
use crate::analysis::tape::class::Class;
use crate::analysis::tape::norm::Ignored;
use crate::analysis::tape::player::{self, Mode, Player};
use crate::base::human;
use crate::cli::command::{Accepts, Command, GlobalOption};
use crate::cli::failure::{Exit, Failure};
use crate::cli::mcp_serve::McpServe;
use crate::cli::output::{self, OutputFile};
use crate::cli::rerun::confirm;
use crate::cli::{Cx, pick};
use crate::model::quantity::Cost;
use crate::store::Store;

/// Serve a recorded run as the model of an agent: no key, no network. With a command, run it and report whether its
/// new run is the same
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui serve trace.jsonl -- python agent.py
  saferun-tui serve trace.jsonl#7f3a91 -o again.jsonl -- claude -p 'fix the test'
  saferun-tui serve trace.jsonl --listen 127.0.0.1:8080     until interrupted
  saferun-tui serve trace.jsonl --dry-run                   what can be served, and how exactly
  saferun-tui serve trace.jsonl --until 12 --then live --allow-net -- python agent.py

The agent's own tools run as usual: only its model is served.

Exit codes: 0 all answers were used and the new run is the same ·
            1 it differs, or some answers were not requested · 3 a request had no recorded answer ·
            otherwise the code of the command")]
pub struct Serve {
    /// PATH, or PATH#RUN if it holds several runs
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// Where to listen, on this machine only [default: 127.0.0.1 and any free port]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Serve the run's tools instead, as mcp-serve does: over standard input and output, or with --listen over HTTP
    #[arg(long, conflicts_with_all = ["how", "until", "command", "output", "dry_run"])]
    mcp: bool,
    /// The tools of MCP servers, for commands with an option to redirect them (claude, codex)
    #[arg(long, value_name = "WHICH", default_value = "mcp")]
    tools: Which,
    /// How requests are matched [default: the strictest that the trace allows]
    #[arg(long = "match", value_name = "HOW")]
    how: Option<How>,
    /// Serve only the first N answers
    #[arg(long, value_name = "N")]
    until: Option<usize>,
    /// What later requests get
    #[arg(long, value_name = "WHAT", default_value = "fail")]
    then: Then,
    /// Allow requests to the network, for --then live
    #[arg(long)]
    allow_net: bool,
    /// Send nothing to the real model that could push the total cost above this
    #[arg(long, value_name = "USD", default_value_t = 1.0)]
    max_usd: f64,
    /// Do not ask before continuing with the real model
    #[arg(long, requires = "allow_net")]
    yes: bool,
    /// What to answer to requests outside the conversation, such as titles
    #[arg(long, value_name = "WHAT", default_value = "stub")]
    aux: Aux,
    /// Wait as long as the recorded answers took; x4 waits a quarter
    #[arg(long, value_name = "SPEED", default_value = "none", value_parser = speed)]
    timing: Speed,
    /// Recorded failures of the model
    #[arg(long, value_name = "WHAT", default_value = "recorded")]
    errors: Errors,
    /// Do not compare this part of requests, such as $.temperature or messages[*].name; repeatable
    #[arg(long, value_name = "PATH")]
    ignore: Vec<String>,
    /// Compare ids, times, dates and temporary paths in texts too
    #[arg(long)]
    keep_noise: bool,
    /// The action that must happen again for the run to count as reproduced [default: the first failure]
    #[arg(long, value_name = "SEQ")]
    expect: Option<u32>,
    /// Keep the new run in this file
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long, requires = "output")]
    force: bool,
    /// List the recorded answers and serve nothing
    #[arg(long)]
    dry_run: bool,
    /// The agent, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum How {
    /// The next answer of its agent, if the request is the same
    Order,
    /// The answer to any equal request, each once
    Hash,
    /// The next answer of its agent, if texts, calls and results are the same
    Content,
    /// The next answer of its agent, whatever the request
    Loose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// Serve the recorded results
    Mcp,
    /// Leave the command its own
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Then {
    /// An error
    Fail,
    /// The answer of the real model, at the base URL that was set before, else at the vendor's
    Live,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Aux {
    /// The smallest valid answer
    Stub,
    /// No answer: they count as misses
    Miss,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Errors {
    /// Return them again
    Recorded,
    /// Leave them out
    Skip,
}

/// The divisor of recorded times; none for no waiting.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Speed(Option<f64>);

fn speed(text: &str) -> Result<Speed, String> {
    let factor = text.strip_prefix('x').and_then(|it| it.parse().ok());
    match (text, factor) {
        ("none", _) => Ok(Speed(None)),
        ("recorded", _) => Ok(Speed(Some(1.0))),
        (_, Some(factor)) if factor > 0.0 => Ok(Speed(Some(factor))),
        _ => Err("expected none, recorded, or a factor such as x4".to_owned()),
    }
}

impl Command for Serve {
    const NAME: &'static str = "serve";
    const ACCEPTS: Accepts = Accepts::READING
        .with(GlobalOption::Where)
        .with(GlobalOption::Json);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        if self.mcp {
            return McpServe::of(self.run, self.listen).run(cx);
        }
        let address = self.listen.as_deref().unwrap_or("127.0.0.1:0");
        let address = loopback(address).map_err(|error| Failure::Usage(error.to_string()))?;
        let (store, picked) = pick::run(cx, &self.run)?;
        let recording = Recording::of(&store, picked.run);
        store.intact()?;
        let Some(class) = recording.class() else {
            let path = self.run.display();
            let what =
                format!("{path}: no answer of a model is recorded, so there is nothing to serve");
            return Err(Failure::Input(what).into());
        };
        if self.dry_run {
            return dry::run(cx, &store, &recording, class);
        }
        let mut options = self.player(class)?;
        if self.then == Then::Live {
            options.until = Some(options.until.unwrap_or(recording.calls.len()));
        }
        let place = self.output.as_deref().map(|path| OutputFile {
            path,
            force: self.force,
        });
        if let Some(place) = place {
            place.check(&output::files(&store))?;
        }
        for line in head(&store, &recording, class) {
            cx.notes.line(&line);
        }
        cx.notes
            .line(&format!("matching   {}", options.mode.word()));
        let store = Arc::new(store);
        let player = Player::new(Arc::clone(&store), recording, options);
        let net = Net::start()?;
        let options = serve::Options {
            speed: self.timing.0,
            live: self.live(cx, &net)?,
        };
        let serving = Serving::start(&net, address, player, options);
        let serving = serving.map_err(|error| Failure::Usage(error.to_string()))?;
        let status = self.until_the_end(cx, &serving)?;
        report::finish(
            cx,
            &serving,
            &report::Ended {
                store: &store,
                run: picked.run,
                class,
                status,
                expected: self.expect,
                place,
            },
        )
    }
}

impl Serve {
    /// Serves all answers of a fork, then continues with the real model.
    pub(super) fn of_fork(fork: PathBuf, command: Vec<OsString>, max_usd: f64, yes: bool) -> Serve {
        Serve {
            run: fork,
            listen: None,
            mcp: false,
            tools: Which::None,
            how: None,
            until: None,
            then: Then::Live,
            allow_net: true,
            max_usd,
            yes,
            aux: Aux::Stub,
            timing: Speed(None),
            errors: Errors::Recorded,
            ignore: Vec::new(),
            keep_noise: false,
            expect: None,
            output: None,
            force: false,
            dry_run: false,
            command,
        }
    }

    fn player(&self, class: Class) -> Result<player::Options, Failure> {
        let mode = match self.how {
            None => Mode::of(class),
            Some(How::Order) => Mode::Order,
            Some(How::Hash) => Mode::Hash,
            Some(How::Content) => Mode::Content,
            Some(How::Loose) => Mode::Loose,
        };
        if matches!(mode, Mode::Order | Mode::Hash) && class == Class::Order {
            let what = format!(
                "--match {} compares requests, which this trace does not record (use content or loose)",
                mode.word()
            );
            return Err(Failure::Usage(what));
        }
        let ignored = self.ignore.iter().map(|path| Ignored::parse(path));
        Ok(player::Options {
            mode,
            ignored: ignored.collect::<Result<_, _>>().map_err(Failure::Usage)?,
            keeps_noise: self.keep_noise,
            skips_errors: self.errors == Errors::Skip,
            stubs: self.aux == Aux::Stub,
            until: self.until,
        })
    }

    /// The real model that continues after the recorded answers, if the user asked for it and confirmed it.
    fn live(&self, cx: &Cx, net: &Net) -> Result<Option<Arc<Live>>, Failure> {
        if self.then == Then::Fail {
            return Ok(None);
        }
        let upstreams = Upstreams::of(|name| env::var(name).ok());
        let style = &cx.notes.style;
        cx.notes.line("after the recorded answers, requests go to the real model, with the command's own keys");
        for base in [&upstreams.openai, &upstreams.anthropic, &upstreams.gemini] {
            cx.notes.line(&format!("  {}", style.clean(base)));
        }
        cx.notes.line(&format!(
            "  limit {}: a request that could exceed it fails",
            human::usd(self.max_usd)
        ));
        if !self.allow_net {
            let what = "--then live needs --allow-net";
            return Err(Failure::Usage(what.to_owned()));
        }
        if !self.yes {
            confirm(cx, "To continue live", "live")?;
        }
        let most = Cost::from_usd(self.max_usd);
        let prices = cx.load.options.prices.clone();
        Ok(Some(Arc::new(Live::new(net, upstreams, most, prices))))
    }

    /// Until the command ends, with its status, or until we are interrupted.
    fn until_the_end(
        &self,
        cx: &mut Cx,
        serving: &Serving,
    ) -> anyhow::Result<Option<child::Ended>> {
        let address = serving.address;
        let mut launch = Launch::new(&self.command, address, |name| env::var(name).ok());
        if self.then == Then::Live {
            launch.without_dummies();
        }
        cx.notes.line(&format!("serving    {address}"));
        for (name, value) in &launch.variables {
            cx.notes.line(&format!("  {name}={value}"));
        }
        let servers = serving.servers();
        if self.tools == Which::Mcp && !launch.with_servers(&servers) {
            for (name, url) in &servers {
                cx.notes.line(&format!(
                    "  recorded results of the MCP server {}: {url}",
                    cx.notes.style.clean(name)
                ));
            }
        }
        if self.command.is_empty() {
            child::wait_for_end()?;
            return Ok(None);
        }
        let words: Vec<String> = launch
            .command
            .iter()
            .map(|word| cx.notes.style.clean(&word.to_string_lossy()))
            .collect();
        cx.notes.line(&format!("starting   {}", words.join(" ")));
        cx.out.flush()?;
        let status = launch
            .run()
            .map_err(|error| Failure::Usage(format!("{}: {error}", launch.program())))?;
        Ok(Some(status))
    }
}

/// A description of what can be served.
fn head(store: &Store, recording: &Recording, class: Class) -> Vec<String> {
    let models = human::counted(recording.calls.len() as u64, "model call");
    let tools = human::counted(
        (recording.tools.len() + recording.unanswered) as u64,
        "tool call",
    );
    let format = recording
        .calls
        .first()
        .map_or("", |call| store.row(call.action).source().format.name());
    let mut lines = vec![
        format!("{models}, {tools} · class {} ({format})", class.letter()),
        format!("  {}", class.words()),
    ];
    if !recording.tools.is_empty() {
        lines.push("  only the model is served: the agent's own tools will run".to_owned());
    }
    if recording.cut > 0 {
        let cut = human::counted(recording.cut as u64, "answer");
        lines.push(format!("  {cut} cut off in the trace will not be served"));
    }
    lines
}
