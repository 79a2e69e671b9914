//! Actions that are complete but may still change: a model call's tokens, a call's duration and the answer
//! to an approval are often written after the record that completes the action.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use crate::model::action::{ActionIx, Kind};
use crate::model::run::RunIx;
use crate::store::row::Row;

/// An action that has not changed for this long is printed.
const QUIET: Duration = Duration::from_secs(2);

/// What waits to be printed. An action is released when it is complete and either its run has gone on to
/// another prompt or model call since it last changed, or nothing about it has changed for a while.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Actions without a result, or waiting for a person.
    open: HashSet<u32>,
    /// Complete actions of each run, with when they last changed.
    complete: HashMap<RunIx, HashMap<u32, Instant>>,
    /// In order of time; an entry is void if its action changed again or was released.
    deadlines: VecDeque<(Instant, RunIx, u32)>,
}

impl Held {
    /// Waits for the end of an action that is open.
    pub(super) fn wait(&mut self, ix: ActionIx) {
        self.open.insert(ix.0);
    }

    /// Whether an action has not been released.
    pub(super) fn has(&self, row: &Row<'_>) -> bool {
        let ix = row.ix().0;
        let of_run = self.complete.get(&row.run_ix());
        self.open.contains(&ix) || of_run.is_some_and(|run| run.contains_key(&ix))
    }

    /// Takes an action that is new or has changed. A prompt or a model call releases what its run holds.
    pub(super) fn put(&mut self, row: &Row<'_>, is_new: bool, released: &mut Vec<u32>) {
        if is_new && matches!(row.kind(), Kind::Prompt | Kind::Response) {
            self.release(row.run_ix(), released);
        }
        let ix = row.ix().0;
        if !super::is_complete(row) {
            self.open.insert(ix);
            return;
        }
        self.open.remove(&ix);
        let now = Instant::now();
        self.complete
            .entry(row.run_ix())
            .or_default()
            .insert(ix, now);
        self.deadlines.push_back((now + QUIET, row.run_ix(), ix));
    }

    fn release(&mut self, run: RunIx, released: &mut Vec<u32>) {
        let held = self.complete.remove(&run).unwrap_or_default();
        released.extend(held.into_keys());
    }

    /// Releases what has not changed for a while.
    pub(super) fn release_quiet(&mut self, now: Instant, released: &mut Vec<u32>) {
        while let Some(&(deadline, run, ix)) = self.deadlines.front() {
            if deadline > now {
                break;
            }
            self.deadlines.pop_front();
            let Some(held) = self.complete.get_mut(&run) else {
                continue;
            };
            if held.get(&ix).is_some_and(|&since| since + QUIET <= now) {
                held.remove(&ix);
                released.push(ix);
            }
            if held.is_empty() {
                self.complete.remove(&run);
            }
        }
    }

    /// When something may be released next without another message.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.deadlines.front().map(|&(deadline, ..)| deadline)
    }

    /// Everything that is left when the trace has ended, open calls included.
    pub(super) fn drain(&mut self) -> Vec<u32> {
        let complete = self.complete.drain().flat_map(|(_, held)| held.into_keys());
        let mut left: Vec<u32> = complete.chain(self.open.drain()).collect();
        left.sort_unstable();
        left
    }

    /// Forgets actions that are no longer in the store.
    pub(super) fn forget_before(&mut self, first: u32) {
        self.open.retain(|&ix| ix >= first);
        for held in self.complete.values_mut() {
            held.retain(|&ix, _| ix >= first);
        }
    }
}
