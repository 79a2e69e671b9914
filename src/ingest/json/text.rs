//! The contents of JSON strings.

use std::borrow::Cow;

/// The code of the four hexadecimal digits at `at`.
pub(super) fn hex4(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..at + 4)?;
    digits.iter().try_fold(0, |code, &digit| {
        Some(code * 16 + char::from(digit).to_digit(16)?)
    })
}

/// Unescapes the contents of a string. Never fails: invalid UTF-8 and lone surrogates become U+FFFD.
pub fn unescape(raw: &[u8]) -> Cow<'_, str> {
    if !raw.contains(&b'\\') {
        return String::from_utf8_lossy(raw);
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut at = 0;
    while let Some(found) = next_backslash(&raw[at..]) {
        out.extend_from_slice(&raw[at..at + found]);
        at += found;
        let (text, used) = escape(raw, at);
        if text.is_ascii() {
            out.push(text as u8);
        } else {
            let mut buffer = [0; 4];
            out.extend_from_slice(text.encode_utf8(&mut buffer).as_bytes());
        }
        at += used;
    }
    out.extend_from_slice(&raw[at..]);
    Cow::Owned(match String::from_utf8(out) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

/// JSON inside a string has a backslash every few bytes, so the nearest ones are looked for one by one.
const NEAR: usize = 24;

fn next_backslash(raw: &[u8]) -> Option<usize> {
    let near = raw.iter().take(NEAR).position(|byte| *byte == b'\\');
    near.or_else(|| Some(memchr::memchr(b'\\', raw.get(NEAR..)?)? + NEAR))
}

/// The character of the escape at `at`, and its length in bytes.
fn escape(raw: &[u8], at: usize) -> (char, usize) {
    match raw.get(at + 1) {
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'n') => ('\n', 2),
        Some(b'r') => ('\r', 2),
        Some(b't') => ('\t', 2),
        Some(b'u') => match hex4(raw, at + 2) {
            Some(high @ 0xd800..0xdc00) => {
                match (raw.get(at + 6), raw.get(at + 7), hex4(raw, at + 8)) {
                    (Some(b'\\'), Some(b'u'), Some(low @ 0xdc00..0xe000)) => {
                        let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                        (
                            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
                            12,
                        )
                    }
                    _ => (char::REPLACEMENT_CHARACTER, 6),
                }
            }
            Some(code) => (
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
                6,
            ),
            None => (char::REPLACEMENT_CHARACTER, 2),
        },
        Some(&other) if other.is_ascii() => (char::from(other), 2),
        _ => (char::REPLACEMENT_CHARACTER, 1),
    }
}
