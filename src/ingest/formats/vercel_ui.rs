//! The `vercel-ui` format: messages of the Vercel AI SDK as stored by its user interfaces.
//!
//! A message is a list of parts: text, reasoning, and tools with their state. There are no tokens or times;
//! an approval is requested and answered in the part of its tool. Source: AI SDK reference, `UIMessage`
//! (versions 4 to 6).

use serde_json::Value;

use super::conversation::Conversation;
use super::messages::{BLOCKS, TEXT};
use crate::ingest::assemble::{self, Assembler};
use crate::ingest::body::{ApprovalText, Body, ErrorText};
use crate::ingest::fact::{Fact, FactKind, FactSink, IMPLIED};
use crate::ingest::format::{Decode, Format, Held, Layout, Open, Recorded, Request};
use crate::ingest::formats::content::{string, unpacked};
use crate::ingest::formats::entry::decode_tree;
use crate::ingest::formats::members;
use crate::ingest::json::{Record, View};
use crate::model::action::{Status, Verdict};
use crate::model::quantity::Time;

#[derive(Debug)]
pub struct VercelUi;

impl Format for VercelUi {
    fn name(&self) -> &'static str {
        "vercel-ui"
    }

    fn about(&self) -> &'static str {
        "Vercel AI SDK messages, as stored by its user interfaces"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::No,
            cost: Held::No,
            times: Held::Partly,
            results: Held::Yes,
            approvals: Held::Yes,
        }
    }
}

impl Decode for VercelUi {
    fn sniff(&self, record: &Value) -> u8 {
        if is_message(record) { 60 } else { 0 }
    }

    fn sniff_document(&self, head: &Value) -> u8 {
        let list = head.get("messages").unwrap_or(head);
        if members::most(list, is_message) {
            60
        } else {
            0
        }
    }

    fn lists(&self) -> Option<&'static [&'static str]> {
        Some(&["messages"])
    }

    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        let member = record.member;
        decode_tree(record, out, |record, out| match member {
            b"" | b"[]" | b"messages" => message(record, out),
            b"id" | b"chatId" => {
                let mut fact = Fact::new(FactKind::Setting);
                fact.run = out.copy(record);
                out.push(fact);
            }
            _ => out.push(Fact::new(FactKind::Copy)),
        });
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(Conversation::new("assistant"))
    }
}

impl Layout for VercelUi {}

impl Open for VercelUi {
    fn open(&self, record: &Value, part: u16) -> Body {
        open(record, part)
    }

    fn open_result(&self, record: &Value, part: u16, body: &mut Body) {
        let Some(tool) = part_of(record, part) else {
            return;
        };
        if tool.get("toolCallId").is_none() {
            body.text = string(tool, "text");
            body.asks.clear();
            return;
        }
        body.result = field(tool, "output")
            .or_else(|| field(tool, "result"))
            .cloned();
        if let Some(message) = string(tool, "errorText") {
            body.error = Some(ErrorText {
                message,
                ..ErrorText::default()
            });
        }
    }

    fn open_attached(&self, record: &Value, part: u16, body: &mut Body) {
        let approval = part_of(record, part).and_then(|tool| tool.get("approval"));
        let approved = approval.and_then(|it| it.get("approved")?.as_bool());
        body.approvals.push(ApprovalText {
            state: Some(match approved {
                Some(true) => "approved".to_owned(),
                Some(false) => "denied".to_owned(),
                None => "requested".to_owned(),
            }),
            reason: approval.and_then(|it| string(it, "reason")),
            ..ApprovalText::default()
        });
    }
}

impl Request for VercelUi {}

fn is_message(record: &Value) -> bool {
    let parts = record.get("parts").and_then(Value::as_array);
    let typed = |part: &Value| part.get("type").is_some_and(Value::is_string);
    let role = record.get("role").and_then(Value::as_str);
    matches!(role, Some("system" | "user" | "assistant"))
        && parts.is_some_and(|parts| parts.first().is_some_and(typed))
}

/// A tool part: `tool-NAME`, `dynamic-tool`, and `tool-invocation` of version 4.
fn is_tool(kind: &[u8]) -> bool {
    kind.starts_with(b"tool-") || kind == b"dynamic-tool"
}

fn message(record: View<'_, '_>, out: &mut FactSink<'_>) {
    let mut base = Fact::new(FactKind::Unknown).at(record.range());
    base.time = record
        .get("createdAt")
        .or(record.get("metadata").get("createdAt"))
        .time();
    let kind = match record.get("role").raw() {
        b"user" => FactKind::Prompt,
        b"system" => FactKind::Note,
        b"assistant" => FactKind::Response,
        _ => FactKind::Unknown,
    };
    if kind != FactKind::Response {
        base.kind = kind;
        base.part = TEXT;
        out.push(base);
        return;
    }
    for (at, part) in record.get("parts").items().enumerate() {
        let mut fact = base;
        fact.part = BLOCKS + at as u16;
        match part.get("type").raw() {
            b"text" => fact.kind = FactKind::Response,
            b"reasoning" => fact.kind = FactKind::Reasoning,
            kind if is_tool(kind) => {
                let inner = part.get("toolInvocation").or(part);
                tool(inner, kind, fact, out);
                continue;
            }
            b"step-start" => fact.kind = FactKind::Copy,
            _ => fact.kind = FactKind::Note,
        }
        out.push(fact);
    }
}

fn tool(part: View<'_, '_>, kind: &[u8], base: Fact, out: &mut FactSink<'_>) {
    let id = out.copy(part.get("toolCallId"));
    let mut call = base;
    call.kind = FactKind::ToolCall;
    call.id = id;
    call.tool = if part.get("toolName").is_string() {
        out.copy(part.get("toolName"))
    } else {
        out.arena(kind.strip_prefix(b"tool-").unwrap_or(kind))
    };
    call.hash = assemble::hash(part.any(&["input", "args"]).bytes());
    out.push(call);
    let approval = part.get("approval");
    if approval.is_object() {
        let mut fact = base;
        fact.kind = FactKind::Approval;
        fact.call = id;
        fact.verdict = match approval.get("approved").truth() {
            Some(true) => Verdict::Approved,
            Some(false) => Verdict::Denied,
            None => Verdict::Requested,
        };
        out.push(fact);
    }
    let mut result = base;
    result.kind = FactKind::ToolResult;
    result.call = id;
    // The time is that of the message: durations of tools are not recorded.
    result.time = Time::NONE;
    result.status = match part.get("state").raw() {
        b"output-available" | b"result" => Status::Ok,
        b"output-error" => Status::Error,
        b"output-denied" => Status::Denied,
        _ => return,
    };
    out.push(result);
}

fn part_of(record: &Value, part: u16) -> Option<&Value> {
    let at = (part & !IMPLIED).checked_sub(BLOCKS)?;
    let part = record.get("parts")?.get(usize::from(at))?;
    Some(part.get("toolInvocation").unwrap_or(part))
}

fn field<'a>(part: &'a Value, key: &str) -> Option<&'a Value> {
    part.get(key).filter(|value| !value.is_null())
}

fn open(record: &Value, part: u16) -> Body {
    let mut body = Body {
        id: string(record, "id"),
        ..Body::default()
    };
    let Some(found) = part_of(record, part) else {
        let parts = record.get("parts").and_then(Value::as_array);
        let texts = parts.into_iter().flatten();
        let texts: Vec<String> = texts.filter_map(|part| string(part, "text")).collect();
        body.text = Some(texts.join("\n"));
        return body;
    };
    let kind = string(found, "type").unwrap_or_default();
    let name = string(found, "toolName")
        .unwrap_or_else(|| kind.strip_prefix("tool-").unwrap_or(&kind).to_owned());
    if part & IMPLIED != 0 {
        body.asks = vec![name];
    } else if found.get("toolCallId").is_some() {
        body.id = string(found, "toolCallId");
        body.args = field(found, "input")
            .or_else(|| field(found, "args"))
            .map(unpacked);
    } else {
        body.text = string(found, "text").or(Some(kind));
    }
    body
}
