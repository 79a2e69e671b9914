//! Where bytes come from: read by position, never mapped, so that a file may shrink under us.

pub mod log;

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, FileTypeExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::ingest::bytes::log::Log;
use crate::ingest::error::Error;
use crate::ingest::open::open_without_waiting;
use crate::ingest::packed::converted::Converted;
use crate::ingest::packed::scattered::Scattered;
use crate::ingest::packed::sqlite::Stored;
use crate::ingest::packed::zip::{self, Archive};
use crate::ingest::packed::{self, Packed};

/// A source of bytes that can be read at any position, from any thread.
#[derive(Debug, Clone)]
pub enum Bytes {
    File(Arc<File>),
    /// Standard input, read to its end.
    Memory(Arc<Mutex<Vec<u8>>>),
    Packed(Arc<Packed>),
    /// A zip archive of an evaluation, as one JSON array of its documents.
    Archive(Arc<Archive>),
    /// A run stored in many files, as lines made of them.
    Scattered(Arc<Scattered>),
    /// A session kept in a database, as lines made of its rows.
    Stored(Arc<Stored>),
    /// A file in another notation, as lines made of it.
    Converted(Arc<Converted>),
    /// A source that is followed while it grows.
    Live(Arc<Log>),
    Static(&'static [u8]),
}

impl Bytes {
    /// Opens a regular file, and unpacks it if it is compressed. Never blocks: a pipe or device is refused.
    pub fn open(path: &Path) -> Result<Bytes, Error> {
        let name = || path.to_string_lossy().into_owned();
        let fail = |source| Error::Read {
            path: name(),
            source,
        };
        let file = open_without_waiting(path).map_err(fail)?;
        let kind = file.metadata().map_err(fail)?.file_type();
        let what = if kind.is_file() {
            if let Some(archive) = zip::unpack(&file).map_err(fail)? {
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

    /// How many bytes there are now.
    pub fn len(&self) -> io::Result<u64> {
        Ok(match self {
            Bytes::File(file) => file.metadata()?.len(),
            Bytes::Memory(memory) => {
                memory.lock().unwrap_or_else(PoisonError::into_inner).len() as u64
            }
            Bytes::Packed(packed) => packed.len(),
            Bytes::Archive(archive) => archive.len(),
            Bytes::Scattered(files) => files.len(),
            Bytes::Stored(session) => session.len(),
            Bytes::Converted(made) => made.text.len() as u64,
            Bytes::Live(log) => log.len(),
            Bytes::Static(bytes) => bytes.len() as u64,
        })
    }

    pub fn is_empty(&self) -> io::Result<bool> {
        match self {
            // The length would need all of it unpacked.
            Bytes::Packed(packed) => Ok(packed.read_at(&mut [0], 0) == 0),
            Bytes::File(_)
            | Bytes::Memory(_)
            | Bytes::Archive(_)
            | Bytes::Scattered(_)
            | Bytes::Stored(_)
            | Bytes::Converted(_)
            | Bytes::Live(_)
            | Bytes::Static(_) => Ok(self.len()? == 0),
        }
    }

    /// Why bytes are missing, if any are.
    pub fn fault(&self) -> Option<String> {
        match self {
            Bytes::Packed(packed) => packed.fault(),
            Bytes::Archive(archive) => archive.fault(),
            Bytes::Scattered(files) => files.fault(),
            Bytes::Stored(session) => session.fault(),
            Bytes::Converted(made) => made.fault.clone(),
            Bytes::File(_) | Bytes::Memory(_) | Bytes::Live(_) | Bytes::Static(_) => None,
        }
    }

    /// For sources made of many files: the file that holds the byte at `offset`, and its offset there.
    pub fn locate(&self, offset: u64) -> Option<(PathBuf, u64)> {
        match self {
            Bytes::Scattered(files) => files.locate(offset),
            Bytes::File(_)
            | Bytes::Memory(_)
            | Bytes::Packed(_)
            | Bytes::Archive(_)
            | Bytes::Stored(_)
            | Bytes::Converted(_)
            | Bytes::Live(_)
            | Bytes::Static(_) => None,
        }
    }

    /// Reads until `buffer` is full or the source ends; the number of bytes read.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match self {
            Bytes::File(file) => read_file(file, buffer, offset),
            Bytes::Memory(memory) => Ok(copy(
                &memory.lock().unwrap_or_else(PoisonError::into_inner),
                buffer,
                offset,
            )),
            Bytes::Packed(packed) => Ok(packed.read_at(buffer, offset)),
            Bytes::Archive(archive) => Ok(archive.read_at(buffer, offset)),
            Bytes::Scattered(files) => Ok(files.read_at(buffer, offset)),
            Bytes::Stored(session) => Ok(session.read_at(buffer, offset)),
            Bytes::Converted(made) => Ok(copy(&made.text, buffer, offset)),
            Bytes::Live(log) => log.read_at(buffer, offset),
            Bytes::Static(bytes) => Ok(copy(bytes, buffer, offset)),
        }
    }

    /// The `len` bytes at `offset`; fewer where the source ends before.
    pub fn slice(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut buffer = vec![0; len];
        let read = self.read_at(&mut buffer, offset)?;
        buffer.truncate(read);
        Ok(buffer)
    }
}

fn read_file(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        match file.read_at(&mut buffer[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

fn copy(bytes: &[u8], buffer: &mut [u8], offset: u64) -> usize {
    let start = usize::try_from(offset)
        .unwrap_or(usize::MAX)
        .min(bytes.len());
    let len = buffer.len().min(bytes.len() - start);
    buffer[..len].copy_from_slice(&bytes[start..start + len]);
    len
}
