//! Text for a terminal: made harmless, measured in cells, cut on graphemes.
//!
//! Widths are sums over graphemes, never over the string as a whole: a terminal puts one grapheme
//! into one cell (or two), so a ligature of two graphemes still takes the cells of both.

mod sanitize;

use std::borrow::Cow;
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Makes trace content harmless: nothing in the result is read as a command by a terminal, turns
/// the reading direction, or is there without being seen.
///
/// Line ends become visible too: the result is always one line. What cannot be shown is written
/// as a control picture (`␛`), as its code (`<202e>`), or as the number of combining marks beyond
/// the eighth (`<+3>`); a tab is four spaces; a mark without a letter gets `◌`. Idempotent.
/// Text that is harmless already is borrowed.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    sanitize::sanitize(text)
}

/// The same for text of several lines: split at line ends, each line sanitised.
pub fn sanitize_lines(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    text.lines().map(sanitize)
}

/// Cells that sanitised text takes.
pub fn width(text: &str) -> usize {
    if is_printable_ascii(text) {
        text.len()
    } else {
        text.graphemes(true).map(UnicodeWidthStr::width).sum()
    }
}

/// The longest head of `text` that fits `cells`, with `…` where something was cut.
pub fn cut(text: &str, cells: usize) -> Cow<'_, str> {
    // No grapheme of sanitised text is without width, so a text this short needs no measuring.
    if is_printable_ascii(text) && text.len() <= cells {
        return Cow::Borrowed(text);
    }
    let mut used = 0;
    let mut head = 0;
    for grapheme in text.graphemes(true) {
        used += grapheme.width();
        if used > cells {
            let mut short = text.get(..head).unwrap_or_default().to_owned();
            if cells > 0 {
                short.push('…');
            }
            return Cow::Owned(short);
        }
        // The head must leave a cell for the `…`.
        if used < cells {
            head += grapheme.len();
        }
    }
    Cow::Borrowed(text)
}

/// The longest tail of `text` that fits `cells`, with `…` where something was cut.
pub fn cut_front(text: &str, cells: usize) -> Cow<'_, str> {
    if width(text) <= cells {
        return Cow::Borrowed(text);
    }
    let mut used = 0;
    let mut start = text.len();
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        used += grapheme.width();
        // The tail must leave a cell for the `…`.
        if used >= cells {
            break;
        }
        start = at;
    }
    let mark = if cells > 0 { "…" } else { "" };
    Cow::Owned(format!("{mark}{}", text.get(start..).unwrap_or_default()))
}

/// `text` cut or filled with spaces to exactly `cells`.
pub fn fit(text: &str, cells: usize) -> String {
    let mut row = cut(text, cells).into_owned();
    let missing = cells.saturating_sub(width(&row));
    row.extend(std::iter::repeat_n(' ', missing));
    row
}

/// Where `sought` stands in `text`, in bytes, from the left and not overlapping. Letters of ASCII are
/// found in any case, unless `sought` holds a capital.
pub fn find_all<'a>(text: &'a str, sought: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
    let is_exact = sought.chars().any(char::is_uppercase);
    let mut from = 0;
    std::iter::from_fn(move || {
        while !sought.is_empty() && from + sought.len() <= text.len() {
            let found = from..from + sought.len();
            let fits = text.get(found.clone()).is_some_and(|part| {
                part == sought || (!is_exact && part.eq_ignore_ascii_case(sought))
            });
            if fits {
                from = found.end;
                return Some(found);
            }
            from += 1;
        }
        None
    })
}

/// Breaks one line into rows of at most `cells`, at spaces where possible.
///
/// Nothing is lost: spaces at a break end their row, and only a single space that no longer fits
/// is spent on the break. A grapheme wider than `cells` has a row to itself, too wide as it is.
pub fn wrap(text: &str, cells: usize) -> Vec<String> {
    let mut rows = Rows {
        cells: cells.max(1),
        done: Vec::new(),
        row: String::new(),
        used: 0,
    };
    for word in text.split_inclusive(' ') {
        rows.add(word);
    }
    rows.done.push(rows.row);
    rows.done
}

/// Rows under construction; the last one is `row`, `used` cells wide.
struct Rows {
    cells: usize,
    done: Vec<String>,
    row: String,
    used: usize,
}

impl Rows {
    /// Adds a word with the space that may end it.
    fn add(&mut self, word: &str) {
        let bare = word.strip_suffix(' ');
        let needed = width(bare.unwrap_or(word));
        // A word longer than any row is cut wherever it stands; moving it down would help nothing.
        if self.used > 0 && needed > 0 && needed <= self.cells && self.used + needed > self.cells {
            self.next_row();
        }
        for grapheme in bare.unwrap_or(word).graphemes(true) {
            let cells = grapheme.width();
            if self.used > 0 && self.used + cells > self.cells {
                self.next_row();
            }
            self.row.push_str(grapheme);
            self.used += cells;
        }
        if bare.is_none() {
            return;
        }
        if self.used == self.cells {
            // Spent on the break, which comes when there is more to show.
            self.used += 1;
            return;
        }
        if self.used > self.cells {
            self.next_row();
        }
        self.row.push(' ');
        self.used += 1;
    }

    fn next_row(&mut self) {
        self.done.push(std::mem::take(&mut self.row));
        self.used = 0;
    }
}

/// What stands for a glyph that we write ourselves where only ASCII is wanted; each is one cell wide
/// before and after.
pub fn ascii_glyph(char: char) -> Option<char> {
    Some(match char {
        '…' | '≈' | '⋯' => '~',
        '·' | '—' | '−' | '─' => '-',
        '×' => 'x',
        '→' | '▶' => '>',
        '‖' => '=',
        '↔' | '⇄' => '%',
        '÷' => '/',
        '≠' => '!',
        '└' => '`',
        '│' => '|',
        _ => return None,
    })
}

fn is_printable_ascii(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

#[cfg(test)]
mod tests;
