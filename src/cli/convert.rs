//! `convert`: traces of any format, written in the project's own or as trajectories.

use std::collections::HashSet;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::base::human;
use crate::cli::command::{Accepts, Command, GlobalOption};
use crate::cli::failure::{Exit, Failure};
use crate::cli::load::Read;
use crate::cli::pick::Target;
use crate::cli::{Cx, filter};
use crate::export::{atif, saferun};
use crate::model::run::RunIx;

/// What traces become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum To {
    Saferun,
    Atif,
}

fn run(
    cx: &mut Cx,
    paths: &[PathBuf],
    (to, output): (To, &Path),
    force: bool,
) -> anyhow::Result<Exit> {
    let is_stream = output.as_os_str() == "-";
    let is_folder = to == To::Atif && is_folder(output);
    if !is_stream && !is_folder {
        refuse(paths, output, force)?;
    }
    let read = cx.load.paths(&cx.notes, paths)?;
    let paths: Vec<PathBuf> = paths.iter().map(|it| Target::parse(it).path).collect();
    let exit = read.exit(&cx.notes);
    if read.store.is_empty() {
        return Ok(exit);
    }
    let runs = runs(cx, &read)?;
    if runs.is_empty() {
        return Err(Failure::Usage("no run matches: nothing is written".to_owned()).into());
    }
    match to {
        To::Saferun => lines(cx, &read, &runs, output, force)?,
        To::Atif => trajectories(cx, (&read, &paths), &runs, output, force)?,
    }
    Ok(exit)
}

/// All runs in one file of the project's own format.
fn lines(
    cx: &mut Cx,
    read: &Read,
    runs: &[RunIx],
    output: &Path,
    force: bool,
) -> anyhow::Result<()> {
    let store = &read.store;
    if output.as_os_str() == "-" {
        saferun::write(&mut |event| cx.out.json(event), store, runs)?;
        return Ok(());
    }
    let mut events = 0;
    in_place(output, force, &mut |writer| {
        let mut line = |event: &serde_json::Value| {
            serde_json::to_writer(&mut *writer, event)?;
            writer.write_all(b"\n")
        };
        events = saferun::write(&mut line, store, runs)?;
        Ok(())
    })?;
    let runs = human::counted(runs.len() as u64, "run");
    let events = human::counted(events, "event");
    cx.notes
        .note(&format!("{}: {runs}, {events}", output.display()));
    Ok(())
}

/// A document for each run: in a file if there is one run, else in a folder.
fn trajectories(
    cx: &mut Cx,
    (read, paths): (&Read, &[PathBuf]),
    runs: &[RunIx],
    output: &Path,
    force: bool,
) -> anyhow::Result<()> {
    let store = &read.store;
    let mut by_run = saferun::by_run(store);
    let mut document = |ix: RunIx, writer: &mut dyn Write| {
        let actions = by_run.remove(&ix).unwrap_or_default();
        atif::write(writer, store, store.run(ix), &actions)
    };
    let name = output.display();
    if output.as_os_str() == "-" {
        // One after the other, each over several lines.
        for &ix in runs {
            let mut bytes = Vec::new();
            document(ix, &mut bytes)?;
            cx.out.verbatim(&String::from_utf8_lossy(&bytes))?;
        }
        return Ok(());
    }
    if let ([only], false) = (runs, is_folder(output)) {
        in_place(output, force, &mut |writer| document(*only, writer))?;
        cx.notes.note(&format!("{name}: 1 document"));
        return Ok(());
    }
    if output.is_file() {
        let what = format!(
            "{name}: {} runs make as many documents; name a folder",
            runs.len()
        );
        return Err(Failure::Usage(what).into());
    }
    fs::create_dir_all(output).map_err(|error| Failure::Usage(format!("{name}: {error}")))?;
    let mut taken = HashSet::new();
    let mut file = |ix: &RunIx| {
        let name = saferun::unique(&file_name(&store.run(*ix).id), &mut taken);
        output.join(format!("{name}.json"))
    };
    let files: Vec<PathBuf> = runs.iter().map(&mut file).collect();
    // All of them first: half a folder helps nobody.
    for file in &files {
        refuse(paths, file, force)?;
    }
    for (ix, file) in runs.iter().zip(&files) {
        in_place(file, force, &mut |writer| document(*ix, writer))?;
    }
    let documents = human::counted(runs.len() as u64, "document");
    cx.notes.note(&format!("{name}: {documents}"));
    Ok(())
}

/// A folder that is there, or a name that can only be one.
fn is_folder(output: &Path) -> bool {
    let name = output.as_os_str().as_encoded_bytes();
    output.is_dir()
        || name
            .last()
            .is_some_and(|last| std::path::is_separator(char::from(*last)))
}

/// The id of a run as the name of a file: it may hold anything.
fn file_name(id: &str) -> String {
    let letter = |letter: char| {
        if letter.is_ascii_alphanumeric() || "-_.".contains(letter) {
            letter
        } else {
            '_'
        }
    };
    let name: String = id.chars().take(100).map(letter).collect();
    name.trim_start_matches('.').to_owned()
}

/// Written beside the file and then put in its place: what was there stays whole until then.
fn in_place(
    output: &Path,
    force: bool,
    write: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
) -> anyhow::Result<()> {
    let folder = output
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let fail = |what: io::Error| Failure::Usage(format!("{}: {what}", output.display()));
    let file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(fail)?;
    let mut writer = BufWriter::new(file);
    write(&mut writer)?;
    writer.flush()?;
    let file = writer
        .into_inner()
        .map_err(|error| fail(error.into_error()))?;
    let kept = if force {
        file.persist(output)
    } else {
        file.persist_noclobber(output)
    };
    kept.map_err(|error| fail(error.error))?;
    Ok(())
}

/// Nothing is written over unless that was asked for, and a trace never by what was read from it.
fn refuse(paths: &[PathBuf], output: &Path, force: bool) -> Result<(), Failure> {
    let name = output.display();
    if output.exists() && !force {
        let what = format!("{name}: it is there already (--force writes over it)");
        return Err(Failure::Usage(what));
    }
    let same = |path: &PathBuf| {
        let [one, other] = [path.canonicalize(), output.canonicalize()];
        one.is_ok_and(|one| other.is_ok_and(|other| one == other))
    };
    if paths.iter().any(same) {
        let what = format!("{name}: it is one of the traces that are read; take another name");
        return Err(Failure::Usage(what));
    }
    Ok(())
}

/// The runs to write: all, or those that match the condition.
fn runs(cx: &Cx, read: &Read) -> anyhow::Result<Vec<RunIx>> {
    let mut runs = read.runs();
    if let Some(condition) = cx.global.condition.as_deref() {
        let expr = filter::parse(condition)?;
        let found = filter::runs(cx, &read.store, &expr);
        runs.retain(|ix| found.contains(ix));
    }
    Ok(runs)
}

/// Write traces of any format in our own format (which opens to the same runs and actions), or as
/// trajectories
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui convert ~/.codex/sessions -o codex.jsonl
  saferun-tui convert --to atif session.jsonl -o trajectory.json
  saferun-tui convert results.json#7/0 -o one-run.jsonl
  saferun-tui convert traces.otlp.jsonl -o - | jq .type")]
pub struct Convert {
    /// Files, folders, globs, or - for standard input; PATH#RUN for one run
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// The file to write, or - for standard output; a folder for several trajectories
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// saferun: all runs as lines of one file; atif: a trajectory document for each run
    #[arg(long, value_name = "FORMAT", default_value = "saferun")]
    to: To,
    /// Replace an existing file
    #[arg(long)]
    force: bool,
}

impl Command for Convert {
    const NAME: &'static str = "convert";
    const ACCEPTS: Accepts = Accepts::READING.with(GlobalOption::Where);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        run(cx, &self.paths, (self.to, &self.output), self.force)
    }
}
