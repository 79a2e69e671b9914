//! What the model saw at a call: the request as recorded, or one reconstructed from the actions
//! before it.
//!
//! A reconstructed request is never presented as exact: every part names its origin, and what is
//! not recorded is listed as missing.

mod answer;
mod collect;
mod line;
mod shape;
mod tools;
mod unknown;

use serde_json::Value;

pub use answer::{Answer, answer, answer_blocks};
pub use collect::call_before;
pub use line::{line, text};
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

/// How a context was obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exactness {
    /// The trace contains the request body.
    Recorded,
    /// Assembled from what the trace contains before the call.
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
    /// It was, or may have been, part of the request, but the trace does not contain it.
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
    /// The path within the request (`$.messages[3].content[0]`). For a missing part, where it would
    /// be.
    pub path: String,
    /// The same path as a JSON pointer; empty for a missing part.
    pub pointer: String,
    pub origin: Origin,
    /// A short remark in our words. May quote names from the trace.
    pub note: String,
    pub role: Option<Role>,
    /// The action it comes from.
    pub action: Option<ActionIx>,
    /// It was not in the previous request of the same agent.
    pub is_new: bool,
    /// Its size in tokens, estimated from its length. `None` if length says nothing, as for an
    /// image.
    pub estimate: Option<u64>,
}

/// The input of one model call.
#[derive(Debug, Clone)]
pub struct Context {
    /// The row of the call.
    pub call: ActionIx,
    pub exactness: Exactness,
    pub api: Api,
    /// The request body, as far as it is known.
    pub request: Value,
    /// Every part of the request in order, then what is missing.
    pub parts: Vec<Part>,
    /// Tokens of the whole prompt, as recorded.
    pub recorded: Tokens,
    /// The context window of the model, if its name is known.
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

    /// The estimated tokens of all parts.
    pub fn estimate(&self) -> u64 {
        self.parts.iter().filter_map(|part| part.estimate).sum()
    }
}

/// How much of a request the record of its call holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestCoverage {
    Body,
    /// The whole conversation, but not the body that was sent.
    Conversation,
    Nothing,
}

pub fn coverage(call: &Row<'_>) -> RequestCoverage {
    let mut coverage = RequestCoverage::Nothing;
    for piece in collect::own(call) {
        match piece {
            RequestPart::Request(_) => return RequestCoverage::Body,
            RequestPart::History(_) => coverage = RequestCoverage::Conversation,
            _ => {}
        }
    }
    coverage
}

/// The blocks that a row added to the conversation.
pub fn blocks_of(row: &Row<'_>) -> Vec<Value> {
    let pieces = collect::all_pieces(row).into_iter();
    let blocks = pieces.filter_map(|(_, piece)| match piece {
        RequestPart::Block(part) => Some(part.block),
        _ => None,
    });
    blocks.collect()
}

/// The role of a row's text in the model's input, if the model saw it.
pub fn speaker(row: &Row<'_>) -> Option<Role> {
    let pieces = collect::all_pieces(row).into_iter();
    pieces
        .map(|(_, piece)| piece)
        .find_map(|piece| match piece {
            RequestPart::Block(part) => Some(part.role),
            _ => None,
        })
}

/// The size in tokens of the result of a tool call, estimated from the length of what the model saw. `None`
/// if there is none, or its length says nothing.
pub fn result_size(row: &Row<'_>) -> Option<u64> {
    let pieces = collect::all_pieces(row).into_iter();
    let sizes = pieces.filter_map(|(_, piece)| match piece {
        RequestPart::Block(part) if part.role == Role::Tool => {
            let mut contents = ["content", "output"].iter();
            let content = contents.find_map(|name| part.block.get(*name));
            shape::estimate(content.unwrap_or(&part.block))
        }
        _ => None,
    });
    sizes.reduce(|sum, size| sum + size)
}

/// Whether a row records that the history was replaced by a summary.
pub fn compacts(row: &Row<'_>) -> bool {
    let may_be = matches!(row.kind(), Kind::Prompt | Kind::Note);
    let is_it = |(_, piece): &(_, RequestPart)| matches!(piece, RequestPart::Compacted { .. });
    may_be && collect::all_pieces(row).iter().any(is_it)
}

/// Whether a row represents a model call.
pub fn is_call(row: &Row<'_>) -> bool {
    row.kind() == Kind::Response && !row.flags().has(Flags::CONTINUED)
}

/// The model calls of a run in order, of all its agents.
pub fn calls(store: &Store, run: RunIx) -> Vec<ActionIx> {
    let rows = store.rows().filter(|row| row.run_ix() == run);
    rows.filter(is_call).map(|row| row.ix()).collect()
}

/// The model call that an action belongs to: the one that produced it, or for input, the next call
/// of the same agent, which was the first to see it. `steps` are the actions of the run, and `at`
/// is the index of this one.
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
    let requested_by = || row.parent().filter(|parent| is_call(&store.row(*parent)));
    match row.kind() {
        Kind::ToolCall => requested_by().or_else(before),
        Kind::Response => before(),
        Kind::Reasoning => requested_by().or_else(after).or_else(before),
        _ => after(),
    }
}

/// What the model saw at `call`, the row of a model call. `None` if cancelled.
pub fn of(store: &Store, call: ActionIx, cancel: &CancelFlag) -> Option<Context> {
    match collect::request(&store.row(call)) {
        Some(body) => Some(recorded(store, call, body)),
        None => rebuild(store, call, cancel),
    }
}

/// The body of the request alone, which is known sooner: as recorded, or reconstructed. `None` if cancelled.
pub fn request(store: &Store, call: ActionIx, cancel: &CancelFlag) -> Option<Value> {
    collect::request(&store.row(call))
        .or_else(|| rebuild(store, call, cancel).map(|found| found.request))
}

/// Reconstructs the context from the actions before the call, even if the request is recorded.
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

/// A recorded request is used as it is. Its parts are new if the previous request did not have
/// them.
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
