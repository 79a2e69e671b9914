//! The stream: every action in its order, the selected one opened beside it.

pub mod added_columns;
mod alert_lines;
pub mod chords;
pub mod columns;
pub mod conversation;
mod filtered;
pub mod finder;
mod folding;
mod follow;
pub mod headings;
pub mod insights;
pub mod inspector;
pub mod jumps;
pub mod kept;
mod landing;
pub mod layout;
pub mod listing;
mod marks;
pub mod menu;
mod moves;
pub mod narrow;
mod no_match;
mod origin;
pub mod overview;
mod prepare;
pub mod presence;
pub mod rows;
pub mod shorten;
mod tasks;
pub mod terms;
pub(super) mod view;
mod what_if;
pub mod words;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::act::viewer::Viewer;
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::query::eval::Tally;
use crate::query::needles::Needle;
use crate::state::Layout;
use crate::tui::effects::Effect;
use crate::tui::filtering::Scope;
use crate::tui::keys::{Command, Key};
use crate::tui::screen::id::ScreenId;
use crate::tui::screen::{Headline, Pointer, Screen};
use crate::tui::screens::filter_bar::FilterBar;
use crate::tui::screens::stream::added_columns::Extras;
use crate::tui::screens::stream::chords::{Chord, Typing};
use crate::tui::screens::stream::columns::{Columns, Needs};
use crate::tui::screens::stream::finder::Finder;
use crate::tui::screens::stream::insights::Insights;
use crate::tui::screens::stream::inspector::{Inspector, Subject};
use crate::tui::screens::stream::layout::{Focus, Panes, Regions, Split};
use crate::tui::screens::stream::listing::Listing;
use crate::tui::screens::stream::marks::NotePrompt;
use crate::tui::screens::stream::menu::Menu;
use crate::tui::screens::stream::narrow::Narrow;
use crate::tui::screens::stream::overview::Overview;
use crate::tui::screens::stream::presence::Presence;
use crate::tui::screens::stream::rows::{Figures, RowText, SubRow};
use crate::tui::screens::stream::what_if::WhatIf;
use crate::tui::session::{News, Session};
use crate::tui::theme::Theme;
use crate::tui::widgets::viewport::{Viewport, Visible};

#[derive(Debug, Default)]
pub struct Stream {
    list: List,
    /// The previewed end of the file, before everything is read.
    end: Option<List>,
    query: Query,
    overview: Overview,
    finder: Finder,
    noticed: Insights,
    extras: Extras,
    inspector: Inspector,
    split: Split,
    input: Input,
    what_if: WhatIf,
    notice: Option<Notice>,
    title: Title,
    frame: Frame,
}

/// What a run was about, sanitised; empty if not recorded.
#[derive(Debug, Default)]
struct Title {
    /// Whether it belongs to the preview, and to which run.
    of: Option<(bool, RunIx)>,
    words: String,
}

/// Which actions are listed: what was asked, and how far it was answered.
#[derive(Debug, Default)]
struct Query {
    bar: FilterBar,
    narrow: Narrow,
    /// The run that was opened, where one was: Esc and the keys that restrict the list never leave it.
    opened: Option<RunIx>,
    answers: Answers,
}

/// What takes the next key before the list and the inspector do.
#[derive(Debug, Default)]
struct Input {
    menu: Option<Menu>,
    typing: Typing,
    note: Option<NotePrompt>,
}

/// A list of actions in a window, with the built rows.
#[derive(Debug, Default)]
struct List {
    listing: Listing,
    view: Viewport,
    /// The selected action, kept when the list changes.
    anchor: Option<ActionIx>,
    /// The selection jumped: centre it.
    is_jump: bool,
    /// The user is at the end: stay there while the trace grows.
    holds_end: bool,
    /// The first action still in memory.
    drop_before: u32,
    /// What arrived since the user left the end.
    missed: Missed,
    made: HashMap<ActionIx, Rc<RowText>>,
    /// The texts around the matches of the search, as far as they were shown.
    snippets: (Vec<Needle>, HashMap<ActionIx, Option<String>>),
    presence: Presence,
    /// What the columns of the last frame were for.
    needs: Needs,
    /// Latency and cost share a column.
    is_merged: bool,
}

/// Actions that arrived in a growing trace while its end was not on the screen.
#[derive(Debug, Clone, Copy, Default)]
struct Missed {
    actions: u64,
    errors: u64,
}

/// The answer to the filter so far.
#[derive(Debug, Default)]
struct Answers {
    tested: u32,
    /// Answered rows that changed since.
    again: Vec<ActionIx>,
    tally: Tally,
    /// What to try instead if nothing matched; not sanitised.
    hint: Option<String>,
    /// Rows tested by a long first search; its matches are already listed.
    searched: Option<u32>,
    /// The selection when the search began, restored when it ends.
    home: Option<ActionIx>,
    is_running: bool,
}

/// What the last `prepare` settled: all that drawing needs to know.
#[derive(Debug, Default)]
struct Frame {
    regions: Regions,
    columns: Columns,
    rows: Vec<Placed>,
    /// Rows of the scrollbar with marks and matches.
    ticks: Ticks,
    /// Cells of each strip of the shape of the run.
    shape_cells: usize,
    /// The cell of the selected action in the shape of its run.
    shape_at: Option<usize>,
    words: words::Words,
    /// Time until the frame is stale; `None` if it is static.
    stays: Option<Duration>,
}

/// A row and its place on the screen.
#[derive(Debug)]
struct Placed {
    at: Visible,
    is_selected: bool,
    text: Rc<RowText>,
    /// The text around the match.
    snippet: Option<String>,
    /// How long it has been open, in microseconds.
    open: Option<i64>,
    heading: Option<String>,
    mark: Option<char>,
    /// Occurrence number among calls with the same arguments.
    nth: Option<u32>,
    /// It matches the search.
    is_hit: bool,
    /// Its values in the columns that the user added.
    extras: Vec<Option<String>>,
    fold: Fold,
    overlaid: Overlaid,
}

/// What a policy and the alert rules say about a row.
#[derive(Debug)]
struct Overlaid {
    /// The verdict of the policy.
    what_if: Option<SubRow>,
    /// It comes after the first change of its run.
    is_behind: bool,
    /// An alert rule fired at it.
    alert: Option<SubRow>,
    /// It is evidence of an alert.
    is_evidence: bool,
}

impl Overlaid {
    /// The lines below the row.
    fn lines(&self) -> impl Iterator<Item = &SubRow> {
        self.what_if.iter().chain(&self.alert)
    }
}

/// How a row relates to the one above or below it.
#[derive(Debug, Default)]
enum Fold {
    #[default]
    None,
    /// It is shown in the row below: it has no row of its own, but may have a heading.
    Below,
    /// It also shows the model call that requested it.
    WithCall(Figures),
}

/// Rows of the scrollbar with marks or matches.
#[derive(Debug, Default)]
struct Ticks {
    marked: HashSet<usize>,
    hits: HashSet<usize>,
    /// Matches, actions listed and rows that the ticks of the matches were placed for.
    of: (usize, usize, usize),
}

/// A message until the next key.
#[derive(Debug)]
struct Notice {
    words: String,
    /// It is about an unfinished file, so it goes when loading is done.
    is_while_reading: bool,
}

/// Look-back in rows: how far before new rows earlier ones may change because of them.
const NEAR: u32 = 64;

/// Built rows are dropped beyond this number.
const KEEP: usize = 4096;

impl Screen for Stream {
    fn is_inner(&self) -> bool {
        self.split.focus == Focus::Inspector
    }

    fn typed(&mut self, key: Key, session: &mut Session) -> Option<Vec<Effect>> {
        if self.input.menu.is_some() {
            return Some(self.choose_in_menu(key, session));
        }
        if self.finder.prompt.is_some() {
            return Some(self.type_find(key, session));
        }
        if self.query.bar.prompt.is_some() {
            return Some(self.type_filter(key, session));
        }
        if let Typing::Chord(chord) = self.input.typing {
            self.input.typing = Typing::Nothing;
            return Some(self.second(chord, key, session));
        }
        if self.extras.prompt.is_some() {
            return Some(self.type_column(key, session));
        }
        if self.input.note.is_some() {
            self.type_note(key, session);
            return Some(Vec::new());
        }
        None
    }

    fn pasted(&mut self, text: &str, session: &mut Session) -> Vec<Effect> {
        if self.finder.prompt.is_some() {
            return self.paste_find(text, session);
        }
        if let Some(note) = &mut self.input.note {
            note.prompt.paste(text);
            return Vec::new();
        }
        if !self.query.bar.paste(text) {
            return Vec::new();
        }
        self.apply_filter(session)
    }

    fn filter(&mut self, text: &str, session: &mut Session) -> Vec<Effect> {
        self.filter_by(text, session)
    }

    fn filtered(&self) -> String {
        self.query.bar.in_force().to_owned()
    }

    fn entered(&mut self, session: &mut Session) -> Vec<Effect> {
        let here = session.here;
        let is_elsewhere = here.action.is_some() && here.action != self.list.anchor;
        if let Some(action) = here.action.filter(|_| is_elsewhere) {
            (self.end, self.list.anchor, self.query.answers.home) = (None, here.action, None);
            self.list.jump(self.list.listing.seek(action));
        }
        let is_other = here.scope != self.query.narrow.run();
        if is_other {
            self.query.opened = here.scope;
            self.query.narrow.scope = here.scope.map(Scope::Run);
        }
        let mut effects = if is_other {
            self.ask(session)
        } else {
            Vec::new()
        };
        match session.filters.sought.take() {
            Some(sought) => effects.extend(self.carry(&sought, session)),
            None if is_other && self.finder.is_carried => self.forget_find(),
            None => {}
        }
        effects
    }

    fn pointed(&mut self, pointer: Pointer, session: &mut Session) -> Vec<Effect> {
        self.query.answers.home = None;
        if matches!(pointer, Pointer::Click { .. }) && self.input.menu.take().is_some() {
            return Vec::new();
        }
        self.point(pointer, session);
        Vec::new()
    }

    fn share_selection(&self, session: &mut Session) {
        // While a filter runs, the list and its selection are the old ones.
        if self.query.answers.is_running && self.query.answers.tested == 0 {
            return;
        }
        let store = &session.loaded.store;
        let selected = self
            .subject()
            .filter(|subject| !subject.is_end && subject.ix.0 < store.len());
        if let Some(subject) = selected {
            session.here.action = Some(subject.ix);
            session.here.run = Some(store.row(subject.ix).run_ix());
        }
        session.here.scope = self.query.narrow.run();
    }

    fn update(&mut self, command: Command, session: &mut Session) -> Vec<Effect> {
        self.notice = None;
        self.input.typing = Typing::Nothing;
        match command {
            Command::Filter => self.query.bar.open(),
            Command::Page => return self.view_in(Viewer::Pager, session),
            Command::Edit => return self.view_in(Viewer::Editor, session),
            Command::Follow => return self.toggle_follow(session),
            Command::Noticed => self.open_noticed(session),
            Command::Saved => self.open_saved(session),
            Command::Find => self.begin_find(),
            Command::NextHit | Command::PrevHit => self.next_hit(command, session),
            Command::Column => self.begin_column(),
            Command::Yank => self.input.typing = Typing::Chord(Chord::Yank),
            Command::Scroll => self.input.typing = Typing::Chord(Chord::Scroll),
            Command::Keep => return self.begin_term(Chord::Keep, session),
            Command::Drop => return self.begin_term(Chord::Drop, session),
            Command::OnlyRun => return self.toggle_run(session),
            Command::OnlyAgent => return self.toggle_agent(session),
            Command::OnlyMarked => return self.toggle_marked(session),
            Command::OnlyTrouble => return self.toggle_trouble(session),
            Command::Mark => self.input.typing = Typing::Chord(Chord::Mark),
            Command::GoToMark => self.input.typing = Typing::Chord(Chord::GoToMark),
            Command::Note => return self.begin_note(session),
            Command::WhatIf => return self.toggle_what_if(session),
            Command::Parent => self.go_to_parent(session),
            Command::WhereFrom => return self.ask_origin(session),
            Command::Replay => {
                self.share_selection(session);
                return vec![Effect::Visit(ScreenId::Replay, session.here)];
            }
            Command::Back | Command::Cancel => return self.back(command, session),
            _ => {
                self.query.answers.home = None;
                self.go(command, session);
            }
        }
        Vec::new()
    }

    fn run_with(
        &mut self,
        command: Command,
        argument: &str,
        session: &mut Session,
    ) -> Result<Vec<Effect>, String> {
        match command {
            Command::Filter => Ok(self.filter(argument, session)),
            Command::GoTo => {
                let number = argument.parse();
                let number = number.map_err(|_| format!("'{argument}' is not a number"))?;
                self.query.answers.home = None;
                self.go_to_number(number, session);
                Ok(Vec::new())
            }
            _ => Ok(self.update(command, session)),
        }
    }

    fn loaded(&mut self, news: &News, session: &mut Session) -> Vec<Effect> {
        let mut seen = news
            .settled
            .iter()
            .filter(|ix| self.list.made.remove(ix).is_some());
        if seen.next().is_some() {
            seen.for_each(drop);
            session.loaded.bodies.forget();
        }
        self.list
            .presence
            .look_again(&session.loaded.store, &news.settled);
        self.inspector.changed(&news.settled);
        if !news.rows.is_empty() || !news.settled.is_empty() {
            self.overview.outdate();
            self.noticed.outdate();
            self.inspector.conversation.outdate();
        }
        self.drop_before(session);
        if let Listing::All(range) = &mut self.list.listing {
            range.end = session.loaded.store.len();
        }
        let tested = self.query.answers.tested;
        self.query
            .answers
            .again
            .extend(news.settled.iter().filter(|ix| ix.0 < tested));
        if !session.is_loading() {
            self.land(session);
        }
        if !news.rows.is_empty() {
            // The rows after a model call show what it asked for.
            let first = news.rows.start.saturating_sub(NEAR);
            self.list.made.retain(|ix, _| ix.0 < first);
        }
        self.see_growth(news, session);
        self.list.follow();
        let mut effects = self.catch_up(session);
        effects.extend(self.find_more(session));
        effects.extend(self.look_around(session));
        effects
    }

    fn prepare(&mut self, area: Rect, session: &mut Session) -> Vec<Effect> {
        self.frame.regions = Regions::new(area, self.split);
        self.prepare_list(session);
        let mut effects = self.prepare_inspector(session);
        effects.extend(self.prepare_overview(session));
        effects.extend(self.ask_what_if(session));
        self.prepare_title(session);
        self.frame.words = words::Words::new(self, session);
        self.frame.stays = self.stays_true(session);
        self.share_selection(session);
        effects
    }

    fn stays(&self) -> Option<Duration> {
        self.frame.stays
    }

    fn layout(&self) -> Option<Layout> {
        Some(Layout {
            columns: self.extras.names(),
            ..Layout::default()
        })
    }

    fn headline(&self) -> Headline<'_> {
        let words = &self.frame.words;
        Headline {
            crumbs: &words.crumbs,
            amount: &words.amount,
        }
    }

    fn draw(&self, theme: &Theme, _area: Rect, buf: &mut Buffer) {
        view::draw(self, theme, buf);
    }
}

impl Stream {
    pub fn new(session: &Session) -> Stream {
        let layout = session.setup.remembered.layout(ScreenId::Stream);
        let columns = layout.map(|it| it.columns.as_slice()).unwrap_or_default();
        Stream {
            extras: Extras::new(columns),
            ..Stream::default()
        }
    }

    fn say(&mut self, words: impl Into<String>) {
        self.notice = Some(Notice {
            words: words.into(),
            is_while_reading: false,
        });
    }

    fn say_while_reading(&mut self, words: impl Into<String>) {
        self.notice = Some(Notice {
            words: words.into(),
            is_while_reading: true,
        });
    }

    fn filter_by(&mut self, text: &str, session: &Session) -> Vec<Effect> {
        self.query.bar.set(text);
        self.apply_filter(session)
    }

    /// The selected action.
    fn subject(&self) -> Option<Subject> {
        let list = self.end.as_ref().unwrap_or(&self.list);
        let ix = list.listing.at(list.view.cursor)?;
        Some(Subject {
            ix,
            is_end: self.end.is_some(),
        })
    }

    fn back(&mut self, command: Command, session: &mut Session) -> Vec<Effect> {
        if self.split.panes == Panes::Inspector || self.split.focus == Focus::Inspector {
            (self.split.panes, self.split.focus) = (Panes::Auto, Focus::List);
        } else if self.end.take().is_some() {
        } else if command == Command::Back {
            return vec![Effect::Pop];
        } else if !session.alerting.walk.is_empty() {
            session.alerting.walk.clear();
        } else if self.finder.is_active() && !self.finder.is_carried {
            self.forget_find();
        } else if !self.query.bar.text.is_empty() {
            return self.filter("", session);
        } else if self.query.narrow != self.widest() {
            self.query.narrow = self.widest();
            return self.ask(session);
        } else {
            return vec![Effect::Pop];
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests;
