//! `export` and `fork`: carrying a step away, as a request, a command, a fixture, or the beginning of a new run.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::ValueEnum;
use serde_json::{Value, json};

use crate::analysis::context::{self, Context, Exactness, Origin};
use crate::analysis::replay::Tape;
use crate::base::cancel::CancelFlag;
use crate::base::human;
use crate::base::text;
use crate::cli::failure::{Exit, Failure};
use crate::cli::place::{self, Place};
use crate::cli::show::{self, Part};
use crate::cli::{Cx, pick};
use crate::export::fork::{self, Edit};
use crate::export::redact::{Masked, Reason};
use crate::export::{curl, fixture, json as writing, words};
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
    /// Replace the file if it exists
    #[arg(long, requires = "output")]
    force: bool,
    /// Write secrets as they are; otherwise they are masked, and counted
    #[arg(long)]
    show_secrets: bool,
}

pub(super) fn run(
    cx: &mut Cx,
    named: &Path,
    part: &Part,
    (what, target): (As, &Target),
) -> anyhow::Result<Exit> {
    let (store, run) = pick::run(cx, named)?;
    let found = show::context_of(&store, run, part)?;
    let reason = target.reason();
    let request = Masked::unless(reason, found.request.clone());
    let (bytes, masked) = match what {
        As::Request => {
            let masked = request.count();
            (lines(cx, &[request])?, masked)
        }
        As::Curl => {
            let command = command(cx, &store, &found, request)?;
            let masked = command.count();
            (command.into_inner().into_bytes(), masked)
        }
        As::Fixture => {
            let answer = context::answer(&store, found.api, found.call, &CancelFlag::new())
                .expect("nobody gives this work up");
            let document = serde_json::to_value(fixture::fixture(&store, &found, &answer))?;
            let document = Masked::unless(reason, document);
            let masked = document.count();
            (lines(cx, &[document])?, masked)
        }
    };
    write(cx, target, &place::files(&store), &bytes)?;
    if found.exactness == Exactness::Reconstructed {
        cx.notes.note(&format!(
            "the request is reconstructed: {}; show --context lists what is missing",
            words::exactness(found.exactness)
        ));
    }
    say_masked(cx, masked);
    Ok(Exit::Done)
}

pub(super) fn fork(
    cx: &mut Cx,
    named: &Path,
    (at, edits): (u32, &[String]),
    target: &Target,
) -> anyhow::Result<Exit> {
    let edits: Vec<Edit> = edits
        .iter()
        .map(|edit| Edit::parse(edit))
        .collect::<Result<_, _>>()
        .map_err(Failure::Usage)?;
    let (store, run) = pick::run(cx, named)?;
    let tape = Tape::new(&store, run);
    let steps = tape.steps();
    let end = steps.partition_point(|ix| store.row(*ix).seq() <= at);
    if at == 0 || at > store.run(run).totals.actions {
        let actions = store.run(run).totals.actions;
        let what = format!("the run has no action {at} (it has {actions})");
        return Err(Failure::Usage(what).into());
    }
    let forked = fork::fork(&store, &steps[..end], &edits);
    let forked = forked.map_err(|refused| Failure::Usage(refused.to_string()))?;
    let completed = forked.completed.clone();
    let events = forked.events(target.reason());
    let masked = events.iter().map(Masked::count).sum();
    let bytes = lines(cx, &events)?;
    write(cx, target, &place::files(&store), &bytes)?;
    if !completed.is_empty() {
        let calls: Vec<String> = completed.iter().map(|seq| format!("#{seq}")).collect();
        cx.notes.note(&format!(
            "results that came only after #{at} were taken along, since a call needs one: {}",
            calls.join(", ")
        ));
    }
    say_masked(cx, masked);
    Ok(Exit::Done)
}

impl Target {
    /// Why secrets stay, if they do.
    fn reason(&self) -> Option<Reason> {
        self.show_secrets.then_some(Reason::AsTheUserAsked)
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
fn lines(cx: &Cx, values: &[Masked<Value>]) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for value in values {
        writing::line(&mut bytes, value.get(), cx.out.look.escapes())?;
    }
    Ok(bytes)
}

/// The command, below what is to be known of the request.
fn command(
    cx: &Cx,
    store: &Store,
    found: &Context,
    request: Masked<Value>,
) -> anyhow::Result<Masked<String>> {
    let row = store.row(found.call);
    let record = request.map(|request| json!({ "request": request }));
    let command = curl::command(&record, row.model(), cx.out.look.escapes())
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
    Ok(command.map(|command| format!("{script}{command}\n")))
}

/// Writes to the file or, without one, to the standard output.
fn write(cx: &mut Cx, target: &Target, sources: &[PathBuf], bytes: &[u8]) -> anyhow::Result<()> {
    let Some(path) = &target.output else {
        return Ok(cx.out.verbatim(&String::from_utf8_lossy(bytes))?);
    };
    let force = target.force;
    Place { path, force }.write(sources, &mut |out| out.write_all(bytes))?;
    cx.notes.note(&format!("wrote {}", path.display()));
    Ok(())
}
