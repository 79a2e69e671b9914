//! The toll of a tool's result: what it costs to be read in every model call after it.
//!
//! A result stays in the conversation, so each later call of the same agent pays for it again: as fresh
//! input or a cache write when it is new, and mostly as a cache read after that. The toll is the size of the
//! result in tokens, estimated from its length, times what those positions of each later prompt cost at
//! list prices. It ends where the history is compacted.

use std::collections::HashMap;

use crate::analysis::context;
use crate::analysis::costs::lanes::{Call, Lanes};
use crate::base::cancel::CancelFlag;
use crate::model::action::{ActionIx, Flags, Kind};
use crate::model::quantity::Cost;
use crate::model::run::RunIx;
use crate::model::symbol::Sym;
use crate::store::Store;
use crate::store::row::Row;

/// What one result cost after it arrived. Always an estimate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Toll {
    /// The tool call whose result it is.
    pub action: ActionIx,
    /// Estimated from the length.
    pub tokens: u64,
    /// Model calls that read it.
    pub readers: u64,
    /// Of these, calls to a model without a known price.
    pub unpriced: u64,
    /// None if no reader has a price.
    pub cost: Cost,
    pub end: End,
}

/// Why it was not read any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The last call of the agent read it.
    Run,
    /// The history was compacted before this call.
    Compacted(ActionIx),
}

/// The tolls of the results among `rows`, the highest first. `None` if cancelled.
pub fn tolls(
    store: &Store,
    rows: &[ActionIx],
    lanes: &Lanes,
    cancel: &CancelFlag,
) -> Option<Vec<Toll>> {
    let mut found = Vec::new();
    let mut compactions = Compactions::default();
    for ix in rows {
        if cancel.is_raised() {
            return None;
        }
        let row = store.row(*ix);
        let is_result = row.kind() == Kind::ToolCall && row.result_place().is_some();
        if !is_result || row.flags().has(Flags::COPIED) {
            continue;
        }
        let lane = (row.run_ix(), row.agent_sym());
        let Some(calls) = lanes.get(&lane) else {
            continue;
        };
        let after = calls.partition_point(|call| call.ix <= row.ix());
        let after = after
            + calls[after..]
                .iter()
                .take_while(|call| !is_seen(store, &row, call))
                .count();
        if calls.len() == after {
            continue;
        }
        let Some(tokens) = context::result_size(&row).filter(|tokens| *tokens > 0) else {
            continue;
        };
        let compacted = compactions.after(store, lane, row.ix());
        found.push(toll(&row, tokens, &calls[after..], compacted));
    }
    found.sort_by_key(|toll| {
        (
            std::cmp::Reverse((toll.cost.get(), toll.tokens)),
            toll.action,
        )
    });
    Some(found)
}

/// Whether the result had arrived when the call was made.
fn is_seen(store: &Store, result: &Row<'_>, call: &Call) -> bool {
    let call = store.row(call.ix);
    result.source_ix() != call.source_ix() || result.result_place().offset <= call.place().offset
}

fn toll(row: &Row<'_>, tokens: u64, later: &[Call], compacted: Option<ActionIx>) -> Toll {
    let mut toll = Toll {
        action: row.ix(),
        tokens,
        readers: 0,
        unpriced: 0,
        cost: Cost::NONE,
        end: End::Run,
    };
    // New text is at the end of the first prompt that contains it.
    let end = later
        .first()
        .and_then(Call::prompt)
        .unwrap_or(tokens)
        .max(tokens);
    let mut last: Option<(Sym, u64)> = None;
    for call in later {
        let is_after = compacted.is_some_and(|at| at < call.ix);
        let shrunk = last.filter(|(_, prompt)| call.is_shrunk_from(*prompt));
        match shrunk {
            // A call of another model with a short prompt of its own is not about this conversation.
            Some((model, _)) if model != call.model && !is_after => continue,
            Some(_) => {
                toll.end = End::Compacted(call.ix);
                break;
            }
            None if is_after => {
                toll.end = End::Compacted(call.ix);
                break;
            }
            None => {}
        }
        toll.readers += 1;
        let cost = call.price(end - tokens, end);
        toll.unpriced += u64::from(!cost.is_some());
        toll.cost = toll.cost + cost;
        if let Some(prompt) = call.prompt() {
            last = Some((call.model, prompt));
        }
    }
    toll
}

/// The actions that record a compaction, by agent, each lane read once.
#[derive(Debug, Default)]
struct Compactions(HashMap<(RunIx, Sym), Vec<ActionIx>>);

impl Compactions {
    fn after(&mut self, store: &Store, lane: (RunIx, Sym), ix: ActionIx) -> Option<ActionIx> {
        let all = self.0.entry(lane).or_insert_with(|| {
            let rows = store
                .rows()
                .filter(|row| (row.run_ix(), row.agent_sym()) == lane);
            rows.filter(context::compacts).map(|row| row.ix()).collect()
        });
        all.get(all.partition_point(|at| *at <= ix)).copied()
    }
}
