//! A private copy of a store that could not be read where it lies without SQLite opening files beside it to write.
//!
//! It is the only file that the readers of traces ever write: in a temporary folder that only this user can enter,
//! deleted when the store is closed. If only the log of the store has changed since, only that is copied again.

use std::ffi::OsString;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::store::{File, file};

/// A store larger than this is not copied, even to repair it.
const LARGEST: u64 = 4 << 30;
/// How often a copy is repeated because the store changed in the meantime.
const TRIES: usize = 4;
/// The header of a log, which changes when the log begins anew.
const LOG_HEAD: usize = 32;

#[derive(Debug)]
pub(super) struct Snapshot {
    folder: TempDir,
    path: PathBuf,
    /// The store when it was copied.
    main: File,
}

impl Snapshot {
    /// Copies a store, its log and its journal. SQLite rebuilds the index of the log. `last` is an earlier copy of the
    /// same store.
    pub(super) fn of(store: &Path, last: Option<Snapshot>) -> Result<Snapshot, String> {
        let bytes = size_with_log(store) + size(&beside(store, "-journal"));
        if bytes > LARGEST {
            return Err(format!(
                "has to be repaired before it can be read, and is too large to copy ({bytes} bytes); open it once with its own program"
            ));
        }
        let failed = |error| format!("cannot be copied to a temporary folder ({error})");
        let mut last = last;
        for _ in 0..TRIES {
            let main = file(store);
            let head = log_head(store);
            // With a journal, the copy of the store was rolled back.
            let is_rolled_back = beside(store, "-journal").exists();
            let copy = match last.take() {
                Some(known) if known.main == main && !is_rolled_back => known,
                Some(_) | None => Snapshot::of_main(store, main).map_err(failed)?,
            };
            copy.take_logs(store).map_err(failed)?;
            // The log may have been written back, or begun anew, while it was copied.
            if file(store) == main && log_head(store) == head {
                return Ok(copy);
            }
        }
        Err("it changes faster than it can be copied".to_owned())
    }

    fn of_main(store: &Path, main: File) -> std::io::Result<Snapshot> {
        let folder = tempfile::tempdir()?;
        // The name may identify the program of a store.
        let path = folder.path().join(store.file_name().unwrap_or_default());
        fs::copy(store, &path)?;
        Ok(Snapshot { folder, path, main })
    }

    fn take_logs(&self, store: &Path) -> std::io::Result<()> {
        for ending in ["-wal", "-journal", "-shm"] {
            let (from, to) = (beside(store, ending), beside(&self.path, ending));
            if to.exists() {
                fs::remove_file(&to)?;
            }
            if ending != "-shm" && from.is_file() {
                fs::copy(from, to)?;
            }
        }
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Deletes it now; a static is never dropped.
    pub(super) fn delete(self) {
        // What is left in a temporary folder is deleted by the system.
        let _ = self.folder.close();
    }
}

fn size(path: &Path) -> u64 {
    path.metadata().map_or(0, |it| it.len())
}

/// How much there is to copy of a store that is in use.
pub(super) fn size_with_log(store: &Path) -> u64 {
    size(store) + size(&beside(store, "-wal"))
}

fn log_head(store: &Path) -> [u8; LOG_HEAD] {
    let mut head = [0; LOG_HEAD];
    let log = crate::ingest::open::open_without_waiting(&beside(store, "-wal"));
    // A log that is missing or too short has no head.
    let _ = log.and_then(|mut log| log.read_exact(&mut head));
    head
}

/// The SQLite file with this ending beside a store.
pub(super) fn beside(store: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(store);
    name.push(ending);
    PathBuf::from(name)
}
