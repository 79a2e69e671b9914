//! Stays at the end of a growing trace, and counts what arrives while the user is elsewhere.

use std::time::Duration;

use crate::analysis::life::Life;
use crate::base::human;
use crate::model::action::{ActionIx, Kind, Status};
use crate::tui::effects::Effect;
use crate::tui::screens::outcome;
use crate::tui::screens::stream::{Missed, Stream};
use crate::tui::session::{News, Session};

impl Stream {
    /// To the end and staying there, or no longer. A trace that is not followed yet is from now on.
    pub(super) fn toggle_follow(&mut self, session: &mut Session) -> Vec<Effect> {
        self.query.answers.home = None;
        if !session.trace.live {
            return vec![Effect::Follow];
        }
        if self.list.holds_end {
            self.list.holds_end = false;
            self.say("no longer following: F follows again");
        } else {
            self.end = None;
            self.list.holds_end = true;
            self.list.missed = Missed::default();
            self.list.follow();
        }
        Vec::new()
    }

    /// Removes dropped actions from the list and keeps the selection.
    pub(super) fn drop_before(&mut self, session: &Session) {
        let first = ActionIx(session.loaded.store.first());
        if self.list.drop_before == first.0 {
            return;
        }
        self.list.drop_before = first.0;
        let gone = self.list.listing.drop_before(first);
        self.list.view.rise(gone);
        self.list.anchor = self.list.anchor.filter(|ix| *ix >= first);
        self.list.made.retain(|ix, _| *ix >= first);
        self.query.answers.again.retain(|ix| *ix >= first);
        self.query.answers.home = self.query.answers.home.filter(|ix| *ix >= first);
        self.finder.drop_before(first);
        self.overview.outdate();
    }

    /// A followed trace opens at its end; what arrives while the user is elsewhere is counted.
    pub(super) fn see_growth(&mut self, news: &News, session: &Session) {
        if !session.trace.live || news.rows.is_empty() {
            return;
        }
        if news.rows.start == 0 {
            self.list.holds_end = true;
        }
        if self.list.holds_end {
            return;
        }
        let store = &session.loaded.store;
        for (chunk, outcomes, row) in news.rows.clone().filter_map(|ix| store.place(ix)) {
            let is_error = matches!(outcomes.status[row], Status::Error | Status::Timeout)
                || chunk.kind[row] == Kind::Malformed;
            self.list.missed.actions += 1;
            self.list.missed.errors += u64::from(is_error);
        }
    }
}

impl Stream {
    /// Time until the next clock on the screen ticks.
    pub(super) fn stays_true(&self, session: &Session) -> Option<Duration> {
        if !session.trace.live || self.end.is_some() {
            return None;
        }
        let rows = self.frame.rows.iter().filter_map(|placed| placed.open);
        let rows = rows.map(|span| Life::Running(span).changes_in());
        let run = self.selected(session).map(|row| row.run_ix());
        let run = run.map(|run| session.life(run).changes_in());
        outcome::stays(rows.chain(run).flatten(), session)
    }
}

impl Missed {
    /// `214 new below, 2 errors`; empty if nothing is new.
    pub(super) fn words(self) -> String {
        let Missed { actions, errors } = self;
        match (actions, errors) {
            (0, _) => String::new(),
            (_, 0) => format!("{} new below", human::count(actions)),
            (_, 1) => format!("{} new below, 1 error", human::count(actions)),
            (_, _) => format!(
                "{} new below, {} errors",
                human::count(actions),
                human::count(errors)
            ),
        }
    }
}
