//! `export` and `fork`: carrying a step away, as a request, a command, a fixture, or the beginning of a new run.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::ValueEnum;
use serde_json::{Value, json};

use crate::analysis::context::{self, Context, Exactness, Origin};
use crate::analysis::replay::Tape;
use crate::base::cancel::CancelFlag;
use crate::base::human;
use crate::base::text;
use crate::cli::command::{Accepts, Command, GlobalOption};
use crate::cli::failure::{Exit, Failure};
use crate::cli::show::{self, Part};
use crate::cli::{Cx, pick};
use crate::export::fork::{self, Edit};
use crate::export::{curl, fixture, json as writing, redact, words};
use crate::store::Store;

/// What a step becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum As {
    /// The body of the request as JSON
    Request,
    /// A command that sends it; the key stays in a variable of your shell
    Curl,
    /// Request, answer and results of the tools in one document
    Fixture,
}

/// Where it goes.
#[derive(Debug, Clone, clap::Args)]
pub struct Target {
    /// A new file; without it the standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write secrets as they are; otherwise they are masked, and counted
    #[arg(long)]
    show_secrets: bool,
}

fn run(
    cx: &mut Cx,
    named: &Path,
    part: &Part,
    (what, target): (As, &Target),
) -> anyhow::Result<Exit> {
    let (store, picked) = pick::run(cx, named)?;
    let part = part.clone().or_named(picked.seq);
    let found = show::context_of(&store, picked.run, &part)?;
    let mut request = found.request.clone();
    let mut masked = mask(&mut request, target);
    let found = Context { request, ..found };
    let bytes = match what {
        As::Request => lines(cx, std::slice::from_ref(&found.request))?,
        As::Curl => command(&store, &found)?.into_bytes(),
        As::Fixture => {
            let answer = context::answer(&store, found.api, found.call, &CancelFlag::new())
                .expect("nobody gives this work up");
            let document = fixture::fixture(&store, &found, &answer);
            let mut document = serde_json::to_value(document)?;
            masked += mask(&mut document, target);
            lines(cx, &[document])?
        }
    };
    write(cx, target, &bytes)?;
    if found.exactness == Exactness::Reconstructed {
        cx.notes.note(&format!(
            "the request is reconstructed: {}; show --context lists what is missing",
            words::exactness(found.exactness)
        ));
    }
    say_masked(cx, masked);
    Ok(Exit::Done)
}

fn fork(
    cx: &mut Cx,
    named: &Path,
    (at, edits): (Option<u32>, &[String]),
    target: &Target,
) -> anyhow::Result<Exit> {
    let edits: Vec<Edit> = edits
        .iter()
        .map(|edit| Edit::parse(edit))
        .collect::<Result<_, _>>()
        .map_err(Failure::Usage)?;
    let (store, picked) = pick::run(cx, named)?;
    let run = picked.run;
    let at = at.or(picked.seq).ok_or_else(|| {
        Failure::Usage("which action to keep last? give --at N, or PATH#RUN:N".to_owned())
    })?;
    let tape = Tape::new(&store, run);
    let steps = tape.steps();
    let end = steps.partition_point(|ix| store.row(*ix).seq() <= at);
    if at == 0 || at > store.run(run).totals.actions {
        let actions = store.run(run).totals.actions;
        let what = format!("the run has no action {at} (it has {actions})");
        return Err(Failure::Usage(what).into());
    }
    let forked = fork::fork(&store, &steps[..end], &edits);
    let mut forked = forked.map_err(|refused| Failure::Usage(refused.to_string()))?;
    let mut masked = 0;
    for event in &mut forked.events {
        masked += mask(event, target);
    }
    let bytes = lines(cx, &forked.events)?;
    write(cx, target, &bytes)?;
    if !forked.completed.is_empty() {
        let calls: Vec<String> = forked
            .completed
            .iter()
            .map(|seq| format!("#{seq}"))
            .collect();
        cx.notes.note(&format!(
            "results that came only after #{at} were taken along, since a call needs one: {}",
            calls.join(", ")
        ));
    }
    say_masked(cx, masked);
    Ok(Exit::Done)
}

fn mask(value: &mut Value, target: &Target) -> usize {
    if target.show_secrets {
        0
    } else {
        redact::mask(value)
    }
}

fn say_masked(cx: &Cx, masked: usize) {
    if masked > 0 {
        let what = human::counted(masked as u64, "secret");
        cx.notes
            .note(&format!("{what} masked (--show-secrets keeps them)"));
    }
}

/// One line of JSON each.
fn lines(cx: &Cx, values: &[Value]) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for value in values {
        writing::line(&mut bytes, value, cx.out.look.escapes())?;
    }
    Ok(bytes)
}

/// The command, below what is to be known of the request.
fn command(store: &Store, found: &Context) -> anyhow::Result<String> {
    let row = store.row(found.call);
    let record = json!({ "request": found.request });
    let command = curl::command(&record, row.model())
        .context("the request is no JSON object: there is nothing to send")?;
    let mut script = String::new();
    if found.exactness == Exactness::Reconstructed {
        script.push_str("# reconstructed from a trace; not the bytes that were sent. Missing:\n");
        let missing = found.parts.iter();
        for part in missing.filter(|part| part.origin == Origin::Missing) {
            script.push_str("#   ");
            script.push_str(&text::sanitize(&part.note));
            script.push('\n');
        }
    }
    script.push_str(&command);
    script.push('\n');
    Ok(script)
}

/// Writes a file that is new: what is there is never written over.
fn write(cx: &mut Cx, target: &Target, bytes: &[u8]) -> anyhow::Result<()> {
    let Some(path) = &target.output else {
        return Ok(cx.out.verbatim(&String::from_utf8_lossy(bytes))?);
    };
    let opened = File::create_new(path);
    let mut file = opened.map_err(|error| {
        let what = match error.kind() {
            std::io::ErrorKind::AlreadyExists => {
                "it exists, and nothing is written over: name another file".to_owned()
            }
            _ => error.to_string(),
        };
        Failure::Usage(format!("{}: {what}", path.display()))
    })?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .with_context(|| format!("{}", path.display()))?;
    cx.notes.note(&format!("wrote {}", path.display()));
    Ok(())
}

/// Export a step: the request of a model call as JSON, as a curl command, or as a fixture
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui export trace.jsonl --turn 3 > request.json
  saferun-tui export trace.jsonl#7f3a91:42 --as curl
  saferun-tui export trace.jsonl --seq 42 --as fixture -o step-42.json")]
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
    #[command(flatten)]
    target: Target,
}

impl Command for Export {
    const NAME: &'static str = "export";
    const ACCEPTS: Accepts = Accepts::READING.with(GlobalOption::Where);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let part = Part::of(self.turn, self.seq.map(|seq| seq..=seq));
        run(cx, &self.run, &part, (self.what, &self.target))
    }
}

/// Start a new run from the beginning of another: its actions up to N, with edits to the last one
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui fork trace.jsonl --at 42 -o fork.jsonl
  saferun-tui fork trace.jsonl#7f3a91:42 --set args.amount=420 -o fork.jsonl
  saferun-tui fork trace.jsonl --at 2 --set 'content=Refund it' --set 'system=Be brief.'")]
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
    #[command(flatten)]
    target: Target,
}

impl Command for Fork {
    const NAME: &'static str = "fork";
    const ACCEPTS: Accepts = Accepts::READING.with(GlobalOption::Where);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        fork(cx, &self.run, (self.at, &self.set), &self.target)
    }
}
