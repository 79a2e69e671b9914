//! The `copilot` format: session events of the GitHub Copilot CLI.
//!
//! The arguments of a call are recorded twice, where it is requested and where it starts. Output tokens are
//! recorded per message, all others only in the last line, `session.shutdown`, as totals that restart with
//! a resume. Source: event files of the CLI; there is no official description.

use serde_json::Value;

use super::conversation::Conversation;
use super::messages::{self, BLOCKS, REASONING, TEXT, without};
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
pub struct Copilot;

impl Format for Copilot {
    fn name(&self) -> &'static str {
        "copilot"
    }

    fn about(&self) -> &'static str {
        "GitHub Copilot CLI sessions"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Partly,
            cost: Held::No,
            times: Held::Yes,
            results: Held::Yes,
            approvals: Held::Partly,
        }
    }
}

impl Decode for Copilot {
    fn sniff(&self, record: &Value) -> u8 {
        let kind = members::text(record, "type");
        let Some(data) = record.get("data").filter(|data| data.is_object()) else {
            return 0;
        };
        let known = [
            "session.",
            "assistant.",
            "tool.",
            "user.",
            "hook.",
            "subagent.",
            "system.",
            "permission.",
            "skill.",
        ];
        let entry = members::all(record, &["id", "parentId", "timestamp"]);
        let start = members::any(data, &["copilotVersion", "producer"]);
        match known.iter().any(|start| kind.starts_with(start)) {
            true if entry || start => 90,
            true => 10,
            false => 10 * u8::from(entry),
        }
    }

    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        decode_tree(record, out, line);
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(Conversation::new("copilot"))
    }
}

impl Layout for Copilot {
    fn folders(&self) -> &'static [&'static str] {
        &[".copilot/session-state"]
    }
}

impl Open for Copilot {
    fn open(&self, record: &Value, part: u16) -> Body {
        open(record, part)
    }

    fn open_result(&self, record: &Value, _part: u16, body: &mut Body) {
        let data = record.get("data").unwrap_or(record);
        if data.get("toolCallId").is_none() {
            body.text = string(data, "content");
            body.asks.clear();
            return;
        }
        let content = data.pointer("/result/content").and_then(text_of);
        let failed = data.get("success").and_then(Value::as_bool) == Some(false);
        if failed {
            let message = data.pointer("/error/message").and_then(text_of);
            body.error = Some(ErrorText {
                kind: data.pointer("/error/code").and_then(text_of),
                message: message.or_else(|| content.clone()).unwrap_or_default(),
                stack: None,
            });
        }
        body.result = content.map(|text| unpacked(&Value::String(text)));
    }

    fn open_attached(&self, record: &Value, _part: u16, body: &mut Body) {
        let data = record.get("data").unwrap_or(record);
        body.approvals.push(ApprovalText {
            state: ["/result/kind", "/decision", "/result"]
                .iter()
                .find_map(|place| data.pointer(place)?.as_str().map(str::to_owned))
                .or_else(|| Some("requested".to_owned())),
            args: data.get("permissionRequest").cloned(),
            ..ApprovalText::default()
        });
    }
}

impl Request for Copilot {}

fn line(record: View<'_, '_>, out: &mut FactSink<'_>) {
    let data = record.get("data");
    let mut base = Fact::new(FactKind::Unknown);
    base.time = record.get("timestamp").time();
    base.parent = out.copy(record.get("parentId"));
    match record.get("type").raw() {
        b"session.start" => {
            base.kind = FactKind::RunStart;
            base.run = out.copy(data.get("sessionId"));
            base.model = out.copy(data.get("selectedModel"));
            out.copy_name(Name::Release, data.get("copilotVersion"));
        }
        b"session.model_change" => {
            base.kind = FactKind::Setting;
            base.model = out.copy(data.get("newModel"));
        }
        b"session.title_changed" => {
            base.kind = FactKind::Setting;
            out.copy_name(Name::Title, data.get("title"));
        }
        b"session.error" | b"subagent.failed" => base.kind = FactKind::Error,
        b"session.shutdown" => {
            shutdown(data, base, out);
            return;
        }
        b"user.message" => base.kind = FactKind::Prompt,
        b"assistant.message" => {
            message(record, base, out);
            return;
        }
        b"assistant.reasoning" => base.kind = FactKind::Reasoning,
        b"tool.execution_start" => {
            started(data, base, out);
            return;
        }
        b"tool.execution_complete" => {
            base.kind = FactKind::ToolResult;
            base.call = out.copy(data.get("toolCallId"));
            base.duration = data
                .get("toolTelemetry")
                .get("metrics")
                .get("durationMs")
                .millis();
            base.status = match data.get("success").truth() {
                Some(true) => Status::Ok,
                Some(false) if data.get("error").get("code").is("denied") => Status::Denied,
                Some(false) => Status::Error,
                None => Status::Unrecorded,
            };
        }
        b"permission.requested" | b"permission.completed" => permission(record, &mut base, out),
        b"abort" => {
            base.kind = FactKind::Note;
            base.status = Status::Cancelled;
        }
        b"system.message"
        | b"system.notification"
        | b"session.info"
        | b"session.resume"
        | b"session.truncation"
        | b"session.compaction_complete"
        | b"subagent.started"
        | b"subagent.completed" => base.kind = FactKind::Note,
        b"assistant.turn_start"
        | b"assistant.turn_end"
        | b"hook.start"
        | b"hook.end"
        | b"session.usage_checkpoint"
        | b"session.compaction_start"
        | b"tool.execution_progress" => {
            base.kind = FactKind::Copy;
        }
        _ => {}
    }
    lane(data, out);
    out.copy_name(Name::Record, record.get("id"));
    out.push(base);
}

/// Everything below a call of the main agent belongs to a subagent.
fn lane(data: View<'_, '_>, out: &mut FactSink<'_>) {
    let starter = data.get("parentToolCallId");
    if starter.is_string() {
        let lane = out.arena(&[b"agent/", starter.raw()].concat());
        out.name(Name::Lane, lane);
        out.copy_name(Name::Starter, starter);
    }
}

fn message(record: View<'_, '_>, mut base: Fact, out: &mut FactSink<'_>) {
    let data = record.get("data");
    base.model = out.copy(data.get("model"));
    let mut usage = Usage {
        output: data.get("outputTokens").tokens(),
        ..Usage::NONE
    };
    let group = out.copy(data.get("messageId"));
    let mut push = |kind, part, mut fact: Fact, out: &mut FactSink<'_>| {
        fact.kind = kind;
        fact.part = part;
        out.name(Name::Group, group);
        lane(data, out);
        if kind != FactKind::Reasoning {
            out.usage(&mut fact, std::mem::take(&mut usage));
        }
        out.push(fact);
    };
    if !data.get("reasoningText").raw().is_empty() {
        push(FactKind::Reasoning, REASONING, base, out);
    }
    let requests = data.get("toolRequests");
    if !data.get("content").raw().is_empty() || requests.items().next().is_none() {
        push(FactKind::Response, TEXT, base, out);
    }
    for (at, request) in requests.items().enumerate() {
        let mut fact = base;
        fact.tool = out.copy(request.get("name"));
        fact.id = out.copy(request.get("toolCallId"));
        fact.hash = assemble::hash(request.get("arguments").bytes());
        // The call may have started before the message was written.
        fact.echo = Echo::MayRepeat;
        push(FactKind::ToolCall, BLOCKS + at as u16, fact, out);
    }
}

/// A call that started; it is new if no message requested it.
fn started(data: View<'_, '_>, mut base: Fact, out: &mut FactSink<'_>) {
    base.kind = FactKind::ToolCall;
    base.part = TEXT;
    base.tool = out.copy(data.get("toolName"));
    base.id = out.copy(data.get("toolCallId"));
    base.hash = assemble::hash(data.get("arguments").bytes());
    base.echo = Echo::MayRepeat;
    lane(data, out);
    out.push(base);
}

fn permission(record: View<'_, '_>, base: &mut Fact, out: &mut FactSink<'_>) {
    let data = record.get("data");
    base.kind = FactKind::Approval;
    let call = data
        .get("toolCallId")
        .or(data.get("permissionRequest").get("toolCallId"));
    base.call = out.copy(call);
    let kind = data.get("result").get("kind").or(data.get("decision"));
    base.verdict = match (record.get("type").raw(), kind.raw()) {
        (b"permission.requested", _) => Verdict::Requested,
        (_, kind) if kind.starts_with(b"approved") => Verdict::Approved,
        (_, kind) if kind.starts_with(b"denied") => Verdict::Denied,
        _ => Verdict::Unrecorded,
    };
}

/// The usage of the session, by model. Output tokens were already recorded with each message.
fn shutdown(data: View<'_, '_>, base: Fact, out: &mut FactSink<'_>) {
    for (name, recorded) in data.get("modelMetrics").members() {
        let mut fact = base;
        fact.kind = FactKind::RunTotal;
        fact.model = out.arena(name);
        out.usage(&mut fact, total(recorded.get("usage")));
        out.push(fact);
    }
    let mut fact = base;
    fact.kind = FactKind::RunEnd;
    fact.status = match data.get("shutdownType").raw() {
        b"error" => Status::Error,
        _ => Status::Ok,
    };
    out.push(fact);
}

fn total(recorded: View<'_, '_>) -> Usage {
    let read = recorded.get("cacheReadTokens").tokens();
    let written = recorded.get("cacheWriteTokens").tokens();
    let cached = read.or_zero().saturating_add(written.or_zero());
    Usage {
        input: without(recorded.get("inputTokens").tokens(), cached),
        output: recorded.get("outputTokens").tokens(),
        cache_read: read,
        cache_write: written,
        reasoning: recorded.get("reasoningTokens").tokens(),
        ..Usage::NONE
    }
}

fn open(record: &Value, part: u16) -> Body {
    let data = record.get("data").unwrap_or(record);
    let kind = string(record, "type").unwrap_or_default();
    let mut body = Body {
        id: string(record, "id"),
        parent_id: string(record, "parentId"),
        ..Body::default()
    };
    let requests = data.get("toolRequests").and_then(Value::as_array);
    if part & IMPLIED != 0 {
        let names = requests.into_iter().flatten();
        body.asks = names
            .filter_map(|request| string(request, "name"))
            .chain(string(data, "toolName"))
            .collect();
    } else if part >= BLOCKS {
        let request = requests.and_then(|list| list.get(usize::from(part - BLOCKS)));
        if let Some(request) = request {
            messages::open_call(request, &mut body);
        }
    } else if kind == "tool.execution_start" {
        messages::open_call(data, &mut body);
    } else if part == REASONING {
        body.text = string(data, "reasoningText");
    } else if matches!(kind.as_str(), "session.error" | "subagent.failed") {
        body.error = Some(ErrorText {
            kind: string(data, "errorType"),
            message: string(data, "message")
                .or_else(|| string(data, "error"))
                .unwrap_or_default(),
            stack: string(data, "stack"),
        });
    } else {
        let keys = [
            "content",
            "message",
            "reason",
            "agentDisplayName",
            "shutdownType",
        ];
        let words = keys.iter().find_map(|key| string(data, key));
        let is_speech = matches!(
            kind.as_str(),
            "user.message" | "assistant.message" | "assistant.reasoning"
        );
        body.text = match words {
            Some(words) if is_speech => Some(words),
            Some(words) => Some(format!("{kind}: {words}")),
            None => Some(kind),
        };
    }
    body
}
