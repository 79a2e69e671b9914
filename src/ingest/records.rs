//! From bytes to records: the lines of a file, the elements of a document.
//!
//! The rules for lines: they end at LF only; one CR before it and white space around the record are
//! ignored; a byte order mark at offset 0 is dropped; a line of white space is blank; a record is a JSON
//! object, and anything else is malformed, except that whole records in a malformed line are read
//! and only the rest of it is malformed; the last line without LF is a record if it is valid, else it is
//! partial, never malformed; a line longer than [`LONGEST_LINE`] is malformed and not loaded.

pub mod account;
pub mod document;
pub mod limits;
pub mod lines;
pub mod pieces;
mod resync;

pub use account::Account;

use crate::ingest::fact::{Decoded, Fact, FactKind, FactSink};
use crate::ingest::format::Format;
use crate::ingest::json::{self, Marks};
use crate::ingest::records::limits::{BOM, LONGEST_LINE};
use crate::model::action::{Flags, Place};

/// How a source holds its records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// One record per line.
    Lines,
    /// JSON values that are not one per line: an array of records, an object that contains an array of
    /// records, or records one after the other.
    Document,
}

/// A record in a block, and its surroundings.
#[derive(Debug, Clone, Copy)]
struct Record {
    start: usize,
    len: usize,
    /// Index of its first stop among the marks of the block.
    stop: usize,
    line: u32,
    /// The bytes that the line takes in the source, its end included.
    size: u64,
    /// The source ends here, without a line end.
    last: bool,
}

/// Gives facts their places: that of the record, or one inside it.
fn place(facts: &mut [Fact], bytes: &[u8], record: &Record) {
    let (mut line, mut seen) = (record.line, record.start);
    for fact in facts {
        fact.line = record.line;
        if fact.len == 0 || fact.kind == FactKind::Malformed {
            fact.start = record.start as u32;
            fact.len = record.len as u32;
            continue;
        }
        let start = fact.start as usize;
        if start > seen {
            line += memchr::memchr_iter(b'\n', &bytes[seen..start]).count() as u32;
            seen = start;
        }
        fact.line = line;
    }
}

/// The bytes of a block, already scanned.
#[derive(Debug, Clone, Copy)]
struct Page<'a> {
    bytes: &'a [u8],
    marks: &'a Marks,
    /// All of it is UTF-8, so its records need not be checked.
    utf8: bool,
}

/// Decodes one record and counts its bytes.
fn take(
    format: &dyn Format,
    decoded: &mut Decoded,
    page: &Page<'_>,
    record: Record,
    member: &[u8],
) {
    let first = decoded.facts.len();
    let block = &page.bytes[..record.start + record.len];
    let mut start = record.start;
    let mut notes = Flags::NONE;
    if block[start..].starts_with(BOM) {
        start += BOM.len();
        notes.set(Flags::STRAY_BOM);
    }
    if !page.utf8 && std::str::from_utf8(&block[start..]).is_err() {
        notes.set(Flags::BAD_UTF8);
    }
    let mut sink = FactSink::new(decoded);
    let marks = page.marks;
    format.decode(
        json::Record {
            block,
            start,
            marks,
            stop: record.stop,
            member,
        },
        &mut sink,
    );
    sink.note(notes);
    place(&mut decoded.facts[first..], page.bytes, &record);
    count(decoded, first, &record);
}

/// Adds the bytes of a record to the account.
fn count(decoded: &mut Decoded, first: usize, record: &Record) {
    let facts = &mut decoded.facts[first..];
    let mut malformed = false;
    let mut notes = Flags::NONE;
    for fact in facts.iter_mut() {
        malformed |= fact.kind == FactKind::Malformed;
        notes.set(fact.flags);
        if malformed && record.last {
            fact.kind = FactKind::Unknown;
            fact.flags.set(Flags::INCOMPLETE);
        }
    }
    let account = &mut decoded.account;
    match (malformed, record.last) {
        (false, _) => {
            account.ok += record.size;
            account.lines_ok += 1;
            account.lines_repaired += u64::from(notes.has(Flags::LENIENT));
        }
        (true, false) => {
            account.bad += record.size;
            account.lines_bad += 1;
        }
        (true, true) => {
            account.partial += record.size;
            account.lines_partial += 1;
        }
    }
}

/// Adds a line that is too long to be read.
fn unread(decoded: &mut Decoded, record: Record, length: u64) {
    let mut fact = Fact::new(FactKind::Malformed);
    fact.start = record.start as u32;
    fact.len = u32::try_from(length).unwrap_or(u32::MAX);
    fact.line = record.line;
    decoded.facts.push(fact);
    decoded.account.bad += record.size;
    decoded.account.lines_bad += 1;
}

/// Why a record is malformed, for a person: `expected ':' at column 14`. `bytes` may be only the head of
/// the record.
pub fn reason(bytes: &[u8], place: Place) -> String {
    if u64::from(place.len) > LONGEST_LINE {
        return format!(
            "a line of {} bytes is too long (the limit is {LONGEST_LINE})",
            place.len
        );
    }
    let nuls = bytes.iter().take_while(|&&byte| byte == 0).count();
    if nuls > 0 {
        let rest = if nuls < bytes.len() {
            " before the text"
        } else {
            ""
        };
        return format!("NUL run, {nuls} bytes{rest}: a hole left by a crash or by rotation");
    }
    match json::check(bytes) {
        Ok(_) => "not a record of this format".to_owned(),
        Err(mistake) if mistake.at == 0 => {
            format!("{} (it begins {})", mistake.what, begins(bytes))
        }
        Err(mistake) => format!("{} at column {}", mistake.what, mistake.at + 1),
    }
}

/// The first bytes, escaped so that any terminal can show them.
fn begins(bytes: &[u8]) -> String {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(16)]);
    format!("{:?}", head.trim_end_matches('\u{fffd}'))
}

#[cfg(test)]
mod tests;
