//! Finds actions that took far longer than others of their kind.

use std::collections::HashMap;

use crate::analysis::trouble::ChunkRow;
use crate::base::cancel::CancelFlag;
use crate::model::action::Kind;
use crate::model::chunk::Chunk;
use crate::model::symbol::Sym;
use crate::store::Store;

/// The duration from which on an action is slow, per kind of action.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slow {
    limits: HashMap<Sort, i64>,
}

/// Calls of one tool or one model.
type Sort = (Kind, Sym);

/// With fewer actions there is no usual duration.
const MIN_ACTIONS: usize = 8;
/// Slow means this many times the median.
const TIMES: i64 = 4;
/// Nothing shorter is slow, in microseconds.
const MIN_DURATION: i64 = 1_000_000;
/// The median is taken over at most this many durations.
const MAX_SAMPLE: usize = 20_000;

impl Slow {
    pub fn of(store: &Store, cancel: &CancelFlag) -> Slow {
        let mut durations: HashMap<Sort, Vec<i64>> = HashMap::new();
        for (chunk, outcomes) in store.chunks() {
            if cancel.is_raised() {
                break;
            }
            for row in 0..chunk.len() {
                let (Some(sort), Some(took)) = (sort(chunk, row), outcomes.duration[row].get())
                else {
                    continue;
                };
                let known = durations.entry(sort).or_default();
                if known.len() < MAX_SAMPLE {
                    known.push(took);
                }
            }
        }
        let usual = durations
            .into_iter()
            .filter(|(_, known)| known.len() >= MIN_ACTIONS);
        let limits = usual.map(|(sort, mut known)| {
            let middle = known.len() / 2;
            let (_, median, _) = known.select_nth_unstable(middle);
            (sort, median.saturating_mul(TIMES).max(MIN_DURATION))
        });
        Slow {
            limits: limits.collect(),
        }
    }

    pub fn is_slow(&self, row_of_chunk: ChunkRow<'_>) -> bool {
        let limit =
            sort(row_of_chunk.chunk, row_of_chunk.row).and_then(|sort| self.limits.get(&sort));
        let took = row_of_chunk.outcomes.duration[row_of_chunk.row].get();
        limit.zip(took).is_some_and(|(limit, took)| took > *limit)
    }
}

fn sort(chunk: &Chunk, row: usize) -> Option<Sort> {
    match chunk.kind[row] {
        Kind::ToolCall => Some((Kind::ToolCall, chunk.tool[row])),
        Kind::Response => Some((Kind::Response, chunk.model[row])),
        Kind::Prompt
        | Kind::Reasoning
        | Kind::PolicyDecision
        | Kind::Approval
        | Kind::Error
        | Kind::Note
        | Kind::RunStart
        | Kind::RunEnd
        | Kind::Malformed
        | Kind::Unknown => None,
    }
}
