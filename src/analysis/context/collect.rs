//! Collects what the actions before a call put into the model's context, in trace order.

use std::collections::{HashMap, VecDeque};

use serde_json::{Value, json};

use crate::base::cancel::CancelFlag;
use crate::ingest::body::Body;
use crate::ingest::json;
use crate::ingest::request::{Api, ContextBlock, RequestPart, Role, text_block};
use crate::model::action::{ActionIx, Kind, Place, Status};
use crate::store::Store;
use crate::store::bodies::{self, Depth};
use crate::store::lines;
use crate::store::row::Row;

/// The conversation before a call, and what else is known about the request.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub(super) entries: Vec<Entry>,
    /// The latest value of each request member other than the conversation.
    pub(super) members: Vec<(String, Value)>,
    pub(super) not_recorded: Vec<(ActionIx, String)>,
    pub(super) compacted: Option<(ActionIx, String)>,
    /// The record of the call contains its whole conversation.
    pub(super) is_complete: bool,
    /// The API of the latest recorded request of the run, up to this call.
    recorded_api: Option<Api>,
    /// The previous call of the same agent.
    pub(super) before: Option<ActionIx>,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) action: ActionIx,
    pub(super) part: ContextBlock,
}

impl Collected {
    /// The API of the run: from its requests, otherwise from its format, otherwise from its model.
    pub(super) fn api(&self, call: &Row<'_>) -> Api {
        self.recorded_api
            .or(call.source().format.api())
            .unwrap_or_else(|| Api::of_model(call.model()))
    }

    fn take(&mut self, action: ActionIx, piece: RequestPart) {
        match piece {
            RequestPart::Request(body) => self.recorded_api = Some(Api::of_request(&body)),
            RequestPart::Member { name, value } => {
                self.members.retain(|(known, _)| *known != name);
                self.members.push((name, value));
            }
            RequestPart::Block(part) => self.entries.push(Entry { action, part }),
            RequestPart::History(all) => self.replace_conversation(action, all),
            RequestPart::Compacted { by, words } => {
                self.not_recorded.clear();
                self.entries = by.into_iter().map(|part| Entry { action, part }).collect();
                self.compacted = Some((action, words));
            }
            RequestPart::NotRecorded(words) => self.not_recorded.push((action, words)),
        }
    }

    /// Replaces the conversation with the one recorded with `call`. Messages that appeared before
    /// keep the action they came from.
    fn replace_conversation(&mut self, call: ActionIx, all: Vec<ContextBlock>) {
        let mut origins: HashMap<String, VecDeque<ActionIx>> = HashMap::new();
        for entry in self.entries.drain(..) {
            let same = origins.entry(identity(&entry.part)).or_default();
            same.push_back(entry.action);
        }
        for part in all {
            let from = origins
                .get_mut(&identity(&part))
                .and_then(VecDeque::pop_front);
            let action = from.unwrap_or(call);
            self.entries.push(Entry { action, part });
        }
        self.not_recorded.clear();
        self.compacted = None;
        self.is_complete = true;
    }
}

/// The identity of a message part: calls and results by id, everything else by content.
fn identity(part: &ContextBlock) -> String {
    let keys = ["id", "tool_use_id"];
    let id = keys.iter().find_map(|key| part.block.get(*key)?.as_str());
    let kind = part.block.get("type").and_then(Value::as_str);
    let what = match id.filter(|id| !id.is_empty()) {
        Some(id) => format!("#{id}"),
        None => part.block.to_string(),
    };
    format!("{} {} {what}", part.role.word(), kind.unwrap_or_default())
}

/// The previous call of the same agent.
pub fn call_before(store: &Store, call: ActionIx) -> Option<ActionIx> {
    let row = store.row(call);
    let first = row.run().first_action;
    let mut before = (first.0..call.0).rev().map(|ix| store.row(ActionIx(ix)));
    let found = before.find(|other| {
        other.run_ix() == row.run_ix() && other.agent() == row.agent() && super::is_call(other)
    });
    found.map(|row| row.ix())
}

/// Everything the agent of `call` was sent and produced before. `None` if cancelled.
pub(super) fn collect(store: &Store, call: ActionIx, cancel: &CancelFlag) -> Option<Collected> {
    let row = store.row(call);
    let mut found = Collected {
        before: call_before(store, call),
        ..Collected::default()
    };
    let mut pieces: Vec<(Order, ActionIx, RequestPart)> = Vec::new();
    let visible = visible(store, &row);
    let is_one = |ix: &ActionIx| store.row(*ix).source_ix() == row.source_ix();
    let in_one_file = visible.iter().all(is_one);
    for ix in visible {
        if cancel.is_raised() {
            return None;
        }
        let earlier = store.row(ix);
        let is_call = super::is_call(&earlier);
        for (place, piece) in pieces_before(&earlier, &row) {
            if is_call && matches!(piece, RequestPart::Member { .. } | RequestPart::History(_)) {
                continue;
            }
            let order = if in_one_file {
                Order::of(&earlier, place)
            } else {
                Order::by_action(&earlier)
            };
            pieces.push((order, ix, piece));
        }
    }
    pieces.sort_by_key(|(order, ..)| *order);
    for (_, action, piece) in pieces {
        found.take(action, piece);
    }
    for piece in settings(&row) {
        found.take(call, piece);
    }
    drop_own(&mut found, &row);
    Some(found)
}

/// File order: a result sorts by its own record, not by its call's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Order(u32, u64, u16);

impl Order {
    fn of(row: &Row<'_>, place: Place) -> Order {
        Order(row.source_ix().0, place.offset, place.part)
    }

    /// Across files, the only order is that of the actions.
    fn by_action(row: &Row<'_>) -> Order {
        Order(0, u64::from(row.ix().0), 0)
    }
}

/// The agent's actions before its call, without those that were rewound.
fn visible(store: &Store, call: &Row<'_>) -> Vec<ActionIx> {
    let rewinds = call.source().format.rewinds();
    let mut kept: Vec<ActionIx> = Vec::new();
    for ix in (call.run().first_action.0..call.ix().0).map(ActionIx) {
        let row = store.row(ix);
        if row.run_ix() != call.run_ix()
            || row.agent() != call.agent()
            || row.kind() == Kind::Malformed
        {
            continue;
        }
        if rewinds && row.kind() == Kind::Prompt {
            rewind(store, &mut kept, row.parent());
        }
        kept.push(ix);
    }
    kept
}

/// A prompt that continues from an action other than the last discards everything in between. Calls
/// requested together stay together.
fn rewind(store: &Store, kept: &mut Vec<ActionIx>, parent: Option<ActionIx>) {
    let Some(at) = parent.and_then(|parent| kept.iter().rposition(|ix| *ix == parent)) else {
        return;
    };
    let asked_by = |ix: ActionIx| store.row(ix).parent();
    let together =
        |ix: ActionIx| store.row(ix).kind() == Kind::ToolCall && asked_by(ix) == asked_by(kept[at]);
    let siblings: Vec<ActionIx> = kept[at + 1..]
        .iter()
        .copied()
        .filter(|ix| together(*ix))
        .collect();
    kept.truncate(at + 1);
    kept.extend(siblings);
}

/// The context pieces of an action and its result, each with its place. The result only if it
/// arrived before the call.
fn pieces_before(row: &Row<'_>, call: &Row<'_>) -> Vec<(Place, RequestPart)> {
    let result = row.result_place();
    let came = result.is_some()
        && row.source_ix() == call.source_ix()
        && result.offset < call.place().offset;
    pieces_of(row, came)
}

/// The same with the result, whenever it arrived.
pub(super) fn all_pieces(row: &Row<'_>) -> Vec<(Place, RequestPart)> {
    pieces_of(row, row.result_place().is_some())
}

fn pieces_of(row: &Row<'_>, came: bool) -> Vec<(Place, RequestPart)> {
    let format = row.source().format;
    let result = row.result_place();
    let of_record = |place: Place| {
        let record = bodies::record(row, place, Depth::Full)?;
        format.context(&record, place.part)
    };
    let Some(own) = of_record(row.place()) else {
        return from_body(row, came);
    };
    let mut pieces: Vec<(Place, RequestPart)> =
        own.into_iter().map(|piece| (row.place(), piece)).collect();
    if came && result.offset != row.place().offset {
        let later = of_record(result).unwrap_or_default();
        pieces.extend(later.into_iter().map(|piece| (result, piece)));
    }
    pieces
}

/// Pieces from the opened body, for formats that provide no more.
fn from_body(row: &Row<'_>, came: bool) -> Vec<(Place, RequestPart)> {
    let body = bodies::open(row, Depth::Full);
    let mut pieces = Vec::new();
    let mut say = |place: Place, role: Role, block: Value| {
        pieces.push((
            place,
            RequestPart::Block(ContextBlock::rebuilt(role, block)),
        ));
    };
    let text = || body.text.as_deref().filter(|text| !text.is_empty());
    match row.kind() {
        Kind::Prompt => {
            if let Some(text) = text() {
                let role = role(&body).unwrap_or(Role::User);
                say(row.place(), role, text_block(text));
            }
        }
        // Some formats record messages of the harness as notes.
        Kind::Note => {
            let role = role(&body).filter(|role| matches!(role, Role::System | Role::Developer));
            if let (Some(role), Some(text)) = (role, text()) {
                say(row.place(), role, text_block(text));
            }
        }
        Kind::Response => {
            if let Some(text) = text() {
                say(row.place(), Role::Assistant, text_block(text));
            }
        }
        Kind::Reasoning => {
            if let Some(text) = text() {
                let block = json!({ "type": "thinking", "thinking": text });
                say(row.place(), Role::Assistant, block);
            }
        }
        Kind::ToolCall => {
            let id = body
                .id
                .clone()
                .unwrap_or_else(|| format!("call_{}", row.seq()));
            let input = body.args.clone().unwrap_or_else(|| json!({}));
            let call = json!({ "type": "tool_use", "id": id, "name": row.tool(), "input": input });
            say(row.place(), Role::Assistant, call);
            if came && let Some(answer) = answer(&body, &id, row.status()) {
                say(row.result_place(), Role::Tool, answer);
            }
        }
        _ => {}
    }
    pieces
}

/// The recorded role of a prompt.
fn role(body: &Body) -> Option<Role> {
    let record = body.record.as_ref()?;
    Role::from_word(record.get("role")?.as_str()?)
}

fn answer(body: &Body, id: &str, status: Status) -> Option<Value> {
    let content = match (&body.result, &body.error) {
        (Some(Value::String(text)), _) => text.clone(),
        (Some(value), _) => value.to_string(),
        (None, Some(error)) => error.message.clone(),
        (None, None) => return None,
    };
    let content = [text_block(&content)];
    let mut block = json!({ "type": "tool_result", "tool_use_id": id, "content": content });
    if !matches!(status, Status::Ok | Status::Unrecorded) {
        block["is_error"] = true.into();
    }
    Some(block)
}

/// The last settings before the call, for formats that record them on lines without a row.
fn settings(call: &Row<'_>) -> Vec<RequestPart> {
    let format = call.source().format;
    let Some(mark) = format.settings() else {
        return Vec::new();
    };
    let mut before = call.place().offset;
    while let Some((at, line)) = lines::line_before(call.source(), mark, before) {
        let record = json::value(&line);
        let pieces = record.and_then(|record| format.context(&record, 0));
        if let Some(pieces) = pieces.filter(|pieces| !pieces.is_empty()) {
            return pieces;
        }
        before = at;
    }
    Vec::new()
}

/// The request body of a call, if the trace contains it.
pub(super) fn request(call: &Row<'_>) -> Option<Value> {
    own(call).into_iter().find_map(|piece| match piece {
        RequestPart::Request(body) => Some(body),
        _ => None,
    })
}

/// The context pieces of a call's own record, and of the record around it.
pub(super) fn own(call: &Row<'_>) -> Vec<RequestPart> {
    let pieces = pieces_before(call, call)
        .into_iter()
        .map(|(_, piece)| piece);
    let around = bodies::around(call);
    let around = around.map(|around| call.source().format.request(&around));
    pieces.chain(around.into_iter().flatten()).collect()
}

/// Drops the call's own output. Its request and members are kept, since they describe its input.
fn drop_own(found: &mut Collected, call: &Row<'_>) {
    for piece in own(call) {
        match piece {
            RequestPart::Request(_) | RequestPart::Member { .. } | RequestPart::History(_) => {
                found.take(call.ix(), piece);
            }
            RequestPart::Block(part) if part.message.is_some() => found
                .entries
                .retain(|entry| entry.part.message != part.message),
            _ => {}
        }
    }
    if found.is_complete {
        return;
    }
    // Reasoning of the same call has a row before the call's own.
    let thought = |entry: &Entry| call.store.row(entry.action).kind() == Kind::Reasoning;
    while found.entries.last().is_some_and(thought) {
        found.entries.pop();
    }
}
