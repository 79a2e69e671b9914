//! The `claude-stream` format: the output of `claude -p --output-format stream-json`.
//!
//! Lines of one message share its id and repeat its usage, of which the last counts. No line has a time.
//! The cost and the refused calls of the run are in its last line, `result`. Source: the documented
//! headless mode of Claude Code; not tested on real files.

use serde_json::Value;

use super::claude_code::failure;
use super::conversation::Conversation;
use super::messages::{self, Envelope};
use crate::ingest::assemble::Assembler;
use crate::ingest::body::{ApprovalText, Body, ErrorText};
use crate::ingest::fact::{Fact, FactKind, FactSink, Name};
use crate::ingest::format::{Decode, Format, Held, Layout, Open, Recorded, Request};
use crate::ingest::formats::content::string;
use crate::ingest::formats::entry::decode_tree;
use crate::ingest::json::{Record, View};
use crate::model::action::{Flags, Status, Verdict};
use crate::model::quantity::Usage;

#[derive(Debug)]
pub struct ClaudeStream;

impl Format for ClaudeStream {
    fn name(&self) -> &'static str {
        "claude-stream"
    }

    fn about(&self) -> &'static str {
        "Claude Code, printed with --output-format stream-json"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Yes,
            cost: Held::Partly,
            times: Held::No,
            results: Held::Yes,
            approvals: Held::Partly,
        }
    }
}

impl Decode for ClaudeStream {
    fn sniff(&self, record: &Value) -> u8 {
        let session = record.get("session_id").is_some();
        let kind = record.get("type").and_then(Value::as_str);
        match kind {
            Some("system") if session && record.get("subtype").is_some() => 95,
            Some("assistant" | "user") if session && record.get("message").is_some() => 95,
            Some("result") if session && record.get("num_turns").is_some() => 95,
            Some("stream_event") if session => 95,
            _ => 0,
        }
    }

    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        decode_tree(record, out, line);
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(Conversation::new("claude-code"))
    }
}

impl Layout for ClaudeStream {}

impl Open for ClaudeStream {
    fn open(&self, record: &Value, part: u16) -> Body {
        match record.get("type").and_then(Value::as_str) {
            Some("result") => open_result_line(record),
            Some("system") => Body {
                text: string(record, "subtype"),
                labels: ["cwd", "permissionMode", "model", "claude_code_version"]
                    .iter()
                    .filter_map(|key| Some(((*key).to_owned(), string(record, key)?)))
                    .collect(),
                ..Body::default()
            },
            None if record.get("inputTokens").is_some() => Body {
                text: Some("tokens that no message reported".to_owned()),
                ..Body::default()
            },
            _ => messages::open(record, part),
        }
    }

    fn open_result(&self, record: &Value, part: u16, body: &mut Body) {
        messages::open_result(record, part, body);
    }

    fn open_attached(&self, record: &Value, _part: u16, body: &mut Body) {
        body.approvals.push(ApprovalText {
            state: Some("denied".to_owned()),
            args: record.get("tool_input").cloned(),
            ..ApprovalText::default()
        });
    }
}

impl Request for ClaudeStream {}

fn open_result_line(record: &Value) -> Body {
    let failed = record.get("is_error").and_then(Value::as_bool) == Some(true);
    let text = string(record, "result").or_else(|| string(record, "subtype"));
    Body {
        error: failed.then(|| ErrorText {
            kind: string(record, "subtype"),
            message: text.clone().unwrap_or_default(),
            stack: None,
        }),
        text: text.filter(|_| !failed),
        ..Body::default()
    }
}

/// The status of a call, from the flag of its result and the fixed phrases of the harness.
fn outcome(block: View<'_, '_>) -> Status {
    if block.get("is_error").truth() != Some(true) {
        return Status::Ok;
    }
    let content = block.get("content");
    let first = content
        .items()
        .next()
        .map(|part| part.get("text").opening());
    failure(&first.unwrap_or_else(|| content.opening()))
}

fn line(record: View<'_, '_>, out: &mut FactSink<'_>) {
    let mut base = Fact::new(FactKind::Note);
    base.run = out.copy(record.get("session_id"));
    base.time = record.get("timestamp").time();
    match record.get("type").raw() {
        b"system" if record.get("subtype").is("init") => {
            base.kind = FactKind::RunStart;
            base.model = out.copy(record.get("model"));
            out.copy_name(Name::Release, record.get("claude_code_version"));
            out.push(base);
        }
        b"system" => out.push(base),
        b"assistant" | b"user" if record.get("message").is_object() => {
            message(record, base, out);
        }
        b"result" => result(record, base, out),
        b"stream_event"
        | b"rate_limit_event"
        | b"tool_progress"
        | b"tool_use_summary"
        | b"auth_status"
        | b"keep_alive"
        | b"prompt_suggestion"
        | b"control_request"
        | b"control_response"
        | b"control_cancel_request" => {
            base.kind = FactKind::Copy;
            out.push(base);
        }
        _ => {
            base.kind = FactKind::Unknown;
            out.push(base);
        }
    }
}

fn message(record: View<'_, '_>, base: Fact, out: &mut FactSink<'_>) {
    let message = record.get("message");
    let mut how = Envelope {
        outcome,
        block_outcome: outcome,
        usage: messages::usage(message.get("usage")),
        ..Envelope::new(base)
    };
    how.base.model = out.copy(message.get("model"));
    how.group = out.copy(message.get("id"));
    let started = record.get("parent_tool_use_id");
    if started.is_string() {
        how.lane = out.arena(&[b"agent/", started.raw()].concat());
        how.starter = out.copy(started);
    }
    if record.get("isSynthetic").truth() == Some(true) {
        how.base.flags.set(Flags::META);
    }
    messages::decode(message, &how, out);
}

fn result(record: View<'_, '_>, base: Fact, out: &mut FactSink<'_>) {
    for denied in record.get("permission_denials").items() {
        let mut fact = base.at(denied.range());
        fact.kind = FactKind::Approval;
        fact.verdict = Verdict::Denied;
        fact.call = out.copy(denied.get("tool_use_id"));
        out.push(fact);
    }
    for (model, counts) in record.get("modelUsage").members() {
        let mut fact = base.at(counts.range());
        fact.kind = FactKind::RunTotal;
        // A suffix names the size of the context window, not another model.
        let name = model.split(|&byte| byte == b'[').next().unwrap_or_default();
        fact.model = out.arena(name);
        out.usage(&mut fact, model_usage(counts));
        out.push(fact);
    }
    let mut end = base;
    end.kind = FactKind::RunEnd;
    end.cost = record.get("total_cost_usd").usd();
    end.duration = record.get("duration_ms").millis();
    let failed = record.get("is_error").truth() == Some(true)
        || record.get("subtype").is_string() && !record.get("subtype").is("success");
    end.status = if failed { Status::Error } else { Status::Ok };
    out.push(end);
}

/// The tokens of one model in all of the session so far: those of streamed messages are partial.
fn model_usage(counts: View<'_, '_>) -> Usage {
    Usage {
        input: counts.get("inputTokens").tokens(),
        output: counts.get("outputTokens").tokens(),
        cache_read: counts.get("cacheReadInputTokens").tokens(),
        cache_write: counts.get("cacheCreationInputTokens").tokens(),
        ..Usage::NONE
    }
}
