//! The `codex-exec` format: the output of `codex exec --json`.
//!
//! No line has a time or a model. Tokens are recorded per turn, not per model call, so they are booked on
//! the line that ends the turn. An item is reported when it starts and again when it completes. Source: the
//! events of `codex exec`, and real output.

use serde_json::{Map, Value};

use super::conversation::Conversation;
use super::messages;
use crate::ingest::assemble::{self, Assembler};
use crate::ingest::body::{Body, ErrorText};
use crate::ingest::fact::{Echo, Fact, FactKind, FactSink, IMPLIED};
use crate::ingest::format::{Decode, Format, Held, Layout, Open, Recorded, Request};
use crate::ingest::formats::content::string;
use crate::ingest::formats::entry::decode_tree;
use crate::ingest::formats::members;
use crate::ingest::json::{Record, View};
use crate::model::action::{Status, Verdict};

#[derive(Debug)]
pub struct CodexExec;

impl Format for CodexExec {
    fn name(&self) -> &'static str {
        "codex-exec"
    }

    fn about(&self) -> &'static str {
        "Codex CLI, printed by codex exec --json"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Partly,
            cost: Held::No,
            times: Held::No,
            results: Held::Yes,
            approvals: Held::Partly,
        }
    }
}

impl Decode for CodexExec {
    fn sniff(&self, record: &Value) -> u8 {
        let has = |key: &str| record.get(key).is_some();
        let item = record.get("item");
        let kinds = ["type", "item_type"].map(|key| item.map_or("", |it| members::text(it, key)));
        match members::text(record, "type") {
            "thread.started" if has("thread_id") => 95,
            "item.started" | "item.updated" | "item.completed"
                if kinds.iter().any(|kind| ITEMS.contains(kind)) =>
            {
                90
            }
            "item.started" | "item.updated" | "item.completed" if item.is_some() => 10,
            "turn.completed" if record.pointer("/usage/input_tokens").is_some() => 60,
            "turn.started" | "turn.completed" | "turn.failed" | "error" => 10,
            _ => 0,
        }
    }

    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        decode_tree(record, out, line);
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(Conversation::new("codex"))
    }
}

/// The kinds of items that distinguish this format from other event streams.
const ITEMS: &[&str] = &[
    "agent_message",
    "assistant_message",
    "reasoning",
    "command_execution",
    "file_change",
    "mcp_tool_call",
    "collab_tool_call",
    "web_search",
    "todo_list",
];

impl Layout for CodexExec {}

impl Open for CodexExec {
    fn open(&self, record: &Value, part: u16) -> Body {
        open(record, part)
    }

    fn open_result(&self, record: &Value, _part: u16, body: &mut Body) {
        answer(record.get("item").unwrap_or(record), body);
    }

    fn open_attached(&self, _record: &Value, _part: u16, body: &mut Body) {
        body.approvals.push(crate::ingest::body::ApprovalText {
            state: Some("denied".to_owned()),
            ..Default::default()
        });
    }
}

impl Request for CodexExec {}

const TOOLS: &[&str] = &[
    "command_execution",
    "file_change",
    "mcp_tool_call",
    "web_search",
    "collab_tool_call",
];

fn open(record: &Value, part: u16) -> Body {
    let item = record.get("item").unwrap_or(record);
    let kind = string(item, "type").unwrap_or_default();
    let mut body = Body {
        id: string(item, "id"),
        ..Body::default()
    };
    if part & IMPLIED != 0 {
        body.asks = vec![string(item, "tool").unwrap_or(kind)];
    } else if TOOLS.contains(&kind.as_str()) {
        let fields: Map<String, Value> = ["command", "changes", "arguments", "query", "server"]
            .iter()
            .filter_map(|key| Some(((*key).to_owned(), item.get(key)?.clone())))
            .collect();
        body.args = Some(Value::Object(fields));
    } else if let Some(message) = string(item, "message")
        .or_else(|| string(record.get("error")?, "message"))
        .filter(|_| kind == "error" || record.get("error").is_some())
    {
        body.error = Some(ErrorText {
            message,
            ..ErrorText::default()
        });
    } else {
        body.text = string(item, "text")
            .or_else(|| Some(item.get("items")?.to_string()))
            .or_else(|| string(item, "message"))
            .or_else(|| string(record, "type"));
    }
    body
}

fn answer(item: &Value, body: &mut Body) {
    body.result = ["aggregated_output", "result", "error", "status"]
        .iter()
        .find_map(|key| item.get(key).filter(|value| !value.is_null()))
        .cloned();
    if let Some(code) = item.get("exit_code").and_then(Value::as_i64) {
        body.labels.push(("exit code".to_owned(), code.to_string()));
    }
}

fn line(record: View<'_, '_>, out: &mut FactSink<'_>) {
    let kind = record.get("type");
    let mut fact = Fact::new(FactKind::Unknown);
    match kind.raw() {
        b"thread.started" => {
            fact.kind = FactKind::RunStart;
            fact.run = out.copy(record.get("thread_id"));
        }
        b"turn.started" => fact.kind = FactKind::Copy,
        b"turn.completed" => {
            fact.kind = FactKind::Usage;
            out.usage(&mut fact, messages::usage(record.get("usage")));
        }
        b"turn.failed" | b"error" => fact.kind = FactKind::Error,
        b"item.started" | b"item.updated" | b"item.completed" => {
            item(record, kind.is("item.completed"), out);
            return;
        }
        _ => {}
    }
    out.push(fact);
}

fn item(record: View<'_, '_>, complete: bool, out: &mut FactSink<'_>) {
    let item = record.get("item");
    let kind = item.get("type");
    let is_tool = TOOLS.iter().any(|tool| kind.is(tool));
    let mut fact = Fact::new(match kind.raw() {
        _ if is_tool => FactKind::ToolCall,
        _ if !complete => FactKind::Copy,
        b"agent_message" => FactKind::Response,
        b"reasoning" => FactKind::Reasoning,
        b"error" => FactKind::Error,
        b"todo_list" => FactKind::Note,
        _ => FactKind::Unknown,
    });
    if is_tool {
        fact.id = out.copy(item.get("id"));
        fact.tool = out.copy(item.get("tool").or(kind));
        let fields = item.any(&["command", "changes", "arguments", "query"]);
        fact.hash = assemble::hash(fields.bytes());
        // The same call may have been reported when it started.
        fact.echo = Echo::MayRepeat;
    }
    out.push(fact);
    if is_tool && complete {
        result(item, out);
    }
}

fn result(item: View<'_, '_>, out: &mut FactSink<'_>) {
    let mut fact = Fact::new(FactKind::ToolResult);
    fact.call = out.copy(item.get("id"));
    let failed = item
        .get("exit_code")
        .number()
        .is_some_and(|code| code != 0.0);
    fact.status = match item.get("status").raw() {
        b"declined" => Status::Denied,
        b"failed" => Status::Error,
        _ if failed || item.get("error").is_some() => Status::Error,
        b"completed" => Status::Ok,
        _ => Status::Unrecorded,
    };
    if fact.status == Status::Denied {
        fact.verdict = Verdict::Denied;
    }
    out.push(fact);
}
