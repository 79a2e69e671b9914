//! The `goose` format: sessions of Goose, in its database and in the files of older versions.
//!
//! Tokens and cost are recorded for the whole session. Prompt tokens include those of the cache. A request for a
//! person's approval is recorded, but not the answer. Source: `crates/goose/src/session` and `conversation/message.rs`
//! of block/goose.

use serde_json::Value;

use super::content::{string, text_of};
use super::conversation::Conversation;
use super::plain::{
    Agent, Rows, counted, dollars, flag, given, instant, list, tokens, without, word,
};
use crate::ingest::body::ApprovalText;
use crate::ingest::fact::{FactKind, Name};
use crate::ingest::format::{Held, Recorded};
use crate::model::action::Status;
use crate::model::quantity::Usage;

#[derive(Debug)]
pub struct Goose;

impl Agent for Goose {
    fn name(&self) -> &'static str {
        "goose"
    }

    fn about(&self) -> &'static str {
        "Goose sessions: its database and the files of older versions"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Partly,
            cost: Held::Partly,
            times: Held::Yes,
            results: Held::Yes,
            approvals: Held::Partly,
        }
    }

    fn agent(&self) -> &'static str {
        "goose"
    }

    fn assembler(&self) -> Conversation {
        Conversation::new("goose").totals_first()
    }

    fn folders(&self) -> &'static [&'static str] {
        &[".local/share/goose/sessions"]
    }

    fn sniff(&self, record: &Value) -> u8 {
        let blocks = content(record);
        let is_own = |block: &Value| {
            matches!(
                word(block, &["type"]).as_str(),
                "toolRequest" | "toolResponse" | "toolConfirmationRequest"
            )
        };
        if is_head(record) {
            return 80;
        }
        let is_message =
            record.get("role").is_some() && record.get("created").is_some_and(Value::is_number);
        match (is_message, blocks.iter().any(is_own)) {
            (true, true) => 90,
            (true, false) if !blocks.is_empty() => 10,
            (true | false, _) => 0,
        }
    }

    fn rows(&self, _member: &str, record: &Value, out: &mut Rows) {
        if record.get("role").is_none() {
            head(record, out);
            return;
        }
        out.base.run = string(record, "session_id").unwrap_or_default();
        out.base.fact.time = instant(record, &["created", "created_timestamp"]);
        let group = word(record, &["message_id", "id"]);
        out.base.name(Name::Group, group);
        let role = word(record, &["role"]);
        for block in content(record) {
            self::block(&role, block, out);
        }
    }
}

fn is_head(record: &Value) -> bool {
    let has = |key: &str| record.get(key).is_some();
    let is_own = has("message_count")
        || has("accumulated_total_tokens")
        || has("model_config_json")
        || has("extension_data");
    has("working_dir") && has("description") && is_own && !has("role")
}

fn content(record: &Value) -> &[Value] {
    let told = list(record, "content_json");
    if told.is_empty() {
        list(record, "content")
    } else {
        told
    }
}

/// The session, with the tokens of all its calls.
fn head(record: &Value, out: &mut Rows) {
    if !is_head(record) {
        return;
    }
    out.base.run = word(record, &["id"]);
    out.base.fact.time = instant(record, &["created_at"]);
    let config = record.get("model_config_json").unwrap_or(&Value::Null);
    out.base.model = word(config, &["model_name", "model"]);
    let folder = word(record, &["working_dir"]);
    let title = word(record, &["description"]);
    let title = if title.is_empty() {
        word(record, &["name"])
    } else {
        title
    };
    let start = out.text_row(FactKind::RunStart, folder);
    start.name(Name::Title, title);
    start.name(Name::Provider, word(record, &["provider_name"]));
    start.name(Name::ParentRun, word(record, &["parent_session_id"]));
    let cache_read = tokens(record, &["accumulated_cache_read_tokens"]);
    let cache_write = tokens(record, &["accumulated_cache_write_tokens"]);
    let usage = counted(Usage {
        input: without(
            tokens(record, &["accumulated_input_tokens"]),
            &[cache_read, cache_write],
        ),
        output: tokens(record, &["accumulated_output_tokens"]),
        cache_read,
        cache_write,
        ..Usage::NONE
    });
    let cost = dollars(record, &["accumulated_cost"]);
    out.total(usage, cost);
}

fn block(role: &str, block: &Value, out: &mut Rows) {
    let id = word(block, &["id"]);
    match word(block, &["type"]).as_str() {
        "text" if role == "user" => {
            out.text_row(FactKind::Prompt, word(block, &["text"]));
        }
        "text" => out.text_row_if_any(FactKind::Response, string(block, "text")),
        "thinking" | "reasoning" => out.text_row_if_any(
            FactKind::Reasoning,
            string(block, "thinking").or_else(|| string(block, "text")),
        ),
        "toolRequest" | "frontendToolRequest" => {
            let call = block.get("toolCall").unwrap_or(&Value::Null);
            let value = call.get("value").unwrap_or(call);
            out.call(
                id.clone(),
                word(value, &["name"]),
                given(value, &["arguments"]),
            );
            if word(call, &["status"]) == "error" {
                out.result(id, Status::Error, given(call, &["error"]).cloned());
            }
        }
        "toolResponse" => {
            let result = block.get("toolResult").unwrap_or(&Value::Null);
            let value = given(result, &["value", "error"]).unwrap_or(result);
            let failed =
                word(result, &["status"]) == "error" || flag(value, &["isError"]) == Some(true);
            let status = if failed { Status::Error } else { Status::Ok };
            let message = text_of(value.get("content").unwrap_or(value));
            out.result(id, status, message.map(Value::String));
        }
        "toolConfirmationRequest" | "actionRequired" => {
            let asked = block.get("data").unwrap_or(block);
            let entry = out.row(FactKind::Approval);
            entry.call = word(asked, &["id"]);
            entry.body.approvals.push(ApprovalText {
                reason: string(asked, "prompt"),
                args: given(asked, &["arguments"]).cloned(),
                ..ApprovalText::default()
            });
        }
        "systemNotification" | "summarizationRequested" | "contextLengthExceeded" => {
            out.text_row(FactKind::Note, word(block, &["msg"]));
        }
        _ => out.text_row_if_any(FactKind::Note, text_of(block)),
    }
}
