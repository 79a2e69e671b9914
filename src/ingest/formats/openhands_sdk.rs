//! The `openhands-sdk` format: events of the OpenHands SDK, one per line or one per file.
//!
//! Several actions with one `llm_response_id` are one model call. Tokens and cost are running totals per
//! use of a model, recorded as the value of a state update. A person who refuses a call leaves a
//! `UserRejectObservation`. Source: `openhands/sdk/event/` of OpenHands/software-agent-sdk.

use serde_json::Value;

use super::conversation::Conversation;
use super::messages::{self, CALLS, REASONING, TEXT};
use super::openhands::says_error;
use crate::ingest::assemble::{self, Assembler};
use crate::ingest::body::{ApprovalText, Body, DecisionText, ErrorText};
use crate::ingest::fact::{Fact, FactKind, FactSink, IMPLIED, Name};
use crate::ingest::format::{Decode, Format, Held, Layout, Open, Recorded, Request, TELLS};
use crate::ingest::formats::content::{string, text_of};
use crate::ingest::formats::entry::decode_tree;
use crate::ingest::formats::members;
use crate::ingest::json::{Record, View};
use crate::model::action::{Flags, Status, Verdict};

#[derive(Debug)]
pub struct OpenHandsSdk;

impl Format for OpenHandsSdk {
    fn name(&self) -> &'static str {
        "openhands-sdk"
    }

    fn about(&self) -> &'static str {
        "OpenHands SDK and CLI conversations"
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

impl Decode for OpenHandsSdk {
    fn sniff(&self, record: &Value) -> u8 {
        let kind = members::text(record, "kind");
        let known = KINDS.contains(&kind);
        let is_kind = kind.ends_with("Event") || kind.ends_with("Observation");
        match members::text(record, "source") {
            "agent" | "environment" | "user" | "hook" if known => 95,
            "agent" | "environment" | "user" | "hook" if is_kind => 10,
            _ => 0,
        }
    }

    fn sniff_document(&self, head: &Value) -> u8 {
        // The state of a conversation, stored beside its events.
        let agent = head.pointer("/agent/kind").is_some() && head.pointer("/agent/llm").is_some();
        if agent || self.sniff(head) >= TELLS {
            95
        } else {
            0
        }
    }

    fn lists(&self) -> Option<&'static [&'static str]> {
        Some(&[])
    }

    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        let member = record.member;
        decode_tree(record, out, |record, out| match member {
            b"" | b"[]" => event(record, out),
            _ => setting(member, record, out),
        });
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(Conversation::new("openhands"))
    }
}

/// The kinds of events that distinguish this format from other event logs.
const KINDS: &[&str] = &[
    "SystemPromptEvent",
    "MessageEvent",
    "ActionEvent",
    "ObservationEvent",
    "AgentErrorEvent",
    "UserRejectObservation",
    "RejectObservation",
    "ConversationErrorEvent",
    "ConversationStateUpdateEvent",
    "LLMCompletionLogEvent",
    "HookExecutionEvent",
    "TokenEvent",
    "Condensation",
    "CondensationRequest",
    "CondensationSummaryEvent",
    "ACPToolCallEvent",
    "InterruptEvent",
    "PauseEvent",
    "StreamingDeltaEvent",
];

impl Layout for OpenHandsSdk {
    fn folders(&self) -> &'static [&'static str] {
        &[".openhands/conversations"]
    }
}

impl Open for OpenHandsSdk {
    fn open(&self, record: &Value, part: u16) -> Body {
        open(record, part)
    }

    fn open_result(&self, record: &Value, _part: u16, body: &mut Body) {
        let seen = record.get("observation").unwrap_or(record);
        let text = seen
            .get("content")
            .or_else(|| seen.get("error"))
            .or_else(|| seen.get("rejection_reason"))
            .and_then(text_of);
        if seen.get("is_error").and_then(Value::as_bool) == Some(true)
            || seen.get("error").is_some()
        {
            body.error = Some(ErrorText {
                message: text.clone().unwrap_or_default(),
                ..ErrorText::default()
            });
        }
        body.result = text.map(Value::String);
    }

    fn open_attached(&self, record: &Value, _part: u16, body: &mut Body) {
        if string(record, "kind").as_deref() == Some("HookExecutionEvent") {
            body.decisions.push(DecisionText {
                policy: string(record, "hook_event_type"),
                decision: Some("block".to_owned()),
                reason: string(record, "reason"),
                ..DecisionText::default()
            });
            return;
        }
        body.approvals.push(ApprovalText {
            state: Some("denied".to_owned()),
            by: Some("user".to_owned()),
            reason: string(record, "rejection_reason"),
            ..ApprovalText::default()
        });
    }
}

impl Request for OpenHandsSdk {}

fn setting(member: &[u8], value: View<'_, '_>, out: &mut FactSink<'_>) {
    let mut fact = Fact::new(FactKind::Setting);
    match member {
        b"id" => fact.run = out.copy(value),
        b"agent" => fact.model = out.copy(value.get("llm").get("model")),
        _ => fact.kind = FactKind::Copy,
    }
    out.push(fact);
}

fn event(record: View<'_, '_>, out: &mut FactSink<'_>) {
    let mut base = Fact::new(FactKind::Unknown);
    base.time = record.get("timestamp").time();
    match record.get("kind").raw() {
        b"InterruptEvent" => {
            base.kind = FactKind::Note;
            base.status = Status::Cancelled;
        }
        b"MessageEvent" => {
            let by_user = record.get("source").is("user");
            base.kind = if by_user {
                FactKind::Prompt
            } else {
                FactKind::Response
            };
        }
        b"ActionEvent" | b"ACPToolCallEvent" => {
            call(record, base, out);
            return;
        }
        b"ObservationEvent" | b"AgentErrorEvent" | b"UserRejectObservation" => {
            answer(record, base, out);
            return;
        }
        b"ConversationErrorEvent" => base.kind = FactKind::Error,
        b"HookExecutionEvent" if record.get("blocked").truth() == Some(true) => {
            base.kind = FactKind::Decision;
            base.verdict = Verdict::Block;
            base.call = out.copy(record.get("action_id"));
            out.copy_name(Name::Policy, record.get("hook_event_type"));
        }
        b"SystemPromptEvent"
        | b"Condensation"
        | b"CondensationSummaryEvent"
        | b"PauseEvent"
        | b"TokenEvent"
        | b"HookExecutionEvent" => base.kind = FactKind::Note,
        b"ConversationStateUpdateEvent" => {
            state(record, base, out);
            return;
        }
        b"StreamingDeltaEvent" => base.kind = FactKind::Copy,
        _ => {}
    }
    out.push(base);
}

/// An update of the conversation state: its totals, or its execution status.
fn state(record: View<'_, '_>, base: Fact, out: &mut FactSink<'_>) {
    let value = record.get("value");
    let uses = value.get("usage_to_metrics");
    if record.get("key").is("stats") && uses.is_object() {
        for (_, recorded) in uses.members() {
            let mut fact = base;
            fact.kind = FactKind::RunningTotal;
            fact.model = out.copy(recorded.get("model_name"));
            fact.cost = recorded.get("accumulated_cost").usd();
            out.usage(
                &mut fact,
                messages::running(recorded.get("accumulated_token_usage")),
            );
            out.push(fact);
        }
        return;
    }
    let mut fact = base;
    fact.kind = FactKind::Copy;
    if record.get("key").is("execution_status") {
        fact.status = match value.raw() {
            b"error" | b"stuck" => Status::Error,
            _ => Status::Unrecorded,
        };
        if fact.status == Status::Error {
            fact.kind = FactKind::Error;
        }
    }
    out.push(fact);
}

fn call(record: View<'_, '_>, base: Fact, out: &mut FactSink<'_>) {
    let group = out.copy(record.get("llm_response_id"));
    let push = |kind, part, mut fact: Fact, out: &mut FactSink<'_>| {
        fact.kind = kind;
        fact.part = part;
        out.name(Name::Group, group);
        out.push(fact);
    };
    if !record.get("reasoning_content").raw().is_empty() {
        push(FactKind::Reasoning, REASONING, base, out);
    }
    let has_text = |part: View<'_, '_>| !part.get("text").text().trim().is_empty();
    if record.get("thought").items().any(has_text) {
        push(FactKind::Response, TEXT, base, out);
    }
    let mut fact = base;
    fact.tool = out.copy(record.get("tool_name"));
    fact.id = out.copy(record.get("tool_call_id"));
    fact.hash = assemble::hash(record.get("action").bytes());
    push(FactKind::ToolCall, CALLS, fact, out);
}

fn answer(record: View<'_, '_>, mut base: Fact, out: &mut FactSink<'_>) {
    let seen = record.get("observation");
    let code = seen.get("exit_code").number();
    base.kind = FactKind::ToolResult;
    base.call = out.copy(record.get("tool_call_id"));
    base.status = match record.get("kind").raw() {
        b"AgentErrorEvent" => Status::Error,
        b"UserRejectObservation" => {
            base.verdict = Verdict::Denied;
            let by = out.arena(b"user");
            out.name(Name::By, by);
            Status::Denied
        }
        _ if seen.get("timeout").truth() == Some(true) => Status::Timeout,
        _ if seen.get("is_error").truth() == Some(true) || code.is_some_and(|it| it > 0.0) => {
            Status::Error
        }
        _ if seen.get("is_error").truth() == Some(false) || code == Some(0.0) => Status::Ok,
        _ if says_error(seen.get("content")) => {
            base.flags.set(Flags::INFERRED);
            Status::Error
        }
        _ => Status::Unrecorded,
    };
    out.push(base);
}

fn open(record: &Value, part: u16) -> Body {
    let mut body = Body {
        id: string(record, "id"),
        labels: ["security_risk", "source"]
            .iter()
            .filter_map(|key| Some(((*key).to_owned(), string(record, key)?)))
            .collect(),
        ..Body::default()
    };
    let kind = string(record, "kind").unwrap_or_default();
    if part & IMPLIED != 0 {
        body.asks = string(record, "tool_name").into_iter().collect();
    } else if part == CALLS {
        body.id = string(record, "tool_call_id");
        body.args = record.get("action").cloned();
    } else if part == REASONING {
        body.text = string(record, "reasoning_content");
    } else if kind == "ConversationErrorEvent" {
        body.error = Some(ErrorText {
            kind: string(record, "code"),
            message: string(record, "detail").unwrap_or_default(),
            stack: None,
        });
    } else {
        let places = [
            "/thought",
            "/llm_message/content",
            "/system_prompt/text",
            "/summary",
            "/detail",
            "/error",
            "/value",
        ];
        body.text = places
            .iter()
            .find_map(|place| record.pointer(place).and_then(text_of))
            .or(Some(kind));
    }
    body
}
