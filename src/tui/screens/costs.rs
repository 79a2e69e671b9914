//! The costs: what a run cost by call, turn, model, tool, subagent and kind of token, what its results cost
//! to be read again, and why the prompt cache was missed.

mod layout;
mod table;
mod tasks;
mod view;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::analysis::costs::By;
use crate::analysis::title;
use crate::base::text;
use crate::export::costs as cost_text;
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::tui::effects::Effect;
use crate::tui::keys::{Command, Key};
use crate::tui::screen::id::ScreenId;
use crate::tui::screen::{Headline, Pointer, Screen};
use crate::tui::screens::costs::layout::Regions;
use crate::tui::screens::costs::table::{Column, Row};
use crate::tui::screens::costs::tasks::{Count, Counted};
use crate::tui::session::{Here, News, Session};
use crate::tui::theme::Theme;
use crate::tui::widgets::viewport::{Extent, Viewport, WHEEL, stepped};

/// The lists, in the order of their tabs.
const LISTS: &[By] = &[
    By::Call,
    By::Turn,
    By::Model,
    By::Tool,
    By::Subagent,
    By::Kind,
    By::Result,
    By::Miss,
    By::Run,
];

#[derive(Debug)]
pub struct Costs {
    made: Counted,
    by: By,
    /// Every run that is open, not only the selected one.
    is_all: bool,
    /// In the order of the stream instead of by cost.
    in_order: bool,
    /// Places in the list of what was counted.
    lines: Vec<usize>,
    view: Viewport,
    /// The user chose the line: only then does it change the selection of all views.
    is_chosen: bool,
    asking: Asking,
    frame: Frame,
}

impl Default for Costs {
    fn default() -> Costs {
        Costs {
            made: Counted::default(),
            by: By::Call,
            is_all: false,
            in_order: false,
            lines: Vec::new(),
            view: Viewport::default(),
            is_chosen: false,
            asking: Asking::default(),
            frame: Frame::default(),
        }
    }
}

/// Whose costs were requested, and whether they are out of date.
#[derive(Debug, Default)]
struct Asking {
    scope: Option<Scope>,
    is_running: bool,
    is_behind: bool,
}

/// One run, or all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Run(RunIx),
    All,
}

/// What the last `prepare` settled: all that drawing needs to know.
#[derive(Debug, Default)]
struct Frame {
    regions: Regions,
    crumbs: Vec<String>,
    total: String,
    kinds: Vec<Row>,
    columns: Vec<Column>,
    rows: Vec<Row>,
    /// How the figures of this list come about.
    about: &'static str,
    /// The message shown instead of a list.
    empty: String,
    position: String,
}

impl Screen for Costs {
    fn typed(&mut self, _: Key, _: &mut Session) -> Option<Vec<Effect>> {
        None
    }

    fn entered(&mut self, _: &mut Session) -> Vec<Effect> {
        self.is_chosen = false;
        Vec::new()
    }

    fn share_selection(&self, session: &mut Session) {
        if let Some(action) = self.selected().filter(|_| self.is_chosen) {
            session.here.action = Some(action);
            session.here.run = Some(session.loaded.store.row(action).run_ix());
        }
    }

    fn update(&mut self, command: Command, session: &mut Session) -> Vec<Effect> {
        match command {
            Command::Open | Command::ToStream => return self.open(session),
            Command::NextList => self.turn_to(1),
            Command::PrevList => self.turn_to(LISTS.len() - 1),
            Command::AllRuns => self.is_all = !self.is_all,
            Command::CostOrder => {
                self.in_order = !self.in_order;
                self.relist();
            }
            Command::Cancel | Command::Back => return vec![Effect::Pop],
            _ => self.step(command),
        }
        Vec::new()
    }

    fn pointed(&mut self, pointer: Pointer, session: &mut Session) -> Vec<Effect> {
        let list = self.frame.regions.list;
        match pointer {
            Pointer::WheelUp { .. } => (0..WHEEL).for_each(|_| self.step(Command::Up)),
            Pointer::WheelDown { .. } => (0..WHEEL).for_each(|_| self.step(Command::Down)),
            Pointer::Click { x, y } if list.contains(Position { x, y }) => {
                let at = self.view.top() + usize::from(y - list.y);
                if at == self.view.cursor {
                    return self.open(session);
                }
                self.view.cursor = at.min(self.lines.len().saturating_sub(1));
                self.is_chosen = true;
            }
            Pointer::Click { x, y } if self.frame.regions.tabs.contains(Position { x, y }) => {
                let by = view::tab_at(self, usize::from(x - self.frame.regions.tabs.x));
                if let Some(by) = by {
                    self.choose(by);
                }
            }
            Pointer::Click { .. } | Pointer::Drag { .. } | Pointer::Release => {}
        }
        Vec::new()
    }

    fn loaded(&mut self, news: &News, _: &mut Session) -> Vec<Effect> {
        let grew = match self.asking.scope {
            Some(Scope::Run(run)) => news.runs.contains(&run),
            Some(Scope::All) | None => !news.runs.is_empty(),
        };
        self.asking.is_behind |= grew;
        Vec::new()
    }

    fn prepare(&mut self, area: Rect, session: &mut Session) -> Vec<Effect> {
        let asked = self.ask(session);
        let kinds = self.made.costs.kinds.len();
        self.frame.regions = Regions::new(area, if self.by == By::Kind { 0 } else { kinds });
        let rows = usize::from(self.frame.regions.list.height);
        self.view.settle(&Extent {
            len: self.lines.len(),
            rows,
            height: &|_| 1,
        });
        self.fill_frame(session, rows);
        asked
    }

    fn headline(&self) -> Headline<'_> {
        Headline {
            crumbs: &self.frame.crumbs,
            amount: "",
        }
    }

    fn draw(&self, theme: &Theme, _area: Rect, buf: &mut Buffer) {
        view::draw(self, theme, buf);
    }
}

impl Costs {
    fn tabs(&self) -> impl Iterator<Item = By> + '_ {
        let lists = LISTS.iter().copied();
        lists.filter(|by| *by != By::Run || self.is_all)
    }

    fn turn_to(&mut self, steps: usize) {
        let tabs: Vec<By> = self.tabs().collect();
        let at = tabs.iter().position(|by| *by == self.by).unwrap_or(0);
        // Going back one tab is going forward by all but one.
        let steps = if steps == 1 { 1 } else { tabs.len() - 1 };
        self.choose(tabs[(at + steps) % tabs.len()]);
    }

    fn choose(&mut self, by: By) {
        self.by = by;
        self.lines = table::lines(self);
        self.view = Viewport::default();
        self.is_chosen = false;
    }

    fn step(&mut self, command: Command) {
        let rows = usize::from(self.frame.regions.list.height);
        if let Some(to) = stepped(command, self.view.cursor, (self.lines.len(), rows)) {
            self.view.cursor = to;
            self.is_chosen = true;
        }
    }

    fn selected(&self) -> Option<ActionIx> {
        let line = self.lines.get(self.view.cursor)?;
        Some(table::action(self, *line))
    }

    fn open(&self, session: &Session) -> Vec<Effect> {
        let Some(action) = self.selected() else {
            return Vec::new();
        };
        let run = session.loaded.store.row(action).run_ix();
        let here = Here {
            action: Some(action),
            run: Some(run),
            // Where one run is listed, it is the one that is opened.
            scope: session
                .here
                .scope
                .map(|_| run)
                .or((!self.is_all).then_some(run)),
        };
        vec![Effect::Visit(ScreenId::Stream, here)]
    }

    /// Keeps the selected action where the order changes.
    fn relist(&mut self) {
        let selected = self.selected();
        self.lines = table::lines(self);
        let same = |line: &usize| Some(table::action(self, *line)) == selected;
        let at = self.lines.iter().position(same);
        self.view.cursor = at.unwrap_or(self.view.cursor);
    }

    /// Asks for the costs of the selected run or of all, and again when they grew.
    fn ask(&mut self, session: &Session) -> Vec<Effect> {
        let scope = if self.is_all {
            Some(Scope::All)
        } else {
            session.run_in_view().map(Scope::Run)
        };
        let is_known = scope == self.asking.scope && !self.asking.is_behind;
        let is_busy = self.asking.is_running && scope == self.asking.scope;
        let Some(scope) = scope.filter(|_| !is_known && !is_busy) else {
            return Vec::new();
        };
        if self.asking.scope != Some(scope) {
            self.view = Viewport::default();
        }
        self.asking = Asking {
            scope: Some(scope),
            is_running: true,
            is_behind: false,
        };
        vec![Effect::start(Count {
            store: session.loaded.store.clone(),
            prices: session.setup.prices.clone(),
            run: match scope {
                Scope::Run(run) => Some(run),
                Scope::All => None,
            },
        })]
    }

    fn take(&mut self, made: Counted) {
        self.asking.is_running = !made.is_complete;
        self.made = made;
        if self.by == By::Run && !self.is_all {
            self.by = By::Call;
        }
        self.relist();
    }

    fn fill_frame(&mut self, session: &mut Session, rows: usize) {
        self.frame.crumbs = crumbs(self.asking.scope, session);
        let is_counted = !self.made.costs.calls.is_empty();
        let windows = self.made.windows.iter();
        let windows = windows.map(|window| cost_text::window(window, &session.zone));
        let total = is_counted.then(|| cost_text::total(&self.made.costs));
        let parts: Vec<String> = total.into_iter().chain(windows).collect();
        self.frame.total = parts.join(" · ");
        let width = usize::from(self.frame.regions.list.width);
        self.frame.kinds = table::kinds(&self.made);
        self.frame.columns = table::columns(self.by, self.is_all, width);
        self.frame.rows = table::rows(self, &mut session.loaded, rows);
        self.frame.about = table::about(self.by);
        self.frame.empty = self.empty(session);
        let at = (self.view.cursor + 1).min(self.lines.len());
        self.frame.position = format!("{at} / {}", self.lines.len());
    }

    fn empty(&self, session: &Session) -> String {
        if session.loaded.store.runs().is_empty() {
            return if session.is_loading() {
                session.loading_words()
            } else {
                "no runs in the open traces".to_owned()
            };
        }
        if self.asking.is_running {
            return "counting…".to_owned();
        }
        table::nothing(self.by).to_owned()
    }
}

fn crumbs(scope: Option<Scope>, session: &mut Session) -> Vec<String> {
    let opened = &mut session.loaded;
    let store = &opened.store;
    match scope {
        Some(Scope::Run(run)) if (run.0 as usize) < store.runs().len() => {
            let agent = text::sanitize(store.symbols().name(store.run(run).who.agent));
            let mut crumbs = vec![
                text::cut(&agent, 24).into_owned(),
                title::or_id(store, run, (&mut opened.bodies, 40)),
            ];
            crumbs.retain(|crumb| !crumb.is_empty());
            crumbs
        }
        Some(Scope::All) => vec!["all runs".to_owned()],
        Some(Scope::Run(_)) | None => Vec::new(),
    }
}
