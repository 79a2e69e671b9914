//! The `gemini` format: sessions of the Gemini CLI, one JSON document or (since 0.39) JSON lines.
//!
//! A message that changes is written again under its id, and the last version counts. A call and its result
//! are in one message. `input` includes cached tokens, `output` excludes reasoning tokens. Messages
//! discarded by `$rewindTo` are shown all the same, because they were paid for. Source:
//! `packages/core/src/services/chatRecordingService.ts` of google-gemini/gemini-cli.

use serde_json::Value;

use super::conversation::Conversation;
use super::messages::{CALLS, REASONING, TEXT, without};
use crate::ingest::assemble::{self, Assembler};
use crate::ingest::body::{ApprovalText, Body, ErrorText};
use crate::ingest::fact::{Echo, Fact, FactKind, FactSink, IMPLIED, Name};
use crate::ingest::format::{Decode, Format, Held, Layout, Open, Recorded, Request};
use crate::ingest::formats::content::{string, text_of, unpacked};
use crate::ingest::formats::entry::decode_tree;
use crate::ingest::formats::members;
use crate::ingest::json::{Record, View};
use crate::model::action::{Status, Verdict};
use crate::model::quantity::Usage;

#[derive(Debug)]
pub struct Gemini;

impl Format for Gemini {
    fn name(&self) -> &'static str {
        "gemini"
    }

    fn about(&self) -> &'static str {
        "Gemini CLI sessions"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Yes,
            cost: Held::No,
            times: Held::Yes,
            results: Held::Yes,
            approvals: Held::Partly,
        }
    }
}

impl Decode for Gemini {
    fn sniff(&self, record: &Value) -> u8 {
        let entry = members::all(record, &["content", "id", "timestamp"]);
        let spoken = members::any(record, &["thoughts", "tokens", "model", "toolCalls"]);
        match members::text(record, "type") {
            "" if members::all(record, &["projectHash", "sessionId"]) => 95,
            "" if members::any(record, &["$set", "$rewindTo"]) => 10,
            "gemini" if record.get("content").is_some() && (entry || spoken) => 90,
            "user" | "info" | "warning" | "error" if entry => 10,
            _ => 0,
        }
    }

    fn sniff_document(&self, head: &Value) -> u8 {
        let messages = head.get("messages").is_some_and(Value::is_array);
        let is_message = |it: &Value| it.get("role").is_some() && it.get("parts").is_some();
        let history = head.get("history");
        match head.get("sessionId").is_some() {
            true if messages && head.get("projectHash").is_some() => 95,
            true if messages && members::all(head, &["startTime", "lastUpdated"]) => 80,
            _ if history.is_some_and(|list| members::most(list, is_message)) => 40,
            _ => 0,
        }
    }

    fn lists(&self) -> Option<&'static [&'static str]> {
        Some(&["messages", "history"])
    }

    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        let member = record.member;
        decode_tree(record, out, |record, out| match member {
            b"" if record.get("sessionId").is_some() && !record.get("type").is_some() => {
                header(record, out);
                snapshot(record.get("messages"), out);
            }
            b"" if record.get("$set").is_some() => {
                out.copy_name(Name::Title, record.get("$set").get("summary"));
                out.push(Fact::new(FactKind::Setting));
                snapshot(record.get("$set").get("messages"), out);
            }
            b"" | b"[]" | b"messages" | b"history" => message(record, out),
            _ => setting(member, record, out),
        });
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(Conversation::new("gemini-cli").forks())
    }
}

impl Layout for Gemini {
    fn folders(&self) -> &'static [&'static str] {
        &[".gemini/tmp"]
    }
}

impl Open for Gemini {
    fn open(&self, record: &Value, part: u16) -> Body {
        open(record, part)
    }

    fn open_result(&self, record: &Value, part: u16, body: &mut Body) {
        if part < CALLS {
            body.text = content_text(record);
            body.asks.clear();
            return;
        }
        if let Some(call) = call_of(record, part) {
            open_answer(call, body);
        }
    }

    fn open_attached(&self, record: &Value, part: u16, body: &mut Body) {
        let call = call_of(record, part);
        let state = call.and_then(|call| string(call, "status"));
        body.approvals.push(ApprovalText {
            state,
            ..ApprovalText::default()
        });
    }
}

impl Request for Gemini {}

fn header(record: View<'_, '_>, out: &mut FactSink<'_>) {
    let mut fact = Fact::new(FactKind::Setting);
    fact.run = out.copy(record.get("sessionId"));
    fact.time = record.get("startTime").time();
    out.copy_name(Name::Title, record.get("summary"));
    out.push(fact);
}

/// The conversation so far, written whole: messages that are known repeat.
fn snapshot(messages: View<'_, '_>, out: &mut FactSink<'_>) {
    for each in messages.items() {
        message(each, out);
    }
}

fn setting(member: &[u8], value: View<'_, '_>, out: &mut FactSink<'_>) {
    let mut fact = Fact::new(FactKind::Setting);
    match member {
        b"sessionId" => fact.run = out.copy(value),
        b"startTime" | b"start_time" => fact.time = value.time(),
        b"summary" => out.copy_name(Name::Title, value),
        _ => fact.kind = FactKind::Copy,
    }
    out.push(fact);
}

fn message(record: View<'_, '_>, out: &mut FactSink<'_>) {
    let mut base = Fact::new(FactKind::Unknown).at(record.range());
    base.time = record.any(&["timestamp", "ts"]).time();
    // The same message may be written again.
    base.echo = Echo::MayRepeat;
    match record.any(&["type", "role"]).raw() {
        b"user" => base.kind = FactKind::Prompt,
        b"gemini" | b"model" | b"assistant" => {
            model(record, base, out);
            return;
        }
        b"error" => base.kind = FactKind::Error,
        b"info" | b"warning" => base.kind = FactKind::Note,
        _ if record.get("$rewindTo").is_some() => base.kind = FactKind::Note,
        _ => {}
    }
    out.copy_name(Name::Record, record.get("id"));
    out.push(base);
}

fn model(record: View<'_, '_>, base: Fact, out: &mut FactSink<'_>) {
    let mut usage = usage(record.get("tokens"));
    let id = out.copy(record.get("id"));
    let model = out.copy(record.get("model"));
    let mut push = |kind, part, mut fact: Fact, out: &mut FactSink<'_>| {
        fact.kind = kind;
        fact.part = part;
        fact.model = model;
        out.name(Name::Group, id);
        if kind != FactKind::Reasoning && kind != FactKind::ToolResult {
            out.usage(&mut fact, std::mem::take(&mut usage));
        }
        out.push(fact);
    };
    if record.get("thoughts").items().next().is_some() {
        push(FactKind::Reasoning, REASONING, base, out);
    }
    let calls = record.get("toolCalls");
    let content = record.any(&["content", "parts"]);
    let text = content
        .items()
        .any(|part| !part.get("text").raw().is_empty());
    if text || !content.raw().is_empty() || calls.items().next().is_none() {
        push(FactKind::Response, TEXT, base, out);
    }
    for (at, call) in calls.items().enumerate() {
        let part = CALLS + at as u16;
        let mut fact = base;
        fact.tool = out.copy(call.get("name"));
        fact.id = out.copy(call.get("id"));
        fact.hash = assemble::hash(call.get("args").bytes());
        push(FactKind::ToolCall, part, fact, out);
        settled(call, part, base, out);
    }
}

/// The result of a call, as far as its message records it.
fn settled(call: View<'_, '_>, part: u16, base: Fact, out: &mut FactSink<'_>) {
    let mut fact = base;
    fact.part = part;
    fact.call = out.copy(call.get("id"));
    fact.time = call.get("timestamp").time();
    fact.kind = FactKind::ToolResult;
    fact.status = match call.get("status").raw() {
        b"success" => Status::Ok,
        b"error" => Status::Error,
        b"cancelled" => Status::Denied,
        b"awaiting_approval" => {
            fact.kind = FactKind::Approval;
            fact.verdict = Verdict::Requested;
            out.push(fact);
            return;
        }
        b"validating" | b"scheduled" | b"executing" => return,
        _ if call.get("result").is_some() => Status::Unrecorded,
        _ => return,
    };
    if fact.status == Status::Denied {
        fact.verdict = Verdict::Denied;
        let by = out.arena(b"user");
        out.name(Name::By, by);
    }
    out.push(fact);
}

/// `input` includes cached tokens; reasoning tokens are output and counted separately.
fn usage(tokens: View<'_, '_>) -> Usage {
    let cached = tokens.get("cached").tokens();
    let thoughts = tokens.get("thoughts").tokens();
    Usage {
        input: without(tokens.get("input").tokens(), cached.or_zero())
            + tokens.get("tool").tokens(),
        output: tokens.get("output").tokens() + thoughts,
        cache_read: cached,
        reasoning: thoughts,
        ..Usage::NONE
    }
}

fn call_of(record: &Value, part: u16) -> Option<&Value> {
    record
        .get("toolCalls")?
        .get(usize::from((part & !IMPLIED).checked_sub(CALLS)?))
}

fn content_text(record: &Value) -> Option<String> {
    let content = record.get("content").or_else(|| record.get("parts"));
    content.and_then(text_of)
}

fn open(record: &Value, part: u16) -> Body {
    let mut body = Body {
        id: string(record, "id"),
        ..Body::default()
    };
    if part & IMPLIED != 0 {
        let calls = record.get("toolCalls").and_then(Value::as_array);
        let names = calls.into_iter().flatten();
        body.asks = names.filter_map(|call| string(call, "name")).collect();
    } else if part == REASONING {
        let thoughts = record.get("thoughts").and_then(Value::as_array);
        let texts = thoughts.into_iter().flatten().map(|thought| {
            let parts = ["subject", "description", "text"];
            let parts = parts.iter().filter_map(|key| string(thought, key));
            parts.collect::<Vec<_>>().join("\n")
        });
        body.text = Some(texts.collect::<Vec<_>>().join("\n\n"));
    } else if let Some(call) = call_of(record, part) {
        body.id = string(call, "id");
        body.args = call.get("args").cloned();
    } else if record.get("type").and_then(Value::as_str) == Some("error") {
        body.error = Some(ErrorText {
            message: content_text(record).unwrap_or_default(),
            ..ErrorText::default()
        });
    } else if let Some(target) = record.get("$rewindTo") {
        body.text = Some(format!(
            "rewound to {}",
            text_of(target).unwrap_or_default()
        ));
    } else {
        body.text = content_text(record);
    }
    body
}

/// The result sent to the model; if missing, the one that was displayed.
fn open_answer(call: &Value, body: &mut Body) {
    let response = call.pointer("/result/0/functionResponse/response");
    let output = response.and_then(|response| {
        let output = response.get("output").or_else(|| response.get("error"));
        output.or(Some(response))
    });
    let shown = call.get("resultDisplay").filter(|shown| !shown.is_null());
    body.result = output.or(shown).map(unpacked);
    if matches!(
        call.get("status").and_then(Value::as_str),
        Some("error" | "cancelled")
    ) {
        body.error = Some(ErrorText {
            message: body.result.as_ref().and_then(text_of).unwrap_or_default(),
            ..ErrorText::default()
        });
    }
}
