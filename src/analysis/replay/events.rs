//! Notable events of a run, for jumping and for the scrubber.

use super::{State, Tape};
use crate::model::action::{Kind, Status};
use crate::model::outcome::AttachedKind;
use crate::store::Store;
use crate::store::row::Row;

/// Most important last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    Compaction,
    /// An approval was requested or decided.
    Approval,
    /// Blocked by a policy or denied by a person.
    Stopped,
    Error,
}

/// The notable steps in order, each with its most important event.
pub fn events(store: &Store, tape: &Tape) -> Vec<(usize, Event)> {
    let mut state = State::default();
    let mut found = Vec::new();
    for (step, ix) in tape.steps().iter().enumerate() {
        let row = store.row(*ix);
        let compactions = state.compactions;
        state.step(&row);
        let compacted = (state.compactions > compactions).then_some(Event::Compaction);
        if let Some(event) = of(&row).max(compacted) {
            found.push((step, event));
        }
    }
    found
}

fn of(row: &Row<'_>) -> Option<Event> {
    match row.status() {
        Status::Error | Status::Timeout => return Some(Event::Error),
        Status::Blocked | Status::Denied => return Some(Event::Stopped),
        Status::Unrecorded | Status::Ok | Status::Pending | Status::Cancelled => {}
    }
    let mut attached = row.attached();
    let is_approval = row.kind() == Kind::Approval;
    let is_asked = attached.any(|it| it.kind == AttachedKind::Approval);
    (is_approval || is_asked).then_some(Event::Approval)
}
