//! Making an outline row by row, within bounds.

use crate::tui::widgets::outline::{Form, Key, NOBODY, Outline, Row, Span};
use crate::tui::widgets::tone::Tone;

/// How much is made before more has to be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub rows: usize,
    /// Bytes of one text.
    pub text: usize,
}

impl Limits {
    pub const FIRST: Limits = Limits {
        rows: 20_000,
        text: 64 * 1024,
    };

    #[must_use]
    pub fn more(self) -> Limits {
        Limits {
            rows: self.rows.saturating_mul(8),
            text: self.text.saturating_mul(16),
        }
    }
}

/// The key of a new row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named<'a> {
    Nothing,
    Key(&'a str),
    Item(usize),
}

/// A row before it has its place.
#[derive(Debug, Clone, Copy)]
pub struct New<'a> {
    pub form: Form,
    pub key: Named<'a>,
    pub tone: Tone,
    pub text: &'a str,
    pub hang: usize,
}

impl<'a> New<'a> {
    pub fn line(tone: Tone, text: &'a str) -> New<'a> {
        New {
            form: Form::Line,
            key: Named::Nothing,
            tone,
            text,
            hang: 0,
        }
    }

    pub fn section(text: &'a str) -> New<'a> {
        New {
            form: Form::Section,
            ..New::line(Tone::Strong, text)
        }
    }
}

#[derive(Debug)]
pub struct Builder {
    outline: Outline,
    open: Vec<u32>,
    pub limits: Limits,
}

/// Longer lines are cut into several rows, so that each of them fits a small pane.
const LONGEST_LINE: usize = 400;

impl Builder {
    pub fn new(root: Option<&'static str>, limits: Limits) -> Builder {
        Builder {
            outline: Outline {
                root,
                ..Outline::default()
            },
            open: Vec::new(),
            limits,
        }
    }

    pub fn finish(self) -> Outline {
        debug_assert!(self.open.is_empty(), "every row that was opened is closed");
        self.outline
    }

    /// Whether the rows are used up.
    pub fn is_full(&self) -> bool {
        self.outline.rows.len() >= self.limits.rows
            || self.outline.text.len() >= u32::MAX as usize / 2
    }

    /// A row of its own.
    pub fn push(&mut self, new: New<'_>) -> usize {
        self.open(new);
        self.close()
    }

    /// A row whose descendants follow until [`Builder::close`].
    pub fn open(&mut self, new: New<'_>) -> usize {
        let at = self.outline.rows.len();
        let key = match new.key {
            Named::Nothing => Key::None,
            Named::Item(number) => Key::Item(number as u32),
            Named::Key(key) => {
                let (start, end) = self.write(key);
                Key::Name(start, end)
            }
        };
        let text = self.write(new.text);
        self.outline.rows.push(Row {
            parent: self.open.last().copied().unwrap_or(NOBODY),
            end: at as u32 + 1,
            depth: self.open.len() as u16,
            form: new.form,
            key,
            tone: new.tone,
            hang: new.hang as u16,
            text,
            starts_folded: false,
        });
        self.open.push(at as u32);
        at
    }

    pub fn close(&mut self) -> usize {
        let at = self.open.pop().unwrap_or_default() as usize;
        self.outline.rows[at].end = self.outline.rows.len() as u32;
        at
    }

    pub fn depth(&self) -> usize {
        self.open.len()
    }

    /// Folds a row from the start.
    pub fn fold(&mut self, at: usize) {
        self.outline.rows[at].starts_folded = true;
    }

    /// Gives bytes of the text of the last row another tone. Ranges come in their order.
    pub fn span(&mut self, range: std::ops::Range<usize>, tone: Tone) {
        let row = self.outline.rows.len() - 1;
        self.outline.spans.push(Span {
            row: row as u32,
            start: range.start as u32,
            end: range.end as u32,
            tone,
        });
    }

    /// Says what is not there yet.
    pub fn more(&mut self, words: &str) {
        self.push(New {
            form: Form::More,
            ..New::line(Tone::Waiting, words)
        });
    }

    /// The lines of a text as rows, long ones in pieces.
    pub fn lines(&mut self, tone: Tone, text: &str) {
        let (head, rest) = self.head_of(text);
        for line in head.lines() {
            for piece in pieces(line) {
                if self.is_full() {
                    self.more(&left_out(text, piece));
                    return;
                }
                self.push(New {
                    hang: margin(line),
                    ..New::line(tone, piece)
                });
            }
        }
        self.count(rest);
    }

    /// Says how many bytes of a text are left out.
    pub fn count(&mut self, rest: usize) {
        if rest > 0 {
            let rest = crate::base::human::bytes(rest as u64);
            self.more(&format!("{rest} more of this text"));
        }
    }

    /// The head of a long text, cut between characters, and the bytes that are left out.
    pub fn head_of<'a>(&self, text: &'a str) -> (&'a str, usize) {
        if text.len() <= self.limits.text {
            return (text, 0);
        }
        let end = text.floor_char_boundary(self.limits.text);
        (text.get(..end).unwrap_or_default(), text.len() - end)
    }

    fn write(&mut self, text: &str) -> (u32, u32) {
        let start = self.outline.text.len() as u32;
        self.outline.text.push_str(text);
        (start, self.outline.text.len() as u32)
    }
}

/// Pieces of at most this many bytes, cut after a space or between characters; an empty line is one piece.
pub fn pieces(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let most = line.floor_char_boundary(LONGEST_LINE);
        let is_long = most < line.len();
        let space = line
            .get(..most)
            .filter(|_| is_long)
            .and_then(|head| head.rfind(' '));
        let end = space.filter(|at| at * 2 > most).map_or(most, |at| at + 1);
        let (piece, after) = line.split_at(end);
        rest = (!after.is_empty()).then_some(after);
        Some(piece)
    })
}

/// Where the further lines of a wrapped line begin: below its first word.
pub fn margin(line: &str) -> usize {
    let bare = line.trim_start();
    let space = line.get(..line.len() - bare.len()).unwrap_or_default();
    let tabs = space.bytes().filter(|byte| *byte == b'\t').count();
    (space.len() + 3 * tabs).min(24)
}

/// What of `text` begins at `piece`, in words.
fn left_out(text: &str, piece: &str) -> String {
    let before = (piece.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let rest = text.len().saturating_sub(before) as u64;
    format!("{} more of this text", crate::base::human::bytes(rest))
}
