//! Paths that are URLs of traces: new traces are pulled into the cache, then read like any folder.

use std::path::{Path, PathBuf};

use crate::cli::failure::Failure;
use crate::cli::out::Notes;
use crate::cli::pick::Target;
use crate::config::Config;
use crate::ingest;

#[cfg(feature = "capture")]
use crate::cli::pull;

/// How URLs are read.
#[derive(Debug, Default)]
pub(super) struct Access {
    /// The commands that print keys, by product.
    pub(super) keys: Vec<(String, Vec<String>)>,
    /// How many rows a query of a database may read.
    pub(super) max_scan: Option<u64>,
}

impl Access {
    pub(super) fn new(config: &Config, max_scan: Option<u64>) -> Access {
        let commands = config.pull.iter();
        let keys = commands.map(|(product, command)| (product.clone(), command.value.clone()));
        Access {
            keys: keys.collect(),
            max_scan,
        }
    }
}

/// Refuses what looks like a URL but cannot be pulled.
pub(super) fn check(paths: &[PathBuf]) -> Result<(), Failure> {
    let targets = paths.iter().map(|path| Target::parse(path).path);
    for path in targets.filter(|path| is_url(path)) {
        address(&path)?;
    }
    Ok(())
}

pub(super) fn is_url(path: &Path) -> bool {
    let text = path.to_string_lossy();
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    let is_word = |it: &str| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_alphanumeric());
    scheme.is_some_and(is_word) && !path.exists()
}

#[cfg(feature = "capture")]
fn address(path: &Path) -> Result<crate::act::remote::address::Address, Failure> {
    pull::address(&path.to_string_lossy())
}

#[cfg(not(feature = "capture"))]
fn address(path: &Path) -> Result<(), Failure> {
    let what = format!(
        "{}: this program was built without the network",
        path.display()
    );
    Err(Failure::Usage(what))
}

/// The paths, with folders in place of URLs; and why some URLs have none, which is reported.
pub(super) fn fetched(
    notes: &Notes,
    paths: &[PathBuf],
    access: &Access,
) -> (Vec<PathBuf>, Vec<ingest::Error>) {
    let (mut local, mut failed) = (Vec::new(), Vec::new());
    for path in paths {
        if !is_url(path) {
            local.push(path.clone());
            continue;
        }
        match fetch(notes, path, access) {
            Ok(folder) => local.push(folder),
            Err(what) => {
                let path = path.to_string_lossy().into_owned();
                let error = ingest::Error::NotATrace { path, what };
                notes.error(&error.to_string());
                failed.push(error);
            }
        }
    }
    (local, failed)
}

/// The same for paths that may name a run; those that have no folder are left out.
pub(super) fn into_folders(
    notes: &Notes,
    targets: Vec<Target>,
    access: &Access,
) -> (Vec<Target>, Vec<ingest::Error>) {
    let (mut local, mut failed) = (Vec::new(), Vec::new());
    for target in targets {
        let (mut paths, errors) = fetched(notes, std::slice::from_ref(&target.path), access);
        failed.extend(errors);
        local.extend(paths.pop().map(|path| Target { path, ..target }));
    }
    (local, failed)
}

#[cfg(feature = "capture")]
fn fetch(notes: &Notes, path: &Path, access: &Access) -> Result<PathBuf, String> {
    let address = address(path).map_err(|error| error.to_string())?;
    pull::into_cache(notes, address, access)
}

#[cfg(not(feature = "capture"))]
fn fetch(_: &Notes, path: &Path, _: &Access) -> Result<PathBuf, String> {
    address(path).map_err(|error| error.to_string())?;
    Err("cannot be pulled".to_owned())
}
