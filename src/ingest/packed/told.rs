//! Files in other notations than JSON, retold as lines of JSON in memory: histories in Markdown, journals of changes.
//!
//! Which files they are and how they are retold is for the format ([`Layout::tell`](crate::ingest::format::Layout::tell)).

use std::path::Path;

use crate::ingest::bytes::Bytes;
use crate::ingest::formats::FORMATS;

/// A file larger than this is not retold.
const LARGEST: u64 = 256 << 20;
/// How much of a file shows what it is.
const HEAD: usize = 4096;

/// Retells the whole text of a file.
pub type Tell = fn(&Path, &[u8]) -> Vec<u8>;

/// A file, retold.
#[derive(Debug)]
pub struct Told {
    pub(crate) format: &'static str,
    pub(crate) text: Vec<u8>,
    /// Why some of it is missing.
    pub(crate) fault: Option<String>,
}

/// Whether a file in Markdown is one that is retold: most are not.
pub(crate) fn is_told(path: &Path) -> bool {
    let is_markdown = path.extension().is_some_and(|ending| ending == "md");
    is_markdown && is_retold(path)
}

/// Whether a file is one that is retold, whatever its name.
pub(crate) fn is_retold(path: &Path) -> bool {
    Bytes::open(path).is_ok_and(|bytes| told_by(path, &bytes).is_some())
}

/// The format that retells a file, and how.
fn told_by(path: &Path, bytes: &Bytes) -> Option<(&'static str, Tell)> {
    let head = bytes.slice(0, HEAD).ok()?;
    FORMATS
        .iter()
        .find_map(|format| Some((format.name(), format.tell(path, &head)?)))
}

/// Retells a file, if a format says that it can.
pub(crate) fn of(path: &Path, bytes: &Bytes) -> Option<Told> {
    let (format, tell) = told_by(path, bytes)?;
    let len = bytes.len().ok()?;
    let read = bytes.slice(0, len.min(LARGEST) as usize).ok()?;
    Some(Told {
        format,
        text: tell(path, &read),
        fault: (len > LARGEST)
            .then(|| format!("larger than {LARGEST} bytes: the rest is not shown")),
    })
}
