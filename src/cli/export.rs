//! `export` and `fork`: a step as a request, a command or a fixture, or as the start of a new run.

mod cassette;
mod files;
mod whole;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::ValueEnum;
use serde_json::Value;

use crate::analysis::context::{self, Exactness};
use crate::analysis::replay::Tape;
use crate::base::cancel::CancelFlag;
use crate::base::human;
use crate::cli::command::{Accepts, Command, GlobalOption};
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{self, OutputFile};
#[cfg(feature = "capture")]
use crate::cli::serve::Serve;
use crate::cli::show::{self, Part};
use crate::cli::{Cx, pick};
use crate::export::fork::{self, Edit};
use crate::export::redact::{Masked, Reason};
use crate::export::{curl, fixture, json as writing, words};

/// What `export` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum As {
    /// The request body as JSON
    Request,
    /// A curl command; the API key stays in a shell variable
    Curl,
    /// Request, response and tool results in one document
    Fixture,
    /// All model calls of the run as a VCR cassette
    Vcr,
    /// The whole run as Markdown
    Md,
    /// The whole run as one HTML file without scripts
    Html,
}

/// Where `export` and `fork` write.
#[derive(Debug, Clone, clap::Args)]
pub struct Target {
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long, requires = "output")]
    force: bool,
    /// Write secrets as they are; by default they are masked and counted
    #[arg(long)]
    show_secrets: bool,
}

/// Export a model call as JSON, a curl command or a fixture; the whole run as Markdown, HTML or a cassette; or what it
/// did to its files as a patch
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui export trace.jsonl --turn 3 > request.json
  saferun-tui export trace.jsonl#7f3a91:42 --as curl
  saferun-tui export trace.jsonl --seq 42 --as fixture -o step-42.json
  saferun-tui export trace.jsonl --patch -o run.patch      for git apply
  saferun-tui export trace.jsonl --as html --review        what would be masked
  saferun-tui export trace.jsonl --as vcr -o cassettes/run.yaml      for tests with vcrpy
  saferun-tui export trace.jsonl --as html --from 10 --to 40 -o run.html
  saferun-tui export trace.jsonl --file src/lib.rs@42 -o lib.rs")]
pub struct Export {
    /// PATH, PATH#RUN if it holds several runs, or PATH#RUN:SEQ for the model call of an action
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// The first model call of this turn [default: the first of the run]
    #[arg(long, value_name = "N", conflicts_with = "seq")]
    turn: Option<u32>,
    /// The model call that this action belongs to
    #[arg(long, value_name = "N")]
    seq: Option<u32>,
    /// What to write
    #[arg(long = "as", value_name = "WHAT", default_value = "request")]
    what: As,
    /// With --as md or html: the first action to write
    #[arg(long, value_name = "N", conflicts_with_all = ["turn", "seq"])]
    from: Option<u32>,
    /// With --as md or html: the last action to write
    #[arg(long, value_name = "N", conflicts_with_all = ["turn", "seq"])]
    to: Option<u32>,
    /// List what would be masked in a whole run, and write nothing
    #[arg(long)]
    review: bool,
    /// The net change of the run's files as a patch (up to the named action, if any)
    #[arg(long, conflicts_with_all = ["turn", "what"])]
    patch: bool,
    /// The text of a file after action SEQ, or at the end of the run
    #[arg(long, value_name = "PATH[@SEQ]", conflicts_with_all = ["turn", "seq", "what", "patch"])]
    file: Option<String>,
    #[command(flatten)]
    target: Target,
}

impl Command for Export {
    const NAME: &'static str = "export";
    const ACCEPTS: Accepts = Accepts::READING.with(GlobalOption::Where);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let target = &self.target;
        let (store, picked) = pick::run(cx, &self.run)?;
        if let Some(named) = &self.file {
            files::file(cx, (&store, picked), named, target)?;
            return Ok(Exit::Done);
        }
        if self.patch {
            files::patch(cx, (&store, picked), self.seq.or(picked.seq), target)?;
            return Ok(Exit::Done);
        }
        if let As::Md | As::Html = self.what {
            return whole::run(cx, (&store, picked.run), &self);
        }
        if let As::Vcr = self.what {
            return cassette::run(cx, (&store, picked.run), &self);
        }
        if self.from.is_some() || self.to.is_some() || self.review {
            let what = "--from, --to and --review are for whole runs: --as md or --as html";
            return Err(Failure::Usage(what.to_owned()).into());
        }
        let part = Part::of(self.turn, self.seq.map(|seq| seq..=seq)).or_named(picked.seq);
        let found = show::context_of(&store, picked.run, &part)?;
        let reason = target.reason();
        let request = Masked::unless(reason, found.request.clone());
        let (bytes, masked) = match self.what {
            As::Request => {
                let masked = request.count();
                (lines(cx, &[request])?, masked)
            }
            As::Curl => {
                let command = curl::script(&store, &found, request, cx.out.style.escapes())
                    .context("the request is not a JSON object, so there is nothing to send")?;
                let masked = command.count();
                (command.into_inner().into_bytes(), masked)
            }
            As::Fixture => {
                let answer = context::answer(&store, found.api, found.call, &CancelFlag::new())
                    .expect("the flag is never raised");
                let document = serde_json::to_value(fixture::fixture(&store, &found, &answer))?;
                let document = Masked::unless(reason, document);
                let masked = document.count();
                (lines(cx, &[document])?, masked)
            }
            // Handled above.
            As::Vcr | As::Md | As::Html => (Vec::new(), 0),
        };
        store.intact()?;
        write(cx, target, &output::files(&store), &bytes)?;
        if found.exactness == Exactness::Reconstructed {
            cx.notes.note(&format!(
                "the request is reconstructed: {}; show --context lists what is missing",
                words::exactness(found.exactness)
            ));
        }
        report_masked(cx, masked);
        Ok(Exit::Done)
    }
}

/// Write a trace that keeps a run's actions up to N, with edits to the last one; runs nothing without --go
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui fork trace.jsonl --at 42 -o fork.jsonl
  saferun-tui fork trace.jsonl#7f3a91:42 --set args.amount=420 -o fork.jsonl
  saferun-tui fork trace.jsonl --at 2 --set 'content=Refund it' --set 'system=Be brief.'
  saferun-tui fork trace.jsonl --at 42 -o fork.jsonl --go --allow-net -- python agent.py")]
pub struct Fork {
    /// PATH, PATH#RUN if it holds several runs, or PATH#RUN:SEQ instead of --at
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// The last action to keep
    #[arg(long, value_name = "N")]
    at: Option<u32>,
    /// A new value in that action or in the start of the run: JSON, or else text; repeatable
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Then run an agent on it: it gets the fork's answers, then continues with the real model
    #[cfg(feature = "capture")]
    #[arg(long, requires_all = ["output", "allow_net", "command"])]
    go: bool,
    /// Allow requests to the network, for --go
    #[cfg(feature = "capture")]
    #[arg(long, requires = "go")]
    allow_net: bool,
    /// Send nothing to the real model that could push the total cost above this
    #[cfg(feature = "capture")]
    #[arg(long, value_name = "USD", default_value_t = 1.0)]
    max_usd: f64,
    /// Do not ask before continuing with the real model
    #[cfg(feature = "capture")]
    #[arg(long, requires = "go")]
    yes: bool,
    #[command(flatten)]
    target: Target,
    /// The agent, and its arguments
    #[cfg(feature = "capture")]
    #[arg(last = true, value_name = "COMMAND", requires = "go")]
    command: Vec<std::ffi::OsString>,
}

impl Command for Fork {
    const NAME: &'static str = "fork";
    const ACCEPTS: Accepts = Accepts::READING.with(GlobalOption::Where);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let target = &self.target;
        let edits = self.set.iter().map(|edit| Edit::parse(edit));
        let edits: Vec<Edit> = edits.collect::<Result<_, _>>().map_err(Failure::Usage)?;
        let (store, picked) = pick::run(cx, &self.run)?;
        let at = self.at.or(picked.seq).ok_or_else(|| {
            let what = "no action given: name the last one to keep with --at N or PATH#RUN:N";
            Failure::Usage(what.to_owned())
        })?;
        let tape = Tape::new(&store, picked.run);
        let steps = tape.steps();
        let end = steps.partition_point(|ix| store.row(*ix).seq() <= at);
        let actions = store.run(picked.run).totals.actions;
        if at == 0 || at > actions {
            let what = format!("the run has no action {at} (it has {actions})");
            return Err(Failure::Usage(what).into());
        }
        let forked = fork::fork(&store, &steps[..end], &edits);
        let forked = forked.map_err(|refused| Failure::Usage(refused.to_string()))?;
        let completed = forked.completed.clone();
        let events = forked.events(target.reason());
        let masked = events.iter().map(Masked::count).sum();
        let bytes = lines(cx, &events)?;
        store.intact()?;
        write(cx, target, &output::files(&store), &bytes)?;
        if !completed.is_empty() {
            let calls = completed.iter().map(|seq| format!("#{seq}"));
            let calls: Vec<String> = calls.collect();
            let results = match calls.as_slice() {
                [_] => "result",
                _ => "results",
            };
            cx.notes.note(&format!(
                "also kept the {results} of {}, recorded later: every call needs its result",
                calls.join(", ")
            ));
        }
        report_masked(cx, masked);
        #[cfg(feature = "capture")]
        if let (true, Some(output)) = (self.go, target.output.clone()) {
            return Serve::of_fork(output, self.command, self.max_usd, self.yes).run(cx);
        }
        if let Some(path) = &target.output {
            next_steps(cx, &self.run, path);
        }
        Ok(Exit::Done)
    }
}

/// The purpose of a fork.
fn next_steps(cx: &Cx, run: &Path, fork: &Path) {
    let (run, fork) = (run.display(), fork.display());
    cx.notes.note(&format!(
        "next: saferun-tui {fork} opens it; saferun-tui export {fork} --as curl prints the request that goes on from there; \
         saferun-tui diff {run} {fork} compares"
    ));
}

impl Target {
    /// Why secrets are written as recorded, if they are.
    fn reason(&self) -> Option<Reason> {
        self.show_secrets.then_some(Reason::AsTheUserAsked)
    }
}

fn report_masked(cx: &Cx, masked: usize) {
    if masked > 0 {
        let what = human::counted(masked as u64, "secret");
        cx.notes
            .note(&format!("{what} masked (--show-secrets keeps them)"));
    }
}

/// One line of JSON per value.
fn lines(cx: &Cx, values: &[Masked<Value>]) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for value in values {
        writing::line(&mut bytes, value.get(), cx.out.style.escapes())?;
    }
    Ok(bytes)
}

/// Writes to the file or, without one, to standard output.
fn write(cx: &mut Cx, target: &Target, sources: &[PathBuf], bytes: &[u8]) -> anyhow::Result<()> {
    let Some(path) = &target.output else {
        return Ok(cx.out.verbatim(&String::from_utf8_lossy(bytes))?);
    };
    let force = target.force;
    OutputFile { path, force }.write(sources, &mut |out| out.write_all(bytes))?;
    cx.notes.note(&format!("wrote {}", path.display()));
    Ok(())
}
