//! Detects loops: the same call with the same result three times within twelve calls.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::model::action::ActionIx;
use crate::model::symbol::Sym;
use crate::store::Store;
use crate::store::bodies::{self, Depth};

/// This many equal calls …
const TIMES: usize = 3;
/// … within this many calls make a loop.
const WITHIN: usize = 12;
/// Longer records are compared by this many bytes.
const HEAD: u32 = 64 << 10;

/// The calls of a run, in order.
#[derive(Debug, Default)]
pub(super) struct Steps {
    calls: Vec<(Sym, ActionIx)>,
    is_loop: bool,
}

impl Steps {
    pub(super) fn push(&mut self, tool: Sym, call: ActionIx) {
        self.calls.push((tool, call));
    }

    pub(super) fn is_loop(&self) -> bool {
        self.is_loop
    }

    /// Opens the calls that could be equal and compares them. Most runs never call one tool three
    /// times in such a short stretch, so none of their records are opened.
    pub(super) fn settle(&mut self, store: &Store) {
        let mut opened: Vec<Option<u64>> = vec![None; self.calls.len()];
        for end in 0..self.calls.len() {
            let first = (end + 1).saturating_sub(WITHIN);
            let tool = self.calls[end].0;
            let same: Vec<usize> = (first..=end)
                .filter(|at| self.calls[*at].0 == tool)
                .collect();
            if same.len() < TIMES {
                continue;
            }
            for at in &same {
                opened[*at].get_or_insert_with(|| self.open(store, *at));
            }
            let equal = same.iter().filter(|at| opened[**at] == opened[end]);
            if equal.count() >= TIMES {
                self.is_loop = true;
                break;
            }
        }
        self.calls = Vec::new();
    }

    /// A hash of the arguments and the result.
    fn open(&self, store: &Store, at: usize) -> u64 {
        let body = bodies::open(&store.row(self.calls[at].1), Depth::UpTo(HEAD));
        let words = |value: &Option<serde_json::Value>| value.as_ref().map(ToString::to_string);
        let mut hasher = DefaultHasher::new();
        (words(&body.args), words(&body.result)).hash(&mut hasher);
        // A call without a result equals no other.
        if body.result.is_none() {
            at.hash(&mut hasher);
        }
        hasher.finish()
    }
}
