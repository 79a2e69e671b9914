//! Bytes become records: lines of a file, elements of a document.

use crate::model::action::Place;

/// How a source holds its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// One record per line.
    Lines,
    /// One JSON document that holds the records: an array, or an object with an array in it.
    Document,
}

/// What every byte and line of a source was. `bom + ok + bad + blank + partial == total`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Account {
    pub total: u64,
    pub bom: u64,
    pub ok: u64,
    pub bad: u64,
    pub blank: u64,
    pub partial: u64,
    pub lines_ok: u64,
    pub lines_bad: u64,
    pub lines_blank: u64,
    pub lines_partial: u64,
    /// Of `lines_ok`: lines that a strict reader would have refused.
    pub lines_repaired: u64,
}

/// Lines longer than this are malformed; their contents are not loaded.
pub const LONGEST_LINE: u64 = 64 << 20;

/// Why a record is malformed, in words for a person: `expected ':' at column 14`.
/// `bytes` may be the head of the record only.
pub fn reason(bytes: &[u8], place: Place) -> String {
    let _ = (bytes, place);
    String::new()
}
