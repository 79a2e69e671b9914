//! The help: every command of the view below with its keys, from the table, to search and to run.

mod view;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::base::text;
use crate::query::guide;
use crate::tui::effects::Effect;
use crate::tui::keys::{COMMANDS, Code, Command, Entry, Group, Key};
use crate::tui::screen::id::{self, Info, ScreenId};
use crate::tui::screen::{Pointer, Screen};
use crate::tui::session::Session;
use crate::tui::theme::Theme;
use crate::tui::widgets::prompt::Prompt;
use crate::tui::widgets::viewport::{Extent, Viewport};

#[derive(Debug, Default)]
pub struct Help {
    search: Prompt,
    is_typing: bool,
    view: Viewport,
    lines: Vec<Line>,
    rows: usize,
    area: Rect,
    /// What the view below is called.
    about: &'static str,
}

/// A line of the help.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    Title(&'static str),
    Entry {
        keys: String,
        help: &'static str,
        does: Does,
    },
    /// A filter and what it matches: something to know, not to run.
    Filter {
        text: String,
        means: String,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    Command(Command),
    View(ScreenId),
}

impl Help {
    /// Titles, and entries whose keys, name or help contain all the search words.
    fn fill(&mut self, session: &Session) {
        let searched = self.search.text().to_lowercase();
        let wants = |parts: &[&str]| {
            let all = parts.join(" ").to_lowercase();
            searched.split_whitespace().all(|word| all.contains(word))
        };
        self.lines.clear();
        let mut groups = Group::ALL.to_vec();
        // What the keys mean where they were typed comes first.
        groups.sort_by_key(|group| session.place.is_inner != group.is_inner());
        for group in &groups {
            let found = COMMANDS
                .iter()
                .filter(|entry| entry.group == *group && is_listed(entry, session.place.screen))
                .map(|entry| {
                    let place = if entry.is_for(session.place.screen) {
                        session.place.screen
                    } else {
                        ScreenId::Changes
                    };
                    let keys = session.keymap.keys_on(place, entry.command);
                    (entry, keys.join(" "))
                })
                .filter(|(entry, keys)| wants(&[entry.name, keys, entry.help]));
            let found = found.map(|(entry, keys)| command(entry, keys)).collect();
            self.section(group.title(), found);
        }
        let views = id::views()
            .map(|info| (info, session.keymap.view_keys(info.id).join(" ")))
            .filter(|(info, keys)| wants(&[info.name, keys, info.about]));
        let views = views.map(|(info, keys)| view(info, keys)).collect();
        self.section("views", views);
        for section in guide::sections() {
            let lines = section.lines.into_iter();
            let lines = lines.filter(|(text, means)| wants(&[text, means, "filter"]));
            let lines = lines.map(|(text, means)| Line::Filter { text, means });
            self.section(section.title, lines.collect());
        }
        if !self.is_entry(self.view.cursor) {
            self.step(true);
        }
    }

    fn section(&mut self, title: &'static str, lines: Vec<Line>) {
        if !lines.is_empty() {
            self.lines.push(Line::Title(title));
            self.lines.extend(lines);
        }
    }

    fn is_entry(&self, at: usize) -> bool {
        matches!(self.lines.get(at), Some(Line::Entry { .. }))
    }

    /// To the next line that can be run; at the ends the window scrolls to the lines beyond.
    fn step(&mut self, down: bool) {
        let from = self.view.cursor;
        let next = if down {
            (from + 1..self.lines.len()).find(|at| self.is_entry(*at))
        } else {
            (0..from).rev().find(|at| self.is_entry(*at))
        };
        self.view.cursor = next.unwrap_or(from);
    }

    fn leap(&mut self, down: bool) {
        (0..self.rows.max(1)).for_each(|_| self.step(down));
    }

    fn run(&self) -> Vec<Effect> {
        match self.lines.get(self.view.cursor) {
            Some(Line::Entry { does, .. }) => match does {
                Does::Command(command) => vec![Effect::Obey(*command, String::new())],
                Does::View(view) => vec![Effect::Show(*view, None)],
            },
            _ => Vec::new(),
        }
    }
}

/// The commands of a view, and those of the list of files where it can be opened.
fn is_listed(entry: &Entry, view: ScreenId) -> bool {
    let files = Command::Changes.entry();
    entry.is_for(view) || entry.is_for(ScreenId::Changes) && files.is_for(view)
}

/// A command without a key is run by its name in the palette.
fn command(entry: &'static Entry, mut keys: String) -> Line {
    if keys.is_empty() {
        keys = format!(":{}", entry.name);
    }
    Line::Entry {
        keys,
        help: entry.help,
        does: Does::Command(entry.command),
    }
}

fn view(info: &'static Info, keys: String) -> Line {
    Line::Entry {
        keys,
        help: info.about,
        does: Does::View(info.id),
    }
}

impl Screen for Help {
    fn typed(&mut self, key: Key, session: &mut Session) -> Option<Vec<Effect>> {
        if !self.is_typing {
            return None;
        }
        match key.code {
            Code::Esc => (self.is_typing, self.search) = (false, Prompt::default()),
            Code::Enter => return Some(self.run()),
            Code::Down => self.step(true),
            Code::Up => self.step(false),
            _ => {
                if !self.search.edit(key) {
                    return Some(Vec::new());
                }
                self.view = Viewport::default();
            }
        }
        self.fill(session);
        Some(Vec::new())
    }

    fn pasted(&mut self, text: &str, session: &mut Session) -> Vec<Effect> {
        if self.is_typing {
            self.search.paste(text);
            self.fill(session);
        }
        Vec::new()
    }

    fn entered(&mut self, session: &mut Session) -> Vec<Effect> {
        self.about = if session.place.is_inner {
            "the inspector"
        } else {
            session.place.screen.info().tab.map_or("", |tab| tab.title)
        };
        self.fill(session);
        Vec::new()
    }

    fn update(&mut self, command: Command, session: &mut Session) -> Vec<Effect> {
        match command {
            Command::Down => self.step(true),
            Command::Up => self.step(false),
            Command::PageDown | Command::HalfDown => self.leap(true),
            Command::PageUp | Command::HalfUp => self.leap(false),
            Command::Top => {
                self.view.cursor = 0;
                self.step(true);
            }
            Command::Bottom => {
                self.view.cursor = self.lines.len();
                self.step(false);
            }
            Command::Filter => self.is_typing = true,
            Command::Open => return self.run(),
            Command::Cancel if !self.search.text().is_empty() => {
                self.search = Prompt::default();
                self.fill(session);
            }
            Command::Back | Command::Cancel | Command::Help => return vec![Effect::Pop],
            _ => {}
        }
        Vec::new()
    }

    fn pointed(&mut self, pointer: Pointer, _session: &mut Session) -> Vec<Effect> {
        match pointer {
            Pointer::WheelDown { .. } => self.step(true),
            Pointer::WheelUp { .. } => self.step(false),
            Pointer::Click { y, .. } => {
                let row = y.checked_sub(self.area.y + view::HEAD);
                let at = row.map(|row| self.view.top() + usize::from(row));
                match at.filter(|at| self.is_entry(*at)) {
                    Some(at) if at == self.view.cursor => return self.run(),
                    Some(at) => self.view.cursor = at,
                    None => {}
                }
            }
            Pointer::Drag { .. } | Pointer::Release => {}
        }
        Vec::new()
    }

    fn prepare(&mut self, area: Rect, _session: &mut Session) -> Vec<Effect> {
        self.area = area;
        self.rows = usize::from(area.height.saturating_sub(view::HEAD));
        self.view.settle(&Extent {
            len: self.lines.len(),
            rows: self.rows,
            height: &|_| 1,
        });
        Vec::new()
    }

    fn draw(&self, theme: &Theme, area: Rect, buf: &mut Buffer) {
        view::draw(self, theme, area, buf);
    }
}

/// What is searched, sanitised.
fn searched(help: &Help) -> String {
    text::sanitize(help.search.text()).into_owned()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Does, Help, Line};
    use crate::tui::keys::{COMMANDS, Command};
    use crate::tui::screen::id::{self, ScreenId};
    use crate::tui::session::Session;
    use crate::tui::testing;
    use crate::tui::widgets::prompt::Prompt;

    fn found(search: &str, view: ScreenId) -> Vec<Command> {
        let mut session = Session::new(&testing::options());
        session.place.screen = view;
        let mut help = Help {
            search: Prompt::new(search),
            ..Help::default()
        };
        help.fill(&session);
        let commands = help.lines.into_iter().filter_map(|line| match line {
            Line::Entry {
                does: Does::Command(command),
                ..
            } => Some(command),
            _ => None,
        });
        commands.collect()
    }

    #[test]
    fn every_command_is_in_the_help_of_some_view() {
        let views = id::views().flat_map(|info| found("", info.id));
        let all: HashSet<Command> = views.collect();
        assert_eq!(all.len(), COMMANDS.len());
    }

    #[test]
    fn a_search_finds_words_of_the_help_and_names_of_keys() {
        let stream = ScreenId::Stream;
        assert_eq!(found("Next error", stream), [Command::NextError]);
        assert_eq!(found("ctrl-z", stream), [Command::Suspend]);
        assert_eq!(found("Next error", ScreenId::Runs), []);
    }

    #[test]
    fn commands_of_the_list_of_files_have_their_keys_in_the_help_of_a_view() {
        let mut session = Session::new(&testing::options());
        session.place.screen = ScreenId::Stream;
        let mut help = Help::default();
        help.fill(&session);
        let net = help.lines.iter().find_map(|line| match line {
            Line::Entry {
                keys,
                does: Does::Command(Command::NetChange),
                ..
            } => Some(keys.as_str()),
            _ => None,
        });
        assert_eq!(net, Some("d"));
    }

    #[test]
    fn a_command_is_run_from_the_help_on_the_view_below() {
        let trace = "{\"type\":\"prompt\",\"run_id\":\"r\",\"id\":\"p\",\"content\":\"x\"}\n{\"type\":\"tool_call\",\"run_id\":\"r\",\"id\":\"c\",\"tool\":\"t\"}\n";
        let shown = testing::screen(trace, "g ? / last space row enter");
        assert!(shown.contains("2 / 2"), "{shown}");
        let shown = testing::screen(trace, "? / table enter");
        assert!(shown.contains("STARTED"), "{shown}");
    }
}
