//! `convert`: traces of any format, written in the project's own or as trajectories.

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::base::human;
use crate::cli::failure::{Exit, Failure};
use crate::cli::load::Read;
use crate::cli::place::{self, Place};
use crate::cli::{Cx, filter, pick};
use crate::export::{atif, saferun};
use crate::model::run::RunIx;

/// What traces become.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum To {
    Saferun,
    Atif,
}

pub(super) fn run(
    cx: &mut Cx,
    paths: &[PathBuf],
    (to, output): (To, &Path),
    force: bool,
) -> anyhow::Result<Exit> {
    let place = Place {
        path: output,
        force,
    };
    let is_stream = output.as_os_str() == "-";
    let is_folder = to == To::Atif && is_folder(output);
    if !is_stream && !is_folder {
        place.check(paths)?;
    }
    let named: Vec<(PathBuf, Option<String>)> = paths.iter().map(|it| pick::split(it)).collect();
    let mut paths: Vec<PathBuf> = named.iter().map(|(path, _)| path.clone()).collect();
    paths.sort_unstable();
    paths.dedup();
    let read = cx.load.paths(&cx.notes, &paths);
    let exit = read.exit(&cx.notes);
    if read.store.is_empty() {
        return Ok(exit);
    }
    let runs = picked(&read, runs(cx, &read)?, &named)?;
    if runs.is_empty() {
        return Err(Failure::Usage("no run matches: nothing is written".to_owned()).into());
    }
    match to {
        To::Saferun => lines(cx, &read, &runs, place)?,
        To::Atif => trajectories(cx, &read, &runs, place)?,
    }
    Ok(exit)
}

/// Of files that are named with a run that run alone, of all others every run.
fn picked(
    read: &Read,
    runs: Vec<RunIx>,
    named: &[(PathBuf, Option<String>)],
) -> Result<Vec<RunIx>, Failure> {
    let mut whole = Vec::new();
    let mut chosen = HashSet::new();
    for (path, id) in named {
        let Some(id) = id else {
            whole.push(path);
            continue;
        };
        let of_file = |ix: &&RunIx| {
            let source = read.store.source(read.store.run(**ix).source);
            source.path == *path
        };
        let own: Vec<RunIx> = runs.iter().filter(of_file).copied().collect();
        // A folder holds the runs of many files.
        let own = if own.is_empty() { &runs } else { &own };
        chosen.insert(pick::among(read, own, (path, Some(id)))?);
    }
    if chosen.is_empty() {
        return Ok(runs);
    }
    let is_whole = |ix: &RunIx| {
        let path = &read.store.source(read.store.run(*ix).source).path;
        whole.iter().any(|named| path.starts_with(named))
    };
    let kept = runs.into_iter();
    Ok(kept
        .filter(|ix| chosen.contains(ix) || is_whole(ix))
        .collect())
}

/// All runs in one file of the project's own format.
fn lines(cx: &mut Cx, read: &Read, runs: &[RunIx], to: Place<'_>) -> anyhow::Result<()> {
    let store = &read.store;
    if to.path.as_os_str() == "-" {
        saferun::write(&mut |event| cx.out.json(event), store, runs)?;
        return Ok(());
    }
    let mut events = 0;
    to.write(&place::files(store), &mut |writer| {
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
        .note(&format!("{}: {runs}, {events}", to.path.display()));
    Ok(())
}

/// A document for each run: in a file if there is one run, else in a folder.
fn trajectories(cx: &mut Cx, read: &Read, runs: &[RunIx], to: Place<'_>) -> anyhow::Result<()> {
    let store = &read.store;
    let Place {
        path: output,
        force,
    } = to;
    let sources = place::files(store);
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
        to.write(&sources, &mut |writer| document(*only, writer))?;
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
        Place { path: file, force }.check(&sources)?;
    }
    for (ix, file) in runs.iter().zip(&files) {
        let to = Place { path: file, force };
        to.write(&sources, &mut |writer| document(*ix, writer))?;
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
