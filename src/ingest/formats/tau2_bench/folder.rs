//! Results stored as a folder: settings in one file, each simulation in a file of its own.
//!
//! ```text
//! EXPERIMENT/results.json              settings, tasks, an index          a line
//! EXPERIMENT/simulations/ID.json       the simulations                    a line each
//! ```

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::Tau2Bench;
use crate::ingest::format::{Decode, Format, TELLS};
use crate::ingest::json;
use crate::ingest::open::open_without_waiting;
use crate::ingest::packed::scattered::{Scattered, documents, is_document};

const SETTINGS: &str = "results.json";
const SIMULATIONS: &str = "simulations";

/// More of the settings than is needed to recognize them: the policy comes later.
const HEAD: u64 = 64 << 10;

/// All simulations beside a file of settings, or the settings and the one simulation that is named.
pub(super) fn gather(path: &Path) -> Option<Scattered> {
    let (settings, simulations) = if path.file_name() == Some(OsStr::new(SETTINGS)) {
        let folder = path.with_file_name(SIMULATIONS);
        if !folder.is_dir() {
            return None;
        }
        (path.to_owned(), documents(&folder))
    } else {
        (settings_above(path)?, vec![path.to_owned()])
    };
    if !is_settings(&settings) {
        return None;
    }
    let mut files = Scattered::new(Tau2Bench.name());
    files.push(&settings, b"");
    for simulation in simulations {
        files.push(&simulation, b"\n");
    }
    files.close(b"\n");
    Some(files)
}

/// Whether a folder holds the simulations of a file of settings.
pub(super) fn is_aside(folder: &Path) -> bool {
    folder.file_name() == Some(OsStr::new(SIMULATIONS))
        && is_settings(&folder.with_file_name(SETTINGS))
}

fn settings_above(path: &Path) -> Option<PathBuf> {
    let folder = path.parent()?;
    let is_simulation = is_document(path) && folder.file_name() == Some(OsStr::new(SIMULATIONS));
    is_simulation.then(|| folder.with_file_name(SETTINGS))
}

fn is_settings(path: &Path) -> bool {
    use std::io::Read as _;

    let mut head = Vec::new();
    let read = open_without_waiting(path).and_then(|file| file.take(HEAD).read_to_end(&mut head));
    let document = read.ok().and_then(|_| json::value_head(&head));
    document.is_some_and(|document| Tau2Bench.sniff_document(&document) >= TELLS)
}
