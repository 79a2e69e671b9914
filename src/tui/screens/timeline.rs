//! The timeline: a run as a waterfall in lanes, what it waited for, and what it came to along its time.

mod axis;
mod layout;
mod lines;
mod moves;
mod rows;
mod tasks;
mod view;
mod words;

use std::collections::HashSet;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::analysis::timeline::{By, Key as LaneKey, Lane, Timeline as Made, What, Window};
use crate::base::human;
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::tui::effects::Effect;
use crate::tui::keys::{Command, Key};
use crate::tui::screen::id::ScreenId;
use crate::tui::screen::{Headline, Pointer, Screen};
use crate::tui::screens::timeline::layout::Regions;
use crate::tui::screens::timeline::lines::Line;
use crate::tui::screens::timeline::tasks::BuildTimeline;
use crate::tui::screens::timeline::words::Words;
use crate::tui::session::{Here, News, Session};
use crate::tui::theme::Theme;
use crate::tui::widgets::viewport::{Extent, Viewport};

#[derive(Debug, Default)]
pub struct Timeline {
    made: Made,
    lanes: Vec<Lane>,
    by: By,
    /// Lanes whose bars are not listed.
    folded: HashSet<LaneKey>,
    /// The part of the time that is on the screen; `None` for all of it.
    window: Option<Window>,
    lines: Vec<Line>,
    /// `lines` are out of date.
    is_stale: bool,
    view: Viewport,
    /// The selected bar, kept when the lines change.
    anchor: Option<(ActionIx, What)>,
    /// Bars on the critical path, while it is shown.
    path: Option<HashSet<u32>>,
    by_cost: bool,
    /// The last of the slowest bars that were visited.
    slow: Option<(i64, ActionIx)>,
    asking: Asking,
    frame: Frame,
}

/// Which run's timeline was requested, and whether it is out of date.
#[derive(Debug, Default)]
struct Asking {
    run: Option<RunIx>,
    is_running: bool,
    /// Something came since.
    is_behind: bool,
}

/// What the last `prepare` settled: all that drawing needs to know.
#[derive(Debug, Default)]
struct Frame {
    regions: Regions,
    rows: Vec<rows::Row>,
    words: Words,
    stays: Option<Duration>,
}

impl Screen for Timeline {
    fn typed(&mut self, _: Key, _: &mut Session) -> Option<Vec<Effect>> {
        None
    }

    fn entered(&mut self, session: &mut Session) -> Vec<Effect> {
        if let Some(action) = session.here.action {
            let is_other = self.anchor.is_none_or(|(ix, _)| ix != action);
            if is_other {
                self.anchor = Some((action, What::Tool));
                self.is_stale = true;
            }
        }
        Vec::new()
    }

    fn share_selection(&self, session: &mut Session) {
        let run = self.made.run.filter(|_| !self.made.bars.is_empty());
        if let (Some(run), Some(bar)) = (run, self.selected_bar()) {
            session.here.action = Some(bar.ix);
            session.here.run = Some(run);
        }
    }

    fn update(&mut self, command: Command, session: &mut Session) -> Vec<Effect> {
        self.relist();
        if command != Command::Slowest {
            self.slow = None;
        }
        match command {
            Command::Open => return self.open(session),
            Command::FoldLane => self.fold(),
            Command::ToStream => return vec![self.visit(session)],
            Command::Later => self.pan(1),
            Command::Earlier => self.pan(-1),
            Command::ZoomIn => self.zoom(true),
            Command::ZoomOut => self.zoom(false),
            Command::Slowest => self.go_to_slowest(session),
            Command::CriticalPath => self.toggle_path(session),
            Command::Lanes => self.regroup(self.by.next()),
            Command::ByCost => self.by_cost = !self.by_cost,
            Command::Cancel if self.path.is_some() => self.path = None,
            Command::Cancel if self.window.is_some() => self.look_at(None),
            Command::Whole => self.look_at(None),
            Command::Cancel | Command::Back => return vec![Effect::Pop],
            _ => self.step(command),
        }
        Vec::new()
    }

    fn pointed(&mut self, pointer: Pointer, session: &mut Session) -> Vec<Effect> {
        self.relist();
        self.point(pointer, session)
    }

    fn loaded(&mut self, news: &News, session: &mut Session) -> Vec<Effect> {
        let grew = self.asking.run.is_some_and(|run| news.runs.contains(&run));
        self.asking.is_behind |= grew || !session.is_loading() && self.made.run.is_none();
        Vec::new()
    }

    fn prepare(&mut self, area: Rect, session: &mut Session) -> Vec<Effect> {
        self.frame.regions = Regions::new(area);
        let asked = self.ask(session);
        self.relist();
        let rows = usize::from(self.frame.regions.list.height);
        self.view.settle(&Extent {
            len: self.lines.len(),
            rows,
            height: &|_| 1,
        });
        self.frame.rows = self.shown(session, rows);
        self.frame.words = Words::new(self, session);
        self.frame.stays = self.stays_true(session);
        self.share_selection(session);
        asked
    }

    fn stays(&self) -> Option<Duration> {
        self.frame.stays
    }

    fn headline(&self) -> Headline<'_> {
        Headline {
            crumbs: &self.frame.words.crumbs,
            amount: "",
        }
    }

    fn draw(&self, theme: &Theme, _area: Rect, buf: &mut Buffer) {
        view::draw(self, theme, buf);
    }
}

impl Timeline {
    /// Asks for the timeline of the selected run, and again when it grew.
    fn ask(&mut self, session: &Session) -> Vec<Effect> {
        let run = session.run_in_view();
        let is_known = run == self.asking.run && !self.asking.is_behind;
        let Some(run) = run.filter(|_| !is_known && !self.asking.is_running) else {
            return Vec::new();
        };
        if self.asking.run != Some(run) {
            (self.window, self.slow) = (None, None);
        }
        self.asking = Asking {
            run: Some(run),
            is_running: true,
            is_behind: false,
        };
        let is_going_on = session.trace.live && session.life(run).is_at_work();
        vec![Effect::start(BuildTimeline {
            store: session.loaded.store.clone(),
            run,
            now: is_going_on.then(|| session.clock.now()),
        })]
    }

    fn take(&mut self, made: Made) {
        self.asking.is_running = false;
        self.made = made;
        self.lanes = self.made.lanes(self.by);
        if self.path.is_some() {
            self.path = Some(self.on_path());
        }
        self.is_stale = true;
    }

    fn on_path(&self) -> HashSet<u32> {
        let steps = self.made.path.steps.iter();
        steps.map(|step| step.bar).collect()
    }

    fn toggle_path(&mut self, session: &mut Session) {
        self.path = match self.path {
            Some(_) => None,
            None => Some(self.on_path()),
        };
        let words = match self.path.as_ref().map(HashSet::len) {
            None => "the critical path is no longer highlighted".to_owned(),
            Some(0) => "no critical path: no times were recorded".to_owned(),
            Some(len) => format!(
                "{} on the critical path: what the run waited for",
                human::counted(len as u64, "action")
            ),
        };
        session.hint(&words);
    }

    /// The visible time; `None` if nothing can be drawn.
    fn window(&self) -> Option<Window> {
        self.window.or(self.made.whole)
    }

    fn visit(&self, session: &Session) -> Effect {
        let here = Here {
            action: self
                .selected_bar()
                .map(|bar| bar.ix)
                .or(session.here.action),
            run: self.made.run.or(session.here.run),
            ..session.here
        };
        Effect::Visit(ScreenId::Stream, here)
    }

    fn open(&mut self, session: &Session) -> Vec<Effect> {
        match self.lines.get(self.view.cursor) {
            Some(Line::Lane(_)) => {
                self.fold();
                Vec::new()
            }
            Some(Line::Bar(_)) => vec![self.visit(session)],
            None => Vec::new(),
        }
    }

    /// Open actions grow on the screen.
    fn stays_true(&self, session: &Session) -> Option<Duration> {
        let run = self.made.run.filter(|_| session.trace.live)?;
        let life = session.life(run);
        crate::tui::screens::outcome::stays(life.changes_in().into_iter(), session)
    }
}

#[cfg(test)]
mod tests;
