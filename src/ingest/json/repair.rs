//! Parses whole values for opening a record: repaired where a strict reader would reject them, or closed
//! where only the head of a record was read.

use std::borrow::Cow;

use serde_json::Value;

use super::{Cursor, Marks};
use crate::model::action::Flags;

/// Parses a whole record and repairs what a strict reader would reject; `None` if it is not JSON or nested
/// deeper than [`super::DEEPEST`].
pub fn value(bytes: &[u8]) -> Option<Value> {
    let bytes = trim(bytes);
    if let Ok(value) = serde_json::from_slice(bytes) {
        return Some(value);
    }
    if !is_shallow(bytes) {
        return None;
    }
    serde_json::from_str(&mended(bytes)).ok()
}

/// Whether this is a JSON value that is shallow enough to open.
fn is_shallow(bytes: &[u8]) -> bool {
    let marks = Marks::of(bytes);
    let mut cursor = Cursor::whole(bytes, &marks);
    cursor.skip().and_then(|()| cursor.end()).is_ok() && !cursor.notes.has(Flags::TOO_DEEP)
}

/// Parses as much of a record as its first bytes hold: cut strings and objects are closed.
pub fn value_head(bytes: &[u8]) -> Option<Value> {
    let bytes = trim(bytes);
    if let Some(whole) = value(bytes) {
        return Some(whole);
    }
    closed(bytes).and_then(|text| value(&text))
}

/// Strips a byte order mark.
fn trim(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// Valid UTF-8, with lone surrogates replaced by the escape of U+FFFD.
fn mended(bytes: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(bytes);
    let raw = text.as_bytes();
    let mut out: Vec<u8> = Vec::new();
    let mut kept = 0;
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', &raw[at..]) {
        at += found;
        let code = (raw.get(at + 1) == Some(&b'u'))
            .then(|| super::text::hex4(raw, at + 2))
            .flatten();
        let pair = matches!(code, Some(0xd800..0xdc00))
            && raw.get(at + 6) == Some(&b'\\')
            && raw.get(at + 7) == Some(&b'u')
            && matches!(super::text::hex4(raw, at + 8), Some(0xdc00..0xe000));
        match code {
            Some(0xd800..0xe000) if !pair => {
                out.extend_from_slice(&raw[kept..at]);
                out.extend_from_slice(b"\\ufffd");
                kept = at + 6;
                at += 6;
            }
            Some(_) if pair => at += 12,
            Some(_) => at += 6,
            None => at += 2,
        }
        at = at.min(raw.len());
    }
    if kept == 0 {
        return text;
    }
    out.extend_from_slice(&raw[kept..]);
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

/// Completes a cut record: ends an open string, removes a key without a value, closes open brackets.
fn closed(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut brackets = Vec::new();
    // Where the record can be closed: after a complete value. Every bracket is such a point, so those that
    // are open there are those that are open now.
    let mut last = 0;
    let mut value_next = true;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                let string_is_value = value_next;
                let Some(end) = string_end(bytes, at) else {
                    if !string_is_value {
                        break;
                    }
                    let mut out = bytes[..whole_characters(bytes)].to_vec();
                    out.push(b'"');
                    out.extend(brackets.iter().rev());
                    return Some(out);
                };
                at = end;
                if string_is_value {
                    last = at;
                }
                continue;
            }
            b'{' => {
                brackets.push(b'}');
                value_next = false;
                last = at + 1;
            }
            b'[' => {
                brackets.push(b']');
                last = at + 1;
            }
            b'}' | b']' => {
                brackets.pop()?;
                last = at + 1;
            }
            b':' => value_next = true,
            b',' => {
                last = at;
                value_next = brackets.last() == Some(&b']');
            }
            _ => {}
        }
        at += 1;
    }
    let mut out = bytes[..last].to_vec();
    out.extend(brackets.iter().rev());
    Some(out)
}

/// The position after the closing quote of the string that begins at `at`.
fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut from = at + 1;
    loop {
        let found = from + memchr::memchr2(b'"', b'\\', bytes.get(from..)?)?;
        if bytes[found] == b'"' {
            return Some(found + 1);
        }
        from = found + 2;
    }
}

/// The length without a partial escape or character at the end.
fn whole_characters(bytes: &[u8]) -> usize {
    let mut end = bytes.len();
    while end > 0 && bytes[end - 1] & 0xc0 == 0x80 {
        end -= 1;
    }
    if end > 0 && bytes[end - 1] >= 0xc0 {
        end -= 1;
    } else {
        end = bytes.len();
    }
    let tail = end.saturating_sub(12);
    match memchr::memrchr(b'\\', &bytes[tail..end]) {
        Some(found) => {
            let at = tail + found;
            let mut first = at;
            while first > 0 && bytes[first - 1] == b'\\' {
                first -= 1;
            }
            // An even run of backslashes is complete; an odd one ends in an escape that may be cut.
            if (at - first) % 2 == 1
                || (bytes.get(at + 1).is_some() && bytes.get(at + 1) != Some(&b'u'))
            {
                end
            } else {
                first + (at - first)
            }
        }
        None => end,
    }
}
