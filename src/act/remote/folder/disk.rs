//! The folder of pulled traces, as the few operations that the store needs. A test substitutes a folder that fails
//! after any byte.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

pub(in crate::act::remote) trait Disk: std::fmt::Debug {
    /// The length of a file; none if there is none.
    fn size(&self, name: &str) -> io::Result<Option<u64>>;

    fn read(&self, name: &str, at: u64, out: &mut [u8]) -> io::Result<()>;

    /// Cuts a file to its first `keep` bytes, appends, and waits until that is on the disk.
    fn patch(&self, name: &str, keep: u64, more: &mut dyn Read) -> io::Result<()>;

    /// Replaces one file by another and waits until that is on the disk.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    fn remove(&self, name: &str) -> io::Result<()>;
}

/// A real folder. Its files hold prompts, so only their owner may read them.
#[derive(Debug)]
pub(in crate::act::remote) struct Folder {
    path: PathBuf,
}

impl Folder {
    pub(in crate::act::remote) fn create(path: &Path) -> io::Result<Folder> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let path = path.to_owned();
        Ok(Folder { path })
    }

    pub(in crate::act::remote) fn lock(&self, name: &str) -> io::Result<File> {
        self.open(name)
    }

    fn open(&self, name: &str) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.path.join(name))
    }

    /// Names are on the disk only once their folder is.
    fn sync(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

impl Disk for Folder {
    fn size(&self, name: &str) -> io::Result<Option<u64>> {
        match fs::metadata(self.path.join(name)) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn read(&self, name: &str, at: u64, out: &mut [u8]) -> io::Result<()> {
        File::open(self.path.join(name))?.read_exact_at(out, at)
    }

    fn patch(&self, name: &str, keep: u64, more: &mut dyn Read) -> io::Result<()> {
        let mut file = self.open(name)?;
        file.set_len(keep)?;
        io::Seek::seek(&mut file, io::SeekFrom::Start(keep))?;
        let mut buffered = io::BufWriter::with_capacity(1 << 20, &mut file);
        io::copy(more, &mut buffered)?;
        buffered.flush()?;
        drop(buffered);
        file.sync_all()?;
        self.sync()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))?;
        self.sync()
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => self.sync(),
        }
    }
}
