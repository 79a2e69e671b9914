//! Which run a user means: `PATH` where it holds one, else `PATH#RUN_ID`.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::analysis::runs::short_ids;
use crate::cli::Cx;
use crate::cli::failure::Failure;
use crate::model::run::RunIx;
use crate::store::Store;

/// Candidates that an error lists; the rest is counted.
const LISTED: usize = 12;

pub(super) fn run(cx: &Cx, named: &Path) -> anyhow::Result<(Store, RunIx)> {
    let (path, prefix) = split(named);
    let read = cx.load.paths(&cx.notes, std::slice::from_ref(&path));
    let runs = read.runs();
    if runs.is_empty() {
        let what = format!("{}: no run in it", path.display());
        return Err(Failure::Input(what).into());
    }
    let ids: Vec<&str> = runs.iter().map(|ix| &*read.store.run(*ix).id).collect();
    let found =
        find(&ids, prefix.as_deref()).map_err(|error| Failure::Usage(error.words(&path, &ids)))?;
    let found = runs[found];
    Ok((read.store, found))
}

/// A `#` that is part of a file's name is not the beginning of a run id.
fn split(named: &Path) -> (PathBuf, Option<String>) {
    let bytes = named.as_os_str().as_bytes();
    let hash = bytes.iter().rposition(|byte| *byte == b'#');
    match hash {
        Some(at) if !named.exists() => {
            let id = String::from_utf8_lossy(&bytes[at + 1..]).into_owned();
            (PathBuf::from(OsStr::from_bytes(&bytes[..at])), Some(id))
        }
        _ => (named.to_owned(), None),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum NotOne {
    /// No id was given and there are several runs.
    Several,
    None(String),
    Ambiguous(Vec<usize>),
}

/// An exact id wins over longer ones that begin with it.
fn find(ids: &[&str], prefix: Option<&str>) -> Result<usize, NotOne> {
    let Some(prefix) = prefix else {
        return if ids.len() == 1 {
            Ok(0)
        } else {
            Err(NotOne::Several)
        };
    };
    let exact: Vec<usize> = (0..ids.len()).filter(|at| ids[*at] == prefix).collect();
    let begins: Vec<usize> = (0..ids.len())
        .filter(|at| ids[*at].starts_with(prefix))
        .collect();
    let found = if exact.is_empty() { begins } else { exact };
    match found.as_slice() {
        [] => Err(NotOne::None(prefix.to_owned())),
        [one] => Ok(*one),
        _ => Err(NotOne::Ambiguous(found)),
    }
}

impl NotOne {
    fn words(&self, path: &Path, ids: &[&str]) -> String {
        let path = path.display();
        let all: Vec<usize> = (0..ids.len()).collect();
        let (head, candidates) = match self {
            NotOne::Several => (format!("{path}: holds {} runs; name one", ids.len()), &all),
            NotOne::None(prefix) => (format!("{path}: no run begins with '{prefix}'"), &all),
            NotOne::Ambiguous(found) => (
                format!("{path}: {} runs begin so; write more of it", found.len()),
                found,
            ),
        };
        let short = short_ids(ids);
        let mut lines = vec![head];
        lines.extend(
            candidates
                .iter()
                .take(LISTED)
                .map(|at| format!("  {path}#{}", short[*at])),
        );
        if candidates.len() > LISTED {
            lines.push(format!(
                "  and {} more (saferun-tui ls {path})",
                candidates.len() - LISTED
            ));
        }
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests;
