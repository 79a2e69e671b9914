//! The `openai-responses` format: requests, responses and item lists of the OpenAI Responses API.
//!
//! A line is a request (`input`), a response (`object: response`), a pair of both, or an item; a document is
//! one of these or a list of items. Function calls and their outputs are items of their own, beside messages.
//! Whether a function succeeded is not recorded. Source: OpenAI API reference, "Responses" and "Batch".

use serde_json::Value;

use super::conversation::Conversation;
use super::messages::{self, Envelope};
use crate::ingest::assemble::{self, Assembler};
use crate::ingest::body::{Body, ErrorText};
use crate::ingest::fact::{Fact, FactKind, FactSink, IMPLIED};
use crate::ingest::format::{Decode, Format, Held, Layout, Open, Recorded, Request, Sent};
use crate::ingest::formats::content::{string, text_of, unpacked};
use crate::ingest::formats::entry::decode_tree;
use crate::ingest::formats::members;
use crate::ingest::json::{Record, View};
use crate::model::action::Status;
use crate::model::quantity::Usage;

#[derive(Debug)]
pub struct Responses;

impl Format for Responses {
    fn name(&self) -> &'static str {
        "openai-responses"
    }

    fn about(&self) -> &'static str {
        "OpenAI Responses API: requests, responses, item lists, batch output"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Partly,
            cost: Held::Partly,
            times: Held::Partly,
            results: Held::Partly,
            approvals: Held::No,
        }
    }
}

impl Decode for Responses {
    fn sniff(&self, record: &Value) -> u8 {
        if is_pair(record) {
            70
        } else if is_response(record) {
            60
        } else if is_request(record) || is_call_item(record) {
            40
        } else if is_item(record) {
            // May appear beside call items, but is no evidence by itself.
            10
        } else {
            0
        }
    }

    fn sniff_document(&self, head: &Value) -> u8 {
        let has_call = |list: &[Value]| list.iter().any(is_call_item);
        let is_list =
            head.as_array().is_some_and(|list| has_call(list)) && members::most(head, is_item);
        if is_list { 50 } else { self.sniff(head) }
    }

    /// What surrounds the items says whose they are.
    fn takes_whole(&self) -> bool {
        true
    }

    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        decode_tree(record, out, |record, out| match record {
            list if list.is_array() => items(list, &Envelope::new(Fact::new(FactKind::Note)), out),
            it if it.any(&["type", "role"]).is_string() && !it.get("object").is_string() => {
                item(it, &Envelope::new(Fact::new(FactKind::Note)), out);
            }
            exchange => {
                start(exchange, out);
                let request = exchange.any(&["request", "body"]).or(exchange);
                let response = answer_of(exchange);
                if request.get("input").is_some() {
                    self::request(request, out);
                }
                if response.get("output").is_array() || response.get("error").is_object() {
                    self::response(response, out);
                }
            }
        });
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(Conversation::new("assistant"))
    }
}

impl Layout for Responses {}

impl Open for Responses {
    fn open(&self, record: &Value, part: u16) -> Body {
        open(record, part)
    }

    fn open_result(&self, record: &Value, part: u16, body: &mut Body) {
        // The text of a model call whose calls came first.
        if record.get("role").is_some() {
            return messages::open_result(record, part, body);
        }
        let output = record.get("output").filter(|it| !it.is_null());
        body.result = match output {
            Some(Value::Array(_)) => output.and_then(text_of).map(Value::from),
            output => output.map(unpacked),
        };
    }
}

impl Request for Responses {
    fn sent(&self) -> Sent {
        Sent::Messages
    }
}

/// The part of a message, of an item, of the whole request.
const MESSAGE: u16 = messages::TEXT;
const ITEM: u16 = 2;
const INPUT: u16 = 3;
const INSTRUCTIONS: u16 = 4;
const FAILURE: u16 = 5;

/// The member with the arguments of a call, by kind of tool.
const ARGS: &[&str] = &["arguments", "input", "action", "code", "queries"];

/// Items of a call; the name of the kind begins with that of the tool.
fn is_call(kind: &str) -> bool {
    kind.ends_with("_call") || kind == "mcp_approval_request"
}

fn is_output(kind: &str) -> bool {
    kind.ends_with("_call_output") || kind == "mcp_approval_response"
}

/// A function call or its output: no other API has items like these.
fn is_call_item(item: &Value) -> bool {
    let kind = members::text(item, "type");
    let is_function = matches!(kind, "function_call" | "custom_tool_call");
    let call = is_function && members::all(item, &["call_id", "name"]);
    let output = is_output(kind) && members::all(item, &["call_id", "output"]);
    (call || output) && item.get("payload").is_none()
}

fn is_item(item: &Value) -> bool {
    let kind = members::text(item, "type");
    let is_message = members::all(item, &["role", "content"]) && matches!(kind, "" | "message");
    let is_reasoning = kind == "reasoning" && item.get("summary").is_some();
    is_message || is_reasoning || is_call_item(item) || is_call(kind) && item.get("id").is_some()
}

fn is_response(record: &Value) -> bool {
    members::text(record, "object") == "response" && members::any(record, &["output", "error"])
}

/// The members that a request may have.
const REQUEST: &[&str] = &[
    "background",
    "conversation",
    "custom_id",
    "id",
    "include",
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "reasoning",
    "response",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

/// A model and an input, and nothing that a request would not have. Embeddings look alike.
fn is_request(record: &Value) -> bool {
    let Some(members) = record.as_object() else {
        return false;
    };
    let is_input = match record.get("input") {
        Some(Value::String(_)) => true,
        Some(list @ Value::Array(_)) => members::most(list, is_item),
        _ => false,
    };
    let model = members::text(record, "model");
    is_input
        && !model.is_empty()
        && !model.contains("embed")
        && members.keys().all(|key| REQUEST.contains(&key.as_str()))
}

/// A logged request with its response, or a line of batch output.
fn is_pair(record: &Value) -> bool {
    let response = record.get("response");
    let inner = response.map(|it| it.get("body").unwrap_or(it));
    inner.is_some_and(is_response)
}

fn answer_of<'v, 'd>(exchange: View<'v, 'd>) -> View<'v, 'd> {
    let response = exchange.get("response");
    response.get("body").or(response).or(exchange)
}

/// Each exchange is a run, named by the ids it has; the items of one conversation join.
fn start(exchange: View<'_, '_>, out: &mut FactSink<'_>) {
    let response = answer_of(exchange);
    let conversation = response.get("conversation");
    let mut fact = Fact::new(FactKind::ImpliedStart);
    let id = conversation
        .get("id")
        .or(exchange.any(&["custom_id", "id"]))
        .or(response.get("id"));
    fact.run = out.copy(id);
    let request = exchange.any(&["request", "body"]).or(exchange);
    let previous = "previous_response_id";
    fact.parent = out.copy(response.get(previous).or(request.get(previous)));
    fact.model = out.copy(response.get("model").or(request.get("model")));
    fact.time = response.get("created_at").time();
    out.push(fact);
}

fn request(request: View<'_, '_>, out: &mut FactSink<'_>) {
    let how = Envelope::new(Fact::new(FactKind::Note));
    if request.get("instructions").is_string() {
        let mut fact = Fact::new(FactKind::Note).at(request.range());
        fact.part = INSTRUCTIONS;
        out.push(fact);
    }
    let input = request.get("input");
    if input.is_string() {
        let mut fact = Fact::new(FactKind::Prompt).at(request.range());
        fact.part = INPUT;
        out.push(fact);
    }
    items(input, &how, out);
}

/// The items that a model call returned, with its tokens.
fn response(response: View<'_, '_>, out: &mut FactSink<'_>) {
    let mut base = Fact::new(FactKind::Note);
    base.time = response.any(&["completed_at", "created_at"]).time();
    base.model = out.copy(response.get("model"));
    let mut how = Envelope {
        usage: messages::usage(response.get("usage")),
        group: out.copy(response.get("id")),
        status: match response.get("status").raw() {
            b"cancelled" => Status::Cancelled,
            b"failed" => Status::Error,
            _ => Status::Unrecorded,
        },
        ..Envelope::new(base)
    };
    let error = response.get("error");
    if error.is_object() {
        let mut fact = base.at(response.range());
        fact.kind = FactKind::Error;
        fact.part = FAILURE;
        out.push(fact);
    }
    for it in response.get("output").items() {
        item(it, &how, out);
        // The tokens are those of the whole call; reasoning carries none.
        if !it.get("type").is("reasoning") {
            how.usage = Usage::NONE;
        }
    }
}

fn items(list: View<'_, '_>, how: &Envelope, out: &mut FactSink<'_>) {
    list.items().for_each(|it| item(it, how, out));
}

fn item(item: View<'_, '_>, how: &Envelope, out: &mut FactSink<'_>) {
    let mut fact = how.base.at(item.range());
    fact.part = ITEM;
    let kind = item.get("type").text();
    if is_output(&kind) {
        fact.kind = FactKind::ToolResult;
        fact.call = out.copy(item.any(&["call_id", "approval_request_id"]));
        fact.status = match item.get("status").raw() {
            b"incomplete" => Status::Cancelled,
            _ => Status::Unrecorded,
        };
        how.push(fact, out);
    } else if is_call(&kind) {
        call(item, &kind, fact, how, out);
    } else if kind == "reasoning" {
        fact.kind = FactKind::Reasoning;
        how.push(fact, out);
    } else {
        messages::decode(item, how, out);
    }
}

/// A call of a function, or of a tool that the provider runs itself and whose call holds its result.
fn call(item: View<'_, '_>, kind: &str, base: Fact, how: &Envelope, out: &mut FactSink<'_>) {
    let mut fact = base;
    fact.kind = FactKind::ToolCall;
    let name = item.get("name");
    fact.tool = if name.is_string() {
        out.copy(name)
    } else {
        out.arena(kind.trim_end_matches("_call").as_bytes())
    };
    fact.id = out.copy(item.any(&["call_id", "id"]));
    let args = item.any(ARGS);
    fact.hash = assemble::hash(args.bytes());
    out.usage(&mut fact, how.usage);
    fact.cost = how.cost;
    how.push(fact, out);
    let at_provider = !matches!(
        kind,
        "function_call" | "custom_tool_call" | "local_shell_call" | "shell_call" | "computer_call"
    );
    if at_provider {
        let mut fact = base;
        fact.kind = FactKind::ToolResult;
        fact.call = out.copy(item.any(&["call_id", "id"]));
        fact.status = match item.get("status").raw() {
            b"completed" => Status::Ok,
            b"failed" => Status::Error,
            b"incomplete" => Status::Cancelled,
            _ => Status::Unrecorded,
        };
        how.push(fact, out);
    }
}

fn open(record: &Value, part: u16) -> Body {
    let kind = members::text(record, "type");
    if is_call(kind) {
        return open_call(record, kind, part);
    }
    let mut body = Body {
        id: string(record, "id"),
        ..Body::default()
    };
    match part {
        INPUT => body.text = string(record, "input"),
        INSTRUCTIONS => body.text = string(record, "instructions"),
        FAILURE => {
            let error = record.get("error");
            body.error = error.map(|error| ErrorText {
                kind: string(error, "code"),
                message: string(error, "message").unwrap_or_default(),
                stack: None,
            });
        }
        ITEM if kind == "reasoning" => {
            let list = ["summary", "content"].iter().find_map(|key| {
                record
                    .get(key)
                    .filter(|it| it.as_array().is_some_and(|it| !it.is_empty()))
            });
            let text = list.and_then(text_of).filter(|text| !text.is_empty());
            body.text = text.or_else(|| Some("[reasoning not shown]".to_owned()));
        }
        MESSAGE => return messages::open(record, part),
        _ => {}
    }
    body
}

fn open_call(item: &Value, kind: &str, part: u16) -> Body {
    let name = string(item, "name").unwrap_or_else(|| kind.trim_end_matches("_call").to_owned());
    if part & IMPLIED != 0 {
        return Body {
            asks: vec![name],
            ..Body::default()
        };
    }
    let args = ARGS
        .iter()
        .find_map(|key| item.get(key).filter(|args| !args.is_null()));
    Body {
        id: string(item, "call_id").or_else(|| string(item, "id")),
        args: args.map(unpacked),
        ..Body::default()
    }
}

#[cfg(test)]
mod tests;
