//! What a user names on the command line becomes the list of sources to open.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::ingest::bytes::Bytes;
use crate::ingest::bytes::file::open_without_waiting;
use crate::ingest::error::Error;
use crate::ingest::formats::{FORMATS, sniff};
use crate::ingest::kin::Kin;
use crate::ingest::packed::{self, scattered::Scattered};

/// Something to open.
#[derive(Debug, Clone)]
pub enum Input {
    File(PathBuf),
    Stdin,
    /// A sample that is part of the program.
    Bundled {
        name: &'static str,
        bytes: &'static [u8],
        /// Files that would stand beside it.
        companions: &'static [(&'static str, &'static [u8])],
    },
}

impl Input {
    /// Where it lies, if that is a file.
    pub fn path(&self) -> Option<PathBuf> {
        match self {
            Input::File(path) => Some(path.clone()),
            Input::Stdin | Input::Bundled { .. } => None,
        }
    }

    /// How many bytes there are to read, as far as that can be known before opening.
    pub fn size(&self) -> u64 {
        match self {
            Input::File(path) => path.metadata().map_or(0, |metadata| metadata.len()),
            Input::Stdin => 0,
            Input::Bundled { bytes, .. } => bytes.len() as u64,
        }
    }
}

/// Files, folders (walked, sorted), globs and `-`, in the order given and without repeats.
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

/// A path in which `~` stands for the home folder, where no shell has seen to that.
pub fn at_home(path: &Path) -> PathBuf {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    match (path.strip_prefix("~"), home) {
        (Ok(rest), Some(home)) => home.join(rest),
        (_, _) => path.to_owned(),
    }
}

/// What a path stands for, when at least the first of its files is a trace. `~` is the home folder.
pub fn traces(path: &Path) -> Result<Vec<Input>, Error> {
    let files = expand(&at_home(path))?;
    if let Some(first) = files.first() {
        sniff::identify(first, &open_file(first)?, None, false)?;
    }
    Ok(files.into_iter().map(Input::File).collect())
}

/// Whether there are files that do not belong to the first one, and so to its run.
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

/// The files that one argument stands for. A name that exists is never taken for a pattern.
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
    // The folder before the first special character is where the walk begins.
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

/// Files below a folder by the bytes of their paths, so that a transcript comes before its folder.
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

/// Whether what is in a folder is read with files elsewhere: there may be very much of it.
fn is_aside(path: &Path) -> bool {
    FORMATS.iter().any(|format| format.is_aside(path))
}

/// In a folder only such files are traces; what a file holds is found out from its content.
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

/// Opens a regular file for reading; what it holds is unpacked where it is compressed, and what belongs
/// to it gathered where a run is scattered over files. Never waits: what could block is refused by name.
pub fn open_file(path: &Path) -> Result<Bytes, Error> {
    if let Some(files) = gather(path) {
        return Ok(Bytes::Scattered(Arc::new(files)));
    }
    let name = || path.to_string_lossy().into_owned();
    let fail = |source| Error::Read {
        path: name(),
        source,
    };
    let file = open_without_waiting(path).map_err(fail)?;
    let kind = file.metadata().map_err(fail)?.file_type();
    let what = if kind.is_file() {
        if let Some(archive) = packed::zip::unpack(&file).map_err(fail)? {
            return Ok(Bytes::Archive(Arc::new(archive)));
        }
        let packed = packed::unpack(&file).map_err(fail)?;
        return Ok(match packed {
            Some(packed) => Bytes::Packed(Arc::new(packed)),
            None => Bytes::File(Arc::new(file)),
        });
    } else if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a pipe; read it with `cat PIPE | saferun-tui -`"
    } else if kind.is_char_device() || kind.is_block_device() {
        "a device, not a file"
    } else {
        "not a regular file"
    };
    Err(Error::NotATrace {
        path: name(),
        what: what.to_owned(),
    })
}

/// The files of a run that is scattered, when this is the first of them.
fn gather(path: &Path) -> Option<Scattered> {
    FORMATS.iter().find_map(|format| format.gather(path))
}

/// Whether a path stands for a run that lies in many files.
pub fn is_scattered(path: &Path) -> bool {
    gather(path).is_some()
}
