//! The `openhands` format: trajectories of OpenHands before its SDK, an array of events, or lines of an
//! evaluation with the events of one instance each.
//!
//! An observation names the action that caused it, whose call id may be reused. Tokens and cost are running
//! totals (`llm_metrics`), of which the last one counts. In files of 2024 events have no id, and each
//! action is followed by its result. Source: `openhands/events/` of All-Hands-AI.

use serde_json::Value;

use super::conversation::{Conversation, known};
use super::messages::{self, CALLS, TEXT};
use crate::ingest::assemble::{self, Assembler};
use crate::ingest::body::{ApprovalText, Body, ErrorText};
use crate::ingest::fact::{Fact, FactKind, FactSink, IMPLIED, Name, Text};
use crate::ingest::format::{Decode, Format, Held, Layout, Open, Recorded, Request};
use crate::ingest::formats::content::{string, text_of};
use crate::ingest::formats::entry::decode_tree;
use crate::ingest::formats::members;
use crate::ingest::json::{Record, View};
use crate::model::action::{Flags, Status, Verdict};

#[derive(Debug)]
pub struct OpenHands;

impl Format for OpenHands {
    fn name(&self) -> &'static str {
        "openhands"
    }

    fn about(&self) -> &'static str {
        "OpenHands trajectories and evaluation output"
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
}

impl Decode for OpenHands {
    fn sniff(&self, record: &Value) -> u8 {
        let history = record.get("history").is_some_and(Value::is_array);
        let has = |key: &str| record.get(key).is_some();
        let instance = has("instance_id") || has("instruction") && has("git_patch");
        match members::text(record, "source") {
            _ if history && instance => 80,
            "user" | "agent" | "environment" if is_event(record) => 80,
            _ => 0,
        }
    }

    fn sniff_document(&self, head: &Value) -> u8 {
        let event = |it: &Value| it.get("source").is_some() && is_event(it);
        if members::most(head, event) { 90 } else { 0 }
    }

    fn lists(&self) -> Option<&'static [&'static str]> {
        Some(&[])
    }

    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        decode_tree(record, out, |record, out| {
            if record.get("history").is_array() {
                instance(record, out);
            } else {
                event(record, Text::default(), out);
            }
        });
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(Conversation::new("openhands"))
    }
}

impl Layout for OpenHands {
    fn folders(&self) -> &'static [&'static str] {
        &[".openhands/sessions"]
    }
}

impl Open for OpenHands {
    fn open(&self, record: &Value, part: u16) -> Body {
        open(record, part)
    }

    fn open_result(&self, record: &Value, _part: u16, body: &mut Body) {
        let content = string(record, "content").or_else(|| string(record, "message"));
        if failed(
            record.get("observation").and_then(Value::as_str),
            exit_code(record),
        ) {
            body.error = Some(ErrorText {
                message: content.clone().unwrap_or_default(),
                ..ErrorText::default()
            });
        }
        body.result = content.map(Value::String);
    }

    fn open_attached(&self, record: &Value, _part: u16, body: &mut Body) {
        body.approvals.push(ApprovalText {
            state: string(record.get("args").unwrap_or(record), "confirmation_state")
                .or_else(|| string(record, "observation")),
            reason: string(record, "content"),
            ..ApprovalText::default()
        });
    }
}

impl Request for OpenHands {}

/// An action with its arguments, or an observation with its content.
fn is_event(record: &Value) -> bool {
    let is_text = |key: &str| record.get(key).is_some_and(Value::is_string);
    is_text("action") && members::all(record, &["args"])
        || is_text("observation") && members::all(record, &["content"])
}

/// Actions of a person or the harness rather than tool calls of the model.
const NO_TOOLS: &[&str] = &[
    "message",
    "think",
    "finish",
    "system",
    "recall",
    "change_agent_state",
    "condensation",
    "null",
    "reject",
];

/// One instance of an evaluation: a run in one line.
fn instance(record: View<'_, '_>, out: &mut FactSink<'_>) {
    let mut start = Fact::new(FactKind::ImpliedStart);
    let id = out.copy(record.get("instance_id"));
    start.run = id;
    start.model = out.copy(record.get("metadata").get("llm_config").get("model"));
    out.name(Name::Task, id);
    out.push(start);
    for entry in record.get("history").items() {
        if entry.is_array() {
            for part in entry.items() {
                event(part, id, out);
            }
        } else {
            event(entry, id, out);
        }
    }
    let metrics = record.get("metrics");
    let mut end = Fact::new(FactKind::Setting);
    end.run = id;
    end.cost = known(metrics.get("accumulated_cost").usd());
    if record.get("error").is_some() && !record.get("error").raw().is_empty() {
        end.status = Status::Error;
    }
    let resolved = record.get("test_result").get("report").get("resolved");
    if let Some(solved) = resolved.or(record.get("success")).truth() {
        let recorded: &[u8] = if solved { b"true" } else { b"false" };
        let recorded = out.arena(recorded);
        out.name(Name::Correct, recorded);
    }
    out.push(end);
}

fn event(record: View<'_, '_>, run: Text, out: &mut FactSink<'_>) {
    let mut base = Fact::new(FactKind::Unknown).at(record.range());
    base.run = run;
    base.time = record.get("timestamp").time();
    let response = record.get("tool_call_metadata").get("model_response");
    base.model = out.copy(response.get("model"));
    let action = record.get("action");
    if record.get("observation").is_string() {
        observation(record, base, out);
    } else if action.is_string() {
        if NO_TOOLS.iter().any(|name| action.is(name)) {
            message(record, base, out);
        } else {
            call(record, base, out);
        }
    } else {
        out.push(base);
    }
    metrics(record, base, out);
}

fn message(record: View<'_, '_>, mut base: Fact, out: &mut FactSink<'_>) {
    let by_user = record.get("source").is("user") || !record.get("source").is_some();
    base.kind = match record.get("action").raw() {
        b"message" if by_user => FactKind::Prompt,
        b"message" | b"finish" | b"reject" => FactKind::Response,
        b"think" => FactKind::Reasoning,
        b"system" | b"recall" | b"condensation" => FactKind::Note,
        b"change_agent_state" | b"null" => FactKind::Copy,
        _ => FactKind::Unknown,
    };
    base.part = TEXT;
    out.push(base);
}

/// A tool call, with the text of its model call.
fn call(record: View<'_, '_>, base: Fact, out: &mut FactSink<'_>) {
    let meta = record.get("tool_call_metadata");
    let args = record.get("args").or(record);
    let group = out.copy(meta.get("model_response").get("id"));
    if !args.get("thought").text().trim().is_empty() {
        let mut fact = base;
        fact.kind = FactKind::Response;
        fact.part = TEXT;
        out.name(Name::Group, group);
        out.push(fact);
    }
    let mut fact = base;
    fact.kind = FactKind::ToolCall;
    fact.part = CALLS;
    fact.tool = out.copy(meta.get("function_name").or(record.get("action")));
    fact.id = out.copy(record.get("id"));
    fact.hash = assemble::hash(args.bytes());
    out.name(Name::Group, group);
    out.push(fact);
    let mut news = base;
    news.part = CALLS;
    news.call = out.copy(record.get("id"));
    news.kind = FactKind::Approval;
    news.verdict = match args.get("confirmation_state").raw() {
        b"awaiting_confirmation" => Verdict::Requested,
        b"rejected" => Verdict::Denied,
        // `confirmed` is also written if no user was asked.
        _ => return,
    };
    out.push(news);
}

fn observation(record: View<'_, '_>, mut base: Fact, out: &mut FactSink<'_>) {
    base.call = out.copy(record.get("cause"));
    let kind = record.get("observation");
    let code = record
        .get("extras")
        .get("metadata")
        .get("exit_code")
        .or(record.any(&["exit_code"]))
        .or(record.get("extras").get("exit_code"));
    base.kind = FactKind::ToolResult;
    base.part = CALLS;
    base.status = match kind.raw() {
        b"agent_state_changed" | b"null" => {
            base.kind = FactKind::Copy;
            Status::Unrecorded
        }
        b"user_rejected" => {
            base.verdict = Verdict::Denied;
            let by = out.arena(b"user");
            out.name(Name::By, by);
            Status::Denied
        }
        b"recall" | b"condense" | b"agent_condensation" => {
            base.kind = FactKind::Note;
            Status::Unrecorded
        }
        b"error" if !record.get("cause").is_some() => {
            base.kind = FactKind::Error;
            Status::Error
        }
        kind if failed(std::str::from_utf8(kind).ok(), code.number()) => Status::Error,
        _ if record.get("success").truth() == Some(true) || code.number() == Some(0.0) => {
            Status::Ok
        }
        _ if record.get("success").truth() == Some(false) => Status::Error,
        _ if says_error(record.get("content")) => {
            base.flags.set(Flags::INFERRED);
            Status::Error
        }
        _ => Status::Unrecorded,
    };
    out.push(base);
}

/// The word that the tools for files begin a failure with.
pub(super) fn says_error(content: View<'_, '_>) -> bool {
    let first = content.items().next().map(|part| part.get("text"));
    let begin = first.unwrap_or(content).opening();
    let begin = begin.trim_start();
    begin.starts_with("ERROR:") || begin.starts_with("[An error occurred during execution")
}

/// An exit code of -1 means that the command is still running.
fn failed(kind: Option<&str>, code: Option<f64>) -> bool {
    kind == Some("error") || code.is_some_and(|code| code > 0.0)
}

/// The running totals: the increase belongs to the last model call.
fn metrics(record: View<'_, '_>, base: Fact, out: &mut FactSink<'_>) {
    let recorded = record.get("llm_metrics");
    if !recorded.is_object() {
        return;
    }
    let mut fact = base;
    fact.kind = FactKind::RunningTotal;
    let usage = messages::running(recorded.get("accumulated_token_usage"));
    out.usage(&mut fact, usage);
    fact.cost = recorded.get("accumulated_cost").usd();
    out.push(fact);
}

fn exit_code(record: &Value) -> Option<f64> {
    let places = [
        "/extras/metadata/exit_code",
        "/exit_code",
        "/extras/exit_code",
    ];
    places
        .iter()
        .find_map(|place| record.pointer(place)?.as_f64())
}

fn open(record: &Value, part: u16) -> Body {
    let args = record.get("args").unwrap_or(record);
    let tool = record
        .pointer("/tool_call_metadata/function_name")
        .or_else(|| record.get("action"))
        .and_then(Value::as_str);
    let mut body = Body {
        id: record.get("id").and_then(text_of),
        ..Body::default()
    };
    if part & IMPLIED != 0 {
        body.asks = tool.into_iter().map(str::to_owned).collect();
    } else if part == CALLS && record.get("action").is_some() {
        let mut fields = args.clone();
        if let Some(fields) = fields.as_object_mut() {
            for key in [
                "thought",
                "confirmation_state",
                "action",
                "source",
                "message",
                "is_confirmed",
            ] {
                fields.remove(key);
            }
        }
        body.args = Some(fields);
    } else if record.get("observation").and_then(Value::as_str) == Some("error") {
        body.error = Some(ErrorText {
            message: string(record, "content").unwrap_or_default(),
            ..ErrorText::default()
        });
    } else {
        let keys = ["thought", "content", "final_thought", "message"];
        let filled = |value: &Value, key: &&str| string(value, key).filter(|text| !text.is_empty());
        body.text = keys
            .iter()
            .find_map(|key| filled(args, key))
            .or_else(|| keys.iter().find_map(|key| filled(record, key)))
            .or_else(|| tool.map(str::to_owned));
    }
    body
}
