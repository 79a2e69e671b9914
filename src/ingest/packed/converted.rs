//! A file in another notation (a history in Markdown, a journal of changes, recorded traffic), converted to lines of JSON
//! in memory. Which file is converted, and by which format, is decided in [`crate::ingest::convert`].

use std::path::Path;

/// Converts the whole text of a file.
pub type Convert = fn(&Path, &[u8]) -> Vec<u8>;

/// A converted file.
#[derive(Debug)]
pub struct Converted {
    pub(crate) format: &'static str,
    pub(crate) text: Vec<u8>,
    /// Why some of it is missing.
    pub(crate) fault: Option<String>,
}
