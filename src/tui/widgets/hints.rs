//! Keys at the foot of a screen with a word or two each, from the table of commands.

use ratatui::style::Style;

use crate::base::text;
use crate::tui::keys::Command;
use crate::tui::theme::Theme;
use crate::tui::widgets::paint::Row;

const LAST: &[Command] = &[Command::Help, Command::Back];

/// What fits of the hints; the way to the help and the way out always have their room.
pub fn draw(commands: &[Command], theme: &Theme, row: &mut Row<'_>) {
    let shown = |command: &Command| {
        let entry = command.entry();
        let key = entry.keys().next().unwrap_or_default();
        let key = if key == "enter" {
            theme.marks.enter
        } else {
            key
        };
        (key, entry.hint)
    };
    let width = |(key, words): (&str, &str)| text::width(key) + text::width(words) + 3;
    let last: Vec<_> = LAST.iter().map(shown).collect();
    let reserved: usize = last.iter().copied().map(width).sum();
    for hint in commands.iter().map(shown) {
        if width(hint) + reserved <= row.room() {
            one(hint, theme, row);
        }
    }
    for hint in last {
        one(hint, theme, row);
    }
}

fn one((key, words): (&str, &str), theme: &Theme, row: &mut Row<'_>) {
    row.put(" ", Style::new())
        .put(key, theme.styles.strong)
        .put(" ", Style::new())
        .put(words, theme.styles.faint)
        .put(" ", Style::new());
}
