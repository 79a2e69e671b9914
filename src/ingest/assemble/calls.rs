//! The calls of a run that wait for their result: first in, first out per id.

use std::collections::{HashMap, VecDeque};

use crate::ingest::fact::Fact;
use crate::model::action::{ActionIx, Status};
use crate::model::quantity::Time;
use crate::model::symbol::Sym;

/// A map whose keys are hashes already.
pub(super) type Map<V> = HashMap<u64, V, foldhash::fast::RandomState>;

/// What is needed to match a result to its tool call.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    pub action: ActionIx,
    pub time: Time,
    pub status: Status,
    /// Who called, in formats where a prompt to one agent leaves the calls of the others alone.
    pub agent: Sym,
    pub tool: Sym,
    /// A hash of tool and arguments.
    pub signature: u64,
    pub closed: bool,
}

impl Call {
    /// A call that waits for its result. Calls of the same tool with the same arguments have the same
    /// signature.
    pub fn open(action: ActionIx, fact: &Fact, tool: Sym) -> Call {
        Call {
            action,
            time: fact.time,
            status: Status::Pending,
            agent: Sym::NONE,
            tool,
            signature: fact.hash ^ u64::from(tool.0).rotate_left(32),
            closed: false,
        }
    }
}

/// Calls of one run by the hash of their id. Ids may be reused: the oldest open call gets the next result.
#[derive(Debug, Default)]
pub(super) struct Calls {
    latest: Map<Call>,
    /// Further calls with an id that is in use, oldest first; never an empty queue.
    waiting: Map<VecDeque<Call>>,
    pub(super) open: u32,
}

impl Calls {
    pub(super) fn add(&mut self, id: u64, call: Call) {
        self.open += u32::from(!call.closed);
        match self.latest.get(&id) {
            Some(earlier) if !earlier.closed => {
                self.waiting.entry(id).or_default().push_back(call);
            }
            _ => {
                self.latest.insert(id, call);
            }
        }
    }

    pub(super) fn known(&self, id: u64) -> Option<&Call> {
        self.latest.get(&id)
    }

    pub(super) fn known_mut(&mut self, id: u64) -> Option<&mut Call> {
        self.latest.get_mut(&id)
    }

    /// Closes the oldest call of this id that has no result, and returns it as it was before.
    pub(super) fn close(&mut self, id: u64, status: Status) -> Option<Call> {
        let call = self.latest.get_mut(&id).filter(|call| !call.closed)?;
        self.open -= u32::from(is_open(call));
        let closed = *call;
        call.closed = true;
        call.status = status;
        if let Some(queue) = self.waiting.get_mut(&id) {
            self.latest.extend(queue.pop_front().map(|call| (id, call)));
            if queue.is_empty() {
                self.waiting.remove(&id);
            }
        }
        Some(closed)
    }

    /// Gives up the pending calls that `given_up` selects: a result is no longer expected, but one that still
    /// comes is theirs. Returns them as they were before.
    pub(super) fn cancel(&mut self, given_up: impl Fn(&Call) -> bool) -> Vec<Call> {
        let waiting = self.waiting.values_mut().flatten();
        let mut cancelled = Vec::new();
        for call in self.latest.values_mut().chain(waiting) {
            if !call.closed && call.status == Status::Pending && given_up(call) {
                cancelled.push(*call);
                call.status = Status::Cancelled;
            }
        }
        self.open -= cancelled.len() as u32;
        cancelled.sort_unstable_by_key(|call| call.action);
        cancelled
    }

    /// Drops calls whose actions are no longer kept, with or without a result.
    pub(super) fn forget_before(&mut self, first: ActionIx) {
        self.latest.retain(|_, call| call.action >= first);
        self.latest.shrink_to(self.latest.len() * 2);
        self.keep_waiting(|call| call.action >= first);
        let waiting = self.waiting.values().flatten();
        let open = self.latest.values().chain(waiting).filter(|it| is_open(it));
        self.open = open.count() as u32;
    }

    fn keep_waiting(&mut self, keep: impl Fn(&Call) -> bool) {
        self.waiting.retain(|_, queue| {
            queue.retain(&keep);
            !queue.is_empty()
        });
    }

    fn waiting_len(&self) -> usize {
        self.waiting.values().map(VecDeque::len).sum()
    }

    /// Drops calls that have results and those that were stopped: their run has ended.
    pub(super) fn forget_settled(&mut self) {
        let waits = |call: &Call| !call.closed && call.status == Status::Pending;
        if self.open > 0 {
            self.latest.retain(|_, call| waits(call));
            self.keep_waiting(waits);
            self.open = (self.latest.len() + self.waiting_len()) as u32;
        } else {
            self.latest.clear();
            self.waiting.clear();
        }
    }
}

/// Whether a result is still expected.
fn is_open(call: &Call) -> bool {
    !call.closed && call.status != Status::Cancelled
}
