//! Messages of OpenCode 2, one row each: their parts are in a `content` with its own structure.
//!
//! Source: `packages/core/src/session/message.ts` of anomalyco/opencode.

use serde_json::Value;

use super::open::ABORTED;
use crate::ingest::fact::{FactKind, Name};
use crate::ingest::formats::content::{string, text_of};
use crate::ingest::formats::plain::{self, Rows, counted, dollars, given, instant, list, word};
use crate::model::action::{Flags, Status};
use crate::model::quantity::Usage;

/// Whether a record is such a message.
pub(super) fn is_one(record: &Value) -> bool {
    let has = |key: &str| record.get(key).is_some();
    has("seq") && has("sessionID") && has("type")
}

pub(super) fn rows(record: &Value, out: &mut Rows) {
    out.base.run = word(record, &["sessionID"]);
    out.base.fact.time = instant(
        record.get("time").unwrap_or(record),
        &["created", "time_created"],
    );
    out.base.body.id = string(record, "id");
    let text = || string(record, "text").unwrap_or_default();
    match word(record, &["type"]).as_str() {
        "user" => {
            out.text_row(FactKind::Prompt, text());
            for file in list(record, "files") {
                let name = word(file, &["name", "uri"]);
                out.text_row(FactKind::Note, format!("file: {name}"));
            }
        }
        "synthetic" => out
            .text_row(FactKind::Prompt, text())
            .fact
            .flags
            .set(Flags::META),
        "assistant" => answer(record, out),
        "shell" => {
            let id = word(record, &["callID", "id"]);
            out.call(id.clone(), "shell".to_owned(), given(record, &["command"]));
            out.result(id, Status::Unrecorded, given(record, &["output"]).cloned());
        }
        "compaction" => {
            out.text_row(FactKind::Note, word(record, &["summary"]));
        }
        "model-switched" => {
            let model = record.get("model").unwrap_or(&Value::Null);
            out.base.model = word(model, &["id", "modelID"]);
            out.row(FactKind::Setting);
        }
        "system" => {
            out.text_row(FactKind::Note, text());
        }
        _ => {}
    }
}

fn answer(record: &Value, out: &mut Rows) {
    let model = record.get("model").unwrap_or(&Value::Null);
    out.base.model = word(model, &["id", "modelID"]);
    out.base.agent = word(record, &["agent"]);
    let created = out.base.fact.time;
    let content = list(record, "content");
    for part in content {
        let time = part.get("time").unwrap_or(&Value::Null);
        out.base.fact.time = instant(time, &["ran", "created"]).or(created);
        match word(part, &["type"]).as_str() {
            "text" => out.text_row_if_any(FactKind::Response, string(part, "text")),
            "reasoning" => out.text_row_if_any(FactKind::Reasoning, string(part, "text")),
            "tool" => call(part, out),
            _ => {}
        }
    }
    for part in content.iter().filter(|part| part.get("state").is_some()) {
        result(part, out);
    }
    out.base.fact.time = created;
    if content.is_empty() && record.get("error").is_none() {
        out.text_row(FactKind::Response, "");
    }
    out.base.name(Name::Group, word(record, &["id"]));
    for entry in &mut out.entries {
        entry.name(Name::Group, word(record, &["id"]));
    }
    out.usage(usage(record), dollars(record, &["cost"]));
    if let Some(error) = given(record, &["error"]) {
        let words = string(error, "message").or_else(|| text_of(error));
        if word(error, &["name", "type"]) == ABORTED {
            out.text_row(FactKind::Note, words.unwrap_or_default())
                .fact
                .status = Status::Cancelled;
        } else {
            out.error(words.unwrap_or_default());
        }
    }
}

/// `input` leaves out cached tokens, and `output` leaves out reasoning.
fn usage(record: &Value) -> Usage {
    let counts = record.get("tokens").unwrap_or(&Value::Null);
    let cache = counts.get("cache").unwrap_or(&Value::Null);
    let reasoning = plain::tokens(counts, &["reasoning"]);
    counted(Usage {
        input: plain::tokens(counts, &["input"]),
        output: plain::tokens(counts, &["output"]) + reasoning,
        cache_read: plain::tokens(cache, &["read"]),
        cache_write: plain::tokens(cache, &["write"]),
        reasoning,
        ..Usage::NONE
    })
}

fn call(part: &Value, out: &mut Rows) {
    let state = part.get("state").unwrap_or(&Value::Null);
    let structured = state.get("structured").unwrap_or(&Value::Null);
    let child = word(structured, &["sessionID", "sessionId"]);
    let entry = out.call(
        word(part, &["id"]),
        word(part, &["name"]),
        state.get("input"),
    );
    // A session started by the call has this id.
    entry.name(Name::Record, child);
}

fn result(part: &Value, out: &mut Rows) {
    let state = part.get("state").unwrap_or(&Value::Null);
    let exit = state.pointer("/structured/exit").and_then(Value::as_f64);
    let error = given(state, &["error"]);
    let words = error.and_then(|it| string(it, "message").or_else(|| text_of(it)));
    let status = match word(state, &["status"]).as_str() {
        "completed" if exit.is_some_and(|code| code != 0.0) => Status::Error,
        "completed" => Status::Ok,
        "error" => super::failure(words.as_deref().unwrap_or_default()),
        _ => return,
    };
    let time = part.get("time").unwrap_or(&Value::Null);
    out.base.fact.time = instant(time, &["completed"]);
    let result = given(state, &["content", "output"])
        .and_then(text_of)
        .map(Value::String);
    let entry = out.result(word(part, &["id"]), status, result);
    if let Some(message) = words {
        entry.body.error = Some(crate::ingest::body::ErrorText {
            message,
            ..Default::default()
        });
    }
}
