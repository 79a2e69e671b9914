//! The `vibe` format: sessions of Mistral Vibe, a folder with `messages.jsonl` and `meta.json`, or one file of an older
//! version.
//!
//! Messages are those of the chat API and have no times. Tokens and cost are recorded for the whole session. Source:
//! `vibe/core/session/session_logger.py` and `vibe/core/types.py` of mistralai/mistral-vibe.

use std::path::Path;

use serde_json::{Value, json};

use super::content::text_of;
use super::conversation::Conversation;
use super::members::all;
use super::plain::{Agent, Rows, counted, dollars, given, instant, tokens, word};
use crate::ingest::bytes::Bytes;
use crate::ingest::fact::{FactKind, Name};
use crate::ingest::format::{Held, Recorded};
use crate::ingest::json as text;
use crate::ingest::packed::converted::Convert;
use crate::model::action::Status;
use crate::model::quantity::{Time, Usage};

#[derive(Debug)]
pub struct Vibe;

const MESSAGES: &str = "messages.jsonl";
const ABOUT: &str = "meta.json";
/// A file about a session larger than this is not read.
const LARGEST: u64 = 16 << 20;

impl Agent for Vibe {
    fn name(&self) -> &'static str {
        "vibe"
    }

    fn about(&self) -> &'static str {
        "Mistral Vibe sessions (~/.vibe/logs/session)"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Partly,
            cost: Held::Partly,
            times: Held::No,
            results: Held::Yes,
            approvals: Held::No,
        }
    }

    fn agent(&self) -> &'static str {
        "vibe"
    }

    fn assembler(&self) -> Conversation {
        Conversation::new("vibe").totals_first()
    }

    fn folders(&self) -> &'static [&'static str] {
        &[".vibe/logs/session"]
    }

    fn convert(&self, path: &Path, _head: &[u8]) -> Option<Convert> {
        let is_named = path.file_name().is_some_and(|name| name == MESSAGES);
        (is_named && about(path).is_some()).then_some(as_lines as Convert)
    }

    fn sniff_document(&self, head: &Value) -> u8 {
        let metadata = head.get("metadata").unwrap_or(&Value::Null);
        90 * u8::from(head.get("messages").is_some() && is_session(metadata))
    }

    fn lists(&self) -> Option<&'static [&'static str]> {
        Some(&["messages"])
    }

    fn rows(&self, _member: &str, record: &Value, out: &mut Rows) {
        let session = record.get("vibe").unwrap_or(record);
        if is_session(session) {
            start(session, out);
        } else if record.get("role").is_some() {
            message(record, out);
        }
    }
}

fn is_session(meta: &Value) -> bool {
    all(meta, &["session_id", "start_time", "environment"])
}

/// Whether a file describes a session whose messages are in the file beside it, with which it is read.
pub(crate) fn is_about(path: &Path) -> bool {
    let is_named = path.file_name().is_some_and(|name| name == ABOUT);
    is_named && path.with_file_name(MESSAGES).is_file() && about(path).is_some()
}

/// What the file beside the messages says about the session.
fn about(messages: &Path) -> Option<Value> {
    let bytes = Bytes::open(&messages.with_file_name(ABOUT)).ok()?;
    let meta = text::value(&bytes.slice(0, LARGEST as usize).ok()?)?;
    is_session(&meta).then_some(meta)
}

/// A line about the session, then its messages.
fn as_lines(path: &Path, messages: &[u8]) -> Vec<u8> {
    let session = json!({"vibe": about(path)}).to_string();
    [session.as_bytes(), b"\n", messages].concat()
}

fn start(session: &Value, out: &mut Rows) {
    out.base.run = word(session, &["session_id"]);
    out.base.fact.time = instant(session, &["start_time"]);
    let config = given(session, &["config", "agent_config"]).unwrap_or(&Value::Null);
    out.base.model = word(config, &["active_model"]);
    let folder = session.pointer("/environment/working_directory");
    let folder = folder.and_then(Value::as_str).unwrap_or_default();
    let start = out.text_row(FactKind::RunStart, folder);
    start.name(Name::Title, word(session, &["title"]));
    out.base.fact.time = Time::NONE;
    if let Some(system) = session.pointer("/system_prompt/content").and_then(text_of) {
        out.text_row_if_any(FactKind::Note, Some(system));
    }
    let stats = session.get("stats").unwrap_or(&Value::Null);
    let usage = counted(Usage {
        input: tokens(stats, &["session_prompt_tokens"]),
        output: tokens(stats, &["session_completion_tokens"]),
        ..Usage::NONE
    });
    out.total(usage, dollars(stats, &["session_cost"]));
}

/// How the text of a result begins if the tool failed or a person stopped it.
const OUTCOMES: &[(&str, Status)] = &[
    ("<tool_error>", Status::Error),
    ("<vibe_tool_error>", Status::Error),
    ("<user_cancellation>", Status::Cancelled),
];

fn message(record: &Value, out: &mut Rows) {
    out.base.name(Name::Group, word(record, &["message_id"]));
    if word(record, &["role"]) != "tool" {
        out.message(record);
        return;
    }
    let content = given(record, &["content"]);
    let words = content.and_then(text_of).unwrap_or_default();
    let begins = |(tag, _): &&(&str, Status)| words.trim_start().starts_with(tag);
    let outcome = OUTCOMES.iter().find(begins);
    let status = outcome.map_or(Status::Unrecorded, |(_, status)| *status);
    out.result(word(record, &["tool_call_id"]), status, Some(words.into()));
}
