//! A private copy of a store that cannot be read without repairing it.
//!
//! It is the only file that the readers of traces ever write: in a temporary folder that only this user can enter,
//! deleted when the store is closed.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// A store larger than this is not copied.
const LARGEST: u64 = 4 << 30;

#[derive(Debug)]
pub(super) struct Snapshot {
    /// Deleted with this value.
    _folder: TempDir,
    path: PathBuf,
}

impl Snapshot {
    /// Copies a store, its log and its journal. SQLite rebuilds the index of the log.
    pub(super) fn of(store: &Path) -> Result<Snapshot, String> {
        let size = |path: &Path| path.metadata().map_or(0, |it| it.len());
        let log = beside(store, "-wal");
        let journal = beside(store, "-journal");
        let bytes = size(store) + size(&log) + size(&journal);
        if bytes > LARGEST {
            return Err(format!(
                "has to be repaired before it can be read, and is too large to copy ({bytes} bytes); open it once with its own program"
            ));
        }
        let failed = |error| format!("cannot be copied to a temporary folder ({error})");
        let folder = tempfile::tempdir().map_err(failed)?;
        // The name may identify the program of a store.
        let path = folder.path().join(store.file_name().unwrap_or_default());
        fs::copy(store, &path).map_err(failed)?;
        for (from, ending) in [(log, "-wal"), (journal, "-journal")] {
            if from.is_file() {
                fs::copy(from, beside(&path, ending)).map_err(failed)?;
            }
        }
        Ok(Snapshot {
            _folder: folder,
            path,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// The SQLite file with this ending beside a store.
pub(super) fn beside(store: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(store);
    name.push(ending);
    PathBuf::from(name)
}
