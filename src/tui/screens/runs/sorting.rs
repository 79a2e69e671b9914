//! The list of columns to sort by, over the table: each has a letter.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::analysis::runs::{Key as SortKey, Order};
use crate::base::text;
use crate::tui::keys::{Code, Command, Key};
use crate::tui::screens::runs::Runs;
use crate::tui::theme::Theme;
use crate::tui::widgets::paint::Row;
use crate::tui::widgets::popup::{self, Edges};

#[derive(Debug)]
pub(super) struct Sorting {
    cursor: usize,
}

/// In the order of the table's columns.
const KEYS: &[(char, SortKey)] = &[
    ('i', SortKey::Run),
    ('s', SortKey::Started),
    ('y', SortKey::Active),
    ('g', SortKey::Agent),
    ('m', SortKey::Model),
    ('t', SortKey::Turns),
    ('a', SortKey::Actions),
    ('l', SortKey::Tools),
    ('d', SortKey::Duration),
    ('c', SortKey::Cost),
    ('n', SortKey::Tokens),
    ('e', SortKey::Errors),
    ('b', SortKey::Blocked),
    ('r', SortKey::Retries),
    ('v', SortKey::Score),
    ('o', SortKey::Outcome),
    ('f', SortKey::File),
];

/// What a command of its own sorts by.
pub(super) fn key_of(command: Command) -> Option<SortKey> {
    Some(match command {
        Command::SortStarted => SortKey::Started,
        Command::SortCost => SortKey::Cost,
        Command::SortErrors => SortKey::Errors,
        Command::SortActions => SortKey::Actions,
        Command::SortDuration => SortKey::Duration,
        Command::SortModel => SortKey::Model,
        Command::SortOutcome => SortKey::Outcome,
        _ => return None,
    })
}

impl Sorting {
    pub(super) fn at(order: Order) -> Sorting {
        let cursor = KEYS.iter().position(|(_, key)| *key == order.key);
        Sorting {
            cursor: cursor.unwrap_or(0),
        }
    }
}

impl Runs {
    /// A letter sorts at once; `S` reverses.
    pub(super) fn choose_order(&mut self, key: Key) {
        let Some(sorting) = &mut self.sorting else {
            return;
        };
        let chosen = match (key.code, key.char()) {
            (Code::Down | Code::Tab, _) | (_, Some('j')) => {
                sorting.cursor = (sorting.cursor + 1).min(KEYS.len() - 1);
                return;
            }
            (Code::Up | Code::BackTab, _) | (_, Some('k')) => {
                sorting.cursor = sorting.cursor.saturating_sub(1);
                return;
            }
            (Code::Enter, _) => KEYS.get(sorting.cursor).map(|(_, key)| *key),
            (_, Some('S')) => Some(self.order.key),
            (_, Some(letter)) => {
                let found = KEYS.iter().find(|(it, _)| *it == letter);
                found.map(|(_, key)| *key)
            }
            _ => None,
        };
        self.sorting = None;
        if let Some(key) = chosen {
            self.sort_by(key);
        }
    }
}

/// ```text
/// ┌ sort by ────────────────┐
/// │ c cost           ▾      │
/// └ again reverses · esc ───┘
/// ```
pub(super) fn draw(runs: &Runs, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let Some(sorting) = &runs.sorting else { return };
    let styles = &theme.styles;
    let height = (KEYS.len() as u16 + 2).min(area.height);
    let area = Rect {
        x: area.x + 2,
        width: WIDTH.min(area.width.saturating_sub(2)),
        height,
        ..area
    };
    let edges = Edges {
        title: "sort by",
        hint: "",
        foot: "again reverses · esc closes",
    };
    let inside = popup::draw(area, edges, theme, buf);
    let rows = usize::from(inside.height);
    let top = (sorting.cursor + 1).saturating_sub(rows);
    for ((at, (letter, key)), y) in KEYS.iter().enumerate().skip(top).zip(0..inside.height) {
        let base = if at == sorting.cursor {
            styles.selected
        } else {
            styles.shadow
        };
        let mut row = Row::new(buf, inside, y, base);
        let now = match (*key == runs.order.key, runs.order.falling) {
            (false, _) => "",
            (true, true) => theme.marks.falling,
            (true, false) => theme.marks.rising,
        };
        row.flush_right(&format!("{now} "), styles.strong.patch(base));
        row.put(&format!(" {letter} "), styles.key.patch(base)).put(
            &text::cut(key.word(), row_room(inside)),
            styles.text.patch(base),
        );
    }
}

const WIDTH: u16 = 34;

/// Cells for the name of a column, next to its letter and a mark.
fn row_room(inside: Rect) -> usize {
    usize::from(inside.width).saturating_sub(5)
}
