//! How the stream asks for what its filter keeps, and takes the answers in.

use crate::query::eval::Tally;
use crate::tui::effects::Effect;
use crate::tui::filtering::{self, Answer, Task};
use crate::tui::jobs::Job;
use crate::tui::keys::{Code, Key};
use crate::tui::screens::stream::listing::Listing;
use crate::tui::screens::stream::{Answers, Stream};
use crate::tui::session::Session;

impl Stream {
    pub(super) fn type_filter(&mut self, key: Key, session: &mut Session) -> Vec<Effect> {
        let Some(prompt) = &mut self.filter.prompt else {
            return Vec::new();
        };
        match key.code {
            Code::Enter => self.filter.keep(),
            Code::Esc => {
                if self.filter.restore() {
                    return self.apply_filter(session);
                }
            }
            Code::Char(_)
            | Code::Tab
            | Code::BackTab
            | Code::Backspace
            | Code::Delete
            | Code::Up
            | Code::Down
            | Code::Left
            | Code::Right
            | Code::Home
            | Code::End
            | Code::PageUp
            | Code::PageDown => {
                if prompt.edit(key) {
                    self.filter.text = prompt.text().to_owned();
                    return self.apply_filter(session);
                }
            }
        }
        Vec::new()
    }

    /// The text of the filter is another one: judge it, and ask again when it makes sense.
    pub(super) fn apply_filter(&mut self, session: &Session) -> Vec<Effect> {
        if self.filter.judge() {
            self.ask(session)
        } else {
            Vec::new()
        }
    }

    pub(super) fn toggle_scope(&mut self, session: &Session) -> Vec<Effect> {
        self.scope = match (self.scope, self.subject()) {
            (Some(_), _) | (None, None) => None,
            (None, Some(subject)) if subject.is_end => {
                self.notice =
                    Some("still indexing: the run of this action is not known yet".to_owned());
                return Vec::new();
            }
            (None, Some(subject)) => Some(session.loaded.store.row(subject.ix).run_ix()),
        };
        self.ask(session)
    }

    pub(super) fn is_filtered(&self) -> bool {
        self.scope.is_some() || self.filter.parsed.is_some()
    }

    /// Asks from the start. What is listed stays until the answer is there.
    pub(super) fn ask(&mut self, session: &Session) -> Vec<Effect> {
        self.end = None;
        self.answers = Answers::default();
        if !self.is_filtered() {
            self.relist(Listing::All(session.loaded.store.len()));
            return Vec::new();
        }
        self.answers.is_running = true;
        vec![Effect::Start(Box::new(Job::Filter(self.task(session))))]
    }

    /// Asks for what came since the last answer.
    pub(super) fn catch_up(&mut self, session: &Session) -> Vec<Effect> {
        let is_behind =
            self.answers.tested < session.loaded.store.len() || !self.answers.again.is_empty();
        if !self.is_filtered() || self.answers.is_running || !is_behind {
            return Vec::new();
        }
        self.answers.is_running = true;
        vec![Effect::Start(Box::new(Job::Filter(self.task(session))))]
    }

    fn task(&mut self, session: &Session) -> Task {
        Task {
            store: session.loaded.store.clone(),
            filter: self.filter.parsed.clone(),
            run: self.scope,
            tested: self.answers.tested,
            again: std::mem::take(&mut self.answers.again),
            context: filtering::context(session.zone.clone()),
        }
    }

    pub(super) fn take_answer(&mut self, answer: Answer, session: &Session) -> Vec<Effect> {
        self.answers.is_running = false;
        if !self.is_filtered() {
            return Vec::new();
        }
        self.answers.tested = answer.tested.end;
        self.answers.progress = None;
        if answer.tested.start == 0 {
            self.answers.tally = Tally::default();
            self.relist(Listing::Kept(answer.rows));
        } else {
            let mut listing = std::mem::take(&mut self.list.listing);
            listing.extend(answer.rows, &answer.again);
            self.relist(listing);
        }
        self.answers.tally += answer.tally;
        self.list.follow();
        self.catch_up(session)
    }

    /// Another list of actions; the selected action stays selected, or the next one that is left.
    fn relist(&mut self, listing: Listing) {
        let position = self.list.anchor.map_or(0, |anchor| listing.seek(anchor));
        self.list.listing = listing;
        self.list
            .jump(position.min(self.list.listing.len().saturating_sub(1)));
    }
}
