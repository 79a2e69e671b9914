//! The folder of the state: private, locked while it's written, and each file replaced as a whole.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::ingest::open::open_without_waiting;

/// How long a save waits for another instance.
pub(super) const PATIENCE: Duration = Duration::from_millis(500);
/// None of our files is larger; a larger one is not ours, and is not read.
const LARGEST: u64 = 16 << 20;
/// How many damaged copies of a file are kept.
const MOST_SET_ASIDE: u32 = 20;

#[derive(Debug)]
pub(super) struct Folder(PathBuf);

/// Held while files are written; released by the system, whatever becomes of the program.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Folder {
    pub(super) fn new(path: &Path) -> Folder {
        Folder(path.to_owned())
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The bytes of a file; none where there is no file yet.
    pub(super) fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let file = match open_without_waiting(&self.file(name)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("not a regular file"));
        }
        let mut bytes = Vec::new();
        file.take(LARGEST + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > LARGEST {
            return Err(io::Error::other("larger than any of our files"));
        }
        Ok(Some(bytes))
    }

    /// Creates the folder if need be, and waits until no other instance writes to it.
    pub(super) fn lock(&self) -> io::Result<Lock> {
        let file = self.lock_file("lock")?;
        let end = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock { _file: file }),
                Err(TryLockError::WouldBlock) if Instant::now() < end => {
                    thread::sleep(Duration::from_millis(2));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Replaces a file so that a reader, or a machine that loses power, sees the old one or the new one, never a part.
    pub(super) fn replace(&self, name: &str, bytes: &[u8], _lock: &Lock) -> io::Result<()> {
        let new = self.file(&format!("{name}.new"));
        // Left behind by a writer that was killed: the lock says that none is at work.
        match fs::remove_file(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)?;
        let done = file
            .write_all(bytes)
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&new, self.file(name)));
        if done.is_err() {
            let _ = fs::remove_file(&new);
            return done;
        }
        // The name is as durable as the bytes, where the system can do that.
        let _ = File::open(&self.0).and_then(|folder| folder.sync_all());
        Ok(())
    }

    /// Renames a damaged file to `NAME.corrupt-N`, with the first free number; returns the new path.
    pub(super) fn set_aside(&self, name: &str, lock: &Lock) -> io::Result<PathBuf> {
        let numbered = (1..=MOST_SET_ASIDE).map(|number| format!("{name}.corrupt-{number}"));
        self.rename(name, numbered, lock)
    }

    /// The same with another suffix: `NAME.bad`, then `NAME.bad-2`.
    pub(super) fn set_aside_as(&self, name: &str, end: &str, lock: &Lock) -> io::Result<PathBuf> {
        let first = [format!("{name}.{end}")].into_iter();
        let numbered = (2..=MOST_SET_ASIDE).map(|number| format!("{name}.{end}-{number}"));
        self.rename(name, first.chain(numbered), lock)
    }

    /// Renames to the first free name, else to the last one.
    fn rename(
        &self,
        name: &str,
        names: impl Iterator<Item = String>,
        _lock: &Lock,
    ) -> io::Result<PathBuf> {
        let paths: Vec<PathBuf> = names.map(|name| self.file(&name)).collect();
        let is_free = |path: &&PathBuf| fs::symlink_metadata(path).is_err();
        let kept = paths.iter().find(is_free).or(paths.last());
        let kept = kept.ok_or_else(|| io::Error::other("no name is left"))?;
        fs::rename(self.file(name), kept)?;
        Ok(kept.clone())
    }

    /// Whether the file exists.
    pub(super) fn has(&self, name: &str) -> bool {
        fs::symlink_metadata(self.file(name)).is_ok()
    }

    /// Locks a separate file without waiting; none if another program holds it.
    pub(super) fn try_lock(&self, name: &str) -> io::Result<Option<Lock>> {
        let file = self.lock_file(name)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn lock_file(&self, name: &str) -> io::Result<File> {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700).create(&self.0)?;
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.file(name))
    }
}
