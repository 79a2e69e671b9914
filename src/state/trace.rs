//! The identity of a trace in the saved state.

use std::ffi::OsString;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::ingest::open::open_without_waiting;

/// Bytes that the first line is looked for in.
const HEAD: u64 = 4096;

/// A trace is a path without symlinks plus a hash of the first line there.
///
/// The first line stays when a trace grows, and is another when a log was rotated or a run was written anew, where an
/// inode would say the opposite of both for tools that replace files. So appending keeps the identity; a copy, a moved
/// file and a new file under an old name are other traces. A folder is its path alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub struct TraceId {
    path: PathBuf,
    head: String,
}

impl TraceId {
    /// `None` for what cannot be opened again: a pipe, a device, a path that does not exist.
    pub fn of(path: &Path) -> Option<TraceId> {
        let path = fs::canonicalize(path).ok()?;
        let file = open_without_waiting(&path).ok()?;
        let kind = file.metadata().ok()?;
        let mut head = Vec::new();
        if kind.is_file() {
            file.take(HEAD).read_to_end(&mut head).ok()?;
        } else if !kind.is_dir() {
            return None;
        }
        let line = head.split(|byte| *byte == b'\n').next();
        let head = format!("{:016x}", fnv1a(line.unwrap_or_default()));
        Some(TraceId { path, head })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// FNV-1a: short, and the same in every version of the program.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// As it is in the file. A path that is not UTF-8 is saved as its bytes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    path: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    path_bytes: Vec<u8>,
    head: String,
}

impl From<Saved> for TraceId {
    fn from(saved: Saved) -> TraceId {
        let path = if saved.path_bytes.is_empty() {
            saved.path.into()
        } else {
            OsString::from_vec(saved.path_bytes).into()
        };
        let head = saved.head;
        TraceId { path, head }
    }
}

impl From<TraceId> for Saved {
    fn from(id: TraceId) -> Saved {
        let (path, path_bytes) = match id.path.to_str() {
            Some(path) => (path.to_owned(), Vec::new()),
            None => (String::new(), id.path.as_os_str().as_bytes().to_vec()),
        };
        Saved {
            path,
            path_bytes,
            head: id.head,
        }
    }
}
