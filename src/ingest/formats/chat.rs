//! The `chat-messages` format: conversations in the form of the OpenAI chat API.
//!
//! One document (an array of messages, an object with `messages`, or a logged request with its `response`),
//! one message per line, or one conversation per line as for fine-tuning. Whether a tool succeeded is not
//! recorded. Models without function calling request tools in their text (`<function=name>`), and the next
//! user message is the result. Source: OpenAI chat completions reference; logs of LiteLLM and OpenHands.

use serde_json::Value;

use super::conversation::Conversation;
use super::messages::{self, CALLS, Envelope};
use crate::ingest::assemble::{self, Assembler};
use crate::ingest::body::{Body, ErrorText};
use crate::ingest::fact::{Fact, FactKind, FactSink, IMPLIED, Name};
use crate::ingest::format::{Decode, Format, Held, Layout, Open, Recorded, Request, Sent};
use crate::ingest::formats::content::string;
use crate::ingest::formats::entry::decode_tree;
use crate::ingest::formats::members;
use crate::ingest::json::{Record, View};

#[derive(Debug)]
pub struct Chat;

impl Format for Chat {
    fn name(&self) -> &'static str {
        "chat-messages"
    }

    fn about(&self) -> &'static str {
        "OpenAI chat messages: conversations, fine-tuning lines, request logs"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Partly,
            cost: Held::Partly,
            times: Held::Partly,
            results: Held::Yes,
            approvals: Held::No,
        }
    }
}

impl Decode for Chat {
    fn sniff(&self, record: &Value) -> u8 {
        if is_message(record) {
            return 20;
        }
        let list = record.get("messages");
        if list.is_some_and(|list| members::most(list, is_message)) {
            30
        } else {
            0
        }
    }

    fn sniff_document(&self, head: &Value) -> u8 {
        let list = head.get("messages").unwrap_or(head);
        if members::most(list, is_message) {
            20
        } else {
            0
        }
    }

    fn lists(&self) -> Option<&'static [&'static str]> {
        Some(&["messages", "raw_messages", "tools"])
    }

    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        decode_with(record, messages::flagged_block, out);
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(Conversation::new("assistant"))
    }
}

impl Layout for Chat {}

impl Open for Chat {
    fn open(&self, record: &Value, part: u16) -> Body {
        open(record, part)
    }

    fn open_result(&self, record: &Value, part: u16, body: &mut Body) {
        messages::open_result(record, part, body);
    }
}

impl Request for Chat {
    fn sent(&self) -> Sent {
        Sent::Messages
    }
}

/// The part of a message whose text requests a tool.
const TEXT_CALL: u16 = CALLS - 1;
/// The part of a logged request that failed.
const FAILURE: u16 = CALLS - 2;
const ASKS: &str = "<function=";
const ANSWERS: &str = "EXECUTION RESULT of [";

/// A role and what it said, or which tools it called.
fn is_message(record: &Value) -> bool {
    const ROLES: &[&str] = &[
        "system",
        "developer",
        "user",
        "assistant",
        "tool",
        "function",
    ];
    let block = |it: &Value| it.is_string() || it.get("type").is_some() || it.get("text").is_some();
    let calls = members::any(record, &["tool_calls", "function_call"]);
    let says = match record.get("content") {
        Some(Value::String(_)) => true,
        Some(Value::Array(blocks)) => blocks.iter().all(block),
        Some(Value::Null) | None => calls,
        Some(_) => false,
    };
    says && ROLES.contains(&members::text(record, "role")) && record.get("parts").is_none()
}

/// Reads a message, a conversation or a member of a document.
pub(super) fn decode_with(
    record: Record<'_>,
    block_outcome: messages::Outcome,
    out: &mut FactSink<'_>,
) {
    let member = record.member;
    decode_tree(record, out, |record, out| {
        let how = Envelope {
            block_outcome,
            ..Envelope::new(Fact::new(FactKind::Note))
        };
        match member {
            b"" | b"[]" if record.get("messages").is_array() => conversation(record, &how, out),
            b"" | b"[]" if record.is_array() => {
                out.push(Fact::new(FactKind::ImpliedStart));
                record.items().for_each(|turn| message(turn, &how, out));
            }
            b"" | b"[]" if record.get("choices").is_array() => response(record, &how, out),
            b"" | b"[]" | b"messages" => message(record, &how, out),
            b"response" => response(record, &how, out),
            _ => setting(member, record, out),
        }
    });
}

/// A whole conversation in one record starts a run.
fn conversation(record: View<'_, '_>, how: &Envelope, out: &mut FactSink<'_>) {
    let mut start = Fact::new(FactKind::ImpliedStart);
    start.run = out.copy(record.any(&["custom_id", "id", "session_id", "conversation_id"]));
    start.model = out.copy(record.get("model"));
    out.push(start);
    let mut how = *how;
    how.base.time = record.get("startTime").time();
    for turn in record.get("messages").items() {
        message(turn, &how, out);
    }
    logged(record, &how, out);
    for (key, value) in record.members() {
        if matches!(key, b"cost" | b"timestamp" | b"created") {
            setting(key, value, out);
        }
    }
}

/// The response of a logged request, with what LiteLLM adds: the cost, the times and an error.
fn logged(record: View<'_, '_>, how: &Envelope, out: &mut FactSink<'_>) {
    let mut how = *how;
    let ended = record.get("endTime").time();
    how.base.duration = ended.since(how.base.time);
    how.base.time = ended.max(how.base.time);
    how.cost = record.get("response_cost").usd();
    // LiteLLM puts the sums next to the response, which may lack them.
    how.usage = messages::usage(record);
    how.base.model = out.copy(record.get("model"));
    let failure = record.any(&["error_str", "exception"]);
    if failure.is_string() && !record.get("status").is("success") {
        let mut fact = how.base.at(record.range());
        fact.kind = FactKind::Error;
        fact.part = FAILURE;
        out.push(fact);
    } else {
        response(record.get("response"), &how, out);
    }
}

/// The response to a request, with its tokens.
fn response(record: View<'_, '_>, how: &Envelope, out: &mut FactSink<'_>) {
    let mut how = *how;
    if record.get("usage").is_object() {
        how.usage = messages::usage(record.get("usage"));
    }
    let cost = record.get("usage").get("cost").usd();
    how.cost = if cost.is_some() { cost } else { how.cost };
    let model = out.copy(record.get("model"));
    how.base.model = model.or(how.base.model);
    let created = record.get("created").time();
    if !how.base.time.is_some() {
        how.base.time = created;
    }
    for choice in record.get("choices").items() {
        message(choice.get("message"), &how, out);
        how.usage = crate::model::quantity::Usage::NONE;
    }
    if !record.get("choices").is_array() && record.get("role").is_some() {
        message(record, &how, out);
    }
}

fn message(turn: View<'_, '_>, how: &Envelope, out: &mut FactSink<'_>) {
    let mut how = *how;
    if turn.get("usage").is_object() {
        how.usage = messages::usage(turn.get("usage"));
    }
    let model = out.copy(turn.get("model"));
    how.base.model = model.or(how.base.model);
    let time = turn
        .any(&["timestamp", "created_at", "createdAt", "created"])
        .time();
    how.base.time = how.base.time.max(time);
    let text = text_of(turn);
    let of_model = turn.get("role").is("assistant") && !turn.get("tool_calls").is_array();
    if of_model && text.contains(ASKS) {
        messages::decode(turn, &how, out);
        text_call(turn, &text, &how, out);
    } else if turn.get("role").is("user") && text.starts_with(ANSWERS) {
        let mut fact = how.base.at(turn.range());
        fact.kind = FactKind::ToolResult;
        out.push(fact);
    } else {
        messages::decode(turn, &how, out);
    }
}

fn text_of(turn: View<'_, '_>) -> String {
    let content = turn.get("content");
    let texts = content.items().map(|block| block.get("text").text());
    if content.is_string() {
        content.text().into_owned()
    } else {
        texts.collect()
    }
}

/// A tool call in the text of a message.
fn text_call(turn: View<'_, '_>, text: &str, how: &Envelope, out: &mut FactSink<'_>) {
    let mut fact = how.base.at(turn.range());
    fact.kind = FactKind::ToolCall;
    fact.part = TEXT_CALL;
    let fields = text.split_once(ASKS).map_or("", |(_, fields)| fields);
    let name = fields.split('>').next().unwrap_or_default();
    fact.tool = out.arena(name.as_bytes());
    fact.hash = assemble::hash(fields.as_bytes());
    how.push(fact, out);
}

fn setting(member: &[u8], value: View<'_, '_>, out: &mut FactSink<'_>) {
    let mut fact = Fact::new(FactKind::Setting);
    match member {
        b"cost" => fact.cost = value.usd(),
        b"model" => fact.model = out.copy(value),
        b"timestamp" | b"created" => fact.time = value.time(),
        b"title" => out.copy_name(Name::Title, value),
        _ => fact.kind = FactKind::Copy,
    }
    out.push(fact);
}

pub(super) fn open(record: &Value, part: u16) -> Body {
    if part == FAILURE {
        let message = string(record, "error_str").or_else(|| string(record, "exception"));
        return Body {
            error: message.map(|message| ErrorText {
                message,
                ..ErrorText::default()
            }),
            ..Body::default()
        };
    }
    if part & !IMPLIED != TEXT_CALL {
        return messages::open(record, part);
    }
    let text = record
        .get("content")
        .and_then(messages::plain_text)
        .unwrap_or_default();
    let fields = text.split_once(ASKS).map_or("", |(_, fields)| fields);
    let (name, rest) = fields.split_once('>').unwrap_or((fields, ""));
    if part & IMPLIED != 0 {
        return Body {
            asks: vec![name.to_owned()],
            ..Body::default()
        };
    }
    let parameters = rest.split("<parameter=").skip(1).filter_map(|parameter| {
        let (key, value) = parameter.split_once('>')?;
        let value = value.split("</parameter>").next().unwrap_or(value);
        Some((key.to_owned(), Value::String(value.to_owned())))
    });
    Body {
        id: string(record, "id"),
        args: Some(Value::Object(parameters.collect())),
        ..Body::default()
    }
}
