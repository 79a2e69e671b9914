//! Text for a terminal: sanitised, measured in cells, cut on grapheme boundaries.
//!
//! Widths are sums over graphemes, never over the string as a whole: a terminal puts one grapheme
//! into one cell (or two), so a ligature of two graphemes still takes the cells of both.

mod sanitize;

use std::borrow::Cow;
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Makes trace content safe to show: the result has no terminal commands, no changes of the
/// reading direction and no invisible characters.
///
/// Line ends become visible too, so the result is always one line. Unsafe characters become a
/// control picture (`␛`) or their code (`<202e>`); combining marks beyond the eighth become their
/// number (`<+3>`); a tab is four spaces; a mark without a letter gets `◌`. Idempotent.
/// Text that is safe already is borrowed.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    sanitize::sanitize(text)
}

/// Sanitises text line by line.
pub fn sanitize_lines(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    text.lines().map(sanitize)
}

/// The width of sanitised text in cells.
pub fn width(text: &str) -> usize {
    if is_printable_ascii(text) {
        text.len()
    } else {
        text.graphemes(true).map(UnicodeWidthStr::width).sum()
    }
}

/// The longest prefix of `text` that fits `cells`, ending in `…` if text was cut.
pub fn cut(text: &str, cells: usize) -> Cow<'_, str> {
    // Every grapheme of sanitised text has a width, so text this short needs no measuring.
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
        // Leaves a cell for the `…`.
        if used < cells {
            head += grapheme.len();
        }
    }
    Cow::Borrowed(text)
}

/// The longest suffix of `text` that fits `cells`, starting with `…` if text was cut.
pub fn cut_front(text: &str, cells: usize) -> Cow<'_, str> {
    if width(text) <= cells {
        return Cow::Borrowed(text);
    }
    let mut used = 0;
    let mut start = text.len();
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        used += grapheme.width();
        // Leaves a cell for the `…`.
        if used >= cells {
            break;
        }
        start = at;
    }
    let mark = if cells > 0 { "…" } else { "" };
    Cow::Owned(format!("{mark}{}", text.get(start..).unwrap_or_default()))
}

/// The beginning and the end of a name that does not fit `cells`, around a `…`. The end says more, so more of it is
/// kept.
pub fn cut_middle(name: &str, cells: usize) -> Cow<'_, str> {
    if width(name) <= cells || cells < 4 {
        return cut(name, cells);
    }
    let front = (cells - 1) / 3;
    let head = cut(name, front + 1);
    let tail = cut_front(name, cells - front);
    Cow::Owned(format!("{head}{}", tail.trim_start_matches('…')))
}

/// `text` cut or padded to exactly `cells`.
pub fn fit(text: &str, cells: usize) -> String {
    let mut row = cut(text, cells).into_owned();
    let missing = cells.saturating_sub(width(&row));
    row.extend(std::iter::repeat_n(' ', missing));
    row
}

/// Byte ranges of `sought` in `text`, from the left, without overlaps. Ignores ASCII case unless
/// `sought` has a capital letter.
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
/// Spaces at a break stay at the end of their row, except for a single one that no longer fits,
/// which the break replaces. A grapheme wider than `cells` gets a row of its own.
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

/// Rows being built; `row` is the last one and is `used` cells wide.
struct Rows {
    cells: usize,
    done: Vec<String>,
    row: String,
    used: usize,
}

impl Rows {
    /// Adds a word and its trailing space, if any.
    fn add(&mut self, word: &str) {
        let bare = word.strip_suffix(' ');
        let needed = width(bare.unwrap_or(word));
        // A word longer than a row is cut where it is: moving it to the next row would not help.
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
            // The break replaces this space once more text follows.
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

/// The ASCII replacement of one of our glyphs; both are one cell wide.
pub fn ascii_glyph(char: char) -> Option<char> {
    Some(match char {
        '…' | '≈' | '⋯' => '~',
        '·' | '—' | '–' | '−' | '─' => '-',
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
