//! From the paths that a user names to the list of inputs to open.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::ingest::bytes::Bytes;
use crate::ingest::error::Error;
use crate::ingest::formats::{FORMATS, sniff};
use crate::ingest::kin::Kin;
use crate::ingest::packed::scattered::Scattered;

/// Something to open.
#[derive(Debug, Clone)]
pub enum Input {
    File(PathBuf),
    Stdin,
    /// A sample that is built into the program.
    Bundled {
        name: &'static str,
        bytes: &'static [u8],
        /// Files that would be beside it.
        companions: &'static [(&'static str, &'static [u8])],
    },
}

impl Input {
    /// Its path, if it is a file.
    pub fn path(&self) -> Option<PathBuf> {
        match self {
            Input::File(path) => Some(path.clone()),
            Input::Stdin | Input::Bundled { .. } => None,
        }
    }

    /// The number of bytes to read, as far as that is known before opening.
    pub fn size(&self) -> u64 {
        match self {
            Input::File(path) => path.metadata().map_or(0, |metadata| metadata.len()),
            Input::Stdin => 0,
            Input::Bundled { bytes, .. } => bytes.len() as u64,
        }
    }
}

/// Expands files, folders (walked, sorted), globs and `-`, in the order given and without duplicates.
pub fn resolve(paths: &[PathBuf]) -> (Vec<Input>, Vec<Error>) {
    let mut inputs = Vec::new();
    let mut errors = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for path in paths {
        if path.as_os_str() == "-" {
            inputs.push(Input::Stdin);
            continue;
        }
        match expand(path) {
            Ok(files) => {
                let new = files.into_iter().filter(|file| {
                    seen.insert(file.canonicalize().unwrap_or_else(|_| file.clone()))
                });
                inputs.extend(new.map(Input::File));
            }
            Err(error) => errors.push(error),
        }
    }
    (inputs, errors)
}

/// Expands `~` to the home folder, for paths that no shell has expanded.
pub fn at_home(path: &Path) -> PathBuf {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        (_, _) => path.to_owned(),
    }
}

/// The inputs of a path, provided that the first of its files is a trace. Expands `~`.
pub fn traces(path: &Path) -> Result<Vec<Input>, Error> {
    let files = expand(&at_home(path))?;
    if let Some(first) = files.first() {
        sniff::identify(first, &open_file(first)?, None, false)?;
    }
    Ok(files.into_iter().map(Input::File).collect())
}

/// Whether there are files that do not belong to the run of the first one.
pub fn are_several(inputs: &[Input]) -> bool {
    let Some((Input::File(first), others)) = inputs.split_first() else {
        return inputs.len() > 1;
    };
    let mut kin = Kin::default();
    let companions: Vec<_> = FORMATS
        .iter()
        .flat_map(|format| format.companions(first, &mut kin))
        .collect();
    let is_companion =
        |input: &Input| matches!(input, Input::File(path) if companions.contains(path));
    !others.iter().all(is_companion)
}

/// The files of one argument. A name that exists is never treated as a pattern.
fn expand(path: &Path) -> Result<Vec<PathBuf>, Error> {
    match path.metadata() {
        Ok(metadata) if metadata.is_dir() => {
            let found = walk(path, is_trace_name);
            if found.is_empty() {
                return Err(Error::NoMatch {
                    pattern: format!(
                        "{}: no trace in it (.jsonl, .json, .eval, .traj)",
                        path.display()
                    ),
                });
            }
            Ok(found)
        }
        Ok(_) => Ok(vec![path.to_owned()]),
        Err(source) => {
            let text = path.to_string_lossy();
            if !text.contains(['*', '?', '[', '{']) {
                return Err(Error::Read {
                    path: text.into_owned(),
                    source,
                });
            }
            glob(&text)
        }
    }
}

fn glob(pattern: &str) -> Result<Vec<PathBuf>, Error> {
    let no_match = || Error::NoMatch {
        pattern: pattern.to_owned(),
    };
    let matcher = globset::GlobBuilder::new(pattern)
        .literal_separator(true)
        .build()
        .map_err(|error| Error::NotATrace {
            path: pattern.to_owned(),
            what: error.kind().to_string(),
        })?
        .compile_matcher();
    // The walk begins in the folder before the first special character.
    let fixed: PathBuf = Path::new(pattern)
        .components()
        .take_while(|part| {
            !part
                .as_os_str()
                .to_string_lossy()
                .contains(['*', '?', '[', '{'])
        })
        .collect();
    let root = if fixed.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        fixed
    };
    let found = walk(&root, |file| {
        matcher.is_match(file.strip_prefix("./").unwrap_or(file))
    });
    if found.is_empty() {
        Err(no_match())
    } else {
        Ok(found)
    }
}

/// Files below a folder, sorted by the bytes of their paths, so that a transcript comes before the folder of
/// the same name.
fn walk(root: &Path, keep: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let walker = ignore::WalkBuilder::new(root)
        .standard_filters(false)
        .follow_links(true)
        .filter_entry(|entry| entry.depth() == 0 || !is_aside(entry.path()))
        .build();
    let mut found: Vec<PathBuf> = walker
        .filter_map(Result::ok)
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
        .map(ignore::DirEntry::into_path)
        .filter(|path| keep(path))
        .collect();
    found.sort_by(|a, b| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes()));
    found
}

/// Whether the files of a folder, which may be very many, are only read along with files elsewhere.
fn is_aside(path: &Path) -> bool {
    FORMATS.iter().any(|format| format.is_aside(path))
}

/// Whether a file in a folder may be a trace, by its name. Its format is detected from its content.
fn is_trace_name(path: &Path) -> bool {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    let packed = [".gz", ".zst"]
        .iter()
        .find_map(|end| name.strip_suffix(end));
    let name = packed.unwrap_or(&name);
    let ending = Path::new(name)
        .extension()
        .map(|ending| ending.to_string_lossy().to_lowercase());
    matches!(
        ending.as_deref(),
        Some("jsonl" | "json" | "ndjson" | "eval" | "traj")
    ) && !name.contains(".meta.")
}

/// Opens a file for reading. If it is the first file of a run that is stored in many, all of them are
/// gathered. Never blocks: pipes and devices are refused.
pub fn open_file(path: &Path) -> Result<Bytes, Error> {
    match gather(path) {
        Some(files) => Ok(Bytes::Scattered(Arc::new(files))),
        None => Bytes::open(path),
    }
}

/// The files of a run that is stored in many files, if this is the first of them.
fn gather(path: &Path) -> Option<Scattered> {
    FORMATS.iter().find_map(|format| format.gather(path))
}

/// Whether a path is that of a run stored in many files.
pub fn is_scattered(path: &Path) -> bool {
    gather(path).is_some()
}
