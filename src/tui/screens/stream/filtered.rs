//! How the stream requests filtered rows, and applies the answers.

use crate::model::action::ActionIx;
use crate::query::eval::Tally;
use crate::tui::effects::Effect;
use crate::tui::filtering::{self, Answer, Progress, Task};
use crate::tui::keys::{Code, Key};
use crate::tui::screens::stream::listing::Listing;
use crate::tui::screens::stream::tasks::Filter;
use crate::tui::screens::stream::{Answers, Stream};
use crate::tui::session::Session;

impl Stream {
    pub(super) fn type_filter(&mut self, key: Key, session: &mut Session) -> Vec<Effect> {
        self.query.bar.is_over_policy = session.policing.is_laid;
        let store = &session.loaded.store;
        let is_other = match key.code {
            Code::Enter => {
                let is_other = self.query.bar.keep();
                self.query.bar.remember(&mut session.filters.history);
                return if is_other {
                    self.ask(session)
                } else {
                    Vec::new()
                };
            }
            Code::Esc => self.query.bar.restore(),
            Code::Tab | Code::BackTab => self.query.bar.take_proposal(key.code == Code::Tab, store),
            Code::Up | Code::Down => {
                let earlier = key.code == Code::Up;
                self.query.bar.recall(&session.filters.history, earlier)
            }
            Code::F2 => {
                self.open_saved(session);
                return Vec::new();
            }
            _ => self.query.bar.edit(key, store),
        };
        if is_other {
            return self.apply_filter(session);
        }
        Vec::new()
    }

    /// The text changed: parse it, and filter again if it is valid.
    pub(super) fn apply_filter(&mut self, session: &Session) -> Vec<Effect> {
        self.query.bar.is_over_policy = session.policing.is_laid;
        if self.query.bar.judge() {
            self.ask(session)
        } else {
            Vec::new()
        }
    }

    /// Filters from the start. The list stays as it is until the answer arrives.
    pub(super) fn ask(&mut self, session: &Session) -> Vec<Effect> {
        self.end = None;
        self.query.answers = Answers {
            home: self.query.answers.home.or(self.list.anchor),
            ..Answers::default()
        };
        let mut effects = self.find_in_scope(session);
        effects.extend(self.look_around(session));
        if !self.is_filtered() {
            self.list.anchor = self.query.answers.home.take();
            let store = &session.loaded.store;
            self.relist(Listing::All(store.first()..store.len()));
            return effects;
        }
        self.query.answers.is_running = true;
        effects.push(Effect::start(Filter(self.task(session))));
        effects
    }

    /// Filters what arrived since the last answer.
    pub(super) fn catch_up(&mut self, session: &Session) -> Vec<Effect> {
        let is_behind = self.query.answers.tested < session.loaded.store.len()
            || !self.query.answers.again.is_empty();
        if !self.is_filtered() || self.query.answers.is_running || !is_behind {
            return Vec::new();
        }
        self.query.answers.is_running = true;
        vec![Effect::start(Filter(self.task(session)))]
    }

    fn task(&mut self, session: &Session) -> Task {
        Task {
            store: session.loaded.store.clone(),
            filter: self.query.narrow.filter(self.query.bar.parsed.as_ref()),
            scope: self.query.narrow.scope,
            tested: self.query.answers.tested,
            again: std::mem::take(&mut self.query.answers.again),
            context: filtering::context(session),
        }
    }

    /// Lists the matches of a long search as they are found.
    pub(super) fn take_progress(&mut self, progress: Progress) {
        if !self.query.answers.is_running || !self.is_filtered() {
            return;
        }
        if self
            .query
            .answers
            .searched
            .replace(progress.tested)
            .is_some()
        {
            self.list.listing.extend(progress.found, &[]);
        } else {
            self.list.listing = Listing::Kept(progress.found);
            self.list.jump(0);
        }
    }

    pub(super) fn take_answer(&mut self, answer: Answer, session: &Session) -> Vec<Effect> {
        self.query.answers.is_running = false;
        self.query.bar.has_failed = false;
        if !self.is_filtered() {
            return Vec::new();
        }
        self.query.answers.tested = answer.tested.end;
        self.query.answers.searched = None;
        // Until the user moves, the place before the filter is where to come back to.
        self.list.anchor = self.query.answers.home.or(self.list.anchor);
        if answer.tested.start == 0 {
            self.query.answers.tally = Tally::default();
            self.query.answers.hint = answer.hint;
            self.relist(Listing::Kept(answer.rows));
        } else {
            let mut listing = std::mem::take(&mut self.list.listing);
            listing.extend(answer.rows, &answer.again);
            self.relist(listing);
        }
        // Some of the rows may have been dropped since.
        let first = ActionIx(session.loaded.store.first());
        let gone = self.list.listing.drop_before(first);
        self.list.view.rise(gone);
        self.query.answers.tally += answer.tally;
        self.list.follow();
        self.catch_up(session)
    }

    /// Another list of actions; the selected action stays selected, or the next one that is left.
    fn relist(&mut self, listing: Listing) {
        let position = self.list.anchor.map_or(0, |anchor| listing.seek(anchor));
        self.list.listing = listing;
        self.overview.outdate();
        self.list
            .jump(position.min(self.list.listing.len().saturating_sub(1)));
    }
}

#[cfg(test)]
mod tests {
    use super::{Answers, Listing, Stream};
    use crate::model::action::ActionIx;
    use crate::model::run::RunIx;
    use crate::tui::filtering::{Progress, Scope};
    use crate::tui::screens::stream::Query;
    use crate::tui::screens::stream::narrow::Narrow;

    #[test]
    fn what_a_long_search_found_is_listed_and_grows() {
        let mut stream = Stream {
            query: Query {
                narrow: Narrow {
                    scope: Some(Scope::Run(RunIx(0))),
                    ..Narrow::default()
                },
                answers: Answers {
                    is_running: true,
                    ..Answers::default()
                },
                ..Query::default()
            },
            ..Stream::default()
        };
        stream.list.listing = Listing::All(0..100);
        for (tested, found) in [
            (10, vec![ActionIx(3)]),
            (20, vec![ActionIx(12), ActionIx(15)]),
        ] {
            stream.take_progress(Progress { tested, found });
        }
        assert_eq!(stream.query.answers.searched, Some(20));
        let rows: Vec<_> = (0..4).map(|at| stream.list.listing.at(at)).collect();
        assert_eq!(
            rows,
            [
                Some(ActionIx(3)),
                Some(ActionIx(12)),
                Some(ActionIx(15)),
                None
            ]
        );
    }
}
