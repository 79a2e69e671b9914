//! The files of a run: what its calls read and changed, the calls on one file in order, and its net change.
//!
//! An overlay. Over the replay it shows the files as of the step.

mod tasks;
mod view;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::analysis::files::unified::{Line, Sign};
use crate::analysis::files::{Certainty, File, Files, Outcome};
use crate::analysis::title;
use crate::base::text;
use crate::export::files as file_text;
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::store::Store;
use crate::tui::effects::Effect;
use crate::tui::keys::{Command, Key};
use crate::tui::screen::id::ScreenId;
use crate::tui::screen::{Pointer, Screen};
use crate::tui::screens::changes::tasks::{Compare, Follow};
use crate::tui::session::{Here, Opened, Session};
use crate::tui::theme::Theme;
use crate::tui::widgets::viewport::{Extent, Viewport, WHEEL, stepped};

#[derive(Debug, Default)]
pub struct Changes {
    run: Option<RunIx>,
    /// The step of the replay.
    until: Option<ActionIx>,
    /// None while they are followed.
    files: Option<Files>,
    /// Files in the order of the list: changed ones first.
    order: Vec<usize>,
    mode: Mode,
    list: Viewport,
    events: Viewport,
    diff: Viewport,
    frame: Frame,
}

#[derive(Debug, Default)]
enum Mode {
    #[default]
    List,
    /// The calls on the selected file, in order.
    Events,
    /// The net change of the selected file.
    Diff {
        lines: Vec<Line>,
        behind: OpenedFrom,
    },
}

/// Where the net change was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OpenedFrom {
    List,
    Events,
}

/// What the last `prepare` settled; all of it sanitised.
#[derive(Debug, Default)]
struct Frame {
    list: Rect,
    title: Vec<String>,
    amount: String,
    rows: Vec<Shown>,
    empty: String,
    position: String,
}

/// A row to draw.
#[derive(Debug)]
enum Shown {
    File {
        name: String,
        actions: String,
        lines: [String; 2],
        certainty: Certainty,
        note: String,
    },
    Event {
        cells: [String; 4],
        lines: [String; 2],
        is_done: bool,
        outcome: String,
    },
    Line {
        sign: Sign,
        text: String,
    },
}

impl Screen for Changes {
    fn typed(&mut self, _: Key, _: &mut Session) -> Option<Vec<Effect>> {
        None
    }

    fn entered(&mut self, session: &mut Session) -> Vec<Effect> {
        let store = &session.loaded.store;
        let action = session.here.action.filter(|ix| ix.0 < store.len());
        let of_action = action.map(|ix| store.row(ix).run_ix());
        let only = || (store.runs().len() == 1).then_some(RunIx(0));
        let run = session.here.run.or(of_action).or_else(only);
        let run = run.filter(|run| (run.0 as usize) < store.runs().len());
        self.run = run;
        self.until = action.filter(|_| session.place.screen == ScreenId::Replay);
        let follow = run.map(|run| {
            Effect::start(Follow {
                store: store.clone(),
                run,
                until: self.until,
            })
        });
        follow.into_iter().collect()
    }

    fn update(&mut self, command: Command, session: &mut Session) -> Vec<Effect> {
        match command {
            Command::Back | Command::Cancel | Command::Changes => return self.back(),
            Command::Open => return self.open(),
            Command::NetChange => return self.net(session),
            _ => self.step(command),
        }
        Vec::new()
    }

    fn pointed(&mut self, pointer: Pointer, _session: &mut Session) -> Vec<Effect> {
        match pointer {
            Pointer::WheelUp { .. } => (0..WHEEL).for_each(|_| self.step(Command::Up)),
            Pointer::WheelDown { .. } => (0..WHEEL).for_each(|_| self.step(Command::Down)),
            Pointer::Click { x, y } if self.frame.list.contains(Position { x, y }) => {
                let row = usize::from(y - self.frame.list.y);
                let len = self.len();
                let view = self.view();
                let at = view.top() + row;
                if at == view.cursor {
                    return self.open();
                }
                view.cursor = at.min(len.saturating_sub(1));
            }
            Pointer::Click { .. } | Pointer::Drag { .. } | Pointer::Release => {}
        }
        Vec::new()
    }

    fn prepare(&mut self, area: Rect, session: &mut Session) -> Vec<Effect> {
        self.frame.list = view::list_area(area);
        let rows = usize::from(self.frame.list.height);
        let len = self.len();
        self.view().settle(&Extent {
            len,
            rows,
            height: &|_| 1,
        });
        self.fill_frame(session, rows);
        Vec::new()
    }

    fn draw(&self, theme: &Theme, area: Rect, buf: &mut Buffer) {
        view::draw(self, theme, area, buf);
    }
}

impl Changes {
    fn take(&mut self, files: Files) {
        let is_changed = |file: &File| file.is_changed || file.net().is_some();
        self.order = (0..files.all.len()).collect();
        self.order.sort_by_key(|at| !is_changed(&files.all[*at]));
        self.files = Some(files);
    }

    fn file(&self) -> Option<&File> {
        let at = self.order.get(self.list.cursor)?;
        self.files.as_ref()?.all.get(*at)
    }

    fn view(&mut self) -> &mut Viewport {
        match self.mode {
            Mode::List => &mut self.list,
            Mode::Events => &mut self.events,
            Mode::Diff { .. } => &mut self.diff,
        }
    }

    fn len(&self) -> usize {
        match &self.mode {
            Mode::List => self.order.len(),
            Mode::Events => self.file().map_or(0, |file| file.events.len()),
            Mode::Diff { lines, .. } => lines.len(),
        }
    }

    fn step(&mut self, command: Command) {
        let rows = usize::from(self.frame.list.height);
        let len = self.len();
        let view = self.view();
        if let Some(to) = stepped(command, view.cursor, (len, rows)) {
            view.cursor = to;
        }
    }

    fn back(&mut self) -> Vec<Effect> {
        self.mode = match self.mode {
            Mode::List => return vec![Effect::Pop],
            Mode::Events
            | Mode::Diff {
                behind: OpenedFrom::List,
                ..
            } => Mode::List,
            Mode::Diff {
                behind: OpenedFrom::Events,
                ..
            } => Mode::Events,
        };
        Vec::new()
    }

    fn open(&mut self) -> Vec<Effect> {
        match self.mode {
            Mode::List if self.file().is_some() => {
                (self.mode, self.events) = (Mode::Events, Viewport::default());
            }
            Mode::Events => {
                let event = self
                    .file()
                    .and_then(|file| file.events.get(self.events.cursor));
                let visit = event.map(|event| {
                    let here = Here {
                        action: Some(event.action),
                        run: self.run,
                        scope: self.run,
                    };
                    Effect::Visit(ScreenId::Stream, here)
                });
                return visit.into_iter().collect();
            }
            Mode::List | Mode::Diff { .. } => {}
        }
        Vec::new()
    }

    /// Compares the first known text with the last; an error explains why there is nothing to compare.
    fn net(&mut self, session: &mut Session) -> Vec<Effect> {
        if matches!(self.mode, Mode::Diff { .. }) {
            return self.back();
        }
        let Some(file) = self.file() else {
            return Vec::new();
        };
        let Some((old, new)) = file.net() else {
            session.say(match file.why() {
                Some(gap) if file.is_changed => gap.words(),
                Some(_) | None => "the file was not changed",
            });
            return Vec::new();
        };
        vec![Effect::start(Compare {
            file: self.list.cursor,
            old: old.unwrap_or_default().to_owned(),
            new: new.unwrap_or_default().to_owned(),
        })]
    }

    fn show_diff(&mut self, file: usize, lines: Vec<Line>) {
        if file != self.list.cursor {
            return;
        }
        let behind = match self.mode {
            Mode::Events => OpenedFrom::Events,
            Mode::List | Mode::Diff { .. } => OpenedFrom::List,
        };
        (self.mode, self.diff) = (Mode::Diff { lines, behind }, Viewport::default());
    }

    fn fill_frame(&mut self, session: &mut Session, rows: usize) {
        self.frame.title = self.title(&mut session.loaded);
        let store = &session.loaded.store;
        self.frame.amount = self.amount();
        let (len, top) = (self.len(), self.view().top());
        let seen = top..(top + rows).min(len);
        self.frame.rows = seen.filter_map(|at| self.shown(store, at)).collect();
        let empty = match (&self.files, self.run) {
            (_, None) => "no run is selected",
            (None, Some(_)) => "reading the files…",
            (Some(_), Some(_)) => "no call names a file",
        };
        empty.clone_into(&mut self.frame.empty);
        let at = (self.view().cursor + 1).min(len);
        self.frame.position = format!("{at} / {len}");
    }

    fn title(&self, Opened { store, bodies, .. }: &mut Opened) -> Vec<String> {
        let mut title = vec!["files".to_owned()];
        if let (Mode::List, Some(run)) = (&self.mode, self.run) {
            title.push(title::or_id(store, run, (bodies, 40)));
        }
        if let Some(until) = self.until {
            title.push(format!("up to #{}", store.row(until).seq()));
        }
        if let (Mode::Events | Mode::Diff { .. }, Some(file), Some(files)) =
            (&self.mode, self.file(), &self.files)
        {
            title.push(text::sanitize(files.name(file)).into_owned());
        }
        title
    }

    fn amount(&self) -> String {
        let Some(files) = &self.files else {
            return String::new();
        };
        if let (Mode::Events | Mode::Diff { .. }, Some(file)) = (&self.mode, self.file()) {
            let note = file_text::note(file);
            let dot = if note.is_empty() { "" } else { " · " };
            return format!("{}{dot}{note}", file.certainty().word());
        }
        let changed = files.all.iter().filter(|file| file.is_changed);
        let (exact, rest): (Vec<&File>, Vec<&File>) =
            changed.partition(|file| file.certainty() == Certainty::Exact);
        let all = exact.len() + rest.len();
        format!(
            "{all} changed, {} exact · {} only read",
            exact.len(),
            files.all.len() - all
        )
    }

    fn shown(&self, store: &Store, at: usize) -> Option<Shown> {
        match &self.mode {
            Mode::List => self.listed(at),
            Mode::Events => self.called(store, at),
            Mode::Diff { lines, .. } => lines.get(at).map(|line| Shown::Line {
                sign: line.sign,
                text: text::sanitize(&line.text).into_owned(),
            }),
        }
    }

    fn listed(&self, at: usize) -> Option<Shown> {
        let files = self.files.as_ref()?;
        let file = files.all.get(*self.order.get(at)?)?;
        let (added, removed) = file.lines();
        Some(Shown::File {
            name: text::sanitize(files.name(file)).into_owned(),
            actions: file_text::actions(file),
            lines: [file_text::lines(added, "+"), file_text::lines(removed, "−")],
            certainty: file.certainty(),
            note: file_text::note(file),
        })
    }

    fn called(&self, store: &Store, at: usize) -> Option<Shown> {
        let event = self.file()?.events.get(at)?;
        let row = store.row(event.action);
        let clean = |name: &str| text::sanitize(name).into_owned();
        let drifted = if event.is_drifted {
            "changed from outside before this"
        } else {
            ""
        };
        Some(Shown::Event {
            cells: [
                file_text::place(store, event),
                format!("T{}", row.turn()),
                event.verb.word().to_owned(),
                clean(row.tool()),
            ],
            lines: [
                file_text::lines(event.added, "+"),
                file_text::lines(event.removed, "−"),
            ],
            is_done: event.outcome == Outcome::Done,
            outcome: format!("{:<9}{drifted}", event.outcome.word()),
        })
    }
}

#[cfg(test)]
mod tests;
