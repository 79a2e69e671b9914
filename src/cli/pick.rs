//! Which run a user means: `PATH` where it holds one, else `PATH#RUN_ID`; with a filter, the one that
//! matches.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::analysis::runs::short_ids;
use crate::base::human;
use crate::cli::failure::Failure;
use crate::cli::load::Read;
use crate::cli::{Cx, filter};
use crate::model::run::RunIx;
use crate::query::hint::Over;
use crate::store::Store;

/// Candidates that an error lists; the rest is counted.
const LISTED: usize = 12;

pub(super) fn run(cx: &Cx, named: &Path) -> anyhow::Result<(Store, RunIx)> {
    let (path, prefix) = split(named);
    let read = cx.load.paths(&cx.notes, std::slice::from_ref(&path));
    let found = in_file(cx, &read, (&path, prefix.as_deref()))?;
    Ok((read.store, found))
}

/// A run and the store it is in; two runs of one file share it.
#[derive(Debug, Clone)]
pub(super) struct Picked {
    pub(super) store: Arc<Store>,
    pub(super) run: RunIx,
}

/// Two runs to compare. Without a second name the first one must hold exactly two.
pub(super) fn two(cx: &Cx, a: &Path, b: Option<&Path>) -> anyhow::Result<[Picked; 2]> {
    let (path, prefix) = split(a);
    let read = cx.load.paths(&cx.notes, std::slice::from_ref(&path));
    let Some(b) = b else {
        let runs = candidates(cx, &read, &path)?;
        let [first, second] = runs.as_slice() else {
            let count = human::counted(runs.len() as u64, "run");
            let what = format!(
                "{}: {count} where two are needed; name both",
                path.display()
            );
            return Err(Failure::Usage(what).into());
        };
        let store = Arc::new(read.store);
        let picked = |run: RunIx| Picked {
            store: Arc::clone(&store),
            run,
        };
        return Ok([picked(*first), picked(*second)]);
    };
    let first = in_file(cx, &read, (&path, prefix.as_deref()))?;
    let (other_path, other_prefix) = split(b);
    let name = (other_path.as_path(), other_prefix.as_deref());
    if other_path == path {
        let second = in_file(cx, &read, name)?;
        let store = Arc::new(read.store);
        let picked = [first, second].map(|run| Picked {
            store: Arc::clone(&store),
            run,
        });
        return Ok(picked);
    }
    let other = cx.load.paths(&cx.notes, std::slice::from_ref(&other_path));
    let second = in_file(cx, &other, name)?;
    let picked = |store: Store, run: RunIx| Picked {
        store: Arc::new(store),
        run,
    };
    Ok([picked(read.store, first), picked(other.store, second)])
}

/// The run of some loaded ones that a name means.
pub(super) fn among(
    read: &Read,
    runs: &[RunIx],
    (path, prefix): (&Path, Option<&str>),
) -> Result<RunIx, Failure> {
    let ids: Vec<&str> = runs.iter().map(|ix| &*read.store.run(*ix).id).collect();
    let found = find(&ids, prefix).map_err(|error| Failure::Usage(error.words(path, &ids)))?;
    Ok(runs[found])
}

fn in_file(cx: &Cx, read: &Read, (path, prefix): (&Path, Option<&str>)) -> anyhow::Result<RunIx> {
    let runs = candidates(cx, read, path)?;
    Ok(among(read, &runs, (path, prefix))?)
}

/// The runs that can be meant; at least one.
fn candidates(cx: &Cx, read: &Read, path: &Path) -> anyhow::Result<Vec<RunIx>> {
    let mut runs = read.runs();
    if runs.is_empty() {
        let what = format!("{}: no run in it", path.display());
        return Err(Failure::Input(what).into());
    }
    if let Some(condition) = cx.global.condition.as_deref() {
        let expr = filter::parse(condition)?;
        let kept: HashSet<RunIx> = filter::runs(cx, &read.store, &expr).into_iter().collect();
        runs.retain(|ix| kept.contains(ix));
        if runs.is_empty() {
            filter::hint(cx, &read.store, &expr, Over::Runs);
            let what = format!("{}: no run matches '{condition}'", path.display());
            return Err(Failure::Usage(what).into());
        }
    }
    Ok(runs)
}

/// A `#` that is part of a file's name is not the beginning of a run id.
pub(super) fn split(named: &Path) -> (PathBuf, Option<String>) {
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
