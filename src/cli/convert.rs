//! `convert`: traces of any format, written in the project's own.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::cli::failure::{Exit, Failure};
use crate::cli::load::Read;
use crate::cli::{Cx, filter};
use crate::export::saferun;
use crate::model::run::RunIx;

pub(super) fn run(
    cx: &mut Cx,
    paths: &[PathBuf],
    output: &Path,
    force: bool,
) -> anyhow::Result<Exit> {
    let is_stream = output.as_os_str() == "-";
    if !is_stream {
        refuse(paths, output, force)?;
    }
    let read = cx.load.paths(&cx.notes, paths);
    let exit = read.exit(&cx.notes);
    let store = &read.store;
    if store.is_empty() {
        return Ok(exit);
    }
    let runs = runs(cx, &read)?;
    if is_stream {
        saferun::write(&mut |event| cx.out.json(event), store, &runs)?;
        return Ok(exit);
    }
    // Written beside it and then put in its place: what was there stays whole until then.
    let folder = output
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let fail = |what: std::io::Error| Failure::Usage(format!("{}: {what}", output.display()));
    let file = tempfile::NamedTempFile::new_in(folder.unwrap_or(Path::new("."))).map_err(fail)?;
    let mut writer = BufWriter::new(file);
    let mut line = |event: &serde_json::Value| {
        serde_json::to_writer(&mut writer, event)?;
        writer.write_all(b"\n")
    };
    let events = saferun::write(&mut line, store, &runs)?;
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
    let (runs, name) = (runs.len(), output.display());
    cx.notes
        .note(&format!("{name}: {runs} runs, {events} events"));
    Ok(exit)
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
