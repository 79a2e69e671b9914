//! The list of columns to sort by, over the table: each has a letter.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::analysis::runs::{Key as SortKey, Order};
use crate::tui::keys::{Command, Key};
use crate::tui::screens::runs::Runs;
use crate::tui::theme::Theme;
use crate::tui::widgets::letters::{Chosen, Letters, Line};

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
        let letters: Vec<char> = KEYS.iter().map(|(letter, _)| *letter).collect();
        let chosen = sorting.key(key, &letters, place(self.order.key));
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
    let lines = KEYS.iter().map(|(letter, key)| Line {
        letter: *letter,
        words: key.word(),
        mark: match (*key == runs.order.key, runs.order.falling) {
            (false, _) => "",
            (true, true) => theme.marks.falling,
            (true, false) => theme.marks.rising,
        },
    });
    let lines: Vec<Line<'_>> = lines.collect();
    sorting.draw(&lines, theme, (area, buf));
}
