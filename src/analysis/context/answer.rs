//! What a model answered, and the results of the calls it made: the other half of a step.

use serde_json::Value;

use super::collect::{self, Collected, Entry};
use super::shape;
use crate::base::cancel::CancelFlag;
use crate::ingest::request::{Api, RequestPart, Role};
use crate::model::action::{ActionIx, Kind};
use crate::store::Store;

/// The answer to a request, in the shape of its API.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Messages or items of the assistant.
    pub messages: Vec<Value>,
    /// The results of the calls it made, in order of arrival.
    pub results: Vec<Value>,
}

/// The answer to `call`. `None` if cancelled.
pub fn answer(store: &Store, api: Api, call: ActionIx, cancel: &CancelFlag) -> Option<Answer> {
    let [messages, results] = collected(store, call, cancel)?;
    let of = |collected: &Collected| {
        let shaped = shape::shape(api, collected, "");
        let list = shaped.request[api.conversation()].as_array().cloned();
        list.unwrap_or_default()
    };
    Some(Answer {
        messages: of(&messages),
        results: of(&results),
    })
}

/// The model's answer at `call`, block by block, in the shapes recorded, with the action that each belongs to. `None`
/// if cancelled.
pub fn answer_blocks(
    store: &Store,
    call: ActionIx,
    cancel: &CancelFlag,
) -> Option<Vec<(ActionIx, Value)>> {
    let [messages, _] = collected(store, call, cancel)?;
    let entries = messages.entries.into_iter();
    Some(
        entries
            .map(|entry| (entry.action, entry.part.block))
            .collect(),
    )
}

/// The parts of the model's answer, and those of the results.
fn collected(store: &Store, call: ActionIx, cancel: &CancelFlag) -> Option<[Collected; 2]> {
    let row = store.row(call);
    let mut messages = Collected::default();
    let mut results = Collected::default();
    for ix in (call.0..store.len()).map(ActionIx) {
        let later = store.row(ix);
        if cancel.is_raised() {
            return None;
        }
        if later.run_ix() != row.run_ix() || later.agent_sym() != row.agent_sym() {
            continue;
        }
        let is_next = ix != call && super::is_call(&later);
        if is_next || later.kind() == Kind::Prompt {
            break;
        }
        if ix != call && later.kind() != Kind::ToolCall && later.kind() != Kind::Response {
            continue;
        }
        for (_, piece) in collect::all_pieces(&later) {
            let RequestPart::Block(block) = piece else {
                continue;
            };
            let into = match block.role {
                Role::Assistant => &mut messages,
                _ => &mut results,
            };
            into.entries.push(Entry {
                action: ix,
                part: block,
            });
        }
    }
    Some([messages, results])
}
