//! Documents of any size, read piece by piece: only one piece and the facts in flight are in memory.
//!
//! A piece is an element of an array of the document, a member of its object, or an element of a member
//! that its format calls a list. The end of a piece is found by its brackets and quotes; whether it is valid
//! JSON is checked when it is decoded. A truncated document loses only the piece in which it ends.

use std::io;

use memchr::{memchr_iter, memchr2};

use super::limits::BOM;
use super::{Account, Page, Record, take};
use crate::ingest::bytes::Bytes;
use crate::ingest::fact::{Decoded, Fact, FactKind};
use crate::ingest::format::{Format, TELLS};
use crate::ingest::json::{self, Marks};
use crate::model::action::Flags;

/// Facts are passed on once the pieces they come from are this long together.
const BATCH: u64 = 256 << 10;
/// The size of one read.
const STEP: usize = 128 << 10;
/// The size of a read where the document should end.
const BEYOND: usize = 4 << 10;
/// A piece longer than this is not loaded.
const LONGEST: u64 = 1 << 30;

/// Reads and decodes a document; `each` gets what was decoded, in order, until it returns an error. In the
/// account the document is one line, and so is each piece of it that is not JSON.
pub fn read<E>(
    bytes: &Bytes,
    format: &dyn Format,
    each: impl FnMut(io::Result<&Decoded>) -> Result<(), E>,
) -> Result<(), E> {
    read_by(STEP, bytes, format, each)
}

/// Like [`read`], with a given size of reads.
pub fn read_by<E>(
    step: usize,
    bytes: &Bytes,
    format: &dyn Format,
    mut each: impl FnMut(io::Result<&Decoded>) -> Result<(), E>,
) -> Result<(), E> {
    let mut walk = Walk {
        window: Window {
            bytes,
            text: Vec::new(),
            start: 0,
            step,
            size: bytes.len().unwrap_or(u64::MAX),
        },
        format,
        marks: Marks::default(),
        decoded: Decoded::default(),
        first: 0,
        accounted: 0,
        line: 0,
        counted: 0,
    };
    let whole = walk.document(&mut each);
    match whole {
        Ok(at) => walk.finish(at, &mut each),
        Err(Stop::Caller(stop)) => Err(stop),
        Err(Stop::Read(error)) => each(Err(error)),
    }
}

/// Why a walk ended early: the caller stopped it, or reading failed.
enum Stop<E> {
    Caller(E),
    Read(io::Error),
}

impl<E> From<io::Error> for Stop<E> {
    fn from(error: io::Error) -> Stop<E> {
        Stop::Read(error)
    }
}

/// The bytes of the document around the current piece.
struct Window<'a> {
    bytes: &'a Bytes,
    text: Vec<u8>,
    /// The offset of `text`.
    start: u64,
    step: usize,
    /// The size of the document when reading began: short documents are read into short buffers.
    size: u64,
}

impl Window<'_> {
    /// The bytes from `at` on, some of them at least; empty only at the end of the document.
    fn from(&mut self, at: u64) -> io::Result<&[u8]> {
        let mut offset = (at - self.start) as usize;
        if offset >= self.text.len() {
            if self.text.len() > self.step * 8 && offset == self.text.len() {
                self.step = (self.step * 2).min(8 << 20);
            }
            let have = self.text.len();
            let end = self.start + have as u64;
            let left = self.size.checked_sub(end).filter(|left| *left > 0);
            let room = left.map_or(BEYOND, |left| usize::try_from(left).unwrap_or(usize::MAX));
            self.text.resize(have + room.min(self.step), 0);
            let read = self.bytes.read_at(&mut self.text[have..], end)?;
            self.text.truncate(have + read);
            offset = offset.min(self.text.len());
        }
        Ok(&self.text[offset..])
    }

    fn byte(&mut self, at: u64) -> io::Result<u8> {
        Ok(self.from(at)?.first().copied().unwrap_or(0))
    }

    /// Drops the bytes before `at`.
    fn forget(&mut self, at: u64) {
        let gone = (at - self.start) as usize;
        if gone > self.step {
            self.text.drain(..gone.min(self.text.len()));
            self.start = at;
        }
    }

    /// The first byte at or after `at` that is not one of these.
    fn skip(&mut self, mut at: u64, what: &[u8]) -> io::Result<u64> {
        loop {
            let text = self.from(at)?;
            let len = text.len();
            match text.iter().position(|byte| !what.contains(byte)) {
                Some(found) => return Ok(at + found as u64),
                None if len == 0 => return Ok(at),
                None => at += len as u64,
            }
        }
    }

    /// The end of the value that begins at `at`, by its brackets and quotes; none if the document ends first.
    fn end_of_value(&mut self, at: u64) -> io::Result<Option<u64>> {
        let (mut pos, mut depth) = (at, 0_u64);
        loop {
            let text = self.from(pos)?;
            if text.is_empty() {
                return Ok(None);
            }
            let mut used = 0;
            let mut quote = false;
            for &byte in text {
                match byte {
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' if depth == 0 => return Ok((pos + used > at).then_some(pos + used)),
                    b'}' | b']' => depth -= 1,
                    b'"' => quote = true,
                    b',' | b' ' | b'\n' | b'\r' | b'\t' if depth == 0 => {
                        return Ok((pos + used > at).then_some(pos + used));
                    }
                    _ => {}
                }
                used += 1;
                if quote || depth == 0 && matches!(byte, b'}' | b']') {
                    break;
                }
            }
            pos += used;
            if quote {
                match self.end_of_string(pos)? {
                    Some(end) => pos = end,
                    None => return Ok(None),
                }
                if depth == 0 {
                    return Ok(Some(pos));
                }
            } else if depth == 0 && matches!(self.byte(pos - 1)?, b'}' | b']') {
                return Ok(Some(pos));
            }
        }
    }

    /// The offset after the closing quote of the string whose content begins at `at`.
    fn end_of_string(&mut self, mut at: u64) -> io::Result<Option<u64>> {
        loop {
            let text = self.from(at)?;
            if text.is_empty() {
                return Ok(None);
            }
            match memchr2(b'"', b'\\', text) {
                Some(found) if text[found] == b'"' => return Ok(Some(at + found as u64 + 1)),
                Some(found) => {
                    at += found as u64 + 2;
                    // The escaped byte may be the last of the window, or past the end.
                    if self.from(at - 1)?.is_empty() {
                        return Ok(None);
                    }
                }
                None => at += text.len() as u64,
            }
        }
    }
}

struct Walk<'a> {
    window: Window<'a>,
    format: &'a dyn Format,
    /// The marks of the current piece.
    marks: Marks,
    decoded: Decoded,
    /// Where the document begins, after a byte order mark.
    first: u64,
    /// Every byte before this is in an account.
    accounted: u64,
    /// Lines before `counted`.
    line: u32,
    counted: u64,
}

const SPACE: &[u8] = b" \t\r\n";
/// Values may be separated by white space, commas and the record separators of RFC 7464.
const BETWEEN: &[u8] = b" \t\r\n,\x1e";

type Each<'e, E> = dyn FnMut(io::Result<&Decoded>) -> Result<(), E> + 'e;

impl Walk<'_> {
    /// Walks values one after the other. Returns the length of the valid head of the document.
    fn document<E>(&mut self, each: &mut Each<'_, E>) -> Result<u64, Stop<E>> {
        let mut at = 0;
        if self.window.from(0)?.starts_with(BOM) {
            at = BOM.len() as u64;
            self.decoded.account.bom = at;
            self.decoded.account.total = at;
            self.first = at;
            self.accounted = at;
            self.counted = at;
        }
        loop {
            at = self.window.skip(at, BETWEEN)?;
            let next = match self.window.byte(at)? {
                b'[' => self.list(at, b"[]", each)?,
                b'{' => self.object(at, each)?,
                _ => return Ok(at),
            };
            match next {
                Ok(end) => at = end,
                Err(good) => return Ok(good),
            }
        }
    }

    /// Walks the elements of an array. Returns its end, or as an error the length of the valid head.
    fn list<E>(
        &mut self,
        at: u64,
        member: &[u8],
        each: &mut Each<'_, E>,
    ) -> Result<Result<u64, u64>, Stop<E>> {
        let mut at = at + 1;
        loop {
            at = self.window.skip(at, BETWEEN)?;
            if self.window.byte(at)? == b']' {
                return Ok(Ok(at + 1));
            }
            match self.piece(at, member, each)? {
                Some(end) => at = end,
                None => return Ok(Err(at)),
            }
        }
    }

    fn object<E>(&mut self, at: u64, each: &mut Each<'_, E>) -> Result<Result<u64, u64>, Stop<E>> {
        let lists = self.format.lists().unwrap_or_default();
        let mut has_list = false;
        let mut at = at + 1;
        loop {
            at = self.window.skip(at, BETWEEN)?;
            match self.window.byte(at)? {
                b'}' => return Ok(Ok(at + 1)),
                b'"' => {}
                _ => return Ok(Err(at)),
            }
            let Some(end) = self.window.end_of_string(at + 1)? else {
                return Ok(Err(at));
            };
            let len = (end - at) as usize - 2;
            let key = self.window.from(at + 1)?.get(..len).map(<[u8]>::to_vec);
            let colon = self.window.skip(end, SPACE)?;
            let (Some(key), b':') = (key, self.window.byte(colon)?) else {
                return Ok(Err(at));
            };
            let value = self.window.skip(colon + 1, SPACE)?;
            let is_array = self.window.byte(value)? == b'[';
            let is_list = is_array && lists.iter().any(|list| list.as_bytes() == key);
            // Another list repeats the records of one that has been read.
            let is_renamed = is_array && !is_list && !has_list && self.begins_with_record(value)?;
            has_list |= is_list || is_renamed;
            if is_list || is_renamed {
                let member: &[u8] = if is_list { &key } else { b"[]" };
                match self.list(value, member, each)? {
                    Ok(end) => at = end,
                    Err(good) => return Ok(Err(good)),
                }
            } else {
                match self.piece(value, &key, each)? {
                    Some(end) => at = end,
                    None => return Ok(Err(at)),
                }
            }
        }
    }

    /// Whether the array at `at`, whatever its name, holds records: its first element tells the format.
    fn begins_with_record(&mut self, at: u64) -> io::Result<bool> {
        let first = self.window.skip(at + 1, SPACE)?;
        if self.window.byte(first)? != b'{' {
            return Ok(false);
        }
        let Some(end) = self.window.end_of_value(first)? else {
            return Ok(false);
        };
        let start = (first - self.window.start) as usize;
        let len = (end - first) as usize;
        let text = self.window.text.get(start..start + len);
        let record = text.and_then(json::value);
        Ok(record.is_some_and(|record| self.format.sniff(&record) >= TELLS))
    }

    /// Decodes the value that begins at `at`. Returns its end; none if the document ends first.
    fn piece<E>(
        &mut self,
        at: u64,
        member: &[u8],
        each: &mut Each<'_, E>,
    ) -> Result<Option<u64>, Stop<E>> {
        self.count_lines(at);
        self.window.forget(at);
        let Some(end) = self.window.end_of_value(at)? else {
            return Ok(None);
        };
        if self.decoded.facts.is_empty() {
            self.decoded.base = at;
        }
        let shift = (at - self.decoded.base) as u32;
        let first = self.decoded.facts.len();
        let len = (end - at) as usize;
        let start = (at - self.window.start) as usize;
        let text = &self.window.text[start..start + len];
        let record = Record {
            start: 0,
            len,
            stop: 0,
            line: self.line,
            size: len as u64,
            last: false,
        };
        let before = self.decoded.account;
        if len as u64 > LONGEST {
            self.decoded.facts.push(Fact::new(FactKind::Malformed));
            self.decoded.account.lines_bad += 1;
        } else {
            self.marks.read(text);
            let page = Page {
                bytes: text,
                marks: &self.marks,
                utf8: simdutf8::basic::from_utf8(text).is_ok(),
            };
            take(self.format, &mut self.decoded, &page, record, member);
        }
        let was_bad = self.decoded.account.lines_bad > before.lines_bad;
        let repaired = self.decoded.account.lines_repaired.min(1);
        self.decoded.account = Account {
            lines_repaired: repaired,
            ..before
        };
        for fact in &mut self.decoded.facts[first..] {
            fact.start += shift;
        }
        // The bytes between two pieces count with the second one.
        let size = end - self.accounted;
        self.decoded.account.total += size;
        if was_bad {
            self.decoded.account.bad += size;
            self.decoded.account.lines_bad += 1;
        } else {
            self.decoded.account.ok += size;
        }
        self.accounted = end;
        if end - self.decoded.base > BATCH {
            self.pass_on(each)?;
        }
        Ok(Some(end))
    }

    fn count_lines(&mut self, to: u64) {
        let start = (self.counted - self.window.start) as usize;
        // Everything up to `to` was read, so it is in the window.
        let end = (to - self.window.start) as usize;
        let passed = self.window.text.get(start..end).unwrap_or_default();
        self.line += memchr_iter(b'\n', passed).count() as u32;
        self.counted = to;
    }

    fn pass_on<E>(&mut self, each: &mut Each<'_, E>) -> Result<(), Stop<E>> {
        each(Ok(&self.decoded)).map_err(Stop::Caller)?;
        self.decoded.reset(0);
        Ok(())
    }

    /// The document is valid up to `good`; the rest becomes one incomplete row.
    fn finish<E>(mut self, good: u64, each: &mut Each<'_, E>) -> Result<(), E> {
        let size = match self.window.bytes.len() {
            Ok(size) => size.max(good),
            Err(error) => return each(Err(error)),
        };
        let account = &mut self.decoded.account;
        account.ok += good - self.accounted;
        account.total += size - self.accounted;
        account.lines_ok = u64::from(good > self.first);
        if size > good {
            account.partial += size - good;
            account.lines_partial += 1;
            if self.decoded.facts.is_empty() {
                self.decoded.base = good;
            }
            let mut fact = Fact::new(FactKind::Unknown);
            fact.flags.set(Flags::INCOMPLETE);
            fact.start = (good - self.decoded.base) as u32;
            fact.len = u32::try_from(size - good).unwrap_or(u32::MAX);
            fact.line = self.line;
            self.decoded.facts.push(fact);
        }
        each(Ok(&self.decoded))
    }
}
