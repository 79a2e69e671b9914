//! The `droid` format: sessions of Factory's Droid, as stored and as printed by `droid exec --output-format stream-json`.
//!
//! The tokens of a whole session are in a settings file beside it. Source: sessions of Droid; there is no official
//! description.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::content::text_of;
use super::conversation::Conversation;
use super::members::{all, any, text};
use super::plain::{Agent, Rows, counted, flag, given, instant, outcome, tokens, word};
use crate::ingest::fact::{FactKind, Name};
use crate::ingest::format::{Held, Recorded};
use crate::model::action::Status;
use crate::model::quantity::{Cost, Usage};

#[derive(Debug)]
pub struct Droid;

impl Agent for Droid {
    fn name(&self) -> &'static str {
        "droid"
    }

    fn about(&self) -> &'static str {
        "Factory Droid sessions, and droid exec --output-format stream-json"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Partly,
            cost: Held::No,
            times: Held::Yes,
            results: Held::Yes,
            approvals: Held::No,
        }
    }

    fn agent(&self) -> &'static str {
        "droid"
    }

    fn assembler(&self) -> Conversation {
        Conversation::new("droid").totals_first()
    }

    fn folders(&self) -> &'static [&'static str] {
        &[".factory/sessions"]
    }

    fn companions(&self, path: &Path) -> Vec<PathBuf> {
        vec![path.with_extension("settings.json")]
    }

    fn lists(&self) -> Option<&'static [&'static str]> {
        Some(&[])
    }

    fn sniff(&self, record: &Value) -> u8 {
        let is_streamed = any(record, &["session_id", "sessionId"]);
        match text(record, "type") {
            "session_start"
                if all(record, &["id", "cwd"])
                    && any(record, &["title", "version", "sessionTitle"]) =>
            {
                95
            }
            "tool_call" if all(record, &["toolName", "parameters"]) && is_streamed => 95,
            "tool_result" if all(record, &["toolId", "value"]) && is_streamed => 95,
            "completion" if record.get("finalText").is_some() && is_streamed => 95,
            "message" if all(record, &["role", "text"]) && is_streamed => 15,
            "message"
                if record.get("parentId").is_some()
                    && record.pointer("/message/content").is_some() =>
            {
                15
            }
            "message"
                if record
                    .pointer("/message/content")
                    .is_some_and(Value::is_array) =>
            {
                10
            }
            "todo_state" | "compaction_state" | "session_end" => 10,
            "system" if text(record, "subtype") == "init" => 10,
            _ => 0,
        }
    }

    fn rows(&self, member: &str, record: &Value, out: &mut Rows) {
        if member == "tokenUsage" {
            total(record, "", out);
            return;
        }
        if let Some(used) = record.get("tokenUsage").filter(|_| member.is_empty()) {
            total(used, &word(record, &["model"]), out);
            return;
        }
        if !member.is_empty() {
            return;
        }
        out.base.run = word(record, &["session_id", "sessionId"]);
        out.base.fact.time = instant(record, &["timestamp"]);
        match text(record, "type") {
            "session_start" => start(record, out),
            "system" => {
                out.base.model = word(record, &["model"]);
                out.text_row(FactKind::RunStart, word(record, &["cwd"]));
            }
            "message" => {
                out.base.name(Name::Group, word(record, &["id"]));
                match record.get("message") {
                    Some(message) => out.message(message),
                    None => out.message(&serde_json::json!({
                        "role": record.get("role"),
                        "content": record.get("text"),
                    })),
                }
                if out.entries.is_empty() {
                    out.copy();
                }
            }
            "tool_call" => {
                out.base.name(Name::Group, word(record, &["messageId"]));
                let args = given(record, &["parameters"]);
                out.call(
                    word(record, &["id", "toolCallId"]),
                    word(record, &["toolName"]),
                    args,
                );
            }
            "tool_result" => {
                let status = outcome(flag(record, &["isError"]));
                let result = given(record, &["value"])
                    .and_then(text_of)
                    .map(Value::String);
                out.result(word(record, &["id", "toolCallId"]), status, result);
            }
            "completion" => {
                let end = out.text_row(FactKind::RunEnd, word(record, &["finalText"]));
                end.fact.status = Status::Ok;
                end.fact.duration = super::plain::millis(record, &["durationMs"]);
            }
            "compaction_state" => out.text_row_if_any(
                FactKind::Note,
                given(record, &["summary", "summaryText"]).and_then(text_of),
            ),
            "todo_state" | "session_end" => out.copy(),
            "error" => {
                out.error(word(record, &["message", "error"]));
            }
            _ => {}
        }
    }
}

fn start(record: &Value, out: &mut Rows) {
    out.base.run = word(record, &["id"]);
    let start = out.text_row(FactKind::RunStart, word(record, &["cwd"]));
    start.name(Name::Title, word(record, &["sessionTitle", "title"]));
    start.name(Name::ParentRun, word(record, &["parent"]));
}

fn total(used: &Value, model: &str, out: &mut Rows) {
    let usage = counted(Usage {
        input: tokens(used, &["inputTokens"]),
        output: tokens(used, &["outputTokens"]),
        cache_read: tokens(used, &["cacheReadTokens"]),
        cache_write: tokens(used, &["cacheCreationTokens"]),
        reasoning: tokens(used, &["thinkingTokens"]),
        ..Usage::NONE
    });
    if !model.is_empty() {
        let setting = out.row(FactKind::Setting);
        model
            .strip_prefix("custom:")
            .unwrap_or(model)
            .clone_into(&mut setting.model);
    }
    out.total(usage, Cost::NONE);
}
