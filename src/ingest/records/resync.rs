//! Finds whole records in a line that is not one record: what a second writer, a crash or a lost line end
//! left there. Only malformed lines are examined, so clean ones cost nothing.

use super::Page;
use crate::ingest::json::{self, Cursor};

/// A part of a line: a whole record, or bytes that belong to none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) start: usize,
    pub(super) len: usize,
}

/// How much of a line may be parsed without success, as a multiple of its length.
const TRIES: usize = 4;

/// The pieces of the line between two positions, in order; empty if no whole record is in it.
pub(super) fn pieces(page: &Page<'_>, start: usize, end: usize) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut budget = (end - start).saturating_mul(TRIES) + 1024;
    let mut at = start;
    while let Some((from, to)) = next_record(page, (at, end), &mut budget) {
        pieces.extend(rest(page, at, from));
        pieces.push(Piece {
            start: from,
            len: to - from,
        });
        at = to;
    }
    if !pieces.is_empty() {
        pieces.extend(rest(page, at, end));
    }
    pieces
}

/// The first whole record: an object that is followed by another one, NULs or nothing. An object that the
/// record it is torn out of closed properly before it broke is a part of that one.
fn next_record(
    page: &Page<'_>,
    (start, end): (usize, usize),
    budget: &mut usize,
) -> Option<(usize, usize)> {
    let broken_at = parse(page, start, end).err();
    let mut at = start;
    loop {
        at += memchr::memchr(b'{', &page.bytes[at..end])?;
        let opens = trimmed(&page.bytes[at + 1..end]).first();
        if matches!(opens, Some(b'"' | b'}')) {
            let found = parse(page, at, end);
            let (Ok(reached) | Err(reached)) = found;
            if let Ok(to) = found
                && broken_at.is_none_or(|broken_at| at == start || to > broken_at)
                && is_border(&page.bytes[to..end])
            {
                return Some((at, to));
            }
            *budget = budget.checked_sub(reached - at + 1)?;
        }
        at += 1;
    }
}

/// The end of the value at `start`, or the position of its first mistake.
fn parse(page: &Page<'_>, start: usize, end: usize) -> Result<usize, usize> {
    let mut cursor = Cursor::new(json::Record {
        block: &page.bytes[..end],
        start,
        marks: page.marks,
        stop: page.marks.first_from(start),
        member: &[],
    });
    match cursor.skip() {
        Ok(()) => Ok(cursor.position()),
        Err(_) => Err(start.saturating_add(cursor.mistake().at).min(end)),
    }
}

/// Whether a record may end before these bytes.
fn is_border(after: &[u8]) -> bool {
    matches!(
        after.trim_ascii_start().first(),
        None | Some(b'{' | 0 | 0x1e)
    )
}

/// The bytes between two records, if there is anything but white space.
fn rest(page: &Page<'_>, start: usize, end: usize) -> Option<Piece> {
    let text = trimmed(&page.bytes[start..end]);
    let start = end - text.len();
    let len = text.len()
        - text
            .iter()
            .rev()
            .take_while(|&&byte| is_space(byte))
            .count();
    (len > 0).then_some(Piece { start, len })
}

/// Without the white space at the start.
fn trimmed(text: &[u8]) -> &[u8] {
    &text[text.iter().take_while(|&&byte| is_space(byte)).count()..]
}

/// White space in a line. A form feed is none, in JSON and here.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}
