//! The list of columns to sort by, over the table: each has a letter.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::analysis::runs::{Key as SortKey, Order};
use crate::tui::keys::{Command, Key};
use crate::tui::screens::runs::Runs;
use crate::tui::theme::Theme;
use crate::tui::widgets::letters::{self, Chosen, Letters};

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

/// The list, on the column in force.
pub(super) fn list(order: Order) -> Letters {
    Letters::at(place(order.key))
}

fn place(key: SortKey) -> usize {
    KEYS.iter().position(|(_, it)| *it == key).unwrap_or(0)
}

impl Runs {
    /// A letter sorts at once; `S` reverses.
    pub(super) fn choose_order(&mut self, key: Key) {
        let Some(sorting) = &mut self.sorting else {
            return;
        };
        let chosen = sorting.key(key, &lines(), place(self.order.key));
        if chosen == Chosen::Moved {
            return;
        }
        self.sorting = None;
        if let Chosen::Line(at) = chosen {
            self.sort_by(KEYS[at].1);
        }
    }
}

pub(super) fn draw(runs: &Runs, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let Some(sorting) = &runs.sorting else { return };
    let now = (place(runs.order.key), runs.order.falling);
    sorting.draw((&lines(), now), theme, (area, buf));
}

fn lines() -> Vec<letters::Line> {
    KEYS.iter()
        .map(|(letter, key)| (*letter, key.word()))
        .collect()
}
