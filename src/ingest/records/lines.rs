//! The lines of a source, block by block: any block can be read without those before it.
//!
//! A line belongs to the block in which it begins, and is read to its end with that block.

use std::io;

use memchr::memchr;

use super::limits::{BOM, LONGEST_LINE};
use super::{Page, Record, resync, take, unread};
use crate::ingest::bytes::Bytes;
use crate::ingest::fact::Decoded;
use crate::ingest::format::Format;
use crate::ingest::json::Marks;

/// A range of bytes that is read and decoded at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    pub start: u64,
    pub end: u64,
    /// Where reading ends: the length of the source, or of its part that is to be read.
    pub source_end: u64,
}

/// The first blocks are small, so that the first screen appears at once.
const FIRST_BLOCK: u64 = 64 << 10;
const LARGEST_BLOCK: u64 = 512 << 10;

/// Splits a source into blocks that double in size up to a limit.
pub fn blocks(source_end: u64) -> impl Iterator<Item = Block> {
    let mut start = 0;
    let mut size = FIRST_BLOCK;
    std::iter::from_fn(move || {
        if start >= source_end {
            return None;
        }
        let block = Block {
            start,
            end: (start + size).min(source_end),
            source_end,
        };
        start = block.end;
        size = (size * 2).min(LARGEST_BLOCK);
        Some(block)
    })
}

/// The buffers of one reader. Each thread has its own, so that they stay in the cache of its core.
#[derive(Debug, Default)]
pub struct ReadBuffers {
    text: Vec<u8>,
    marks: Marks,
}

impl ReadBuffers {
    /// Reads and decodes the lines that begin in a block. The memory of `decoded` is used again.
    pub fn read(
        &mut self,
        bytes: &Bytes,
        format: &dyn Format,
        block: Block,
        mut decoded: Decoded,
    ) -> io::Result<Decoded> {
        let ReadBuffers { text, marks } = self;
        decoded.reset(block.start - before(block));
        let Some(first) = load(bytes, block, text)? else {
            return Ok(decoded);
        };
        marks.read(text);
        let page = Page {
            bytes: text,
            marks,
            utf8: simdutf8::basic::from_utf8(&text[first..]).is_ok(),
        };
        let mut at = first;
        if block.start == 0 && text.starts_with(BOM) {
            decoded.account.bom = BOM.len() as u64;
            decoded.account.total = BOM.len() as u64;
            at += BOM.len();
        }
        let own = usize::try_from(block.end - decoded.base).unwrap_or(usize::MAX);
        let own = own.min(text.len());
        let mut stop = marks.first_from(at);
        let ends = marks.line_ends();
        let mut ends = ends[ends.partition_point(|end| end.at < at)..].iter();
        while at < own {
            let end = ends.next();
            let len = end.map_or(text.len(), |end| end.at) - at;
            let record = Record {
                start: at,
                len,
                stop,
                line: decoded.lines,
                size: len as u64 + u64::from(end.is_some()),
                last: end.is_none(),
            };
            if record.len as u64 > LONGEST_LINE {
                too_long(bytes, &mut decoded, record, block.source_end)?;
                at = text.len();
            } else {
                one_line(format, &mut decoded, &page, record);
                at += len + 1;
                stop = end.map_or(stop, |end| end.stops);
            }
            decoded.lines += 1;
        }
        Ok(decoded)
    }
}

/// Fills `buffer` with the block and the byte before it, up to the end of the last line unless that is too
/// long. Returns where the first line begins in the buffer; none if no line begins in the block.
fn load(bytes: &Bytes, block: Block, buffer: &mut Vec<u8>) -> io::Result<Option<usize>> {
    let before = before(block);
    let want = usize::try_from(block.end - block.start + before).unwrap_or(usize::MAX);
    // The old content need not be cleared: all of it is overwritten.
    buffer.resize(want, 0);
    let read = bytes.read_at(buffer, block.start - before)?;
    buffer.truncate(read);
    let first = match before {
        0 => Some(0),
        _ => memchr(b'\n', buffer).map(|found| found + 1),
    };
    if first.is_some() {
        finish_last_line(bytes, block, buffer)?;
    } else {
        buffer.clear();
    }
    Ok(first)
}

/// How much to read before a block: one byte shows whether a line begins at its start.
fn before(block: Block) -> u64 {
    u64::from(block.start > 0)
}

/// Reads on to the end of the last line, unless it is too long.
fn finish_last_line(bytes: &Bytes, block: Block, buffer: &mut Vec<u8>) -> io::Result<()> {
    let tail = memchr::memrchr(b'\n', buffer).map_or(0, |found| found + 1);
    if tail == buffer.len() {
        return Ok(());
    }
    let mut position = block.end;
    let mut step = 16 << 10;
    while position < block.source_end && (buffer.len() - tail) as u64 <= LONGEST_LINE {
        let old = buffer.len();
        buffer.resize(old + (block.source_end - position).min(step) as usize, 0);
        let read = bytes.read_at(&mut buffer[old..], position)?;
        buffer.truncate(old + read);
        if read == 0 {
            break;
        }
        if let Some(found) = memchr(b'\n', &buffer[old..]) {
            buffer.truncate(old + found + 1);
            break;
        }
        position += read as u64;
        step = (step * 2).min(LARGEST_BLOCK);
    }
    Ok(())
}

/// Decodes one line.
fn one_line(format: &dyn Format, decoded: &mut Decoded, page: &Page<'_>, mut record: Record) {
    decoded.account.total += record.size;
    let text = &page.bytes[record.start..record.start + record.len];
    if text.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r')) {
        decoded.account.blank += record.size;
        decoded.account.lines_blank += 1;
        return;
    }
    record.len -= usize::from(text.last() == Some(&b'\r'));
    let (facts, unusable) = (decoded.facts.len(), decoded.account.unusable());
    take(format, decoded, page, record, &[]);
    if decoded.account.unusable() != unusable {
        let pieces = resync::pieces(page, record.start, record.start + record.len);
        if !pieces.is_empty() {
            decoded.facts.truncate(facts);
            decoded.account.forget_unusable(record.size, record.last);
            recover(format, decoded, page, (record, &pieces));
        }
    }
}

/// Decodes the whole records of a malformed line; what is between them is malformed.
fn recover(
    format: &dyn Format,
    decoded: &mut Decoded,
    page: &Page<'_>,
    (line, pieces): (Record, &[resync::Piece]),
) {
    let end = line.start + line.size as usize;
    for (number, piece) in pieces.iter().enumerate() {
        // The white space around a piece counts with it, the line end with the last one.
        let from = if number == 0 { line.start } else { piece.start };
        let to = pieces.get(number + 1).map_or(end, |next| next.start);
        let record = Record {
            start: piece.start,
            len: piece.len,
            stop: page.marks.first_from(piece.start),
            size: (to - from) as u64,
            last: line.last && number + 1 == pieces.len(),
            ..line
        };
        let ok = decoded.account.lines_ok;
        take(format, decoded, page, record, &[]);
        decoded.account.lines_recovered += decoded.account.lines_ok - ok;
    }
}

/// Counts a line that is too long to be read.
fn too_long(bytes: &Bytes, decoded: &mut Decoded, mut record: Record, end: u64) -> io::Result<()> {
    let start = decoded.base + record.start as u64;
    let length = line_length(bytes, start, end)?;
    record.size = length + u64::from(start + length < end);
    decoded.account.total += record.size;
    unread(decoded, record, length);
    Ok(())
}

/// The length of the line at `start`, without its LF, however long it is.
fn line_length(bytes: &Bytes, start: u64, source_end: u64) -> io::Result<u64> {
    let mut buffer = vec![0; LARGEST_BLOCK as usize];
    let mut position = start;
    while position < source_end {
        let read = bytes.read_at(&mut buffer, position)?;
        if read == 0 {
            break;
        }
        if let Some(found) = memchr(b'\n', &buffer[..read]) {
            return Ok(position + found as u64 - start);
        }
        position += read as u64;
    }
    Ok(position.min(source_end) - start)
}
