//! The one way to write a file that the user named: whole or not at all, and never over a trace that was read.

mod interrupt;

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use self::interrupt::Interrupt;
use crate::cli::failure::Failure;
use crate::store::Store;

/// Where a command writes.
#[derive(Debug, Clone, Copy)]
pub(super) struct OutputFile<'a> {
    pub(super) path: &'a Path,
    /// Replace a file that exists.
    pub(super) force: bool,
}

/// The files that the actions of a store were read from.
pub(super) fn files(store: &Store) -> Vec<PathBuf> {
    let sources = store.sources().iter();
    sources.map(|source| source.path.clone()).collect()
}

/// What exists under the name.
enum Taken {
    Free,
    /// Replaced with `force`: the file itself, behind any symbolic links.
    File(PathBuf, Metadata),
    /// A device or a pipe: bytes written to it replace nothing.
    Sink,
}

impl OutputFile<'_> {
    /// Refuses what [`OutputFile::write`] would refuse, so that a command can fail before its work. `sources` are the
    /// files that it reads.
    pub(super) fn check(self, sources: &[PathBuf]) -> Result<(), Failure> {
        let Taken::File(_, found) = self.taken()? else {
            return Ok(());
        };
        if sources.iter().any(|source| is_same(source, &found)) {
            return Err(self.refused("this is one of the input traces; choose another file"));
        }
        if self.force {
            return Ok(());
        }
        Err(self.refused("already exists; choose another file, or replace it with --force"))
    }

    /// Writes the whole file beside its place, then moves it there: an error on the way leaves what was there.
    pub(super) fn write(
        self,
        sources: &[PathBuf],
        content: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> anyhow::Result<()> {
        self.check(sources)?;
        let (target, permissions) = match self.taken()? {
            Taken::Free => (self.path.to_owned(), Permissions::from_mode(0o666)),
            Taken::File(file, found) => (file, found.permissions()),
            Taken::Sink => {
                let sink = OpenOptions::new().write(true).open(self.path);
                let mut writer = BufWriter::new(sink.map_err(|error| self.failed(&error))?);
                content(&mut writer)?;
                return Ok(writer.flush()?);
            }
        };
        let folder = target
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let interrupt = Interrupt::watch().map_err(|error| self.failed(&error))?;
        let beside = tempfile::Builder::new()
            .permissions(permissions.clone())
            .tempfile_in(folder)
            .map_err(|error| self.failed(&error))?;
        let mut writer = BufWriter::new(interrupt.guard(beside));
        content(&mut writer)?;
        let beside = writer
            .into_inner()
            .map_err(|error| self.failed(error.error()))?
            .into_inner();
        beside
            .as_file()
            .sync_all()
            .map_err(|error| self.failed(&error))?;
        let placed = if self.force {
            // The umask took bits away that the replaced file had.
            if target.exists() {
                fs::set_permissions(beside.path(), permissions)?;
            }
            beside.persist(&target)
        } else {
            beside.persist_noclobber(&target)
        };
        placed.map_err(|error| self.failed(&error.error))?;
        // The name is safe only with its folder.
        if let Ok(folder) = File::open(folder) {
            let _ = folder.sync_all();
        }
        Ok(())
    }

    fn taken(self) -> Result<Taken, Failure> {
        if fs::symlink_metadata(self.path).is_err() {
            return Ok(Taken::Free);
        }
        let file = self
            .path
            .canonicalize()
            .map_err(|error| self.failed(&error))?;
        let found = fs::metadata(&file).map_err(|error| self.failed(&error))?;
        if found.is_dir() {
            return Err(self.refused("it is a folder: name a file"));
        }
        Ok(if found.is_file() {
            Taken::File(file, found)
        } else {
            Taken::Sink
        })
    }

    fn refused(self, why: &str) -> Failure {
        Failure::Usage(format!("{}: {why}", self.path.display()))
    }

    fn failed(self, error: &io::Error) -> Failure {
        self.refused(&error.to_string())
    }
}

/// Whether two names are one file, hard links included.
fn is_same(source: &Path, found: &Metadata) -> bool {
    fs::metadata(source)
        .is_ok_and(|source| (source.dev(), source.ino()) == (found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::{Path, PathBuf};

    use super::*;

    fn write(path: &Path, force: bool, sources: &[PathBuf]) -> Result<(), String> {
        let written = OutputFile { path, force }.write(sources, &mut |out| out.write_all(b"new"));
        written.map_err(|error| error.to_string())
    }

    #[test]
    fn a_signal_while_writing_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("out");
        let place = OutputFile {
            path: &path,
            force: false,
        };
        let written = place.write(&[], &mut |out| {
            out.write_all(&vec![b'a'; 100_000])?;
            signal_hook::low_level::raise(signal_hook::consts::SIGTERM)?;
            out.write_all(&vec![b'a'; 100_000])
        });
        let error = written.expect_err("it was interrupted").to_string();
        assert!(error.contains("interrupted"), "{error}");
        let left = fs::read_dir(folder.path()).expect("it can be read").count();
        assert_eq!(left, 0);
    }

    #[test]
    fn a_file_that_exists_is_replaced_only_on_request_and_keeps_its_mode() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("out");
        write(&file, false, &[]).expect("the name is free");
        fs::set_permissions(&file, Permissions::from_mode(0o664)).expect("a mode");
        fs::write(&file, "old").expect("written");
        let refused = write(&file, false, &[]).expect_err("it exists");
        assert!(refused.contains("--force"), "{refused}");
        assert_eq!(fs::read(&file).expect("read"), b"old");
        write(&file, true, &[]).expect("replaced");
        assert_eq!(fs::read(&file).expect("read"), b"new");
        let mode = fs::metadata(&file).expect("it exists").mode();
        assert_eq!(mode & 0o777, 0o664);
    }

    #[test]
    fn a_trace_that_was_read_is_never_replaced_under_any_of_its_names() {
        let folder = tempfile::tempdir().expect("a folder");
        let [trace, linked, hard] = ["trace", "linked", "hard"].map(|it| folder.path().join(it));
        fs::write(&trace, "old").expect("written");
        symlink(&trace, &linked).expect("a link");
        fs::hard_link(&trace, &hard).expect("a link");
        for name in [&trace, &linked, &hard] {
            for force in [false, true] {
                let refused = write(name, force, std::slice::from_ref(&trace));
                assert!(refused.is_err_and(|why| why.contains("one of the input traces")));
            }
        }
        assert_eq!(fs::read(&trace).expect("read"), b"old");
    }

    #[test]
    fn a_symbolic_link_stays_and_the_file_behind_it_is_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let [file, linked] = ["file", "linked"].map(|it| folder.path().join(it));
        fs::write(&file, "old").expect("written");
        symlink(&file, &linked).expect("a link");
        write(&linked, true, &[]).expect("replaced");
        assert!(linked.is_symlink());
        assert_eq!(fs::read(&file).expect("read"), b"new");
    }

    #[test]
    fn a_device_stays_a_device() {
        write(Path::new("/dev/null"), true, &[]).expect("it takes anything");
        let found = fs::metadata("/dev/null").expect("it exists");
        assert!(!found.is_file());
    }

    #[test]
    fn an_error_on_the_way_leaves_nothing_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("out");
        let place = OutputFile {
            path: &path,
            force: false,
        };
        let full = place.write(&[], &mut |out| {
            out.write_all(b"half")?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        });
        assert!(full.is_err());
        let left = fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(left, 0);
    }
}
