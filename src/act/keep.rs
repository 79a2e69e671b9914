//! Copies runs that will be deleted into the state folder, compressed. Nothing is moved or deleted.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::NamedTempFile;

use crate::ingest::bytes::Bytes;
use crate::ingest::discover;
use crate::ingest::packed::sqlite;
use crate::ingest::recent::Recent;
use crate::ingest::relations::Relations;
use crate::model::quantity::Time;

/// The folder of copies, below the state folder.
pub const FOLDER: &str = "kept";
/// How much of a session is read at once.
const STEP: usize = 1 << 20;

/// The outcome for one file or session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyOutcome {
    /// The sizes of the original and of the copy, in bytes.
    Copied(u64, u64),
    /// Its present state has been copied before.
    AlreadyThere,
}

/// Where copies go: below the state folder, under their path below the home folder.
#[derive(Debug, Clone)]
pub struct Keeper {
    pub state: PathBuf,
    pub home: PathBuf,
}

impl Keeper {
    /// What a run is copied from: its files, or its sessions in a store.
    pub fn parts(run: &Recent, relations: &mut Relations) -> Vec<PathBuf> {
        let others = run.format.companions(&run.path, relations);
        let all = std::iter::once(run.path.clone()).chain(others);
        all.filter(|it| discover::exists(it)).collect()
    }

    /// The copy of a file, `.zst` added; a session becomes a file of lines.
    pub fn place(&self, from: &Path) -> PathBuf {
        let below = from
            .strip_prefix(&self.home)
            .or_else(|_| from.strip_prefix("/"))
            .unwrap_or(from);
        let mut name = below.file_name().unwrap_or_default().to_owned();
        if !from.is_file() {
            name.push(".jsonl");
        }
        name.push(".zst");
        self.state.join(FOLDER).join(below).with_file_name(name)
    }

    /// Whether the present state of a file or session has been copied.
    pub fn has(&self, from: &Path) -> bool {
        let copy = self.place(from).metadata().and_then(|it| it.modified());
        copy.is_ok_and(|copy| written(from).is_ok_and(|it| it == copy))
    }

    /// Whether all parts of a run have been copied as they are now.
    pub fn has_run(&self, run: &Recent, relations: &mut Relations) -> bool {
        let parts = Keeper::parts(run, relations);
        parts.iter().all(|part| self.has(part))
    }

    /// Copies a file or a session, unless that has been done. The copy has the time of the original.
    pub fn keep(&self, from: &Path) -> io::Result<CopyOutcome> {
        if self.has(from) {
            return Ok(CopyOutcome::AlreadyThere);
        }
        let to = self.place(from);
        let time = written(from)?;
        let folder = to.parent().unwrap_or(Path::new("."));
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let mut beside = NamedTempFile::new_in(folder)?;
        let size = if from.is_file() {
            copy(&mut File::open(from)?, &mut beside)?
        } else {
            let session = discover::open_file(from).map_err(io::Error::other)?;
            copy(&mut Lines { session, at: 0 }, &mut beside)?
        };
        beside.as_file().set_modified(time)?;
        let copy = beside.persist(&to).map_err(|error| error.error)?;
        Ok(CopyOutcome::Copied(size, copy.metadata()?.len()))
    }
}

fn copy(from: &mut dyn Read, to: &mut dyn Write) -> io::Result<u64> {
    let mut encoder = zstd::stream::write::Encoder::new(to, 9)?;
    let size = io::copy(from, &mut encoder)?;
    encoder.finish()?;
    Ok(size)
}

/// When a file or session last changed.
fn written(from: &Path) -> io::Result<SystemTime> {
    match sqlite::changed(from).and_then(Time::get) {
        Some(micros) => Ok(UNIX_EPOCH + Duration::from_micros(micros.unsigned_abs())),
        None => from.metadata()?.modified(),
    }
}

/// The lines of a session.
struct Lines {
    session: Bytes,
    at: u64,
}

impl Read for Lines {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer.len().min(STEP);
        let read = self.session.read_at(&mut buffer[..wanted], self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keeper(folder: &Path) -> Keeper {
        Keeper {
            state: folder.join("state"),
            home: folder.join("home"),
        }
    }

    #[test]
    fn a_copy_is_made_once_and_the_original_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let from = folder.path().join("home/.agent/run.jsonl");
        fs::create_dir_all(from.parent().expect("a folder")).expect("a folder");
        fs::write(&from, "{}\n".repeat(1000)).expect("written");
        let keeper = keeper(folder.path());
        let to = keeper.place(&from);
        assert!(to.ends_with("state/kept/.agent/run.jsonl.zst"));
        assert!(matches!(
            keeper.keep(&from),
            Ok(CopyOutcome::Copied(3000, 1..300))
        ));
        assert!(matches!(keeper.keep(&from), Ok(CopyOutcome::AlreadyThere)));
        let text = zstd::decode_all(File::open(&to).expect("a file")).expect("text");
        assert_eq!(text, fs::read(&from).expect("a file"));
    }

    #[test]
    fn a_session_of_a_store_is_kept_as_lines_that_open_as_before() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = folder.path().join("home/agent-traces.db");
        fs::create_dir_all(store.parent().expect("a folder")).expect("a folder");
        fs::copy("sample-traces/vscode-traces/agent-traces.db", &store).expect("copied");
        let session = sqlite::sessions(&store).expect("sessions")[0].path.clone();
        let keeper = keeper(folder.path());
        assert!(matches!(keeper.keep(&session), Ok(CopyOutcome::Copied(..))));
        assert!(matches!(
            keeper.keep(&session),
            Ok(CopyOutcome::AlreadyThere)
        ));
        let copy = keeper.place(&session);
        assert!(copy.to_string_lossy().ends_with(".jsonl.zst"));
        let whole = |path: &Path| {
            let bytes = discover::open_file(path).expect("it opens");
            let len = bytes.len().expect("a length") as usize;
            bytes.slice(0, len).expect("text")
        };
        assert_eq!(whole(&copy), whole(&session));
    }
}
