//! Files in other notations, converted to lines of JSON in memory: histories in Markdown, journals of changes.
//!
//! Which files these are and how they are converted is up to the format
//! ([`Layout::tell`](crate::ingest::format::Layout::tell)).

use std::path::Path;

use crate::ingest::bytes::Bytes;
use crate::ingest::formats::FORMATS;

/// A file larger than this is not converted.
const LARGEST: u64 = 256 << 20;
/// How much of a file is enough to recognise it.
const HEAD: usize = 4096;

/// Converts the whole text of a file.
pub type Tell = fn(&Path, &[u8]) -> Vec<u8>;

/// A converted file.
#[derive(Debug)]
pub struct Told {
    pub(crate) format: &'static str,
    pub(crate) text: Vec<u8>,
    /// Why some of it is missing.
    pub(crate) fault: Option<String>,
}

/// Whether a Markdown file can be converted: most cannot.
pub(crate) fn is_told(path: &Path) -> bool {
    let is_markdown = path.extension().is_some_and(|ending| ending == "md");
    is_markdown && is_retold(path)
}

/// Whether a file can be converted, whatever its name.
pub(crate) fn is_retold(path: &Path) -> bool {
    Bytes::open(path).is_ok_and(|bytes| told_by(path, &bytes).is_some())
}

/// The format that converts a file, and how.
fn told_by(path: &Path, bytes: &Bytes) -> Option<(&'static str, Tell)> {
    let head = bytes.slice(0, HEAD).ok()?;
    FORMATS
        .iter()
        .find_map(|format| Some((format.name(), format.tell(path, &head)?)))
}

/// Converts a file, if a format can.
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
