//! `convert`: writes traces of any format in our own, or as trajectories.

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::base::human;
use crate::cli::args::files;
use crate::cli::command::{Accepts, Command, GlobalOption};
use crate::cli::failure::{Exit, Failure};
use crate::cli::load::Read;
use crate::cli::output::{self, OutputFile};
use crate::cli::{Cx, filter};
use crate::export::{atif, saferun};
use crate::model::run::RunIx;

/// Convert traces of any format to the saferun format (which opens to the same runs and actions) or
/// to ATIF trajectories
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
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum To {
    Saferun,
    Atif,
}

impl Command for Convert {
    const NAME: &'static str = "convert";
    const ACCEPTS: Accepts = Accepts::READING.with(GlobalOption::Where);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let to = OutputFile {
            path: &self.output,
            force: self.force,
        };
        let is_stream = self.output.as_os_str() == "-";
        let is_folder = self.to == To::Atif && is_folder(&self.output);
        if !is_stream && !is_folder {
            to.check(&files(&self.paths))?;
        }
        let read = cx.load.paths(&cx.notes, &self.paths)?;
        let exit = read.exit(&cx.notes);
        if read.store.is_empty() {
            return Ok(exit);
        }
        let runs = filter::selected(cx, &read)?;
        if runs.is_empty() {
            let what = "no run matches: nothing was written";
            return Err(Failure::Usage(what.to_owned()).into());
        }
        match self.to {
            To::Saferun => lines(cx, &read, &runs, to)?,
            To::Atif => trajectories(cx, &read, &runs, to)?,
        }
        Ok(exit)
    }
}

/// All runs in one file of our own format.
fn lines(cx: &mut Cx, read: &Read, runs: &[RunIx], to: OutputFile<'_>) -> anyhow::Result<()> {
    let store = &read.store;
    if to.path.as_os_str() == "-" {
        saferun::write(&mut |event| cx.out.json(event), store, runs)?;
        return Ok(());
    }
    let mut events = 0;
    to.write(&output::files(store), &mut |writer| {
        let mut line = |event: &serde_json::Value| {
            serde_json::to_writer(&mut *writer, event)?;
            writer.write_all(b"\n")
        };
        events = saferun::write(&mut line, store, runs)?;
        store.intact()
    })?;
    let runs = human::counted(runs.len() as u64, "run");
    let events = human::counted(events, "event");
    cx.notes
        .note(&format!("{}: {runs}, {events}", to.path.display()));
    Ok(())
}

/// A document for each run: in a file if there is one run, otherwise in a folder.
fn trajectories(
    cx: &mut Cx,
    read: &Read,
    runs: &[RunIx],
    to: OutputFile<'_>,
) -> anyhow::Result<()> {
    let store = &read.store;
    let OutputFile {
        path: output,
        force,
    } = to;
    let sources = output::files(store);
    let mut by_run = saferun::by_run(store);
    let mut document = |ix: RunIx, writer: &mut dyn Write| {
        let actions = by_run.remove(&ix).unwrap_or_default();
        atif::write(writer, store, store.run(ix), &actions)?;
        store.intact()
    };
    let name = output.display();
    if output.as_os_str() == "-" {
        // One document after the other, each over several lines.
        for &ix in runs {
            let mut bytes = Vec::new();
            document(ix, &mut bytes)?;
            cx.out.verbatim(&String::from_utf8_lossy(&bytes))?;
        }
        return Ok(());
    }
    if let ([only], false) = (runs, is_folder(output)) {
        to.write(&sources, &mut |writer| document(*only, writer))?;
        cx.notes.note(&format!("{name}: 1 document"));
        return Ok(());
    }
    if output.is_file() {
        let what = format!(
            "{name}: {} runs need one document each; name a folder",
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
    // Check all of them before writing any.
    for file in &files {
        OutputFile { path: file, force }.check(&sources)?;
    }
    for (ix, file) in runs.iter().zip(&files) {
        let to = OutputFile { path: file, force };
        to.write(&sources, &mut |writer| document(*ix, writer))?;
    }
    let documents = human::counted(runs.len() as u64, "document");
    cx.notes.note(&format!("{name}: {documents}"));
    Ok(())
}

/// A folder that exists, or a name that can only be one.
fn is_folder(output: &Path) -> bool {
    let name = output.as_os_str().as_encoded_bytes();
    output.is_dir()
        || name
            .last()
            .is_some_and(|last| std::path::is_separator(char::from(*last)))
}

/// A file name for a run; its id may hold any character.
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
