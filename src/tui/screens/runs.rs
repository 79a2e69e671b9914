//! The runs: a table to sort, to group and to filter, with a preview of the selected run.

mod columns;
mod compare;
mod filtered;
mod layout;
mod moves;
pub(super) mod rows;
mod sorting;
mod table;
mod tasks;
mod view;
mod words;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::analysis::alerts::detector::Level;
use crate::analysis::life::{Life, doing};
use crate::analysis::profile::Profile;
use crate::analysis::runs::{Grouping, Key as SortKey, Order};
use crate::base::text;
use crate::model::run::RunIx;
use crate::state::Layout;
use crate::store::Store;
use crate::tui::effects::Effect;
use crate::tui::keys::{Command, Key};
use crate::tui::screen::id::ScreenId;
use crate::tui::screen::{Headline, Pointer, Screen};
use crate::tui::screens::filter_bar::FilterBar;
use crate::tui::screens::outcome;
use crate::tui::screens::runs::columns::{Column, Placed, Wanted};
use crate::tui::screens::runs::filtered::FilterAnswer;
use crate::tui::screens::runs::layout::Regions;
use crate::tui::screens::runs::rows::RunText;
use crate::tui::screens::runs::table::{Line, Table};
use crate::tui::screens::runs::tasks::{Build, Shape};
use crate::tui::screens::runs::words::Words;
use crate::tui::session::{Here, News, Session};
use crate::tui::theme::Theme;
use crate::tui::widgets::letters::Letters;
use crate::tui::widgets::viewport::{Extent, Viewport};

#[derive(Debug, Default)]
pub struct Runs {
    table: Table,
    /// `table` is out of date.
    is_stale: bool,
    is_building: bool,
    view: Viewport,
    /// The selected line, kept when the table changes; `None` until the user chose one.
    anchor: Option<Line>,
    order: Order,
    grouping: Option<Grouping>,
    /// Names of the groups whose runs are not listed.
    folded: HashSet<String>,
    filter: FilterBar,
    /// The list of columns to sort by is open.
    sorting: Option<Letters>,
    kept: FilterAnswer,
    texts: Texts,
    profile: ProfileShown,
    frame: Frame,
}

/// What the last `prepare` settled: all that drawing needs to know.
#[derive(Debug, Default)]
struct Frame {
    regions: Regions,
    columns: Vec<Placed>,
    lines: Vec<Shown>,
    words: Words,
    /// Time until the frame is stale; `None` if it is static.
    stays: Option<Duration>,
}

/// A line on the screen.
#[derive(Debug)]
struct Shown {
    is_selected: bool,
    what: What,
}

#[derive(Debug)]
enum What {
    Run(RunLine),
    Group { words: String, is_folded: bool },
}

/// Texts of runs that were shown, kept until the runs change.
#[derive(Debug, Default)]
struct Texts {
    rows: HashMap<RunIx, Rc<RunText>>,
    /// Where runs worked, as far as that is shown.
    projects: HashMap<RunIx, Rc<str>>,
}

/// The profile in the preview.
#[derive(Debug, Default)]
struct ProfileShown {
    found: Option<(RunIx, Profile)>,
    /// The run whose profile was requested.
    asked: Option<RunIx>,
}

/// A run on the screen.
#[derive(Debug)]
struct RunLine {
    id: String,
    text: Rc<RunText>,
    /// The text around the first match of the filter.
    found: Option<String>,
    /// `A` or `B`, when it is one of the two to compare.
    pair: Option<char>,
    life: Life,
    /// What it is doing, where that is shown.
    now: String,
    /// Its cost a minute.
    pace: String,
    project: Rc<str>,
    /// The number of alerts that trip, and of those that only warn.
    alerts: (usize, usize),
}

/// Tables of up to this many runs are built between two frames.
const FEW: usize = 5_000;
/// The same, if an action of each run must be opened.
const FEW_OPENED: usize = 100;
/// Runs of up to this many actions are profiled again whenever they grow.
const SHORT: u32 = 50_000;
/// Built rows are dropped beyond this number.
const KEEP: usize = 4_096;

impl Screen for Runs {
    fn typed(&mut self, key: Key, session: &mut Session) -> Option<Vec<Effect>> {
        if self.sorting.is_some() {
            self.choose_order(key);
            return Some(Vec::new());
        }
        self.filter
            .prompt
            .is_some()
            .then(|| self.type_filter(key, session))
    }

    fn pasted(&mut self, text: &str, session: &mut Session) -> Vec<Effect> {
        if !self.filter.paste(text) {
            return Vec::new();
        }
        self.apply_filter(session)
    }

    fn filter(&mut self, text: &str, session: &mut Session) -> Vec<Effect> {
        self.filter.set(text);
        self.apply_filter(session)
    }

    fn filtered(&self) -> String {
        self.filter.in_force().to_owned()
    }

    fn entered(&mut self, session: &mut Session) -> Vec<Effect> {
        if let Some(run) = session.here.run {
            self.anchor = Some(Line::Run(run));
            self.is_stale = true;
        }
        Vec::new()
    }

    fn share_selection(&self, session: &mut Session) {
        if let Some(run) = self.selected_run() {
            session.here.select_run(run, &session.loaded.store);
        }
    }

    fn update(&mut self, command: Command, session: &mut Session) -> Vec<Effect> {
        // Keys that arrive between frames see the lines as the previous keys left them.
        let mut asked = self.refresh(session);
        asked.extend(self.obey(command, session));
        asked
    }

    fn run_with(
        &mut self,
        command: Command,
        argument: &str,
        session: &mut Session,
    ) -> Result<Vec<Effect>, String> {
        match command {
            Command::Filter => return Ok(self.filter(argument, session)),
            Command::Sort => {
                let order = Order::parse(argument).map_err(unknown_key)?;
                // As with the key: numbers are sorted in descending order first.
                let falling = order.falling || order.key.is_number();
                self.order = Order { falling, ..order };
                self.is_stale = true;
            }
            Command::Gather => {
                let grouping =
                    Grouping::find(argument).ok_or_else(|| unknown_grouping(argument))?;
                self.gather(Some(grouping));
            }
            _ => return Ok(self.update(command, session)),
        }
        Ok(Vec::new())
    }

    fn pointed(&mut self, pointer: Pointer, session: &mut Session) -> Vec<Effect> {
        self.point(pointer, session)
    }

    fn loaded(&mut self, news: &News, session: &mut Session) -> Vec<Effect> {
        for run in &news.runs {
            self.texts.rows.remove(run);
        }
        let profiled = self.profile.asked.filter(|run| news.runs.contains(run));
        let is_short = |run: RunIx| session.loaded.store.run(run).totals.actions < SHORT;
        // Do not profile a long run again and again while it loads.
        if !session.is_loading() || profiled.is_some_and(is_short) {
            self.profile.asked = None;
        }
        self.is_stale |= !news.runs.is_empty() || !session.is_loading();
        self.catch_up(session)
    }

    fn prepare(&mut self, area: Rect, session: &mut Session) -> Vec<Effect> {
        let mut asked = self.refresh(session);
        self.frame.regions = Regions::new(area);
        let rows = usize::from(self.frame.regions.list.height);
        let extent = Extent {
            len: self.table.lines.len(),
            rows,
            height: &|_| 1,
        };
        self.view.settle(&extent);
        self.show(session, rows);
        self.share_selection(session);
        self.frame.words = Words::new(self, session);
        self.frame.stays = self.stays_true(session);
        asked.extend(self.ask_profile(session));
        asked
    }

    fn stays(&self) -> Option<Duration> {
        self.frame.stays
    }

    fn layout(&self) -> Option<Layout> {
        Some(Layout {
            columns: Vec::new(),
            sort: Some(self.order.words()),
            group: self.grouping.map(|grouping| grouping.word().to_owned()),
        })
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

/// The names of the columns, for the configuration.
pub fn column_names() -> impl Iterator<Item = &'static str> {
    columns::names()
}

impl Runs {
    pub fn new(session: &Session) -> Runs {
        let setup = &session.setup;
        let is_set = setup.order != Order::default() || setup.grouping.is_some();
        // What the configuration says wins over what is remembered.
        let layout = setup.remembered.layout(ScreenId::Runs).filter(|_| !is_set);
        let order = layout.and_then(|it| Order::parse(it.sort.as_deref()?).ok());
        let grouping = layout.and_then(|it| Grouping::find(it.group.as_deref()?));
        Runs {
            order: order.unwrap_or(setup.order),
            grouping: grouping.or(setup.grouping),
            ..Runs::default()
        }
    }

    fn obey(&mut self, command: Command, session: &mut Session) -> Vec<Effect> {
        match command {
            Command::Open => return self.open(session),
            Command::Replay => {
                self.share_selection(session);
                return vec![Effect::Visit(ScreenId::Replay, session.here)];
            }
            Command::Filter => self.filter.open(),
            Command::Sort => self.sorting = Some(sorting::list(self.order)),
            Command::SortStarted
            | Command::SortCost
            | Command::SortErrors
            | Command::SortActions
            | Command::SortDuration
            | Command::SortModel
            | Command::SortOutcome => sorting::key_of(command)
                .into_iter()
                .for_each(|key| self.sort_by(key)),
            Command::FoldGroups => self.fold_groups(session),
            Command::SortOther => {
                self.order.falling = !self.order.falling;
                self.is_stale = true;
            }
            Command::Gather => self.gather(self.next_grouping()),
            Command::Pair => self.pair(session),
            Command::Cohorts => return self.compare_groups(session),
            Command::Cancel if !self.filter.text.is_empty() => return self.filter("", session),
            Command::Cancel | Command::Back => return vec![Effect::Pop],
            _ => self.step(command),
        }
        Vec::new()
    }

    /// Rebuilds an outdated table; with many runs in the background, so that moving never waits.
    fn refresh(&mut self, session: &Session) -> Vec<Effect> {
        if !self.is_stale || self.is_building {
            return Vec::new();
        }
        self.is_stale = false;
        let wanted = table::Wanted {
            order: self.order,
            grouping: self.grouping,
            folded: self.folded.clone(),
            zone: session.zone.clone(),
            kept: self.kept.runs.clone(),
        };
        let store = &session.loaded.store;
        let opens_actions = self.grouping.is_some_and(Grouping::opens_actions);
        let few = if opens_actions { FEW_OPENED } else { FEW };
        if store.runs().len() <= few {
            self.take_table(Table::new(store, &wanted), session);
            return Vec::new();
        }
        self.is_building = true;
        vec![Effect::start(Build {
            store: store.clone(),
            wanted,
        })]
    }

    fn take_table(&mut self, table: Table, session: &Session) {
        (self.table, self.is_building) = (table, false);
        if self.texts.rows.len() > KEEP {
            self.texts.rows.clear();
        }
        self.find_anchor(session);
    }

    /// Selects the same line again, or the newest run if the user chose none.
    fn find_anchor(&mut self, session: &Session) {
        let store = &session.loaded.store;
        let lines = &self.table.lines;
        let chosen = self.anchor.as_ref();
        let found = chosen.and_then(|anchor| lines.iter().position(|line| line == anchor));
        let is_default = self.order == Order::default();
        let newest = || {
            let started = |line: &Line| line.run().map(|ix| store.run(ix).started);
            // Among equals, the upper one wins.
            let runs = lines.iter().enumerate().rev();
            runs.max_by_key(|(_, line)| started(line)).map(|(at, _)| at)
        };
        self.view.cursor = match (found, chosen) {
            (Some(at), _) => at,
            (None, None) if is_default => newest().unwrap_or(0),
            (None, None) => 0,
            // It is no longer listed: select the line in its place.
            (None, Some(_)) => self.view.cursor,
        };
    }

    fn show(&mut self, session: &mut Session, rows: usize) {
        let alerts = session.loaded.alerts.as_deref();
        self.frame.columns = columns::fit(
            usize::from(self.frame.regions.list.width),
            &Wanted {
                names: &session.setup.columns,
                id_width: self.table.id_width,
                agents: self.table.has_agents,
                grades: self.table.has_grades,
                waits: !self.table.waits.is_empty(),
                alerts: alerts.is_some_and(|it| !it.alerts().is_empty()),
                live: session.trace.live,
                overview: session.setup.overview,
            },
        );
        let top = self.view.top();
        let shown = self.table.lines.iter().enumerate().skip(top).take(rows);
        let shown: Vec<(usize, Line)> = shown.map(|(at, line)| (at, line.clone())).collect();
        self.frame.lines = shown
            .into_iter()
            .map(|(at, line)| Shown {
                is_selected: at == self.view.cursor,
                what: match line {
                    Line::Group(name) => What::Group {
                        words: self.table.group_words(&name),
                        is_folded: self.folded.contains(&name),
                    },
                    Line::Run(ix) => What::Run(self.line(ix, session)),
                },
            })
            .collect();
    }

    fn line(&mut self, ix: RunIx, session: &mut Session) -> RunLine {
        let now = session.clock.now();
        let is_shown = |column: Column| {
            let mut columns = self.frame.columns.iter();
            columns.any(|placed| placed.info.column == column)
        };
        let (shows_now, shows_project) = (is_shown(Column::Now), is_shown(Column::Project));
        let opened = &mut session.loaded;
        let (store, bodies) = (&opened.store, &mut opened.bodies);
        let waited = self.table.waits.get(&ix).copied().unwrap_or_default();
        let made = self.texts.rows.entry(ix);
        let text = Rc::clone(made.or_insert_with(|| {
            let when = (&session.zone, now, waited);
            Rc::new(rows::build(store, ix, bodies, when))
        }));
        let pulse = &session.trace.pulse;
        let doing = if shows_now {
            doing::words(store, (pulse, ix), bodies)
        } else {
            String::new()
        };
        let project = if shows_project {
            let known = self.texts.projects.entry(ix);
            Rc::clone(known.or_insert_with(|| rows::project(store, ix)))
        } else {
            Rc::default()
        };
        let found = self.snippet(ix, &mut session.loaded);
        let store = &session.loaded.store;
        RunLine {
            id: self.whole_id(ix, store),
            text,
            found,
            pair: pair_letter(session.marks.pair, ix),
            now: doing,
            pace: outcome::cost_pace(pulse.rate(ix), store.run(ix).cost(), now),
            project,
            alerts: alerts_of(ix, session),
            life: session.life(ix),
        }
    }

    /// The whole id where its column has the room.
    fn whole_id(&self, ix: RunIx, store: &Store) -> String {
        let mut columns = self.frame.columns.iter();
        let column = columns.find(|placed| placed.info.column == Column::Run);
        let id = text::sanitize(&store.run(ix).id);
        if column.is_some_and(|column| text::width(&id) <= column.width) {
            id.into_owned()
        } else {
            self.table.id(ix)
        }
    }

    /// Time until the next clock on the screen ticks.
    fn stays_true(&self, session: &Session) -> Option<Duration> {
        let lives = self
            .frame
            .lines
            .iter()
            .filter_map(|shown| match &shown.what {
                What::Run(line) => line.life.changes_in(),
                What::Group { .. } => None,
            });
        outcome::stays(lives, session)
    }

    fn selected(&self) -> Option<&Line> {
        self.table.lines.get(self.view.cursor)
    }

    fn selected_run(&self) -> Option<RunIx> {
        self.selected().and_then(Line::run)
    }

    fn open(&mut self, session: &mut Session) -> Vec<Effect> {
        self.share_selection(session);
        match self.selected().cloned() {
            Some(Line::Run(run)) => {
                let hit = self.kept.hits.get(&run).copied();
                session.filters.sought = Some(self.sought(run));
                let here = Here {
                    action: hit.or(session.here.action),
                    scope: Some(run),
                    ..session.here
                };
                vec![Effect::Visit(ScreenId::Stream, here)]
            }
            Some(Line::Group(name)) => {
                if !self.folded.remove(&name) {
                    self.folded.insert(name);
                }
                self.is_stale = true;
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    fn ask_profile(&mut self, session: &Session) -> Vec<Effect> {
        let wanted = self
            .selected_run()
            .filter(|_| self.frame.regions.preview.height > 0);
        if wanted.is_none() || wanted == self.profile.asked {
            return Vec::new();
        }
        self.profile.asked = wanted;
        let job = |run| {
            Effect::start(Shape {
                store: session.loaded.store.clone(),
                run,
            })
        };
        wanted.map(job).into_iter().collect()
    }

    fn sort_by(&mut self, key: SortKey) {
        let falling = if key == self.order.key {
            !self.order.falling
        } else {
            key.is_number()
        };
        self.order = Order { key, falling };
        self.is_stale = true;
    }

    fn gather(&mut self, grouping: Option<Grouping>) {
        self.grouping = grouping;
        self.folded.clear();
        self.is_stale = true;
    }

    /// Folds every group; if all are folded, unfolds them.
    fn fold_groups(&mut self, session: &mut Session) {
        if self.grouping.is_none() {
            session.say("the runs are not grouped · z groups them");
            return;
        }
        let names: HashSet<String> = self.table.group_names().cloned().collect();
        if names.iter().all(|name| self.folded.contains(name)) {
            self.folded.clear();
        } else {
            let here = self.table.group_at(self.view.cursor);
            self.anchor = here.map(|name| Line::Group(name.to_owned()));
            self.folded = names;
        }
        self.is_stale = true;
    }

    fn next_grouping(&self) -> Option<Grouping> {
        let next = match self.grouping {
            None => 0,
            Some(now) => Grouping::ALL.iter().position(|it| *it == now)? + 1,
        };
        Grouping::ALL.get(next).copied()
    }

    /// Marks the selected run as A, or as B if there is an A; again, unmarks it.
    fn pair(&mut self, session: &mut Session) {
        let Some(run) = self.selected_run() else {
            return;
        };
        self.anchor = Some(Line::Run(run));
        session.marks.pair = match session.marks.pair {
            [Some(a), b] if a == run => [b, None],
            [a, Some(b)] if b == run => [a, None],
            [None, _] => [Some(run), None],
            [a, _] => [a, Some(run)],
        };
    }
}

fn alerts_of(run: RunIx, session: &Session) -> (usize, usize) {
    let Some(seen) = session.loaded.alerts.as_deref() else {
        return (0, 0);
    };
    let count = |level| {
        let own = seen.overlay.of_run(run);
        own.filter(|alert| alert.level() == level).count()
    };
    (count(Level::Trip), count(Level::Warn))
}

fn unknown_key(name: &str) -> String {
    let known: Vec<&str> = SortKey::ALL.iter().map(|key| key.word()).collect();
    format!("'{name}' is not a column to sort by ({})", known.join(", "))
}

fn unknown_grouping(name: &str) -> String {
    let known: Vec<&str> = Grouping::ALL.iter().map(|it| it.word()).collect();
    format!("'{name}' is not a field to group by ({})", known.join(", "))
}

fn pair_letter(pair: [Option<RunIx>; 2], run: RunIx) -> Option<char> {
    let at = pair.iter().position(|chosen| *chosen == Some(run))?;
    ['A', 'B'].get(at).copied()
}

#[cfg(test)]
mod tests;
