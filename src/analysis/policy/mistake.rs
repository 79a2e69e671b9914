//! A mistake in a policy file: where it is and what was meant.

use std::ops::Range;

use crate::base::text;

/// Line and column count from 1, the column in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub line: u32,
    pub column: u32,
    /// In characters.
    pub length: u32,
    pub what: String,
    pub meant: Option<String>,
    /// The line as it is in the file.
    pub shown: String,
}

impl Mistake {
    /// At some bytes of a text.
    pub fn at(whole: &str, span: Range<usize>, what: impl Into<String>) -> Mistake {
        let start = floor(whole, span.start);
        let (line, from) = line_of(whole, start);
        let shown = whole.get(from..).unwrap_or_default().lines().next();
        let shown = shown.unwrap_or_default();
        let column = whole.get(from..start).unwrap_or_default().chars().count();
        let marked = whole.get(start..floor(whole, span.end.max(start)));
        let marked = marked.unwrap_or_default().lines().next();
        Mistake {
            line,
            column: column as u32 + 1,
            length: marked.unwrap_or_default().chars().count().max(1) as u32,
            what: what.into(),
            meant: None,
            shown: shown.to_owned(),
        }
    }

    /// At a line and a column, both from 1.
    pub fn at_line(whole: &str, line: usize, column: usize, what: impl Into<String>) -> Mistake {
        let shown = whole
            .lines()
            .nth(line.saturating_sub(1))
            .unwrap_or_default();
        Mistake {
            line: line as u32,
            column: column.max(1) as u32,
            length: 1,
            what: what.into(),
            meant: None,
            shown: shown.to_owned(),
        }
    }

    #[must_use]
    pub fn because(self, what: &str) -> Mistake {
        Mistake {
            what: what.to_owned(),
            ..self
        }
    }

    #[must_use]
    pub fn meaning(self, meant: Option<&str>) -> Mistake {
        Mistake {
            meant: meant.map(str::to_owned),
            ..self
        }
    }

    /// The message, the line, and carets under the mistake.
    pub fn words(&self, path: &str) -> String {
        const WIDEST: usize = 400;
        let meant = self
            .meant
            .as_ref()
            .map(|it| format!(" · did you mean '{it}'?"));
        let before: String = self.shown.chars().take(self.column as usize - 1).collect();
        let shown = text::sanitize(&self.shown);
        let mut out = format!(
            "{path}:{}:{}: {}{}",
            self.line,
            self.column,
            self.what,
            meant.unwrap_or_default()
        );
        if shown.trim().is_empty() || shown.chars().count() > WIDEST {
            return out;
        }
        let indent = text::width(&text::sanitize(&before));
        let carets = "^".repeat(self.length as usize);
        out.extend([
            "
  ",
            &*shown,
            "
  ",
            &" ".repeat(indent),
            &carets,
        ]);
        out
    }
}

/// The line of a byte, from 1, and where that line begins.
pub fn line_of(whole: &str, at: usize) -> (u32, usize) {
    let before = whole.as_bytes().get(..at).unwrap_or(whole.as_bytes());
    // Called for every rule of a policy, in a hook that is a new process for each call.
    let line = memchr::memchr_iter(b'\n', before).count() as u32 + 1;
    let from = memchr::memrchr(b'\n', before).map_or(0, |it| it + 1);
    (line, from)
}

/// The line and column of a byte, both from 1.
pub fn spot(whole: &str, at: usize) -> (u32, u32) {
    let at = floor(whole, at);
    let (line, from) = line_of(whole, at);
    let column = whole.get(from..at).unwrap_or_default().chars().count();
    (line, column as u32 + 1)
}

fn floor(whole: &str, at: usize) -> usize {
    let mut at = at.min(whole.len());
    while !whole.is_char_boundary(at) {
        at -= 1;
    }
    at
}
