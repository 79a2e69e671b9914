//! The message when a key does nothing on a view.

use crate::tui::keys::{Command, Key, Place};
use crate::tui::shell::{ScreenEffect, Shell};

impl Shell {
    /// Where the key works, or where the keys are listed.
    pub(super) fn say_idle(&mut self, key: Key, place: Place) -> Vec<ScreenEffect> {
        let words = match (key.char(), self.session.keymap.elsewhere(key)) {
            (Some('0'..='9'), None) => format!("{key} has no view"),
            (_, Some(command)) => format!(
                "{key} ({}) works in {}",
                command.entry().name,
                views(command)
            ),
            (_, None) => {
                let help = self.session.keymap.keys(Command::Help).join(" ");
                let view = place
                    .screen
                    .info()
                    .tab
                    .map_or("here".to_owned(), |tab| format!("in {}", tab.title));
                format!("{key} does nothing {view} · {help} lists the keys")
            }
        };
        self.session.hint(&words);
        Vec::new()
    }
}

/// `Stream, Replay and Diff`.
fn views(command: Command) -> String {
    let entry = command.entry();
    if entry.group.is_inner() {
        return "the inspector".to_owned();
    }
    let tabs = entry.screens.iter().filter_map(|screen| screen.info().tab);
    let mut titles: Vec<&str> = tabs.map(|tab| tab.title).collect();
    let last = titles.pop().unwrap_or_default();
    if titles.is_empty() {
        last.to_owned()
    } else {
        format!("{} and {last}", titles.join(", "))
    }
}
