//! JSON as traces hold it: one pass over a record that checks it and yields what is asked for.
//!
//! [`Cursor`] walks a record once. Whatever a caller does not want it skips, and skipping checks the
//! grammar of RFC 8259 just as reading does, so that a record is either good as a whole or not.
//! What real writers get wrong and a strict reader refuses (half surrogate pairs, deep nesting) is
//! let through and noted in [`Cursor::notes`].

mod repair;
mod scan;
mod text;

pub use repair::{value, value_head};
pub use text::unescape;

use self::scan::Window;
use crate::model::action::Flags;

/// Nesting up to this depth is opened; what is deeper is kept as raw text.
pub const DEEPEST: usize = 127;

/// Why a record is not JSON, and at which byte of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mistake {
    pub at: usize,
    pub what: &'static str,
}

type Checked<T> = Result<T, Mistake>;

/// A string inside the record: the bytes between its quotes, still escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Str {
    pub start: usize,
    pub end: usize,
    /// Not 0 when there are backslashes in it. A word and no truth value: strings are handed on by
    /// the million, and three whole words are.
    escapes: u64,
}

impl Str {
    /// Whether its text differs from its bytes.
    #[inline]
    pub fn is_escaped(self) -> bool {
        self.escapes != 0
    }
}

/// A value inside the record, as bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub start: usize,
    pub end: usize,
}

/// A place in a record, moving forward.
#[derive(Debug)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    pos: usize,
    depth: usize,
    window: Window,
    /// What was let through.
    pub notes: Flags,
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor {
            bytes,
            pos: 0,
            depth: 0,
            window: Window::START,
            notes: Flags::NONE,
        }
    }

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
        &self.bytes[text.start..text.end]
    }

    fn fail<T>(&self, what: &'static str) -> Checked<T> {
        Err(Mistake { at: self.pos, what })
    }

    #[inline]
    fn here(&self) -> u8 {
        self.bytes.get(self.pos).copied().unwrap_or(0)
    }

    #[inline]
    fn space(&mut self) {
        while matches!(self.here(), b' ' | b'\t' | b'\n' | b'\r') {
            self.pos += 1;
        }
    }

    /// The first byte of the next value or mark; 0 at the end.
    #[inline]
    pub fn peek(&mut self) -> u8 {
        self.space();
        self.here()
    }

    /// Passes over one byte that is not part of a value.
    pub fn step(&mut self) {
        self.pos += 1;
    }

    /// Nothing but white space may follow.
    pub fn end(&mut self) -> Checked<()> {
        self.space();
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
            if key.is_escaped() {
                let name = unescape(self.raw(key));
                member(self, name.as_bytes())?;
            } else {
                let name = self.raw(key);
                member(self, name)?;
            }
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
        match self.near_key() {
            Some(key) => Ok(key),
            None => self.far_key(),
        }
    }

    /// The key that comes next, when nothing about it is unusual.
    #[inline]
    fn near_key(&mut self) -> Option<Str> {
        if self.here() != b'"' {
            return None;
        }
        let key = self.near_string()?;
        if self.bytes.get(key.end + 1) != Some(&b':') {
            return None;
        }
        self.pos = key.end + 2;
        Some(key)
    }

    #[inline(never)]
    fn far_key(&mut self) -> Checked<Str> {
        if self.peek() != b'"' {
            return self.fail("expected a key in quotes");
        }
        let key = self.string()?;
        if self.peek() != b':' {
            return self.fail("expected ':'");
        }
        self.pos += 1;
        Ok(key)
    }

    /// Reads a string; the cursor must stand at its quote.
    #[inline]
    pub fn string(&mut self) -> Checked<Str> {
        match self.near_string() {
            Some(text) => {
                self.pos = text.end + 1;
                Ok(text)
            }
            None => self.long_string(self.pos + 1),
        }
    }

    /// The string at the cursor, when it ends in the window that is open.
    #[inline]
    fn near_string(&self) -> Option<Str> {
        let start = self.pos + 1;
        let stop = self.window.near(start)?;
        (self.bytes.get(stop.at) == Some(&b'"')).then_some(Str {
            start,
            end: stop.at,
            escapes: stop.escapes,
        })
    }

    #[inline(never)]
    fn long_string(&mut self, start: usize) -> Checked<Str> {
        let mut escapes = 0;
        self.pos = start;
        loop {
            let stop = self.window.find(self.bytes, self.pos);
            escapes |= stop.escapes;
            match self.bytes.get(stop.at) {
                Some(b'"') => {
                    self.pos = stop.at + 1;
                    return Ok(Str {
                        start,
                        end: stop.at,
                        escapes,
                    });
                }
                Some(_) if self.is_escaped(start, stop.at) => {
                    self.pos = stop.at - 1;
                    self.escape()?;
                }
                Some(_) => {
                    self.pos = stop.at;
                    return self.fail("a control character inside a string");
                }
                None if self.is_escaped(start, stop.at) => {
                    self.pos = stop.at - 1;
                    return self.fail("a bad escape in a string");
                }
                None => {
                    self.pos = stop.at;
                    return self.fail("a string does not end");
                }
            }
        }
    }

    /// Whether an odd number of backslashes stands before `at`, in a string that begins at `start`.
    fn is_escaped(&self, start: usize, at: usize) -> bool {
        let before = self.bytes[start..at].iter().rev();
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

    fn number(&mut self) -> Checked<()> {
        if self.here() == b'-' {
            self.pos += 1;
        }
        match self.here() {
            b'0' => self.pos += 1,
            b'1'..=b'9' => self.digits(),
            _ => return self.fail("a bad number"),
        }
        if self.here() == b'.' {
            self.pos += 1;
            if !self.here().is_ascii_digit() {
                return self.fail("a bad number");
            }
            self.digits();
        }
        if matches!(self.here(), b'e' | b'E') {
            self.pos += 1;
            if matches!(self.here(), b'+' | b'-') {
                self.pos += 1;
            }
            if !self.here().is_ascii_digit() {
                return self.fail("a bad number");
            }
            self.digits();
        }
        Ok(())
    }

    fn digits(&mut self) {
        while self.here().is_ascii_digit() {
            self.pos += 1;
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
            b'-' | b'0'..=b'9' => self.number(),
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
        self.space();
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
                let Range { start, end } = self.range()?;
                Ok(Some(Str {
                    start,
                    end,
                    escapes: 0,
                }))
            }
            _ => {
                self.skip()?;
                Ok(None)
            }
        }
    }

    /// The number that comes next; any other value is passed over.
    pub fn number_or_skip(&mut self) -> Checked<Option<f64>> {
        let number = matches!(self.peek(), b'-' | b'0'..=b'9');
        let Range { start, end } = self.range()?;
        let digits = &self.bytes[start..end];
        Ok(if number {
            std::str::from_utf8(digits)
                .ok()
                .and_then(|digits| digits.parse().ok())
        } else {
            None
        })
    }

    /// The count that comes next. Other values are passed over; numbers that cannot be a count
    /// (negative, not whole, beyond 2^64) are noted.
    pub fn count_or_skip(&mut self) -> Checked<Option<u64>> {
        let number = matches!(self.peek(), b'-' | b'0'..=b'9');
        let Range { start, end } = self.range()?;
        if !number {
            return Ok(None);
        }
        let count = count(&self.bytes[start..end]);
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

/// A whole number that is not negative; `4200.0` counts, `0.5` does not.
fn count(digits: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(digits).ok()?;
    digits.parse::<u64>().ok().or_else(|| {
        let number: f64 = digits.parse().ok()?;
        ((0.0..9.0e15).contains(&number) && number.fract() == 0.0).then_some(number as u64)
    })
}

/// Which brackets are open: one bit each for the first levels, a vector beyond.
#[derive(Debug, Default)]
struct Nesting {
    near: u64,
    far: Vec<bool>,
    len: usize,
}

impl Nesting {
    #[inline]
    fn push(&mut self, object: bool) {
        if self.len < 64 {
            self.near = (self.near & !(1 << self.len)) | (u64::from(object) << self.len);
        } else {
            self.far.push(object);
        }
        self.len += 1;
    }

    #[inline]
    fn pop(&mut self) {
        self.len -= 1;
        if self.len >= 64 {
            self.far.pop();
        }
    }

    #[inline]
    fn top(&self) -> Option<bool> {
        match self.len {
            0 => None,
            1..=64 => Some(self.near >> (self.len - 1) & 1 == 1),
            _ => self.far.last().copied(),
        }
    }
}

/// Checks that a record is one JSON object; what was let through, or why it is not one.
pub fn check(record: &[u8]) -> Checked<Flags> {
    let mut cursor = Cursor::new(record);
    if cursor.peek() != b'{' {
        cursor.skip()?;
        cursor.end()?;
        return Err(Mistake {
            at: 0,
            what: "not an object",
        });
    }
    cursor.skip()?;
    cursor.end()?;
    Ok(cursor.notes)
}

#[cfg(test)]
mod tests;
