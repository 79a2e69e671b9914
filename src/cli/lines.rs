//! Reads lines from an untrusted input. A line that is too long is skipped, and never held in memory.

use std::io::{self, BufRead};

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Without its newline; invalid UTF-8 is replaced.
    Text(String),
    TooLong,
}

/// The next line, at most `longest` bytes of it; none at the end.
pub(super) fn next(from: &mut impl BufRead, longest: usize) -> io::Result<Option<Line>> {
    let mut line: Vec<u8> = Vec::new();
    let mut is_too_long = false;
    let mut has_begun = false;
    loop {
        let buffered = from.fill_buf()?;
        if buffered.is_empty() {
            break;
        }
        has_begun = true;
        let end = buffered.iter().position(|byte| *byte == b'\n');
        let piece = &buffered[..end.unwrap_or(buffered.len())];
        is_too_long |= line.len() + piece.len() > longest;
        if is_too_long {
            line = Vec::new();
        } else {
            line.extend_from_slice(piece);
        }
        let used = piece.len() + usize::from(end.is_some());
        from.consume(used);
        if end.is_some() {
            break;
        }
    }
    Ok(has_begun.then(|| {
        if is_too_long {
            Line::TooLong
        } else {
            Line::Text(String::from_utf8_lossy(&line).into_owned())
        }
    }))
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use super::*;

    #[test]
    fn a_line_that_is_too_long_is_skipped_and_the_next_is_read() {
        let text = format!("{}\nabc\n\nd\u{e9}", "x".repeat(100));
        let mut from = BufReader::with_capacity(7, text.as_bytes());
        let mut lines = Vec::new();
        while let Some(line) = next(&mut from, 3).expect("no error") {
            lines.push(line);
        }
        let of = |text: &str| Line::Text(text.to_owned());
        assert_eq!(lines, [Line::TooLong, of("abc"), of(""), of("d\u{e9}")]);
    }

    #[test]
    fn an_endless_line_takes_no_memory() {
        let endless = io::repeat(b'x').take(64 << 20).chain(&b"\nnext\n"[..]);
        let mut from = BufReader::new(endless);
        assert_eq!(next(&mut from, 9).expect("no error"), Some(Line::TooLong));
        let read = next(&mut from, 9).expect("no error");
        assert_eq!(read, Some(Line::Text("next".to_owned())));
    }
}
