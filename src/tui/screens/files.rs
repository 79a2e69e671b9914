//! The files that are open, by a few letters of their names; and any other path, typed, to open it instead.

mod tasks;

use std::path::PathBuf;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::base::{human, text};
use crate::model::action::SourceIx;
use crate::model::run::RunIx;
use crate::tui::effects::Effect;
use crate::tui::keys::{Command, Key};
use crate::tui::screen::id::ScreenId;
use crate::tui::screen::{Pointer, Screen};
use crate::tui::screens::files::tasks::Find;
use crate::tui::session::{Here, News, Session};
use crate::tui::theme::Theme;
use crate::tui::widgets::chooser::{Chooser, ChooserEvent, Frame, Item};
use crate::tui::widgets::fuzzy;

#[derive(Debug, Default)]
pub struct Files {
    chooser: Chooser,
    offers: Vec<Offer>,
    items: Vec<Item>,
    /// Why a path could not be opened, sanitised.
    problem: String,
    area: Rect,
}

#[derive(Debug, Clone)]
enum Offer {
    Open(SourceIx),
    /// A path as it is typed.
    Path(String, How),
    /// A path that was opened before.
    Before(String),
}

/// How a path is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// Instead of what is open.
    Replace,
    /// Beside what is open.
    Add,
}

impl Files {
    fn offer(&mut self, session: &Session) {
        self.problem.clear();
        let store = &session.loaded.store;
        let paths: Vec<String> = store
            .sources()
            .iter()
            .map(|source| source.path.to_string_lossy().into_owned())
            .collect();
        let typed = self.chooser.prompt.text();
        let found = fuzzy::rank(typed, paths.iter().map(String::as_str));
        let is_path = typed.contains('/') || typed.starts_with('~') || found.is_empty();
        let path = typed.trim();
        let hows: &[How] = match (is_path && !path.is_empty(), paths.is_empty()) {
            (false, _) => &[],
            (true, true) => &[How::Replace],
            (true, false) => &[How::Replace, How::Add],
        };
        let files = found.into_iter().map(|at| Offer::Open(SourceIx(at as u32)));
        let opened = session.setup.remembered.opened.iter();
        let opened = opened.map(|path| path.to_string_lossy().into_owned());
        let opened: Vec<String> = opened.filter(|path| !paths.contains(path)).collect();
        let before = fuzzy::rank(path, opened.iter().map(String::as_str));
        let before = before
            .into_iter()
            .map(|at| Offer::Before(opened[at].clone()));
        let typed = hows.iter().map(|how| Offer::Path(path.to_owned(), *how));
        self.offers = files.chain(typed).chain(before).collect();
        let item = |offer: &Offer| match offer {
            Offer::Open(ix) => Item {
                name: text::sanitize(&paths[ix.0 as usize]).into_owned(),
                about: String::new(),
                aside: store
                    .account(*ix)
                    .map(|account| human::bytes(account.total))
                    .unwrap_or_default(),
            },
            Offer::Before(path) => Item {
                name: text::sanitize(path).into_owned(),
                about: "opened before".to_owned(),
                aside: String::new(),
            },
            Offer::Path(path, how) => Item {
                name: text::sanitize(path).into_owned(),
                about: match how {
                    How::Replace => "open this instead of what is open",
                    How::Add => "add this to what is open",
                }
                .to_owned(),
                aside: String::new(),
            },
        };
        self.items = self.offers.iter().map(item).collect();
    }

    fn take(&self, session: &Session) -> Vec<Effect> {
        match self.offers.get(self.chooser.selected()) {
            Some(Offer::Open(source)) => show(*source, session),
            Some(Offer::Before(path)) => vec![Effect::start(Find {
                path: PathBuf::from(path),
                how: How::Replace,
            })],
            Some(Offer::Path(path, how)) => vec![Effect::start(Find {
                path: PathBuf::from(path),
                how: *how,
            })],
            None => Vec::new(),
        }
    }
}

/// The one run of a file in the stream, or its runs in the table.
fn show(source: SourceIx, session: &Session) -> Vec<Effect> {
    let store = &session.loaded.store;
    let runs = (0..).map(RunIx).zip(store.runs());
    let mut runs = runs
        .filter(|(_, run)| run.source == source)
        .map(|(ix, _)| ix);
    match (runs.next(), runs.next()) {
        (Some(run), None) => vec![Effect::Visit(
            ScreenId::Stream,
            Here {
                action: store.run(run).first_action.get(),
                run: Some(run),
                scope: Some(run),
            },
        )],
        (Some(_), Some(_)) => {
            let path = store.source(source).path.to_string_lossy().into_owned();
            let filter = format!("file:\"{}\"", path.replace(['"', '\\'], "?"));
            vec![Effect::Show(ScreenId::Runs, Some(filter))]
        }
        // The files of subagents have no run of their own.
        (None, _) => vec![Effect::Pop],
    }
}

impl Screen for Files {
    fn typed(&mut self, key: Key, session: &mut Session) -> Option<Vec<Effect>> {
        match self.chooser.key(key, self.offers.len()) {
            ChooserEvent::Closed => return Some(vec![Effect::Pop]),
            ChooserEvent::Taken => return Some(self.take(session)),
            ChooserEvent::Completed => {
                if let Some(item) = self.items.get(self.chooser.selected()) {
                    self.chooser = Chooser::new(&item.name);
                    self.offer(session);
                }
            }
            ChooserEvent::Edited => self.offer(session),
            ChooserEvent::Nothing => {}
        }
        Some(Vec::new())
    }

    fn pasted(&mut self, text: &str, session: &mut Session) -> Vec<Effect> {
        self.chooser.prompt.paste(text);
        self.offer(session);
        Vec::new()
    }

    fn entered(&mut self, session: &mut Session) -> Vec<Effect> {
        self.offer(session);
        Vec::new()
    }

    fn update(&mut self, _command: Command, _session: &mut Session) -> Vec<Effect> {
        Vec::new()
    }

    fn run_with(
        &mut self,
        command: Command,
        argument: &str,
        session: &mut Session,
    ) -> Result<Vec<Effect>, String> {
        let how = if command == Command::Add {
            How::Add
        } else {
            How::Replace
        };
        self.chooser = Chooser::new(argument);
        self.offer(session);
        let path = PathBuf::from(argument);
        Ok(vec![Effect::start(Find { path, how })])
    }

    fn pointed(&mut self, pointer: Pointer, session: &mut Session) -> Vec<Effect> {
        let len = self.offers.len();
        match pointer {
            Pointer::WheelDown { .. } => self.chooser.roll(true, len),
            Pointer::WheelUp { .. } => self.chooser.roll(false, len),
            Pointer::Click { y, .. } => match self.chooser.at(self.area, y, len) {
                Some(at) => {
                    self.chooser.select(at);
                    return self.take(session);
                }
                None => return vec![Effect::Pop],
            },
            Pointer::Drag { .. } | Pointer::Release => {}
        }
        Vec::new()
    }

    fn loaded(&mut self, news: &News, session: &mut Session) -> Vec<Effect> {
        if !news.runs.is_empty() {
            self.offer(session);
        }
        Vec::new()
    }

    fn prepare(&mut self, area: Rect, _session: &mut Session) -> Vec<Effect> {
        self.area = area;
        self.chooser.settle(area, self.offers.len());
        Vec::new()
    }

    fn draw(&self, theme: &Theme, area: Rect, buf: &mut Buffer) {
        let frame = Frame {
            sign: "open",
            hint: "part of the name of an open file, or a path",
            problem: &self.problem,
        };
        self.chooser.draw(&self.items, frame, theme, (area, buf));
    }
}

#[cfg(test)]
mod tests {
    use crate::tui::testing;

    const TRACE: &str = "{\"type\":\"prompt\",\"run_id\":\"r1\",\"id\":\"p\",\"content\":\"x\"}\n{\"type\":\"prompt\",\"run_id\":\"r2\",\"id\":\"q\",\"content\":\"y\"}\n";

    #[test]
    fn an_open_file_is_found_by_a_few_letters_and_shown() {
        let listed = testing::screen(TRACE, "ctrl-p trjl");
        assert!(
            listed
                .lines()
                .nth(2)
                .is_some_and(|line| line.contains("trace.jsonl")),
            "{listed}"
        );
        let shown = testing::screen(TRACE, "ctrl-p trjl enter");
        assert!(shown.contains("✓ 2 of 2 runs"), "{shown}");
    }

    #[test]
    fn a_path_that_is_typed_is_opened_instead() {
        let opened = testing::screen(
            TRACE,
            "ctrl-p sample-traces/saferun/refund-agent.jsonl enter",
        );
        assert!(opened.contains("Hej! Order 8841"), "{opened}");
        let missing = testing::screen(TRACE, "ctrl-p no/such/file enter");
        assert!(missing.contains("no/such/file"), "{missing}");
        assert!(testing::screen(TRACE, "ctrl-p no/such/file enter esc").contains("STARTED"));
    }

    #[test]
    fn a_folder_says_what_it_holds_that_is_not_shown() {
        let folder = tempfile::tempdir().expect("a folder");
        let put = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).expect("a file");
        };
        put("trace.jsonl", TRACE);
        put("one.json", "{\"a\":1}");
        put("two.json", "{\"b\":2}");
        let path = folder.path().display();
        for command in ["open", "add"] {
            let shown = testing::screen(TRACE, &format!(":{command} space {path} enter"));
            assert!(shown.contains("2 other JSON files not shown"), "{shown}");
        }
        let listed = testing::screen(TRACE, &format!("ctrl-p {path} enter !"));
        assert!(listed.contains("2 other JSON files not shown"), "{listed}");
        // What the command line opened before has its notes no longer.
        let noted = crate::tui::Options {
            notes: vec!["7 other JSON files not shown".to_owned()],
            ..testing::options()
        };
        let keys = "ctrl-p sample-traces/saferun/refund-agent.jsonl enter";
        let shown = testing::played(&noted, TRACE, keys);
        assert!(!shown.contains("7 other"), "{shown}");
    }

    #[test]
    fn a_path_is_opened_instead_or_added_by_a_command() {
        let sample = "sample-traces/saferun/refund-agent.jsonl";
        let opened = format!(":open space {sample} enter");
        let shown = testing::screen(TRACE, &opened);
        assert!(shown.contains("Hej! Order 8841"), "{shown}");
        let added =
            format!("{opened} :add space sample-traces/saferun/ops-night.jsonl enter ctrl-p");
        let listed = testing::screen(TRACE, &added);
        assert!(listed.contains("refund-agent.jsonl"), "{listed}");
        assert!(listed.contains("ops-night.jsonl"), "{listed}");
    }
}
