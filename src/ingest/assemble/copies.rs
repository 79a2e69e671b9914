//! What forked and resumed sessions copy from another one: it counts once, where it was recorded first.
//!
//! A copied action is a row of its run like any other, so that each run shows its whole history. What it counts
//! goes to what the run inherited, not to its own totals.

use std::collections::HashSet;

use super::builder::Builder;
use super::calls::Map;
use crate::model::action::ActionIx;
use crate::model::run::{RunIx, Totals};

/// Which run recorded what first, and which actions are copies.
#[derive(Debug, Default)]
pub(super) struct Copies {
    first: Map<RunIx>,
    actions: HashSet<ActionIx>,
}

impl Copies {
    pub(super) fn add(&mut self, action: ActionIx) {
        self.actions.insert(action);
    }

    pub(super) fn has(&self, action: ActionIx) -> bool {
        !self.actions.is_empty() && self.actions.contains(&action)
    }
}

impl Builder {
    /// Whether another run recorded the same before. `key` is a hash of what a copy keeps.
    pub fn is_copied(&mut self, ix: RunIx, key: u64) -> bool {
        let origin = *self.copies.first.entry(key).or_insert(ix);
        if origin == ix {
            return false;
        }
        let from = self.peek(origin).id.clone();
        let inherited = self.edit(ix).inherited.get_or_insert_default();
        if inherited.from != from {
            inherited.from = from;
        }
        true
    }

    /// Notes that a run recorded something, without asking who else did.
    pub fn records(&mut self, ix: RunIx, key: u64) {
        self.copies.first.entry(key).or_insert(ix);
    }

    /// The totals that an action of a run counts in.
    pub(super) fn totals_of(&mut self, ix: RunIx, action: ActionIx) -> &mut Totals {
        let copied = self.copies.has(action);
        let run = self.edit(ix);
        match &mut run.inherited {
            Some(inherited) if copied => &mut inherited.totals,
            Some(_) | None => &mut run.totals,
        }
    }
}
