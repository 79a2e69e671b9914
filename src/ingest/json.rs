//! JSON as traces hold it: one pass over a record that checks it and yields what is asked for.
//!
//! [`Cursor`] walks a record once. Whatever a caller does not want it skips, and skipping checks the
//! grammar of RFC 8259 just as reading does, so that a record is either good as a whole or not.
//! What real writers get wrong and a strict reader refuses (half surrogate pairs, deep nesting) is
//! let through and noted in [`Cursor::notes`].

mod repair;
mod text;

pub use repair::{value, value_head};
pub use text::unescape;

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
    pub escaped: bool,
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
    /// What was let through.
    pub notes: Flags,
}

impl<'a> Cursor<'a> {
    pub fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor {
            bytes,
            pos: 0,
            depth: 0,
            notes: Flags::NONE,
        }
    }

    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub fn position(&self) -> usize {
        self.pos
    }

    /// The bytes of a string, without quotes and still escaped.
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
            if key.escaped {
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

    #[inline]
    fn key(&mut self) -> Checked<Str> {
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
        let start = self.pos + 1;
        let mut escaped = false;
        self.pos = start;
        loop {
            let Some(found) = self.next_mark() else {
                self.pos = self.bytes.len();
                return self.fail("a string does not end");
            };
            self.pos = found;
            match self.bytes[found] {
                b'"' => {
                    self.pos += 1;
                    return Ok(Str {
                        start,
                        end: found,
                        escaped,
                    });
                }
                b'\\' => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return self.fail("a control character inside a string"),
            }
        }
    }

    /// The next quote, backslash or raw control character, eight bytes at a time: strings of traces
    /// are full of escapes, so that the gaps are too short for a call to a search routine to pay.
    #[inline]
    fn next_mark(&self) -> Option<usize> {
        let mut at = self.pos;
        while let Some(word) = self.bytes.get(at..at + 8) {
            let word = u64::from_le_bytes(word.try_into().expect("eight bytes"));
            let marks = marks(word);
            if marks != 0 {
                return Some(at + marks.trailing_zeros() as usize / 8);
            }
            at += 8;
        }
        let rest = self.bytes.get(at..)?;
        let found = rest
            .iter()
            .position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20);
        found.map(|offset| at + offset)
    }

    #[inline]
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

    /// Checks and passes over one value of any depth, without recursion.
    pub fn skip(&mut self) -> Checked<()> {
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
                    escaped: false,
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
        (number >= 0.0 && number < 9.0e15 && number.fract() == 0.0).then_some(number as u64)
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

/// The high bit of the first byte of `word` that is a quote, a backslash or below 0x20; bits above the
/// first one may be set wrongly (a borrow), bits below it never are.
#[inline]
fn marks(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    let zero_quote = quote.wrapping_sub(ONES) & !quote;
    let zero_backslash = backslash.wrapping_sub(ONES) & !backslash;
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (zero_quote | zero_backslash | control) & HIGHS
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
