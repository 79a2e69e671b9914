//! The runs that agents left on this machine, the newest first, with a search as one types.

mod tasks;
mod view;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::base::{human, text};
use crate::ingest::discover::Input;
use crate::ingest::recent::{Homes, Recent as File};
use crate::model::quantity::Time;
use crate::tui::effects::Effect;
use crate::tui::keys::{Code, Command, Key};
use crate::tui::screen::id::ScreenId;
use crate::tui::screen::{Pointer, Screen};
use crate::tui::screens::recent::tasks::{Figures, Keep, Look};
use crate::tui::session::Session;
use crate::tui::theme::Theme;
use crate::tui::widgets::fuzzy;
use crate::tui::widgets::prompt::Prompt;
use crate::tui::widgets::viewport::{Extent, Viewport};

#[derive(Debug, Default)]
pub struct Recent {
    search: Prompt,
    /// None until the machine has been looked through.
    found: Option<Vec<FileEntry>>,
    /// How many first words were read.
    read: usize,
    /// The lines of the list: places in `found`; below them all together, and the demo.
    listed: Vec<usize>,
    view: Viewport,
    area: Rect,
    /// The folders that were searched, to list if nothing was found.
    places: String,
    has_demo: bool,
    /// The number of tool calls waiting for approval, and the key that shows them. Empty if there are none.
    asks: String,
    /// The number of runs that their agents will delete soon, and the files to copy.
    due: (usize, Vec<PathBuf>),
}

/// A file, in sanitised words.
#[derive(Debug)]
struct FileEntry {
    file: File,
    when: String,
    size: String,
    /// Its folder and name below the home folder.
    path: String,
    /// What the user asked first.
    words: String,
    /// What is searched.
    all: String,
    /// How long ago it was written.
    age: String,
    figures: Option<Figures>,
}

impl Recent {
    fn take(&mut self, files: Vec<File>, session: &Session) {
        let now = session.clock.now();
        let home = session.setup.homes.as_ref().map(Homes::home);
        let home = home.unwrap_or(Path::new(""));
        let one = |file: File| {
            let path = file.path.strip_prefix(home).unwrap_or(&file.path);
            let path = text::sanitize(&path.to_string_lossy()).into_owned();
            let when = file.modified.get();
            FileEntry {
                when: when
                    .map(|us| human::when(us, now, &session.zone))
                    .unwrap_or_default(),
                size: if file.size == 0 {
                    String::new()
                } else {
                    human::bytes(file.size)
                },
                all: format!("{path} {}", file.format.name()),
                words: String::new(),
                age: when.map(|us| human::roughly(now - us)).unwrap_or_default(),
                figures: None,
                path,
                file,
            }
        };
        self.found = Some(files.into_iter().map(one).collect());
        self.list();
    }

    fn take_words(&mut self, words: Vec<(usize, String)>) {
        self.read += words.len();
        let found = self.found.as_deref_mut().unwrap_or_default();
        for (at, words) in words {
            if let Some(found) = found.get_mut(at) {
                found.words = text::sanitize(&words).into_owned();
                found.all = format!("{} {}", found.all, found.words);
            }
        }
    }

    fn take_figures(&mut self, at: usize, figures: Figures) {
        let found = self.found.as_deref_mut().unwrap_or_default();
        if let Some(found) = found.get_mut(at) {
            found.figures = Some(figures);
        }
    }

    /// What holds the searched words, the newest first.
    fn list(&mut self) {
        let searched = self.search.text();
        let found = self.found.as_deref().unwrap_or_default();
        self.listed = fuzzy::containing(searched, found.iter().map(|found| found.all.as_str()));
    }

    fn len(&self) -> usize {
        self.listed.len() + usize::from(self.has_all()) + usize::from(self.has_demo)
    }

    /// Several runs can be opened together: a line below them.
    fn has_all(&self) -> bool {
        self.listed.len() > 1
    }

    fn is_all(&self, at: usize) -> bool {
        self.has_all() && at == self.listed.len()
    }

    fn open(&self, session: &Session) -> Vec<Effect> {
        let found = self.found.as_deref().unwrap_or_default();
        let chosen = self
            .listed
            .get(self.view.cursor)
            .and_then(|at| found.get(*at));
        let (title, inputs) = match chosen {
            None if self.is_all(self.view.cursor) => {
                let files = self.listed.iter().filter_map(|at| found.get(*at));
                let inputs = files.map(|found| Input::File(found.file.path.clone()));
                ("recent runs".to_owned(), inputs.collect())
            }
            Some(found) => (
                found.file.path.to_string_lossy().into_owned(),
                vec![Input::File(found.file.path.clone())],
            ),
            None if self.has_demo => ("demo".to_owned(), session.setup.demo.clone()),
            None => return Vec::new(),
        };
        vec![Effect::Open { title, inputs }]
    }

    /// Copies the runs that will be deleted soon.
    fn keep(&mut self, session: &mut Session) -> Vec<Effect> {
        let (_, parts) = std::mem::take(&mut self.due);
        match session.setup.keeper.clone() {
            Some(keeper) if !parts.is_empty() => vec![Effect::start(Keep { keeper, parts })],
            Some(_) | None => {
                session.hint("no run will be deleted soon");
                Vec::new()
            }
        }
    }

    fn step(&mut self, by: isize) {
        let last = self.len().saturating_sub(1);
        self.view.cursor = self.view.cursor.saturating_add_signed(by).min(last);
    }

    /// Whether the key shows the asks: while any are pending and nothing is typed, its digit is not a search.
    fn shows_asks(&self, key: Key, session: &Session) -> bool {
        let keys = session.keymap.view_keys(ScreenId::Asks);
        let is_asked = self.search.text().is_empty() && session.asks.open() > 0;
        is_asked && keys.contains(&key.to_string())
    }

    /// Back to the open trace; without one, quits.
    fn leave(session: &Session) -> Vec<Effect> {
        if session.loaded.store.sources().is_empty() {
            vec![Effect::Quit]
        } else {
            vec![Effect::Pop]
        }
    }

    fn rows(&self) -> usize {
        usize::from(self.area.height.saturating_sub(view::AROUND))
    }
}

impl Screen for Recent {
    fn typed(&mut self, key: Key, session: &mut Session) -> Option<Vec<Effect>> {
        let page = self.rows() as isize;
        match (key.code, key.ctrl) {
            (Code::Enter, _) => return Some(self.open(session)),
            (Code::Esc, _) if self.search.text().is_empty() => return Some(Recent::leave(session)),
            (Code::Esc, _) => self.search = Prompt::default(),
            (Code::Down, _) | (Code::Char('n'), true) => self.step(1),
            (Code::Up, _) | (Code::Char('p'), true) => self.step(-1),
            _ if self.shows_asks(key, session) => {
                return Some(vec![Effect::Show(ScreenId::Asks, None)]);
            }
            (Code::Char('k'), true) => return Some(self.keep(session)),
            (Code::PageDown, _) => self.step(page),
            (Code::PageUp, _) => self.step(-page),
            _ if self.search.edit(key) => self.view = Viewport::default(),
            _ => {}
        }
        self.list();
        Some(Vec::new())
    }

    fn pasted(&mut self, text: &str, _session: &mut Session) -> Vec<Effect> {
        self.search.paste(text);
        self.list();
        Vec::new()
    }

    fn entered(&mut self, session: &mut Session) -> Vec<Effect> {
        self.has_demo = !session.setup.demo.is_empty();
        let Some(homes) = session.setup.homes.clone() else {
            self.found = Some(Vec::new());
            return Vec::new();
        };
        let folders = crate::ingest::recent::folders(&homes);
        let folders = folders
            .iter()
            .map(|folder| folder.to_string_lossy().into_owned());
        self.places = text::sanitize(&folders.collect::<Vec<_>>().join(", ")).into_owned();
        vec![Effect::start(Look {
            homes,
            prices: Arc::clone(&session.setup.prices),
            keeper: session.setup.keeper.clone(),
            now: Time(session.clock.now()),
        })]
    }

    fn update(&mut self, _command: Command, _session: &mut Session) -> Vec<Effect> {
        Vec::new()
    }

    fn pointed(&mut self, pointer: Pointer, session: &mut Session) -> Vec<Effect> {
        match pointer {
            Pointer::WheelDown { .. } => self.step(3),
            Pointer::WheelUp { .. } => self.step(-3),
            Pointer::Click { y, .. } => {
                let row = y.checked_sub(self.area.y + view::HEAD).map(usize::from);
                let row = row.filter(|row| *row < self.rows());
                match row.map(|row| self.view.top() + row) {
                    Some(at) if at == self.view.cursor => return self.open(session),
                    Some(at) if at < self.len() => self.view.cursor = at,
                    Some(_) | None => {}
                }
            }
            Pointer::Drag { .. } | Pointer::Release => {}
        }
        Vec::new()
    }

    fn prepare(&mut self, area: Rect, session: &mut Session) -> Vec<Effect> {
        self.area = area;
        self.asks = session.asks.badge(session.clock.now());
        if !self.asks.is_empty() {
            let keys = session.keymap.view_keys(ScreenId::Asks).join(" ");
            self.asks = format!(" {} · {keys} shows it ", self.asks);
        }
        self.view.settle(&Extent {
            len: self.len(),
            rows: self.rows(),
            height: &|_| 1,
        });
        Vec::new()
    }

    fn draw(&self, theme: &Theme, area: Rect, buf: &mut Buffer) {
        view::draw(self, theme, area, buf);
    }
}

#[cfg(test)]
mod tests;
