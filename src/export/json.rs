//! JSON for other programs. The names in these shapes are stable.
//!
//! Unrecorded values are absent, never 0. Strings are escaped so that the output is safe to `cat` on
//! a terminal.

pub mod action;
pub mod alert;
pub mod approval;
pub mod cohort;
pub mod context;
pub mod cost;
pub mod diff;
pub mod files;
pub mod live;
pub mod number;
pub mod policy;
pub mod run;
pub mod stats;
pub mod verify;

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};

/// Which characters are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escapes {
    /// Those that could change what a terminal shows.
    Unsafe,
    /// Everything beyond ASCII.
    NonAscii,
}

/// Writes `value` on one line, without its end.
pub fn write(out: &mut dyn Write, value: &impl Serialize, escapes: Escapes) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(out, Safe(escapes));
    value.serialize(&mut serializer).map_err(io::Error::from)
}

/// Writes `value` as one line.
pub fn line(out: &mut dyn Write, value: &impl Serialize, escapes: Escapes) -> io::Result<()> {
    write(out, value, escapes)?;
    out.write_all(b"\n")
}

/// `value` as one line without its end.
///
/// # Panics
/// When a shape of ours cannot be written, for example a map whose keys are not strings.
pub fn text(value: &impl Serialize, escapes: Escapes) -> String {
    let mut out = Vec::new();
    write(&mut out, value, escapes).expect("our shapes are JSON, and writing to memory succeeds");
    String::from_utf8(out).expect("JSON is UTF-8")
}

struct Safe(Escapes);

impl Formatter for Safe {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        text: &str,
    ) -> io::Result<()> {
        let mut plain = 0;
        for (at, char) in text.char_indices().filter(|(_, char)| self.escapes(*char)) {
            out.write_all(&text.as_bytes()[plain..at])?;
            let mut units = [0; 2];
            for unit in char.encode_utf16(&mut units) {
                write!(out, "\\u{unit:04x}")?;
            }
            plain = at + char.len_utf8();
        }
        out.write_all(&text.as_bytes()[plain..])
    }

    fn write_char_escape<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        let short: &[u8] = match escape {
            CharEscape::Quote => b"\\\"",
            CharEscape::ReverseSolidus => b"\\\\",
            CharEscape::Solidus => b"\\/",
            CharEscape::Backspace => b"\\b",
            CharEscape::FormFeed => b"\\f",
            CharEscape::LineFeed => b"\\n",
            CharEscape::CarriageReturn => b"\\r",
            CharEscape::Tab => b"\\t",
            CharEscape::AsciiControl(byte) => return write!(out, "\\u{byte:04x}"),
        };
        out.write_all(short)
    }
}

impl Safe {
    fn escapes(&self, char: char) -> bool {
        match self.0 {
            Escapes::NonAscii => char == '\u{7f}' || !char.is_ascii(),
            Escapes::Unsafe => is_unsafe(char),
        }
    }
}

/// DEL, C1, invisible characters, and those that change the direction of text.
pub(super) fn is_unsafe(char: char) -> bool {
    matches!(char,
        '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{2800}' | '\u{e0000}'..='\u{e01ef}')
}

#[cfg(test)]
mod tests;
