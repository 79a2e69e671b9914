//! Copilot CLI. Tested with 1.0.102: camelCase names, bare decisions, no call ids.

use serde_json::{Value, json};

use crate::act::guard::hook_call::{Event, HookCall, Outcome, Payload};
use crate::act::guard::host::{Host, HostAnswer};
use crate::act::guard::hosts;

pub(crate) static HOST: Host = Host {
    can_ask: true,
    // The event comes with `--allow-all-tools` too.
    asks_after_event: false,
    ..Host::new("copilot", read, reply)
};

/// A payload does not name its event; its members imply it.
fn read(payload: &Value) -> Option<HookCall> {
    let payload = Payload(payload);
    let run = payload.text("sessionId")?;
    let of_calls = ["toolName", "toolArgs", "toolInput", "toolResult"];
    let event = if of_calls.iter().any(|name| payload.has(name)) {
        match (
            payload.value("toolResult"),
            payload.has("toolInput"),
            payload.has("error"),
        ) {
            (Some(result), _, _) => Event::After(outcome(result)),
            (None, true, _) => Event::Permission,
            (None, false, true) => Event::After(Outcome {
                status: Some("error"),
                error: payload.value("error").map(words),
                ..Outcome::default()
            }),
            (None, false, false) => Event::Before,
        }
    } else if payload.is_about_tool("") {
        return None;
    } else if let Some(prompt) = payload.text("prompt") {
        Event::Prompt(prompt.to_owned())
    } else if payload.has("source") || payload.has("initialPrompt") {
        Event::Start
    } else if payload.has("reason") {
        Event::End(payload.owned("reason"))
    } else {
        Event::Other
    };
    let args = if payload.has("toolInput") {
        "toolInput"
    } else {
        "toolArgs"
    };
    Some(HookCall {
        tool: payload.tool("toolName", &event)?,
        args: payload.args(args),
        cwd: payload.owned("cwd"),
        ..HookCall::of(event, run)
    })
}

fn outcome(result: &Value) -> Outcome {
    let result = Payload(result);
    let text = result.value("textResultForLlm").cloned();
    match result.text("resultType") {
        Some("success") => Outcome {
            status: Some("ok"),
            result: text,
            ..Outcome::default()
        },
        Some("failure") => Outcome {
            status: Some("error"),
            error: text.as_ref().map(words),
            ..Outcome::default()
        },
        Some("denied") => Outcome {
            status: Some("denied"),
            error: text.as_ref().map(words),
            ..Outcome::default()
        },
        Some(_) | None => Outcome {
            result: text,
            ..Outcome::default()
        },
    }
}

fn words(value: &Value) -> String {
    let message = value.get("message").and_then(hosts::texts);
    message
        .or_else(|| hosts::texts(value))
        .unwrap_or_else(|| value.to_string())
}

fn reply(hook: &HookCall, answer: &HostAnswer) -> String {
    let decision = match (hosts::is_permission(hook), answer) {
        (true, HostAnswer::Allow(_)) => json!({"behavior": "allow"}),
        (true, HostAnswer::Deny(reason)) => json!({"behavior": "deny", "message": reason}),
        (true, _) | (false, HostAnswer::Nothing) => json!({}),
        (false, HostAnswer::Allow(reason)) => decided("allow", reason),
        (false, HostAnswer::Ask(reason)) => decided("ask", reason),
        (false, HostAnswer::Deny(reason) | HostAnswer::Defer(reason)) => decided("deny", reason),
    };
    decision.to_string()
}

fn decided(decision: &str, reason: &str) -> Value {
    json!({"permissionDecision": decision, "permissionDecisionReason": reason})
}
