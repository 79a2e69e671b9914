//! Keys at the foot of a screen with a word or two each, from the table of commands.

use ratatui::style::Style;

use crate::base::text;
use crate::tui::keys::Command;
use crate::tui::theme::Theme;
use crate::tui::widgets::paint::Row;

const LAST: &[Command] = &[Command::Help, Command::Back];

/// What fits of the hints; the way to the help and the way out always have their room. One command may stand
/// before the others with words of its own.
pub fn draw(
    first: Option<(Command, &'static str)>,
    commands: &[Command],
    theme: &Theme,
    row: &mut Row<'_>,
) {
    let first = first.and_then(|(command, words)| Some((hint(command, theme)?.0, words)));
    let last: Vec<_> = LAST.iter().filter_map(|it| hint(*it, theme)).collect();
    let reserved: usize = last.iter().map(width).sum();
    let others = commands.iter().filter_map(|it| hint(*it, theme));
    for hint in first.into_iter().chain(others) {
        if width(&hint) + reserved <= row.room() {
            put(&hint, theme, row);
        }
    }
    for hint in &last {
        put(hint, theme, row);
    }
}

/// What keys do while a filter is typed; the keys of commands are text then.
pub fn typing(theme: &Theme, row: &mut Row<'_>) {
    let keys = [
        (theme.marks.enter, "keep"),
        ("esc", "as before"),
        ("tab", "complete"),
        ("up", "earlier filter"),
    ];
    for (key, words) in keys {
        let hint = (key.to_owned(), words);
        if width(&hint) <= row.room() {
            put(&hint, theme, row);
        }
    }
}

/// The first key of a command and its hint; a command without a key is found in the palette.
fn hint(command: Command, theme: &Theme) -> Option<(String, &'static str)> {
    let key = theme.keymap.key(command)?;
    let key = if key == "enter" {
        theme.marks.enter.to_owned()
    } else {
        key
    };
    Some((key, command.entry().hint))
}

fn width((key, words): &(String, &str)) -> usize {
    text::width(key) + text::width(words) + 3
}

fn put((key, words): &(String, &str), theme: &Theme, row: &mut Row<'_>) {
    row.put(" ", Style::new())
        .put(key, theme.styles.strong)
        .put(" ", Style::new())
        .put(words, theme.styles.faint)
        .put(" ", Style::new());
}
