//! Paths that are URLs of traces: new traces are pulled into the cache, then read like any folder.

use std::path::{Path, PathBuf};

use crate::cli::failure::Failure;
use crate::cli::out::Notes;
use crate::cli::pick::Target;
use crate::config::Config;
use crate::ingest;

#[cfg(feature = "capture")]
use crate::cli::pull;

/// The commands that print keys, by product.
pub(super) type Keys = Vec<(String, Vec<String>)>;

pub(super) fn keys(config: &Config) -> Keys {
    let commands = config.pull.iter();
    commands
        .map(|(product, command)| (product.clone(), command.value.clone()))
        .collect()
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
    keys: &Keys,
) -> (Vec<PathBuf>, Vec<ingest::Error>) {
    let (mut local, mut failed) = (Vec::new(), Vec::new());
    for path in paths {
        if !is_url(path) {
            local.push(path.clone());
            continue;
        }
        match fetch(notes, path, keys) {
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
    keys: &Keys,
) -> (Vec<Target>, Vec<ingest::Error>) {
    let (mut local, mut failed) = (Vec::new(), Vec::new());
    for target in targets {
        let (mut paths, errors) = fetched(notes, std::slice::from_ref(&target.path), keys);
        failed.extend(errors);
        local.extend(paths.pop().map(|path| Target { path, ..target }));
    }
    (local, failed)
}

#[cfg(feature = "capture")]
fn fetch(notes: &Notes, path: &Path, keys: &Keys) -> Result<PathBuf, String> {
    let address = address(path).map_err(|error| error.to_string())?;
    pull::into_cache(notes, address, keys)
}

#[cfg(not(feature = "capture"))]
fn fetch(_: &Notes, path: &Path, _: &Keys) -> Result<PathBuf, String> {
    address(path).map_err(|error| error.to_string())?;
    Err("cannot be pulled".to_owned())
}
