//! The help: every command with its keys, from the table, to scroll and to search.

mod view;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::effects::Effect;
use crate::tui::jobs::Output;
use crate::tui::keys::{COMMANDS, Code, Command, Entry, Group, Key};
use crate::tui::session::{News, Session};
use crate::tui::shell::{Pointer, Screen};
use crate::tui::theme::Theme;
use crate::tui::widgets::prompt::Prompt;

#[derive(Debug, Default)]
pub struct Help {
    search: Prompt,
    is_typing: bool,
    scroll: usize,
    rows: usize,
}

/// A line of the help.
#[derive(Debug, Clone, Copy)]
enum Line {
    Title(Group),
    Entry(&'static Entry),
}

impl Help {
    /// Titles and commands that have all the searched words in their keys, name or help.
    fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        for group in Group::ALL {
            let found = COMMANDS
                .iter()
                .filter(|entry| entry.group == *group && self.wants(entry));
            let found: Vec<Line> = found.map(Line::Entry).collect();
            if !found.is_empty() {
                lines.push(Line::Title(*group));
                lines.extend(found);
            }
        }
        lines
    }

    fn wants(&self, entry: &Entry) -> bool {
        let searched = self.search.text().to_lowercase();
        let all = format!("{} {} {}", entry.name, entry.keys, entry.help).to_lowercase();
        searched.split_whitespace().all(|word| all.contains(word))
    }
}

impl Screen for Help {
    fn typed(&mut self, key: Key, _session: &mut Session) -> Option<Vec<Effect>> {
        if !self.is_typing {
            return None;
        }
        match key.code {
            Code::Esc => (self.is_typing, self.search) = (false, Prompt::default()),
            Code::Enter => self.is_typing = false,
            _ => {
                self.search.edit(key);
            }
        }
        self.scroll = 0;
        Some(Vec::new())
    }

    fn pasted(&mut self, text: &str, _session: &mut Session) -> Vec<Effect> {
        if self.is_typing {
            self.search.paste(text);
        }
        Vec::new()
    }

    fn filter(&mut self, _text: &str, _session: &mut Session) -> Vec<Effect> {
        Vec::new()
    }

    fn update(&mut self, command: Command, _session: &mut Session) -> Vec<Effect> {
        match command {
            Command::Down => self.scroll += 1,
            Command::Up => self.scroll = self.scroll.saturating_sub(1),
            Command::PageDown | Command::HalfDown => self.scroll += self.rows,
            Command::PageUp | Command::HalfUp => {
                self.scroll = self.scroll.saturating_sub(self.rows);
            }
            Command::Top => self.scroll = 0,
            Command::Bottom => self.scroll = COMMANDS.len() * 2,
            Command::Filter => self.is_typing = true,
            Command::Back | Command::Cancel | Command::Help => return vec![Effect::Pop],
            _ => {}
        }
        Vec::new()
    }

    fn pointed(&mut self, pointer: Pointer, session: &mut Session) -> Vec<Effect> {
        match pointer {
            Pointer::WheelDown { .. } => self.update(Command::Down, session),
            Pointer::WheelUp { .. } => self.update(Command::Up, session),
            Pointer::Click { .. } | Pointer::Drag { .. } | Pointer::Release => Vec::new(),
        }
    }

    fn loaded(&mut self, _news: &News, _session: &mut Session) -> Vec<Effect> {
        Vec::new()
    }

    fn finished(&mut self, _output: Output, _session: &mut Session) -> Vec<Effect> {
        Vec::new()
    }

    fn prepare(&mut self, area: Rect, _session: &mut Session) -> Vec<Effect> {
        self.rows = usize::from(area.height.saturating_sub(view::HEAD));
        self.scroll = self
            .scroll
            .min(self.lines().len().saturating_sub(self.rows));
        Vec::new()
    }

    fn draw(&self, theme: &Theme, area: Rect, buf: &mut Buffer) {
        view::draw(self, theme, area, buf);
    }
}

#[cfg(test)]
mod tests {
    use super::{Help, Line};
    use crate::tui::keys::{COMMANDS, Command};
    use crate::tui::widgets::prompt::Prompt;

    fn found(search: &str) -> Vec<Command> {
        let help = Help {
            search: Prompt::new(search),
            ..Help::default()
        };
        let commands = help.lines().into_iter().filter_map(|line| match line {
            Line::Entry(entry) => Some(entry.command),
            Line::Title(_) => None,
        });
        commands.collect()
    }

    #[test]
    fn every_command_is_in_the_help() {
        assert_eq!(found("").len(), COMMANDS.len());
    }

    #[test]
    fn a_search_finds_words_of_the_help_and_names_of_keys() {
        assert_eq!(found("Next error"), [Command::NextError]);
        assert_eq!(found("ctrl-z"), [Command::Suspend]);
    }
}
