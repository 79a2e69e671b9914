//! The `ag-ui` format: events of the AG-UI protocol, as recorded from the stream of a request.
//!
//! Texts, reasoning and arguments are streamed in pieces, so a row covers all events from its first to its
//! last and is assembled when it is opened. Tokens come with the end of a run; times are rare. A thread
//! that waits for a person continues in another run, whose events have the same thread. Source:
//! ag-ui-protocol/ag-ui, `sdks/typescript/packages/core/src/events.ts`.

use serde_json::Value;

use super::conversation::Conversation;
use super::messages;
use crate::ingest::assemble::Assembler;
use crate::ingest::body::{ApprovalText, Body, ErrorText};
use crate::ingest::fact::{Fact, FactKind, FactSink, IMPLIED, Name};
use crate::ingest::format::{Decode, Format, Held, Layout, Open, Recorded, Request};
use crate::ingest::formats::content::{string, text_of, unpacked};
use crate::ingest::formats::entry::decode_tree;
use crate::ingest::formats::members;
use crate::ingest::json::{Record, View};
use crate::model::action::Verdict;

#[derive(Debug)]
pub struct AgUi;

impl Format for AgUi {
    fn name(&self) -> &'static str {
        "ag-ui"
    }

    fn about(&self) -> &'static str {
        "AG-UI protocol events"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Partly,
            cost: Held::No,
            times: Held::Partly,
            results: Held::Yes,
            approvals: Held::Partly,
        }
    }
}

impl Decode for AgUi {
    fn sniff(&self, record: &Value) -> u8 {
        if is_event(record) {
            80
        } else {
            10 * u8::from(has_prefix(members::text(record, "type")))
        }
    }

    fn sniff_document(&self, head: &Value) -> u8 {
        let list = match head {
            Value::Object(members) => members.values().find(|value| value.is_array()),
            _ => Some(head),
        };
        if list.is_some_and(|list| members::most(list, is_event)) {
            80
        } else {
            0
        }
    }

    fn lists(&self) -> Option<&'static [&'static str]> {
        Some(&["events"])
    }

    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        decode_tree(record, out, |record, out| {
            if record.is_array() {
                for recorded in record.items() {
                    event(recorded, out);
                }
            } else {
                event(record, out);
            }
        });
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(Conversation::new("agent"))
    }
}

impl Layout for AgUi {}

impl Open for AgUi {
    fn is_pieced(&self) -> bool {
        true
    }

    fn open(&self, record: &Value, part: u16) -> Body {
        open(record, part)
    }

    fn open_result(&self, record: &Value, _part: u16, body: &mut Body) {
        put_together(record, body);
    }

    fn open_attached(&self, _record: &Value, _part: u16, body: &mut Body) {
        body.approvals.push(ApprovalText {
            state: Some("requested".to_owned()),
            ..ApprovalText::default()
        });
    }
}

impl Request for AgUi {}

const KINDS: &[&str] = &[
    "RUN_",
    "STEP_",
    "TEXT_MESSAGE_",
    "TOOL_CALL_",
    "THINKING_",
    "REASONING_",
    "STATE_",
    "MESSAGES_",
    "ACTIVITY_",
];

/// Whether a record is an event of this protocol: its type, and the ids that this type carries.
fn is_event(record: &Value) -> bool {
    let kind = members::text(record, "type");
    let ids: &[&str] = match kind {
        "RUN_STARTED" => &["threadId", "runId"],
        "TEXT_MESSAGE_START" | "TEXT_MESSAGE_CONTENT" => &["messageId"],
        "TOOL_CALL_START" | "TOOL_CALL_ARGS" => &["toolCallId"],
        "MESSAGES_SNAPSHOT" => &["messages"],
        "STATE_SNAPSHOT" => &["snapshot"],
        "RUN_ERROR" => &["message"],
        _ => return false,
    };
    members::any(record, ids)
}

fn has_prefix(kind: &str) -> bool {
    KINDS.iter().any(|start| kind.starts_with(start)) || matches!(kind, "RAW" | "CUSTOM")
}

fn event(record: View<'_, '_>, out: &mut FactSink<'_>) {
    let mut fact = Fact::new(FactKind::Unknown).at(record.range());
    fact.time = record.get("timestamp").time();
    let kind = record.get("type").raw();
    let message = record.any(&["messageId", "toolCallId"]);
    match kind {
        b"RUN_STARTED" => {
            fact.kind = FactKind::RunStart;
            fact.run = out.copy(record.any(&["threadId", "runId"]));
        }
        b"RUN_FINISHED" => {
            for recorded in record.get("usage").items() {
                let mut usage = fact;
                usage.kind = FactKind::Usage;
                out.usage(&mut usage, messages::usage(recorded));
                out.push(usage);
            }
            fact.kind = FactKind::Copy;
        }
        b"RUN_ERROR" => fact.kind = FactKind::Error,
        b"TEXT_MESSAGE_START" => {
            let by_user = record.get("role").is("user");
            fact.kind = if by_user {
                FactKind::Prompt
            } else {
                FactKind::Response
            };
            out.copy_name(Name::Group, message);
            out.copy_name(Name::Stream, message);
        }
        b"THINKING_START"
        | b"REASONING_START"
        | b"REASONING_MESSAGE_START"
        | b"THINKING_TEXT_MESSAGE_START" => {
            fact.kind = FactKind::Reasoning;
            thought(message, out);
        }
        b"TOOL_CALL_START" => {
            call(record, fact, out);
            return;
        }
        b"TOOL_CALL_RESULT" => {
            fact.kind = FactKind::ToolResult;
            fact.call = out.copy(record.get("toolCallId"));
        }
        b"TEXT_MESSAGE_CONTENT"
        | b"TEXT_MESSAGE_CHUNK"
        | b"TEXT_MESSAGE_END"
        | b"TOOL_CALL_ARGS"
        | b"TOOL_CALL_CHUNK"
        | b"TOOL_CALL_END" => {
            fact.kind = FactKind::Piece;
            let id = if kind.starts_with(b"TOOL") {
                record.get("toolCallId")
            } else {
                message
            };
            out.copy_name(Name::Stream, id);
        }
        _ if kind.starts_with(b"THINKING_") || kind.starts_with(b"REASONING_") => {
            fact.kind = FactKind::Piece;
            thought(message, out);
        }
        b"CUSTOM" | b"RAW" => fact.kind = FactKind::Note,
        _ if KINDS.iter().any(|start| kind.starts_with(start.as_bytes())) => {
            fact.kind = FactKind::Copy;
        }
        _ => {}
    }
    out.push(fact);
}

/// Reasoning of older versions has no id: there is only one at a time.
fn thought(message: View<'_, '_>, out: &mut FactSink<'_>) {
    let id = out.arena(&[b"thought/", message.raw()].concat());
    out.name(Name::Stream, id);
}

fn call(record: View<'_, '_>, mut fact: Fact, out: &mut FactSink<'_>) {
    let approval = record.get("toolCallName").is("request_approval");
    let id = out.copy(record.get("toolCallId"));
    let mut fields = fact;
    fact.kind = FactKind::ToolCall;
    fact.id = id;
    fact.tool = out.copy(record.get("toolCallName"));
    // The arguments have not arrived yet, so equal calls cannot be recognized.
    fact.hash = crate::ingest::assemble::hash(record.get("toolCallId").bytes());
    out.copy_name(Name::Group, record.get("parentMessageId"));
    out.name(Name::Stream, id);
    out.push(fact);
    if approval {
        fields.kind = FactKind::Approval;
        fields.verdict = Verdict::Requested;
        fields.call = id;
        out.push(fields);
    }
}

fn open(record: &Value, part: u16) -> Body {
    let mut body = Body {
        id: string(record, "messageId").or_else(|| string(record, "toolCallId")),
        ..Body::default()
    };
    let kind = string(record, "type").unwrap_or_default();
    if part & IMPLIED != 0 {
        body.asks = string(record, "toolCallName").into_iter().collect();
    } else if kind == "RUN_ERROR" {
        body.error = Some(ErrorText {
            kind: string(record, "code"),
            message: string(record, "message").unwrap_or_default(),
            stack: None,
        });
    } else {
        let words = ["value", "name"].iter().find_map(|key| record.get(key));
        body.text = match words.and_then(text_of) {
            Some(words) => Some(format!("{kind}: {words}")),
            None if kind.ends_with("_START") => None,
            None => Some(kind),
        };
    }
    body
}

/// Joins the events of a row, from the first to the last; events of other rows lie between them.
fn put_together(record: &Value, body: &mut Body) {
    let one = std::slice::from_ref(record);
    let events = record.as_array().map_or(one, Vec::as_slice);
    let id = body.id.clone();
    let is_own = |event: &&Value| {
        let named = string(event, "toolCallId").or_else(|| string(event, "messageId"));
        named == id
    };
    let mut pieces = String::new();
    for event in events.iter().filter(is_own) {
        pieces.push_str(&string(event, "delta").unwrap_or_default());
        if string(event, "type").as_deref() == Some("TOOL_CALL_RESULT") {
            let content = event.get("content").and_then(text_of);
            body.result = content.map(|text| unpacked(&Value::String(text)));
        }
    }
    let first = events.first().and_then(|event| string(event, "type"));
    let is_call = first.is_some_and(|kind| kind.starts_with("TOOL_CALL"));
    if pieces.is_empty() {
        return;
    }
    if is_call {
        body.args = Some(unpacked(&Value::String(pieces)));
    } else {
        body.text = Some(pieces);
        body.asks.clear();
    }
}
