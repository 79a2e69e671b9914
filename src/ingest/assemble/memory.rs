//! What is remembered about a run until it ends.

use std::collections::HashSet;

use super::calls::{Calls, Map};
use crate::model::action::ActionIx;

#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) calls: Calls,
    pub(super) ids: Ids,
    /// Signatures of calls whose last result was an error.
    pub(super) failed: HashSet<u64, foldhash::fast::RandomState>,
}

impl Memory {
    /// Keeps only calls that still wait for a result, and the allocations for another run.
    pub(super) fn end(&mut self) {
        self.calls.forget_settled();
        self.ids.clear();
        self.failed.clear();
    }

    /// Drops everything about actions that are no longer kept.
    pub(super) fn forget_before(&mut self, first: ActionIx) {
        self.calls.forget_before(first);
        self.ids.forget_before(first);
        if self.failed.len() > FAILED {
            self.failed.clear();
        }
    }
}

/// Retries are recognized among this many failed calls.
const FAILED: usize = 100_000;

/// Actions by the hash of their id. Many traces name no causes, so the table is built on the first lookup
/// and ids are only collected until then.
#[derive(Debug, Default)]
pub(super) struct Ids {
    keys: Vec<u64>,
    actions: Vec<ActionIx>,
    known: Map<ActionIx>,
}

impl Ids {
    pub(super) fn tell(&mut self, key: u64, action: ActionIx) {
        self.keys.push(key);
        self.actions.push(action);
    }

    pub(super) fn get(&mut self, key: u64) -> ActionIx {
        self.known
            .extend(self.keys.drain(..).zip(self.actions.drain(..)));
        self.known.get(&key).copied().unwrap_or(ActionIx::NONE)
    }

    /// Ids come in the order of their actions.
    fn forget_before(&mut self, first: ActionIx) {
        let kept = self.actions.partition_point(|action| *action < first);
        self.keys.drain(..kept);
        self.actions.drain(..kept);
        self.keys.shrink_to(self.keys.len() * 2);
        self.actions.shrink_to(self.actions.len() * 2);
        self.known.retain(|_, action| *action >= first);
        self.known.shrink_to(self.known.len() * 2);
    }

    fn clear(&mut self) {
        self.keys.clear();
        self.actions.clear();
        self.known.clear();
    }
}
