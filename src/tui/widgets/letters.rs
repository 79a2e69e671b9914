//! A short list to choose from by a letter, or by moving to a line: what to sort by.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::base::text;
use crate::tui::keys::{Code, Key};
use crate::tui::theme::Theme;
use crate::tui::widgets::paint::Row;
use crate::tui::widgets::popup::{self, Edges};

#[derive(Debug)]
pub struct Letters {
    cursor: usize,
}

/// What a key did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen {
    /// The list stays open.
    Moved,
    Line(usize),
    /// Closed without a choice.
    Nothing,
}

/// What to sort by, and the letter that chooses it.
pub type Line = (char, &'static str);

/// The line in force, and whether the highest come first.
pub type InForce = (usize, bool);

impl Letters {
    pub fn at(cursor: usize) -> Letters {
        Letters { cursor }
    }

    /// `S` chooses the line `now` again.
    pub fn key(&mut self, key: Key, lines: &[Line], now: usize) -> Chosen {
        let last = lines.len().saturating_sub(1);
        match (key.code, key.char()) {
            (Code::Down | Code::Tab, _) | (_, Some('j')) => {
                self.cursor = (self.cursor + 1).min(last);
                Chosen::Moved
            }
            (Code::Up | Code::BackTab, _) | (_, Some('k')) => {
                self.cursor = self.cursor.saturating_sub(1);
                Chosen::Moved
            }
            (Code::Enter, _) => Chosen::Line(self.cursor),
            (_, Some('S')) => Chosen::Line(now),
            (_, Some(letter)) => {
                let found = lines.iter().position(|(known, _)| *known == letter);
                found.map_or(Chosen::Nothing, Chosen::Line)
            }
            _ => Chosen::Nothing,
        }
    }

    /// ```text
    /// ┌ sort by ────────────────┐
    /// │ c cost           ▾      │
    /// └ again reverses · esc ───┘
    /// ```
    pub fn draw(
        &self,
        (lines, (now, is_falling)): (&[Line], InForce),
        theme: &Theme,
        (area, buf): (Rect, &mut Buffer),
    ) {
        let styles = &theme.styles;
        let height = u16::try_from(lines.len() + 2).unwrap_or(u16::MAX);
        let area = Rect {
            x: area.x + 2,
            width: WIDTH.min(area.width.saturating_sub(2)),
            height: height.min(area.height),
            ..area
        };
        let edges = Edges {
            title: "sort by",
            hint: "",
            foot: "again reverses · esc closes",
        };
        let inside = popup::draw(area, edges, theme, buf);
        let rows = usize::from(inside.height);
        let top = (self.cursor + 1).saturating_sub(rows);
        for ((at, (letter, words)), y) in lines.iter().enumerate().skip(top).zip(0..inside.height) {
            let base = if at == self.cursor {
                styles.selected
            } else {
                styles.shadow
            };
            let mark = if at == now {
                theme.marks.direction(is_falling)
            } else {
                ""
            };
            let mut row = Row::new(buf, inside, y, base);
            row.flush_right(&format!("{mark} "), styles.strong.patch(base));
            row.put(&format!(" {letter} "), styles.key.patch(base));
            let room = row.room();
            row.put(&text::cut(words, room), styles.text.patch(base));
        }
    }
}

const WIDTH: u16 = 34;
