//! The stream: every action in its order, the selected one opened beside it.

pub mod filter_bar;
mod filtered;
pub mod inspector;
pub mod jumps;
mod landing;
pub mod layout;
pub mod listing;
mod moves;
pub mod rows;
mod view;
pub mod words;

use std::collections::HashMap;
use std::rc::Rc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::query::eval::Tally;
use crate::tui::effects::Effect;
use crate::tui::jobs::{Job, Output};
use crate::tui::keys::{Command, Key};
use crate::tui::screens::stream::filter_bar::FilterBar;
use crate::tui::screens::stream::inspector::{Inspector, Subject};
use crate::tui::screens::stream::layout::{Columns, Panes, Regions};
use crate::tui::screens::stream::listing::Listing;
use crate::tui::screens::stream::rows::{Numbers, RowText};
use crate::tui::session::{Agents, News, Opened, Session};
use crate::tui::shell::{Headline, Pointer, Screen};
use crate::tui::theme::Theme;
use crate::tui::widgets::viewport::{Viewport, Visible};

#[derive(Debug, Default)]
pub struct Stream {
    list: List,
    /// The end of the file, looked at before everything is read.
    end: Option<List>,
    filter: FilterBar,
    scope: Option<RunIx>,
    answers: Answers,
    inspector: Inspector,
    focus: Focus,
    panes: Panes,
    notice: Option<String>,
    frame: Frame,
}

/// Actions in a window, with what was made of those that were on the screen.
#[derive(Debug, Default)]
struct List {
    listing: Listing,
    view: Viewport,
    /// The selected action, kept when the listing changes.
    anchor: Option<ActionIx>,
    /// The selection went somewhere else at once: bring it to the middle of the screen.
    is_jump: bool,
    /// The user went to the end: stay there while more comes.
    holds_end: bool,
    made: HashMap<ActionIx, Rc<RowText>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Focus {
    #[default]
    List,
    Inspector,
}

/// How far the filter was answered.
#[derive(Debug, Default)]
struct Answers {
    tested: u32,
    /// Answered rows about which something was learned since.
    again: Vec<ActionIx>,
    tally: Tally,
    /// How many rows a first search has tested, when it told; what it found is listed already.
    searched: Option<u32>,
    /// The action that was selected when the search began, to be selected again when it ends.
    home: Option<ActionIx>,
    is_running: bool,
}

/// What the last `prepare` settled: all that drawing needs to know.
#[derive(Debug, Default)]
struct Frame {
    regions: Regions,
    columns: Columns,
    visible: Vec<(Visible, bool, Rc<RowText>)>,
    words: words::Words,
}

/// Texts of rows are made again rather than kept beyond this number.
const KEEP: usize = 4096;

impl Screen for Stream {
    fn typed(&mut self, key: Key, session: &mut Session) -> Option<Vec<Effect>> {
        if self.filter.prompt.is_some() {
            return Some(self.type_filter(key, session));
        }
        None
    }

    fn pasted(&mut self, text: &str, session: &mut Session) -> Vec<Effect> {
        let Some(prompt) = &mut self.filter.prompt else {
            return Vec::new();
        };
        prompt.paste(text);
        self.apply_filter(session)
    }

    fn filter(&mut self, text: &str, session: &mut Session) -> Vec<Effect> {
        self.filter.set(text);
        self.apply_filter(session)
    }

    fn entered(&mut self, session: &mut Session) -> Vec<Effect> {
        let here = session.here;
        let is_elsewhere = here.action.is_some() && here.action != self.list.anchor;
        if is_elsewhere {
            (self.end, self.list.anchor) = (None, here.action);
        }
        if here.scope != self.scope {
            self.scope = here.scope;
            return self.ask(session);
        }
        if let Some(action) = here.action.filter(|_| is_elsewhere) {
            self.list.jump(self.list.listing.seek(action));
        }
        Vec::new()
    }

    fn pointed(&mut self, pointer: Pointer, session: &mut Session) -> Vec<Effect> {
        self.answers.home = None;
        self.point(pointer, session);
        Vec::new()
    }

    fn update(&mut self, command: Command, session: &mut Session) -> Vec<Effect> {
        self.notice = None;
        match command {
            Command::Filter => self.filter.open(),
            Command::Scope => return self.toggle_scope(session),
            Command::Back | Command::Cancel => return self.back(command, session),
            _ => {
                self.answers.home = None;
                self.go(command, session);
            }
        }
        Vec::new()
    }

    fn told(
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
                self.answers.home = None;
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
        self.inspector.changed(&news.settled);
        if let Listing::All(len) = &mut self.list.listing {
            *len = session.loaded.store.len();
        }
        let tested = self.answers.tested;
        self.answers
            .again
            .extend(news.settled.iter().filter(|ix| ix.0 < tested));
        if !session.is_loading() {
            self.land(session);
        }
        self.list.follow();
        self.catch_up(session)
    }

    fn finished(&mut self, output: Output, session: &mut Session) -> Vec<Effect> {
        match output {
            Output::Filtered(answer) => return self.take_answer(answer, session),
            Output::Searched(progress) => self.take_progress(progress),
            Output::Opened { ix, body } => self.inspector.opened(ix, body),
            Output::Runs { .. }
            | Output::Table(_)
            | Output::Profile { .. }
            | Output::Found { .. }
            | Output::NotFound(_)
            | Output::Recent(_)
            | Output::FirstWords(_) => {}
            Output::Panicked(_) => self.answers.is_running = false,
        }
        Vec::new()
    }

    fn prepare(&mut self, area: Rect, session: &mut Session) -> Vec<Effect> {
        self.frame.regions = Regions::new(area, self.panes);
        self.prepare_list(session);
        let effects = self.prepare_inspector(session);
        self.frame.words = words::Words::new(self, session);
        self.tell_here(session);
        effects
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
    fn prepare_list(&mut self, session: &mut Session) {
        let regions = self.frame.regions;
        let numbers = if self.end.is_some() {
            Numbers::NotYet
        } else {
            Numbers::Known
        };
        let known = session.loaded.agents;
        let (list, opened) = match (&mut self.end, &mut session.end) {
            (Some(list), Some(end)) => (list, end),
            _ => (&mut self.list, &mut session.loaded),
        };
        let digits = opened.store.len().max(1).ilog10() as usize + 1;
        self.frame.columns = Columns::new(
            usize::from(regions.list.width),
            digits,
            [known, opened.agents].contains(&Agents::Several),
        );
        list.settle(opened, usize::from(regions.list.height));
        if list.made.len() > KEEP {
            list.made.clear();
        }
        self.frame.visible.clear();
        let seen = list.visible(opened, usize::from(regions.list.height));
        for visible in seen {
            let Some(ix) = list.listing.at(visible.item) else {
                continue;
            };
            let text = list.made.entry(ix).or_insert_with(|| {
                Rc::new(rows::build(
                    &opened.store.row(ix),
                    &mut opened.bodies,
                    &session.zone,
                    numbers,
                ))
            });
            self.frame
                .visible
                .push((visible, visible.item == list.view.cursor, Rc::clone(text)));
        }
    }

    fn prepare_inspector(&mut self, session: &mut Session) -> Vec<Effect> {
        let area = self.frame.regions.inspector;
        let Some(subject) = self.subject().filter(|_| area.width > 0) else {
            return Vec::new();
        };
        if !self.inspector.prepare(subject, session, area) {
            return Vec::new();
        }
        let opened = if subject.is_end {
            session.end.as_ref()
        } else {
            Some(&session.loaded)
        };
        let job = |opened: &Opened| {
            Effect::Start(Box::new(Job::Open {
                store: opened.store.clone(),
                ix: subject.ix,
            }))
        };
        opened.map(job).into_iter().collect()
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

    /// What is selected here is selected everywhere.
    fn tell_here(&self, session: &mut Session) {
        let store = &session.loaded.store;
        let selected = self
            .subject()
            .filter(|subject| !subject.is_end && subject.ix.0 < store.len());
        if let Some(subject) = selected {
            session.here.action = Some(subject.ix);
            session.here.run = Some(store.row(subject.ix).run_ix());
        }
        session.here.scope = self.scope;
    }

    fn back(&mut self, command: Command, session: &mut Session) -> Vec<Effect> {
        if self.panes == Panes::Inspector || self.focus == Focus::Inspector {
            (self.panes, self.focus) = (Panes::Auto, Focus::List);
        } else if self.end.take().is_some() {
        } else if command == Command::Back {
            return vec![Effect::Pop];
        } else if !self.filter.text.is_empty() {
            return self.filter("", session);
        } else if self.scope.is_some() {
            return self.toggle_scope(session);
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests;
