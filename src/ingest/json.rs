//! A one-pass JSON reader for records: it checks the whole record and returns what is asked for.
//!
//! [`Cursor`] walks a record once. Values that the caller does not want are skipped, and skipping checks
//! the grammar of RFC 8259 just as reading does, so a record is either valid as a whole or not at all.
//! Common mistakes of real writers that a strict reader rejects (lone surrogates, deep nesting) are
//! accepted and noted in [`Cursor::notes`].

mod marks;
mod nesting;
mod number;
mod repair;
mod shared;
mod stable;
mod text;
mod tree;

pub use marks::Marks;
pub use repair::{value, value_head};
pub use shared::{Json, Object, Text};
pub use stable::stable;
pub use text::unescape;
pub use tree::{Tree, View};

use std::borrow::Cow;
use std::num::NonZeroU64;

use self::nesting::Nesting;
use self::number::Number;
use crate::model::action::Flags;

/// Values nested up to this depth are opened; deeper ones are kept as raw text.
pub const DEEPEST: usize = 127;

/// How much of a text is examined to classify it.
const OPENING: usize = 512;

/// Why a record is not JSON, and at which byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mistake {
    pub at: usize,
    pub what: &'static str,
}

/// The record is not JSON; [`Cursor::mistake`] says why. The type is empty so that results stay in
/// registers: millions of them are returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken;

pub type Checked<T> = Result<T, Broken>;

/// A string: the bytes between its quotes, still escaped. One word, so that it is passed in a register:
/// start, end and, in the lowest bit, whether it has unusual escapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Str(NonZeroU64);

impl Str {
    /// A string that ends before byte 2^31 of its block and does not begin at byte 0.
    #[inline]
    fn new(start: usize, end: usize, odd: bool) -> Str {
        let word = (start as u64) << 32 | (end as u64) << 1 | u64::from(odd);
        Str(NonZeroU64::new(word).unwrap_or(NonZeroU64::MIN))
    }

    #[inline]
    pub fn start(self) -> u32 {
        (self.0.get() >> 32) as u32
    }

    #[inline]
    fn end(self) -> u32 {
        self.0.get() as u32 >> 1
    }

    #[inline]
    pub fn len(self) -> u32 {
        self.end() - self.start()
    }

    #[inline]
    pub fn is_empty(self) -> bool {
        self.start() == self.end()
    }

    /// Whether it has escapes other than quotes, backslashes, line feeds and tabs.
    #[inline]
    fn is_odd(self) -> bool {
        self.0.get() & 1 == 1
    }
}

/// The bytes of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub start: usize,
    pub end: usize,
}

/// A record within its block: all positions refer to the block.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// The block up to the end of the record, at most 4 GiB.
    pub block: &'a [u8],
    pub start: usize,
    /// The marks of the whole block.
    pub marks: &'a Marks,
    /// The index of the first stop in the record.
    pub stop: usize,
    /// The member of the document that the record is, or is an element of; empty for a line and for a
    /// top-level value.
    pub member: &'a [u8],
}

/// A position in a record that moves forward.
#[derive(Debug)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    start: usize,
    pos: usize,
    depth: usize,
    marks: &'a Marks,
    stops: &'a [u32],
    /// The index of the next stop.
    stop: usize,
    mistake: Mistake,
    /// What was accepted although a strict reader would reject it.
    pub notes: Flags,
}

impl<'a> Cursor<'a> {
    pub fn new(record: Record<'a>) -> Cursor<'a> {
        Cursor {
            bytes: record.block,
            start: record.start,
            pos: record.start,
            depth: 0,
            marks: record.marks,
            stops: record.marks.stops(),
            stop: record.stop,
            mistake: Mistake { at: 0, what: "" },
            notes: Flags::NONE,
        }
    }

    /// A cursor over bytes that are one record.
    pub fn whole(bytes: &'a [u8], marks: &'a Marks) -> Cursor<'a> {
        Cursor::new(Record {
            block: bytes,
            start: 0,
            marks,
            stop: 0,
            member: &[],
        })
    }

    /// The bytes of the block.
    #[inline]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    #[inline]
    pub fn position(&self) -> usize {
        self.pos
    }

    /// The bytes of a string, without quotes and still escaped.
    #[inline]
    pub fn raw(&self, text: Str) -> &'a [u8] {
        &self.bytes[text.start() as usize..text.end() as usize]
    }

    /// Whether the text of a string differs from its bytes.
    #[inline]
    pub fn is_escaped(&self, text: Str) -> bool {
        let (start, end) = (text.start() as usize, text.end() as usize);
        text.is_odd() || self.marks.has_backslash(start, end)
    }

    /// The text of a string, or its first [`OPENING`] bytes: enough to recognize a leading phrase.
    pub fn opening(&self, text: Str) -> Cow<'a, str> {
        let raw = self.raw(text);
        unescape(&raw[..raw.len().min(OPENING)])
    }

    /// Why a step failed.
    pub fn mistake(&self) -> Mistake {
        self.mistake
    }

    /// Rejects the record at the current position.
    #[cold]
    pub fn fail<T>(&mut self, what: &'static str) -> Checked<T> {
        let at = self.pos - self.start;
        self.mistake = Mistake { at, what };
        Err(Broken)
    }

    #[inline]
    fn here(&self) -> u8 {
        self.bytes.get(self.pos).copied().unwrap_or(0)
    }

    /// The first byte of the next value or punctuation; 0 at the end.
    #[inline]
    pub fn peek(&mut self) -> u8 {
        let mut byte = self.here();
        while matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            self.pos += 1;
            byte = self.here();
        }
        byte
    }

    /// Skips one byte that is not part of a value.
    pub fn step(&mut self) {
        self.pos += 1;
    }

    /// Checks that only white space follows.
    pub fn end(&mut self) -> Checked<()> {
        self.peek();
        if self.pos == self.bytes.len() {
            Ok(())
        } else {
            self.fail("something follows the object")
        }
    }

    /// Walks an object: `member` must read or skip the value of each key it is called with.
    #[inline]
    pub fn object(
        &mut self,
        mut member: impl FnMut(&mut Cursor<'a>, &[u8]) -> Checked<()>,
    ) -> Checked<()> {
        self.members(|cursor, key| {
            let unescaped;
            let mut name = cursor.raw(key);
            // No key of interest contains a quote, a backslash or white space.
            if key.is_odd() {
                unescaped = unescape(name);
                name = unescaped.as_bytes();
            }
            member(cursor, name)
        })
    }

    /// Like [`Cursor::object`], but with keys as written.
    #[inline]
    pub fn members(
        &mut self,
        mut member: impl FnMut(&mut Cursor<'a>, Str) -> Checked<()>,
    ) -> Checked<()> {
        if self.peek() != b'{' {
            return self.fail("expected an object");
        }
        self.pos += 1;
        self.deeper();
        if self.peek() == b'}' {
            self.pos += 1;
            self.depth -= 1;
            return Ok(());
        }
        loop {
            let key = self.key()?;
            member(self, key)?;
            match self.peek() {
                b',' => self.pos += 1,
                b'}' => break,
                _ => return self.fail("expected ',' or '}'"),
            }
        }
        self.pos += 1;
        self.depth -= 1;
        Ok(())
    }

    /// Walks an array: `element` must read or skip each value.
    pub fn array(
        &mut self,
        mut element: impl FnMut(&mut Cursor<'a>) -> Checked<()>,
    ) -> Checked<()> {
        if self.peek() != b'[' {
            return self.fail("expected an array");
        }
        self.pos += 1;
        self.deeper();
        if self.peek() == b']' {
            self.pos += 1;
            self.depth -= 1;
            return Ok(());
        }
        loop {
            element(self)?;
            match self.peek() {
                b',' => self.pos += 1,
                b']' => break,
                _ => return self.fail("expected ',' or ']'"),
            }
        }
        self.pos += 1;
        self.depth -= 1;
        Ok(())
    }

    fn deeper(&mut self) {
        self.depth += 1;
        if self.depth > DEEPEST {
            self.notes.set(Flags::TOO_DEEP);
        }
    }

    /// Reads a key and its colon.
    #[inline]
    fn key(&mut self) -> Checked<Str> {
        if self.here() != b'"' && self.peek() != b'"' {
            return self.fail("expected a key in quotes");
        }
        let key = self.string()?;
        if self.here() != b':' && self.peek() != b':' {
            return self.fail("expected ':'");
        }
        self.pos += 1;
        Ok(key)
    }

    /// Reads a string; the cursor must be at its quote.
    #[inline]
    pub fn string(&mut self) -> Checked<Str> {
        let start = self.pos + 1;
        let begin = self.stop;
        match self.stops.get(begin..begin + 2) {
            Some(&[quote, end]) if quote as usize == self.pos => {
                self.stop = begin + 2;
                self.pos = end as usize;
            }
            _ => self.seek_stop(start),
        }
        if self.here() != b'"' {
            return self.odd_string(start);
        }
        self.pos += 1;
        Ok(Str::new(start, self.pos - 1, false))
    }

    /// Moves to the first stop at or after `from`: past white space, or past what broke a record.
    #[inline(never)]
    fn seek_stop(&mut self, from: usize) {
        let later = self.stops.get(self.stop..).unwrap_or_default();
        let passed = later.iter().take_while(|&&at| (at as usize) < from);
        let found = self.stop + passed.count();
        self.stop = found + 1;
        self.pos = self.stops.get(found).map_or(usize::MAX, |&at| at as usize);
    }

    /// Reads the rest of a string that began at `start` and stopped at something other than its quote.
    #[inline(never)]
    fn odd_string(&mut self, start: usize) -> Checked<Str> {
        while self.here() != b'"' {
            let is_end = self.pos >= self.bytes.len();
            self.pos = self.pos.min(self.bytes.len());
            let is_escaped = self.follows_backslash(start);
            self.pos -= usize::from(is_escaped);
            match (is_end, is_escaped) {
                (false, true) => self.escape()?,
                (true, true) => return self.fail("a bad escape in a string"),
                (true, false) => return self.fail("a string does not end"),
                (false, false) => return self.fail("a control character inside a string"),
            }
            self.seek_stop(self.pos);
        }
        self.pos += 1;
        Ok(Str::new(start, self.pos - 1, true))
    }

    /// Whether an odd number of backslashes precedes the cursor, in a string that begins at `start`.
    fn follows_backslash(&self, start: usize) -> bool {
        let before = self.bytes[start..self.pos].iter().rev();
        before.take_while(|&&byte| byte == b'\\').count() % 2 == 1
    }

    fn escape(&mut self) -> Checked<()> {
        match self.bytes.get(self.pos + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.pos += 2;
                Ok(())
            }
            Some(b'u') => self.unicode_escape(),
            _ => self.fail("a bad escape in a string"),
        }
    }

    fn unicode_escape(&mut self) -> Checked<()> {
        let Some(code) = text::hex4(self.bytes, self.pos + 2) else {
            return self.fail("a bad \\u escape in a string");
        };
        self.pos += 6;
        match code {
            0x20..0x7f => self.notes.set(Flags::ESCAPED_ASCII),
            0xd800..0xdc00 => {
                let low = (self.bytes.get(self.pos) == Some(&b'\\')
                    && self.bytes.get(self.pos + 1) == Some(&b'u'))
                .then(|| text::hex4(self.bytes, self.pos + 2))
                .flatten();
                match low {
                    Some(0xdc00..0xe000) => self.pos += 6,
                    _ => self.notes.set(Flags::LONE_SURROGATE),
                }
            }
            0xdc00..0xe000 => self.notes.set(Flags::LONE_SURROGATE),
            _ => {}
        }
        Ok(())
    }

    #[inline]
    fn number(&mut self) -> Checked<Number> {
        let (number, len) = number::read(&self.bytes[self.pos..]);
        self.pos += len;
        match number {
            Some(number) => Ok(number),
            None => self.fail("a bad number"),
        }
    }

    fn word(&mut self, word: &'static [u8]) -> Checked<()> {
        if self.bytes[self.pos..].starts_with(word) {
            self.pos += word.len();
            Ok(())
        } else {
            self.fail("expected a value")
        }
    }

    #[inline]
    fn scalar(&mut self) -> Checked<()> {
        match self.here() {
            b'"' => self.string().map(|_| ()),
            b'-' | b'0'..=b'9' => self.number().map(|_| ()),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            0 if self.pos >= self.bytes.len() => self.fail("the record is cut short"),
            _ => self.fail("expected a value"),
        }
    }

    /// Checks and skips one value of any depth.
    #[inline]
    pub fn skip(&mut self) -> Checked<()> {
        match self.peek() {
            b'{' | b'[' => self.skip_nested(),
            _ => self.scalar(),
        }
    }

    /// Not recursive: traces may nest arbitrarily deep.
    fn skip_nested(&mut self) -> Checked<()> {
        let mut open = Nesting::default();
        loop {
            match self.peek() {
                b'{' => {
                    self.pos += 1;
                    if self.peek() == b'}' {
                        self.note_depth(open.len + 1);
                        self.pos += 1;
                    } else {
                        open.push(true);
                        self.note_depth(open.len);
                        self.key()?;
                        continue;
                    }
                }
                b'[' => {
                    self.pos += 1;
                    if self.peek() == b']' {
                        self.note_depth(open.len + 1);
                        self.pos += 1;
                    } else {
                        open.push(false);
                        self.note_depth(open.len);
                        continue;
                    }
                }
                b'"' => {
                    self.string()?;
                }
                _ => self.scalar()?,
            }
            if self.close(&mut open)? {
                return Ok(());
            }
        }
    }

    /// Closes what ends after a value; true when the outermost value is complete.
    #[inline]
    fn close(&mut self, open: &mut Nesting) -> Checked<bool> {
        while let Some(object) = open.top() {
            match (self.peek(), object) {
                (b',', true) => {
                    self.pos += 1;
                    self.key()?;
                    return Ok(false);
                }
                (b',', false) => {
                    self.pos += 1;
                    return Ok(false);
                }
                (b'}', true) | (b']', false) => {
                    self.pos += 1;
                    open.pop();
                }
                (_, true) => return self.fail("expected ',' or '}'"),
                (_, false) => return self.fail("expected ',' or ']'"),
            }
        }
        Ok(true)
    }

    #[inline]
    fn note_depth(&mut self, inside: usize) {
        if self.depth + inside > DEEPEST {
            self.notes.set(Flags::TOO_DEEP);
        }
    }

    /// Skips a value and returns its range.
    pub fn range(&mut self) -> Checked<Range> {
        self.peek();
        let start = self.pos;
        self.skip()?;
        Ok(Range {
            start,
            end: self.pos,
        })
    }

    /// The next value if it is a string; any other value is skipped.
    #[inline]
    pub fn string_or_skip(&mut self) -> Checked<Option<Str>> {
        if self.peek() == b'"' {
            self.string().map(Some)
        } else {
            self.skip()?;
            Ok(None)
        }
    }

    /// The next value as text if it is a string or number; any other value is skipped.
    pub fn name_or_skip(&mut self) -> Checked<Option<Str>> {
        match self.peek() {
            b'"' => self.string().map(Some),
            b'-' | b'0'..=b'9' => {
                let start = self.pos;
                self.number()?;
                Ok(Some(Str::new(start, self.pos, false)))
            }
            _ => {
                self.skip()?;
                Ok(None)
            }
        }
    }

    /// The next value if it is a number; any other value is skipped.
    pub fn number_or_skip(&mut self) -> Checked<Option<f64>> {
        if !matches!(self.peek(), b'-' | b'0'..=b'9') {
            self.skip()?;
            return Ok(None);
        }
        let start = self.pos;
        let number = self.number()?;
        Ok(number.value(&self.bytes[start..self.pos]))
    }

    /// The next value if it is a count. Other values are skipped; numbers that cannot be a count (negative,
    /// fractional, beyond 2^64) are noted.
    pub fn count_or_skip(&mut self) -> Checked<Option<u64>> {
        if !matches!(self.peek(), b'-' | b'0'..=b'9') {
            self.skip()?;
            return Ok(None);
        }
        let start = self.pos;
        let number = self.number()?;
        let count = number.count(&self.bytes[start..self.pos]);
        if count.is_none() {
            self.notes.set(Flags::BAD_NUMBER);
        }
        Ok(count)
    }

    /// The next value if it is a boolean; any other value is skipped.
    pub fn bool_or_skip(&mut self) -> Checked<Option<bool>> {
        let first = self.peek();
        self.skip()?;
        Ok(match first {
            b't' => Some(true),
            b'f' => Some(false),
            _ => None,
        })
    }

    /// Walks the next value if it is an object; any other value is skipped.
    pub fn object_or_skip(
        &mut self,
        member: impl FnMut(&mut Cursor<'a>, &[u8]) -> Checked<()>,
    ) -> Checked<()> {
        if self.peek() == b'{' {
            self.object(member)
        } else {
            self.skip()
        }
    }
}

/// Checks that a record is one JSON object: what was accepted leniently, or why it is not one.
pub fn check(record: &[u8]) -> Result<Flags, Mistake> {
    let marks = Marks::of(record);
    let mut cursor = Cursor::whole(record, &marks);
    let is_object = cursor.peek() == b'{';
    if cursor.skip().and_then(|()| cursor.end()).is_err() {
        return Err(cursor.mistake());
    }
    if is_object {
        Ok(cursor.notes)
    } else {
        let what = "not an object";
        Err(Mistake { at: 0, what })
    }
}

#[cfg(test)]
mod tests;
