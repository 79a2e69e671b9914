//! Which actions took far longer than others of their sort.

use std::collections::HashMap;

use crate::analysis::trouble::Seen;
use crate::base::cancel::CancelFlag;
use crate::model::action::Kind;
use crate::model::chunk::Chunk;
use crate::model::symbol::Sym;
use crate::store::Store;

/// From how long on an action is slow, by its sort.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Slow {
    limits: HashMap<Sort, i64>,
}

/// Calls of one tool, or of one model.
type Sort = (Kind, Sym);

/// Fewer actions have no usual duration.
const LEAST: usize = 8;
/// So many times the middle is slow.
const TIMES: i64 = 4;
/// Nothing shorter is slow, in microseconds.
const SHORTEST: i64 = 1_000_000;
/// The middle is taken of so many durations at most.
const SAMPLE: usize = 20_000;

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
                if known.len() < SAMPLE {
                    known.push(took);
                }
            }
        }
        let usual = durations
            .into_iter()
            .filter(|(_, known)| known.len() >= LEAST);
        let limits = usual.map(|(sort, mut known)| {
            let middle = known.len() / 2;
            let (_, median, _) = known.select_nth_unstable(middle);
            (sort, median.saturating_mul(TIMES).max(SHORTEST))
        });
        Slow {
            limits: limits.collect(),
        }
    }

    pub fn is_slow(&self, seen: Seen<'_>) -> bool {
        let limit = sort(seen.chunk, seen.row).and_then(|sort| self.limits.get(&sort));
        let took = seen.outcomes.duration[seen.row].get();
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
