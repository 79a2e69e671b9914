//! Differences between two texts: by line if they have several, and by word within lines.

use std::ops::Range;
use std::time::Duration;

use similar::{ChangeTag, TextDiff};

/// Time limit for comparing. After it, the rest is shown as replaced.
const TIME_LIMIT: Duration = Duration::from_millis(200);
/// Equal lines shown around a difference.
const CONTEXT: usize = 1;
/// Characters kept at each end of a long equal stretch.
const KEPT_CHARS: usize = 32;

/// Which side a piece of text is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Both,
    /// Only in A.
    Old,
    /// Only in B.
    New,
}

/// A piece of a line. `is_strong` marks the differing part within a changed line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub side: Side,
    pub is_strong: bool,
    pub text: String,
}

impl Piece {
    pub fn strong(side: Side, text: impl Into<String>) -> Piece {
        Piece {
            side,
            is_strong: true,
            text: text.into(),
        }
    }

    pub fn both(text: impl Into<String>) -> Piece {
        Piece {
            side: Side::Both,
            is_strong: false,
            text: text.into(),
        }
    }
}

/// The lines that differ between two texts. Long equal stretches are elided, with a count.
pub fn differences(a: &str, b: &str) -> Vec<Vec<Piece>> {
    if a.trim_end().contains('\n') || b.trim_end().contains('\n') {
        lines(a, b)
    } else {
        flow(a, b)
    }
}

/// Two single-line texts: merged into one line if they have much in common, otherwise one below the
/// other.
fn flow(a: &str, b: &str) -> Vec<Vec<Piece>> {
    let diff = TextDiff::configure().timeout(TIME_LIMIT).diff_words(a, b);
    let mut pieces = Pieces::default();
    let mut shared = 0;
    for change in diff.iter_all_changes() {
        let text = change.value();
        if change.tag() == ChangeTag::Equal {
            shared += text.trim().len();
        }
        pieces.add(side(change.tag()), text);
    }
    if 2 * shared < a.len().min(b.len()) {
        let whole = |side, text: &str| vec![Piece::strong(side, text)];
        return vec![whole(Side::Old, a), whole(Side::New, b)];
    }
    vec![pieces.done()]
}

/// Pieces under construction: adjacent changes are merged into one per side.
#[derive(Debug, Default)]
struct Pieces {
    done: Vec<Piece>,
    /// Equal text so far, which may be too short to separate two changes.
    both: String,
    old: String,
    new: String,
}

/// The minimum length of equal text between two changes.
const MIN_BETWEEN: usize = 4;

impl Pieces {
    fn add(&mut self, side: Side, text: &str) {
        match side {
            Side::Both => self.both.push_str(text),
            Side::Old | Side::New => {
                let is_short = self.both.chars().count() < MIN_BETWEEN;
                let is_open = !self.old.is_empty() || !self.new.is_empty();
                if is_short && is_open {
                    self.old.push_str(&self.both);
                    self.new.push_str(&self.both);
                    self.both.clear();
                } else {
                    self.close();
                }
                match side {
                    Side::Old => self.old.push_str(text),
                    Side::New | Side::Both => self.new.push_str(text),
                }
            }
        }
    }

    /// Ends a change and the equal stretch after it.
    fn close(&mut self) {
        let all = [
            (Side::Old, &mut self.old),
            (Side::New, &mut self.new),
            (Side::Both, &mut self.both),
        ];
        for (side, text) in all {
            if !text.is_empty() {
                self.done.push(Piece {
                    side,
                    is_strong: side != Side::Both,
                    text: std::mem::take(text),
                });
            }
        }
    }

    fn done(mut self) -> Vec<Piece> {
        self.close();
        let mut pieces = self.done;
        let last = pieces.len().saturating_sub(1);
        for (at, piece) in pieces.iter_mut().enumerate() {
            if piece.side == Side::Both {
                piece.text = shortened(&piece.text, at == 0, at == last);
            }
        }
        pieces
    }
}

/// Elides the middle of a long equal stretch.
fn shortened(text: &str, is_first: bool, is_last: bool) -> String {
    let count = text.chars().count();
    let head = if is_first { 0 } else { KEPT_CHARS };
    let tail = if is_last { 0 } else { KEPT_CHARS };
    if count <= head + tail + KEPT_CHARS {
        return text.to_owned();
    }
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(count - tail).collect();
    format!("{start} … {end}")
}

/// The byte ranges of each line that the other lacks.
pub fn spans(a: &str, b: &str) -> [Vec<Range<usize>>; 2] {
    let diff = TextDiff::configure().timeout(TIME_LIMIT).diff_words(a, b);
    let mut spans = [Vec::new(), Vec::new()];
    let mut ends = [0, 0];
    for change in diff.iter_all_changes() {
        let len = change.value().len();
        let sides: &[usize] = match change.tag() {
            ChangeTag::Equal => &[0, 1],
            ChangeTag::Delete => &[0],
            ChangeTag::Insert => &[1],
        };
        for side in sides {
            let span = ends[*side]..ends[*side] + len;
            ends[*side] = span.end;
            if change.tag() != ChangeTag::Equal {
                spans[*side].push(span);
            }
        }
    }
    spans
}

fn lines(a: &str, b: &str) -> Vec<Vec<Piece>> {
    let diff = TextDiff::configure().timeout(TIME_LIMIT).diff_lines(a, b);
    let mut lines = Vec::new();
    let mut seen = 0;
    for group in diff.grouped_ops(CONTEXT) {
        let Some(first) = group.first() else { continue };
        skipped(&mut lines, first.old_range().start - seen);
        seen = group.last().map_or(seen, |last| last.old_range().end);
        for op in &group {
            for change in diff.iter_inline_changes(op) {
                let side = side(change.tag());
                let pieces = change.iter_strings_lossy().map(|(is_strong, text)| Piece {
                    side,
                    is_strong: is_strong && side != Side::Both,
                    text: text.trim_end_matches(['\n', '\r']).to_owned(),
                });
                lines.push(pieces.filter(|piece| !piece.text.is_empty()).collect());
            }
        }
    }
    skipped(&mut lines, a.lines().count().saturating_sub(seen));
    lines
}

fn skipped(lines: &mut Vec<Vec<Piece>>, count: usize) {
    if count > 0 {
        let plural = if count == 1 { "" } else { "s" };
        lines.push(vec![Piece::both(format!("… {count} equal line{plural}"))]);
    }
}

fn side(tag: ChangeTag) -> Side {
    match tag {
        ChangeTag::Equal => Side::Both,
        ChangeTag::Delete => Side::Old,
        ChangeTag::Insert => Side::New,
    }
}
