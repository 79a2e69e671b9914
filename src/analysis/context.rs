//! What the model saw at a call: the request as it was recorded, or one rebuilt from the actions before it.
//!
//! A rebuilt request is never called exact: every part says where it comes from, and what is not
//! recorded is listed as missing. METHODS.md section D tells why.

mod answer;
mod collect;
mod line;
mod shape;
mod tools;
mod unknown;

use serde_json::Value;

pub use answer::{Answer, answer};
pub use line::line;
pub use tools::of as tools;

use crate::analysis::windows;
use crate::base::cancel::CancelFlag;
use crate::ingest::request::{Api, RequestPart, Role};
use crate::model::action::{ActionIx, Flags, Kind};
use crate::model::quantity::Tokens;
use crate::model::run::RunIx;
use crate::store::Store;
use crate::store::row::Row;

#[cfg(test)]
mod tests;

/// How sure a context is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exactness {
    /// The body of the request stands in the trace.
    Recorded,
    /// It was put together from what the trace tells before the call.
    Reconstructed,
}

impl Exactness {
    pub fn word(self) -> &'static str {
        match self {
            Exactness::Recorded => "recorded",
            Exactness::Reconstructed => "reconstructed",
        }
    }
}

/// Where a part of a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Recorded,
    Reconstructed,
    /// It was there, or may have been, and the trace does not hold it.
    Missing,
}

impl Origin {
    pub fn word(self) -> &'static str {
        match self {
            Origin::Recorded => "recorded",
            Origin::Reconstructed => "reconstructed",
            Origin::Missing => "missing",
        }
    }
}

/// One part of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Where it stands in the request (`$.messages[3].content[0]`); for a missing part, where it would.
    pub path: String,
    /// The same place as a JSON pointer; empty for a missing part.
    pub pointer: String,
    pub origin: Origin,
    /// What there is to know about it, in a few words of ours. May quote names of the trace.
    pub note: String,
    pub role: Option<Role>,
    /// The action that it comes from.
    pub action: Option<ActionIx>,
    /// It was not part of the request before, of the same agent.
    pub is_new: bool,
    /// Its size, estimated from its length; none where length tells nothing (an image).
    pub estimate: Option<u64>,
}

/// What a model call was given.
#[derive(Debug, Clone)]
pub struct Context {
    /// The row that stands for the call.
    pub call: ActionIx,
    pub exactness: Exactness,
    pub api: Api,
    /// The body of the request, as far as it is known.
    pub request: Value,
    /// Every part of the request in its order, then what is missing.
    pub parts: Vec<Part>,
    /// Tokens of the whole prompt, as the trace recorded them.
    pub recorded: Tokens,
    /// Tokens that the model takes in, as far as that is known of its name.
    pub window: Option<u64>,
}

impl Context {
    /// The value of a part.
    pub fn value(&self, part: &Part) -> Option<&Value> {
        if part.pointer.is_empty() {
            return None;
        }
        self.request.pointer(&part.pointer)
    }

    /// Tokens of all parts, estimated from their lengths.
    pub fn estimate(&self) -> u64 {
        self.parts.iter().filter_map(|part| part.estimate).sum()
    }
}

/// Who said the words of a row to the model, where the model saw them.
pub fn speaker(row: &Row<'_>) -> Option<Role> {
    let pieces = collect::told_whole(row).into_iter();
    pieces
        .map(|(_, piece)| piece)
        .find_map(|piece| match piece {
            RequestPart::Block(said) => Some(said.role),
            _ => None,
        })
}

/// Whether a row stands for a call of a model.
pub fn is_call(row: &Row<'_>) -> bool {
    row.kind() == Kind::Response && !row.flags().has(Flags::CONTINUED)
}

/// The calls of a run in their order, of all its agents.
pub fn calls(store: &Store, run: RunIx) -> Vec<ActionIx> {
    let rows = store.rows().filter(|row| row.run_ix() == run);
    rows.filter(is_call).map(|row| row.ix()).collect()
}

/// The call that an action belongs to: the one that said it or asked for it; of what was not said by
/// a model, the next call of the same agent, which was the first to see it. `steps` are the actions of
/// its run, and `at` is its place among them.
pub fn call_of(store: &Store, steps: &[ActionIx], at: usize) -> Option<ActionIx> {
    let row = store.row(*steps.get(at)?);
    if is_call(&row) {
        return Some(row.ix());
    }
    let call = |ix: &ActionIx| {
        let other = store.row(*ix);
        (other.agent_sym() == row.agent_sym() && is_call(&other)).then_some(*ix)
    };
    let before = || steps[..at].iter().rev().find_map(call);
    let after = || steps[at + 1..].iter().find_map(call);
    let asked = || row.parent().filter(|parent| is_call(&store.row(*parent)));
    match row.kind() {
        Kind::ToolCall => asked().or_else(before),
        Kind::Response => before(),
        Kind::Reasoning => asked().or_else(after).or_else(before),
        _ => after(),
    }
}

/// What the model saw at `call`, a row that stands for a model call. `None` when the work was given up.
pub fn of(store: &Store, call: ActionIx, cancel: &CancelFlag) -> Option<Context> {
    match collect::request(&store.row(call)) {
        Some(body) => Some(recorded(store, call, body)),
        None => rebuild(store, call, cancel),
    }
}

/// The context rebuilt from the actions before the call, even where the request is recorded.
pub fn rebuild(store: &Store, call: ActionIx, cancel: &CancelFlag) -> Option<Context> {
    let collected = collect::collect(store, call, cancel)?;
    Some(rebuilt(store, call, &collected))
}

fn rebuilt(store: &Store, call: ActionIx, collected: &collect::Collected) -> Context {
    let row = store.row(call);
    let api = collected.api(&row);
    let mut shaped = shape::shape(api, collected, row.model());
    shaped
        .parts
        .extend(unknown::missing(api, collected, &shaped.request));
    context(
        &row,
        Exactness::Reconstructed,
        api,
        shaped.request,
        shaped.parts,
    )
}

/// A request that was recorded needs no rebuilding; what is new is what the one before did not hold.
fn recorded(store: &Store, call: ActionIx, body: Value) -> Context {
    let row = store.row(call);
    let api = Api::of_request(&body);
    let before = collect::call_before(store, call);
    let before = before.and_then(|before| collect::request(&store.row(before)));
    let parts = shape::parts_of(api, &body, before.as_ref());
    context(&row, Exactness::Recorded, api, body, parts)
}

fn context(
    row: &Row<'_>,
    exactness: Exactness,
    api: Api,
    request: Value,
    parts: Vec<Part>,
) -> Context {
    let usage = row.usage();
    Context {
        call: row.ix(),
        exactness,
        api,
        request,
        parts,
        recorded: usage.input + usage.cache_read + usage.cache_write,
        window: windows::window(row.model()),
    }
}
