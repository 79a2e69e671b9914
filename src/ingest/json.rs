//! JSON as traces hold it: one pass over a record that checks it and yields what is asked for.
//!
//! [`Cursor`] walks a record once. Whatever a caller does not want it skips, and skipping checks the
//! grammar of RFC 8259 just as reading does, so that a record is either good as a whole or not.
//! What real writers get wrong and a strict reader refuses (half surrogate pairs, deep nesting) is
//! let through and noted in [`Cursor::notes`].

mod marks;
mod nesting;
mod number;
mod repair;
mod text;
mod tree;

pub use marks::Marks;
pub use repair::{value, value_head};
pub use text::unescape;
pub use tree::{Tree, View};

use std::borrow::Cow;
use std::num::NonZeroU64;

use self::nesting::Nesting;
use self::number::Number;
use crate::model::action::Flags;

/// Nesting up to this depth is opened; what is deeper is kept as raw text.
pub const DEEPEST: usize = 127;

/// How much of a text is looked at to tell what it is.
const OPENING: usize = 512;

/// Why a record is not JSON, and at which byte of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mistake {
    pub at: usize,
    pub what: &'static str,
}

/// The record is not JSON; [`Cursor::mistake`] tells why. Empty, so that results stay in registers:
/// they are handed on by the million.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken;

pub type Checked<T> = Result<T, Broken>;

/// A string: the bytes between its quotes, still escaped. One word, so that it is handed on in a
/// register: where it starts, where it ends and, in the lowest bit, whether its escapes are odd ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Str(NonZeroU64);

impl Str {
    /// A string that ends before byte 2^31 of its block, and not at the first one.
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

    /// Whether it holds escapes beyond quotes, backslashes, line feeds and tabs.
    #[inline]
    fn is_odd(self) -> bool {
        self.0.get() & 1 == 1
    }
}

/// A value, as bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub start: usize,
    pub end: usize,
}

/// A record where it stands among others: all places in it are places in the whole block.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// The block up to the end of the record, at most 4 GiB.
    pub block: &'a [u8],
    pub start: usize,
    /// Of the whole block.
    pub marks: &'a Marks,
    /// The number of the first stop in the record.
    pub stop: usize,
    /// The member of the document that the record is, or is an element of; empty for a line and
    /// for a value that stands alone.
    pub member: &'a [u8],
}

/// A place in a record, moving forward.
#[derive(Debug)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    start: usize,
    pos: usize,
    depth: usize,
    marks: &'a Marks,
    stops: &'a [u32],
    /// The number of the next stop.
    stop: usize,
    mistake: Mistake,
    /// What was let through.
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

    /// For bytes that are a record of their own.
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

    /// The text of a string, or its first [`OPENING`] bytes: enough to tell phrases that it begins with.
    pub fn opening(&self, text: Str) -> Cow<'a, str> {
        let raw = self.raw(text);
        unescape(&raw[..raw.len().min(OPENING)])
    }

    /// Why a step failed.
    pub fn mistake(&self) -> Mistake {
        self.mistake
    }

    /// Refuses the record at this place of it.
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

    /// The first byte of the next value or mark; 0 at the end.
    #[inline]
    pub fn peek(&mut self) -> u8 {
        let mut byte = self.here();
        while matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            self.pos += 1;
            byte = self.here();
        }
        byte
    }

    /// Passes over one byte that is not part of a value.
    pub fn step(&mut self) {
        self.pos += 1;
    }

    /// Nothing but white space may follow.
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
            // No key that anybody asks for has a quote, a backslash or white space in it.
            if key.is_odd() {
                unescaped = unescape(name);
                name = unescaped.as_bytes();
            }
            member(cursor, name)
        })
    }

    /// Walks an object like [`Cursor::object`], with keys as they stand.
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

    /// Reads a string; the cursor must stand at its quote.
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

    /// Goes to the first stop at or after `from`: past white space, or what broke a record.
    #[inline(never)]
    fn seek_stop(&mut self, from: usize) {
        let later = self.stops.get(self.stop..).unwrap_or_default();
        let passed = later.iter().take_while(|&&at| (at as usize) < from);
        let found = self.stop + passed.count();
        self.stop = found + 1;
        self.pos = self.stops.get(found).map_or(usize::MAX, |&at| at as usize);
    }

    /// The rest of a string that began at `start` and stopped at something else than its quote.
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

    /// Whether an odd number of backslashes stands before the cursor, in a string that begins at
    /// `start`.
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

    /// Checks and passes over one value of any depth.
    #[inline]
    pub fn skip(&mut self) -> Checked<()> {
        match self.peek() {
            b'{' | b'[' => self.skip_nested(),
            _ => self.scalar(),
        }
    }

    /// Without recursion: nesting is as deep as a trace likes.
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

    /// After a value: closes what ends here; true when the outermost value is complete.
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

    /// Passes over a value and tells where it lies.
    pub fn range(&mut self) -> Checked<Range> {
        self.peek();
        let start = self.pos;
        self.skip()?;
        Ok(Range {
            start,
            end: self.pos,
        })
    }

    /// The string that comes next; any other value is passed over.
    #[inline]
    pub fn string_or_skip(&mut self) -> Checked<Option<Str>> {
        if self.peek() == b'"' {
            self.string().map(Some)
        } else {
            self.skip()?;
            Ok(None)
        }
    }

    /// The string or number that comes next, as text; any other value is passed over.
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

    /// The number that comes next; any other value is passed over.
    pub fn number_or_skip(&mut self) -> Checked<Option<f64>> {
        if !matches!(self.peek(), b'-' | b'0'..=b'9') {
            self.skip()?;
            return Ok(None);
        }
        let start = self.pos;
        let number = self.number()?;
        Ok(number.value(&self.bytes[start..self.pos]))
    }

    /// The count that comes next. Other values are passed over; numbers that cannot be a count
    /// (negative, not whole, beyond 2^64) are noted.
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

    /// The truth value that comes next; any other value is passed over.
    pub fn bool_or_skip(&mut self) -> Checked<Option<bool>> {
        let first = self.peek();
        self.skip()?;
        Ok(match first {
            b't' => Some(true),
            b'f' => Some(false),
            _ => None,
        })
    }

    /// Walks the object that comes next; any other value is passed over.
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

/// Checks that a record is one JSON object; what was let through, or why it is not one.
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
