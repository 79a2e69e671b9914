//! Marks that the user sets: a letter on an action, and the way back to it.

use crate::model::action::ActionIx;
use crate::tui::effects::Effect;
use crate::tui::screens::stream::Stream;
use crate::tui::session::Session;

impl Stream {
    /// `m x`: sets the mark, or takes it away where it is already.
    pub(super) fn mark(&mut self, letter: char, session: &mut Session) -> Vec<Effect> {
        let Some(subject) = self.subject() else {
            return Vec::new();
        };
        if subject.is_end {
            self.say_while_reading("still indexing: this action cannot be marked yet".to_owned());
            return Vec::new();
        }
        let is_set = session.marks.toggle(letter, subject.ix);
        let verb = if is_set { "marked" } else { "no longer marked" };
        self.say(format!(
            "{verb} {letter} · ' and {letter} comes back · M shows only marked"
        ));
        if self.query.narrow.marked {
            return self.ask(session);
        }
        Vec::new()
    }

    /// `' x`.
    pub(super) fn go_to_mark(&mut self, letter: char, session: &mut Session) {
        match session.marks.get(letter) {
            Some(ix) => self.go_to(ix, &format!("mark {letter}")),
            None => self.say(format!("no mark {letter}")),
        }
    }

    /// Selects an action where it is listed; says so where it is not.
    pub(super) fn go_to(&mut self, ix: ActionIx, what: &str) {
        self.end = None;
        let position = self.list.listing.seek(ix);
        if self.list.listing.at(position) == Some(ix) {
            self.list.holds_end = false;
            self.query.answers.home = None;
            self.list.jump(position);
        } else {
            self.say(format!("{what} is hidden by the filter · esc shows all"));
        }
    }

    /// To the action that caused this one; in a subagent to the call that started it.
    pub(super) fn go_to_parent(&mut self, session: &Session) {
        self.query.answers.home = None;
        let Some(row) = self.selected(session).filter(|_| self.end.is_none()) else {
            return;
        };
        let symbols = session.loaded.store.symbols();
        let lane = row
            .run()
            .lanes
            .iter()
            .find(|lane| !row.agent().is_empty() && symbols.name(lane.agent) == row.agent());
        let caller = lane.and_then(|lane| lane.parent.get());
        let len = session.loaded.store.len();
        match caller.or(row.parent()).filter(|parent| parent.0 < len) {
            Some(parent) => self.go_to(parent, "the action that caused this one"),
            None => self.say("the cause of this action is not recorded".to_owned()),
        }
    }
}
