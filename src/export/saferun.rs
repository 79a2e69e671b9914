//! A run as events of the project's own format (`TRACE_FORMAT.md`), so that other programs, and this one, can read it.
//!
//! What was not recorded is left out; a cost that was worked out from prices is not written, since it is no record.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::export::json::action::{self, ActionJson};
use crate::ingest::context::{Piece, Role};
use crate::ingest::json as reading;
use crate::model::action::{ActionIx, Flags, Kind};
use crate::model::quantity::Time;
use crate::model::run::{Run, RunStatus};
use crate::store::Store;
use crate::store::bodies;
use crate::store::row::Row;

/// The events of some actions of a run, in their order, under the id `id`. The first event is the start of the run.
pub fn events(store: &Store, run: &Run, actions: &[ActionIx], id: &str) -> Vec<Value> {
    let mut events = vec![start(store, run, actions)];
    for ix in actions {
        let row = store.row(*ix);
        if !matches!(row.kind(), Kind::RunStart | Kind::Malformed) {
            action_events(&row, &mut events);
        }
    }
    for event in &mut events {
        event["run_id"] = id.into();
    }
    events
}

/// An event without its empty members, its type first.
fn event(kind: &str, members: &[(&str, Value)]) -> Value {
    let mut event = Map::new();
    event.insert("type".to_owned(), kind.into());
    event.insert("run_id".to_owned(), Value::Null);
    for (name, value) in members {
        if !value.is_null() {
            event.insert((*name).to_owned(), value.clone());
        }
    }
    Value::Object(event)
}

/// To the microsecond, as it is kept.
fn time(time: Time) -> Value {
    let stamp = time
        .get()
        .and_then(|us| Timestamp::from_microsecond(us).ok());
    stamp.map_or(Value::Null, |stamp| stamp.to_string().into())
}

fn text(text: &str) -> Value {
    if text.is_empty() {
        Value::Null
    } else {
        text.into()
    }
}

fn start(store: &Store, run: &Run, actions: &[ActionIx]) -> Value {
    let name = |sym| text(store.symbols().name(sym));
    let who = &run.who;
    let model = who.models.first().map_or(Value::Null, |model| name(*model));
    let mut start = event(
        "run_start",
        &[
            ("v", 1.into()),
            ("ts", time(run.started)),
            ("agent", name(who.agent)),
            ("model", model),
            ("user", name(who.user)),
            ("service", name(who.service)),
            ("env", name(who.env)),
            ("task", name(who.task)),
            ("trial", name(who.trial)),
            ("release", name(who.release)),
            ("provider", name(who.provider)),
            (
                "title",
                run.title.as_deref().map_or(Value::Null, Value::from),
            ),
            (
                "parent_run_id",
                run.parent_run.as_deref().map_or(Value::Null, Value::from),
            ),
        ],
    );
    let recorded = actions.iter().map(|ix| store.row(*ix));
    let recorded = recorded.filter(|row| row.kind() == Kind::RunStart);
    for (name, value) in recorded.flat_map(|row| members(&row)) {
        match name.as_str() {
            "system" | "instructions" => start["system"] = value,
            "tools" => start["tools"] = value,
            "model" => {}
            _ => start["params"][name.as_str()] = value,
        }
    }
    start
}

/// What the record of an action tells of requests, where its format tells that.
fn pieces(row: &Row<'_>) -> Vec<Piece> {
    let record = reading::value(&bodies::raw(row, row.place(), usize::MAX));
    let format = row.source().format;
    let pieces = record.and_then(|record| format.context(&record, row.place().part));
    pieces.unwrap_or_default()
}

/// System prompt, schemas, parameters.
fn members(row: &Row<'_>) -> Vec<(String, Value)> {
    let member = |piece| match piece {
        Piece::Member { name, value } => Some((name, value)),
        _ => None,
    };
    pieces(row).into_iter().filter_map(member).collect()
}

fn action_events(row: &Row<'_>, events: &mut Vec<Value>) {
    let told = action::action(row);
    match row.kind() {
        Kind::ToolCall => call(row, &told, events),
        Kind::PolicyDecision | Kind::Approval => decided(row, &told, events),
        _ => events.push(said(row, &told)),
    }
}

fn id(row: &Row<'_>) -> String {
    format!("a{}", row.seq())
}

fn common<'a>(row: &Row<'_>) -> Vec<(&'a str, Value)> {
    let parent = row.parent().map(|parent| id(&row.store.row(parent)));
    let turn = Some(row.turn()).filter(|turn| *turn > 0);
    vec![
        ("id", id(row).into()),
        ("parent_id", parent.map_or(Value::Null, Value::from)),
        ("ts", time(row.time())),
        ("turn", turn.map_or(Value::Null, Value::from)),
        ("agent", text(row.agent())),
    ]
}

fn said(row: &Row<'_>, told: &ActionJson<'_>) -> Value {
    let content = told.text.clone().map_or(Value::Null, Value::from);
    let mut members = common(row);
    let kind = match row.kind() {
        Kind::Prompt => {
            members.extend(prompt(row, content));
            "prompt"
        }
        Kind::Response => {
            members.extend([("model", text(row.model())), ("content", content)]);
            members.extend(spent(row, told));
            "response"
        }
        Kind::Reasoning => {
            members.push(("content", content));
            "reasoning"
        }
        Kind::Error => {
            members.push(("error", error(told).unwrap_or(content)));
            "error"
        }
        Kind::RunEnd => {
            let status = row.run().status;
            let status = (status != RunStatus::Unknown).then(|| status.word());
            members.extend([
                ("status", status.map_or(Value::Null, Value::from)),
                ("reason", content),
                ("score", row.run().score.map_or(Value::Null, Value::from)),
                (
                    "correct",
                    row.run().correct.map_or(Value::Null, Value::from),
                ),
            ]);
            "run_end"
        }
        _ => {
            members.push(("content", content));
            members.push(("compacted", compacted(row)));
            "note"
        }
    };
    event(kind, &members)
}

/// Who said it and what: as it was sent where the trace tells that, pictures included.
fn prompt<'a>(row: &Row<'_>, text: Value) -> Vec<(&'a str, Value)> {
    let mut role = Role::User;
    let mut blocks = Vec::new();
    for piece in pieces(row) {
        if let Piece::Said(said) = piece {
            role = said.role;
            blocks.push(said.block);
        }
    }
    let is_text = |block: &Value| block.get("type").is_some_and(|kind| kind == "text");
    let content = if blocks.is_empty() || blocks.iter().all(is_text) {
        text
    } else {
        blocks.into()
    };
    // What the harness put in begins no turn.
    let is_injected = row.flags().has(Flags::META) && role == Role::User;
    vec![
        ("role", role.word().into()),
        (
            "injected",
            if is_injected {
                true.into()
            } else {
                Value::Null
            },
        ),
        ("content", content),
    ]
}

/// After a compaction the model sees only what follows it.
fn compacted(row: &Row<'_>) -> Value {
    let found = pieces(row).into_iter().find_map(|piece| match piece {
        Piece::Compacted { by, words } if by.is_empty() => Some(words),
        _ => None,
    });
    found.map_or(Value::Null, Value::from)
}

/// Tokens, money and time, as far as they were recorded.
fn spent<'a>(row: &Row<'_>, told: &ActionJson<'_>) -> Vec<(&'a str, Value)> {
    let mut usage = serde_json::to_value(&told.usage).unwrap_or_default();
    if let (Some(members), Some(hour)) = (usage.as_object_mut(), row.usage().cache_write_hour.get())
    {
        members.insert("cache_write_1h_tokens".to_owned(), hour.into());
    }
    let cost = told
        .cost_usd
        .clone()
        .filter(|_| !row.flags().has(Flags::ESTIMATED));
    let took = told.duration_ms.clone();
    vec![
        ("usage", usage),
        ("cost_usd", cost.map_or(Value::Null, Value::Number)),
        ("duration_ms", took.map_or(Value::Null, Value::Number)),
    ]
}

fn error(told: &ActionJson<'_>) -> Option<Value> {
    let error = told.error.as_ref()?;
    let mut value = json!({ "message": error.message });
    if let Some(kind) = &error.kind {
        value["type"] = kind.as_str().into();
    }
    if let Some(stack) = &error.stack {
        value["stack"] = stack.as_str().into();
    }
    Some(value)
}

/// A call, what was decided about it, and how it came out.
fn call(row: &Row<'_>, told: &ActionJson<'_>, events: &mut Vec<Value>) {
    let mut members = common(row);
    members.push(("tool", text(row.tool())));
    members.push(("args", told.args.clone().unwrap_or_default()));
    events.push(event("tool_call", &members));
    decided(row, told, events);
    let status = told.status.filter(|status| *status != "pending");
    if status.is_none() && told.result.is_none() {
        return;
    }
    let mut members = vec![
        ("call_id", id(row).into()),
        ("ts", ended(row)),
        ("status", status.map_or(Value::Null, Value::from)),
        ("result", told.result.clone().unwrap_or_default()),
        ("error", error(told).unwrap_or_default()),
    ];
    members.extend(spent(row, told));
    events.push(event("tool_result", &members));
}

fn ended(row: &Row<'_>) -> Value {
    match (row.time().get(), row.duration().get()) {
        (Some(start), Some(took)) => time(Time(start.saturating_add(took))),
        _ => Value::Null,
    }
}

/// Decisions and approvals, on the call or, where it is not known, on their own row.
fn decided(row: &Row<'_>, told: &ActionJson<'_>, events: &mut Vec<Value>) {
    let on = match row.kind() {
        Kind::ToolCall => ("call_id", Value::from(id(row))),
        _ => ("id", Value::from(id(row))),
    };
    let mut add = |kind: &str, told: Option<Value>| {
        let Some(Value::Object(members)) = told else {
            return;
        };
        let mut event = event(kind, std::slice::from_ref(&on));
        for (name, value) in members {
            event[name.as_str()] = value;
        }
        events.push(event);
    };
    for decision in &told.policy {
        add("policy_decision", serde_json::to_value(decision).ok());
    }
    for approval in &told.approval {
        add("approval", serde_json::to_value(approval).ok());
    }
}

#[cfg(test)]
mod tests;
