//! The `zed` format: the threads of Zed's agent, one compressed document per thread in its database.
//!
//! Tokens are recorded for the thread; no message has a time. Source: `crates/agent/src/{db,thread}.rs` of
//! zed-industries/zed.

use serde_json::Value;

use super::content::{string, text_of};
use super::conversation::Conversation;
use super::plain::{Agent, Rows, counted, flag, given, instant, list, outcome, tokens, word};
use crate::ingest::fact::{FactKind, Name};
use crate::ingest::format::{Held, Recorded};
use crate::model::action::{Flags, Status};
use crate::model::quantity::{Cost, Usage};

#[derive(Debug)]
pub struct Zed;

impl Agent for Zed {
    fn name(&self) -> &'static str {
        "zed"
    }

    fn about(&self) -> &'static str {
        "Zed agent threads (threads.db)"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Partly,
            cost: Held::No,
            times: Held::No,
            results: Held::Yes,
            approvals: Held::No,
        }
    }

    fn agent(&self) -> &'static str {
        "zed"
    }

    fn assembler(&self) -> Conversation {
        Conversation::new("zed").totals_first()
    }

    fn sniff(&self, record: &Value) -> u8 {
        let is = |key: &str| {
            record
                .get(key)
                .is_some_and(|it| it.get("content").is_some())
        };
        let is_head = record.get("data_type").is_some() && record.get("summary").is_some();
        if is("User") || is("Agent") || is_head {
            70
        } else {
            0
        }
    }

    fn rows(&self, _member: &str, record: &Value, out: &mut Rows) {
        if let Some(user) = record.get("User") {
            let words: Vec<String> = list(user, "content").iter().map(of_user).collect();
            out.text_row(FactKind::Prompt, words.join("\n"));
        } else if let Some(agent) = record.get("Agent") {
            answer(agent, out);
        } else if record.get("data_type").is_some() {
            head(record, out);
        } else if record.get("segments").is_some() {
            older(record, out);
        } else {
            out.copy();
        }
    }
}

/// `{"Text": …}`: the only member is the kind.
fn variant(value: &Value) -> (&str, &Value) {
    let only = value.as_object().and_then(|it| it.iter().next());
    only.map_or(("", value), |(kind, inner)| (kind, inner))
}

fn of_user(block: &Value) -> String {
    match variant(block) {
        ("Mention", mention) => {
            let kind = variant(mention.get("uri").unwrap_or(&Value::Null));
            let path = word(kind.1, &["abs_path", "path", "name", "url"]);
            format!("@{path}")
        }
        ("Image", _) => "[image]".to_owned(),
        (_, inner) => text_of(inner).unwrap_or_default(),
    }
}

fn answer(agent: &Value, out: &mut Rows) {
    for block in list(agent, "content") {
        match variant(block) {
            ("Text", text) => out.text_row_if_any(FactKind::Response, text_of(text)),
            ("Thinking", thought) => {
                out.text_row_if_any(FactKind::Reasoning, string(thought, "text"));
            }
            ("RedactedThinking", _) => {
                out.text_row(FactKind::Reasoning, "[redacted reasoning]");
            }
            ("ToolUse", call) => {
                out.call(
                    word(call, &["id"]),
                    word(call, &["name"]),
                    given(call, &["input", "raw_input"]),
                );
            }
            _ => {}
        }
    }
    let results = agent.get("tool_results").and_then(Value::as_object);
    for (id, result) in results.into_iter().flatten() {
        let content = given(result, &["content", "output"]).map(|it| text_of(variant(it).1));
        let status = outcome(flag(result, &["is_error"]));
        out.result(id.clone(), status, content.flatten().map(Value::String));
    }
    if out.entries.is_empty() {
        out.text_row(FactKind::Response, "");
    }
}

fn head(record: &Value, out: &mut Rows) {
    let thread = record.get("data").unwrap_or(&Value::Null);
    let model = thread.get("model").unwrap_or(&Value::Null);
    out.base.run = word(record, &["id"]);
    out.base.model = word(model, &["model"]);
    let start = out.row(FactKind::ImpliedStart);
    start.name(Name::Title, word(record, &["summary"]));
    start.name(Name::Provider, word(model, &["provider"]));
    start.name(Name::ParentRun, word(record, &["parent_id"]));
    start.name(Name::Release, word(thread, &["version"]));
    let changed = out.row(FactKind::Setting);
    changed.fact.time = instant(record, &["updated_at"]);
    let counts = thread.get("cumulative_token_usage").unwrap_or(&Value::Null);
    let usage = counted(Usage {
        input: tokens(counts, &["input_tokens"]),
        output: tokens(counts, &["output_tokens"]),
        cache_read: tokens(counts, &["cache_read_input_tokens"]),
        cache_write: tokens(counts, &["cache_creation_input_tokens"]),
        ..Usage::NONE
    });
    out.total(usage, Cost::NONE);
}

/// A message from before version 0.3.
fn older(record: &Value, out: &mut Rows) {
    let role = word(record, &["role"]);
    for part in list(record, "segments") {
        let text = string(part, "text");
        match (role.as_str(), word(part, &["type"]).as_str()) {
            ("user", _) => out.text_row_if_any(FactKind::Prompt, text),
            ("assistant", "thinking") => out.text_row_if_any(FactKind::Reasoning, text),
            ("assistant", _) => out.text_row_if_any(FactKind::Response, text),
            _ => out.text_row_if_any(FactKind::Note, text),
        }
    }
    for call in list(record, "tool_uses") {
        out.call(
            word(call, &["id"]),
            word(call, &["name"]),
            given(call, &["input"]),
        );
    }
    for result in list(record, "tool_results") {
        let status = outcome(flag(result, &["is_error"]));
        out.result(
            word(result, &["tool_use_id"]),
            status,
            given(result, &["content", "output"]).cloned(),
        );
    }
    if out.entries.is_empty() {
        let entry = out.text_row(FactKind::Note, "");
        entry.fact.flags.set(Flags::META);
        entry.fact.status = Status::Unrecorded;
    }
}
