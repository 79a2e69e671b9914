//! Documents that are read whole: records that are not one per line.

use std::io;

use super::limits::BOM;
use super::{Account, Page, Record, take};
use crate::ingest::bytes::Bytes;
use crate::ingest::fact::{Decoded, Fact, FactKind};
use crate::ingest::format::Format;
use crate::ingest::json::{Checked, Cursor, Marks, Range};
use crate::model::action::Flags;

/// The records of a document.
#[derive(Debug, Default)]
pub struct DocumentRecords {
    pub records: Vec<Range>,
    /// The length of the valid head of the document.
    pub good: usize,
    /// The records are inside one object.
    pub wrapped: bool,
}

/// Finds the records: the elements of a top-level array, the elements of the first array of objects inside
/// a single object, or values one after the other.
pub fn find(bytes: &[u8]) -> DocumentRecords {
    let mut found = find_whole(bytes);
    if let [only] = found.records[..]
        && found.good == bytes.len()
    {
        let inside = members(&bytes[only.start..only.end]);
        if !inside.is_empty() {
            found.wrapped = true;
            found.records = inside
                .iter()
                .map(|range| Range {
                    start: range.start + only.start,
                    end: range.end + only.start,
                })
                .collect();
        }
    }
    found
}

/// Finds the records, taking a single object as one record whatever it contains.
pub fn find_whole(bytes: &[u8]) -> DocumentRecords {
    let mut found = DocumentRecords::default();
    let marks = Marks::of(bytes);
    let mut cursor = Cursor::whole(bytes, &marks);
    loop {
        skip_separators(&mut cursor);
        match cursor.peek() {
            0 if cursor.position() >= bytes.len() => {
                found.good = bytes.len();
                break;
            }
            b'[' => {
                if elements(&mut cursor, &mut found, 0).is_err() {
                    break;
                }
                found.good = cursor.position();
            }
            b'{' => match cursor.range() {
                Ok(range) => {
                    found.records.push(range);
                    found.good = range.end;
                }
                Err(_) => break,
            },
            _ => break,
        }
    }
    found
}

/// How deep arrays in arrays are searched for records: traces that were exported together.
const ARRAYS: usize = 3;

/// The objects in an array, and in arrays that are its elements.
fn elements(cursor: &mut Cursor<'_>, found: &mut DocumentRecords, depth: usize) -> Checked<()> {
    cursor.array(|cursor| match cursor.peek() {
        b'[' if depth < ARRAYS => elements(cursor, found, depth + 1),
        first => {
            let range = cursor.range()?;
            if first == b'{' {
                found.records.push(range);
                found.good = range.end;
            }
            Ok(())
        }
    })
}

/// Records may be separated by white space, commas and the record separators of RFC 7464.
fn skip_separators(cursor: &mut Cursor<'_>) {
    while matches!(cursor.peek(), 0x1e | b',') {
        cursor.step();
    }
}

/// The elements of the first member that is an array of objects. An object with a `type` is a record
/// itself, whatever it contains.
fn members(object: &[u8]) -> Vec<Range> {
    let mut records = Vec::new();
    let mut typed = false;
    let marks = Marks::of(object);
    let mut cursor = Cursor::whole(object, &marks);
    // The object was parsed before, so this cannot fail.
    let _ = cursor.object(|cursor, key| {
        typed |= key == b"type";
        if cursor.peek() != b'[' || !records.is_empty() {
            return cursor.skip();
        }
        let mut elements = Vec::new();
        let mut objects = true;
        cursor.array(|cursor| {
            objects &= cursor.peek() == b'{';
            elements.push(cursor.range()?);
            Ok(())
        })?;
        if objects {
            records = elements;
        }
        Ok(())
    });
    if typed { Vec::new() } else { records }
}

/// Reads and decodes a whole document. In the account the document is one line.
pub fn read(bytes: &Bytes, format: &dyn Format, size: u64) -> io::Result<Decoded> {
    let mut decoded = Decoded::default();
    let text = bytes.slice(0, usize::try_from(size).unwrap_or(usize::MAX))?;
    let total = text.len();
    let bom = if text.starts_with(BOM) { BOM.len() } else { 0 };
    let mut found = if format.takes_whole() {
        find_whole(&text[bom..])
    } else {
        find(&text[bom..])
    };
    found.good += bom;
    let page = Page {
        bytes: &text,
        marks: &Marks::of(&text),
        utf8: std::str::from_utf8(&text).is_ok(),
    };
    let mut line = 0;
    let mut seen = 0;
    for range in &found.records {
        let start = range.start + bom;
        line += memchr::memchr_iter(b'\n', &text[seen..start]).count() as u32;
        seen = start;
        take(
            format,
            &mut decoded,
            &page,
            Record {
                start,
                len: range.end - range.start,
                stop: page.marks.first_from(start),
                line,
                size: 0,
                last: false,
            },
            &[],
        );
    }
    let repaired = decoded.account.lines_repaired;
    decoded.account = Account::default();
    decoded.account.total = total as u64;
    decoded.account.bom = bom as u64;
    if found.good == total && !found.records.is_empty() {
        decoded.account.ok = (total - bom) as u64;
        decoded.account.lines_ok = 1;
        decoded.account.lines_repaired = repaired.min(1);
    } else {
        cut_short(&mut decoded, &found, (bom, total), line);
    }
    decoded.lines = memchr::memchr_iter(b'\n', &text).count() as u32 + 1;
    Ok(decoded)
}

/// Counts the valid head of a document; the rest becomes one incomplete row.
fn cut_short(
    decoded: &mut Decoded,
    found: &DocumentRecords,
    (bom, total): (usize, usize),
    line: u32,
) {
    decoded.account.ok = (found.good - bom) as u64;
    decoded.account.lines_ok = u64::from(found.good > bom);
    decoded.account.partial = (total - found.good) as u64;
    decoded.account.lines_partial = 1;
    let mut fact = Fact::new(FactKind::Unknown);
    fact.flags.set(Flags::INCOMPLETE);
    fact.start = found.good as u32;
    fact.len = (total - found.good) as u32;
    fact.line = line;
    decoded.facts.push(fact);
}
