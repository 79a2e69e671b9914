//! Which run a path means: `PATH` if it holds one run, otherwise `PATH#RUN` or `PATH#RUN:SEQ`; with a
//! filter, the run that matches.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::analysis::naming::{self, Miss};
use crate::analysis::runs::short_ids;
use crate::base::human;
use crate::cli::failure::Failure;
use crate::cli::load::Read;
use crate::cli::{Cx, filter, url};
use crate::model::run::RunIx;
use crate::query::hint::Over;
use crate::store::Store;

/// How many candidates an error lists; the rest are counted.
const LISTED: usize = 12;

/// A path, and what follows its `#`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) path: PathBuf,
    /// A run (a prefix of its id), perhaps with an action: `7f3a91:42`.
    pub(super) name: Option<String>,
}

impl Target {
    /// Splits at the `#` with the longest existing path before it, so that file names and run ids may
    /// both contain `#`. If no such path exists, the last `#` counts.
    pub(super) fn parse(named: &Path) -> Target {
        let bytes = named.as_os_str().as_bytes();
        let path = |end: usize| PathBuf::from(OsStr::from_bytes(&bytes[..end]));
        let exists = |path: &Path| path.exists() || path.as_os_str() == "-";
        let hashes = || (0..bytes.len()).rev().filter(|at| bytes[*at] == b'#');
        let at = match hashes().next() {
            Some(last) if !exists(named) => hashes().find(|at| exists(&path(*at))).unwrap_or(last),
            Some(_) | None => {
                return Target {
                    path: named.to_owned(),
                    name: None,
                };
            }
        };
        Target {
            path: path(at),
            name: Some(String::from_utf8_lossy(&bytes[at + 1..]).into_owned()),
        }
    }
}

/// A run, and an action of it if one was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NamedRun {
    pub(super) run: RunIx,
    pub(super) seq: Option<u32>,
}

/// Reads the one run that a path means.
pub(super) fn run(cx: &Cx, named: &Path) -> anyhow::Result<(Store, NamedRun)> {
    url::check(&[named.to_owned()])?;
    let target = Target::parse(named);
    let read = cx.load.whole(&cx.notes, std::slice::from_ref(&target.path));
    let found = in_file(cx, &read, &target)?;
    Ok((read.store, found))
}

/// A run and the store it is in; two runs of one file share it.
#[derive(Debug, Clone)]
pub(super) struct Picked {
    pub(super) store: Arc<Store>,
    pub(super) run: RunIx,
}

/// Two runs to compare. If only one path is given, it must hold exactly two.
pub(super) fn two(cx: &Cx, a: &Path, b: Option<&Path>) -> anyhow::Result<[Picked; 2]> {
    url::check(
        &[Some(a), b]
            .into_iter()
            .flatten()
            .map(Path::to_owned)
            .collect::<Vec<_>>(),
    )?;
    let target = Target::parse(a);
    let read = cx.load.whole(&cx.notes, std::slice::from_ref(&target.path));
    let Some(b) = b else {
        let runs = candidates(cx, &read, &target.path)?;
        let [first, second] = runs.as_slice() else {
            let count = human::counted(runs.len() as u64, "run");
            let path = target.path.display();
            let what = format!("{path}: contains {count}, but two are needed; give both");
            return Err(Failure::Usage(what).into());
        };
        return Ok(shared(read.store, [*first, *second]));
    };
    let first = in_file(cx, &read, &target)?.run;
    let other = Target::parse(b);
    if other.path == target.path {
        let second = in_file(cx, &read, &other)?.run;
        return Ok(shared(read.store, [first, second]));
    }
    let other_read = cx.load.whole(&cx.notes, std::slice::from_ref(&other.path));
    let second = in_file(cx, &other_read, &other)?.run;
    let picked = |store: Store, run: RunIx| Picked {
        store: Arc::new(store),
        run,
    };
    Ok([picked(read.store, first), picked(other_read.store, second)])
}

fn shared(store: Store, runs: [RunIx; 2]) -> [Picked; 2] {
    let store = Arc::new(store);
    runs.map(|run| Picked {
        store: Arc::clone(&store),
        run,
    })
}

/// The run, among those given, that a target names.
pub(super) fn among(read: &Read, runs: &[RunIx], target: &Target) -> Result<NamedRun, Failure> {
    let ids: Vec<&str> = runs.iter().map(|ix| &*read.store.run(*ix).id).collect();
    let (at, seq) = naming::find(&ids, target.name.as_deref())
        .map_err(|miss| Failure::Usage(explain(&miss, &target.path, &ids)))?;
    Ok(NamedRun { run: runs[at], seq })
}

fn in_file(cx: &Cx, read: &Read, target: &Target) -> anyhow::Result<NamedRun> {
    let runs = candidates(cx, read, &target.path)?;
    Ok(among(read, &runs, target)?)
}

/// The runs that can be meant; at least one.
fn candidates(cx: &Cx, read: &Read, path: &Path) -> anyhow::Result<Vec<RunIx>> {
    let runs = read.runs();
    if runs.is_empty() {
        let what = format!("{}: contains no run", path.display());
        return Err(Failure::Input(what).into());
    }
    if let Some(condition) = cx.global.condition.as_deref() {
        let expr = filter::parse(condition)?;
        let matching = filter::among(cx, read, &expr);
        if matching.is_empty() {
            filter::hint(cx, &read.store, &expr, Over::Runs);
            let what = format!("{}: no run matches '{condition}'", path.display());
            return Err(Failure::Usage(what).into());
        }
        return Ok(matching);
    }
    Ok(runs)
}

fn explain(miss: &Miss, path: &Path, ids: &[&str]) -> String {
    let path = path.display();
    let all: Vec<usize> = (0..ids.len()).collect();
    let (head, candidates) = match miss {
        Miss::Several => (format!("{path}: holds {} runs; name one", ids.len()), &all),
        Miss::None(prefix) => (format!("{path}: no run id begins with '{prefix}'"), &all),
        Miss::Ambiguous(found) => (
            format!(
                "{path}: {} run ids begin with that; give a longer prefix",
                found.len()
            ),
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

#[cfg(test)]
mod tests;
