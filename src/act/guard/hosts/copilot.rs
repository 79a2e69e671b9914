//! Copilot CLI. Tested with 1.0.102: camelCase names, bare decisions, no call ids.

use serde_json::{Value, json};

use crate::act::guard::hook_call::{Event, HookCall, Outcome, Payload};
use crate::act::guard::host::{Host, Say};
use crate::act::guard::hosts;

pub(crate) static HOST: Host = Host {
    can_ask: true,
    ..Host::new("copilot", read, say)
};

/// A payload does not name its event; its members imply it.
fn read(payload: &Value) -> Option<HookCall> {
    let told = Payload(payload);
    let run = told.text("sessionId")?;
    let event = if told.has("toolName") {
        match (
            told.value("toolResult"),
            told.has("toolInput"),
            told.has("error"),
        ) {
            (Some(result), _, _) => Event::After(outcome(result)),
            (None, true, _) => Event::Permission,
            (None, false, true) => Event::After(Outcome {
                status: Some("error"),
                error: told.value("error").map(words),
                ..Outcome::default()
            }),
            (None, false, false) => Event::Before,
        }
    } else if let Some(prompt) = told.text("prompt") {
        Event::Prompt(prompt.to_owned())
    } else if told.has("source") || told.has("initialPrompt") {
        Event::Start
    } else if told.has("reason") {
        Event::End(told.owned("reason"))
    } else {
        Event::Other
    };
    let args = if told.has("toolInput") {
        "toolInput"
    } else {
        "toolArgs"
    };
    Some(HookCall {
        tool: told.owned("toolName").unwrap_or_default(),
        args: told.args(args),
        cwd: told.owned("cwd"),
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

fn say(told: &HookCall, say: &Say) -> String {
    let decision = match (hosts::is_permission(told), say) {
        (true, Say::Allow(_)) => json!({"behavior": "allow"}),
        (true, Say::Deny(reason)) => json!({"behavior": "deny", "message": reason}),
        (true, _) | (false, Say::Nothing) => json!({}),
        (false, Say::Allow(reason)) => decided("allow", reason),
        (false, Say::Ask(reason)) => decided("ask", reason),
        (false, Say::Deny(reason) | Say::Defer(reason)) => decided("deny", reason),
    };
    decision.to_string()
}

fn decided(decision: &str, reason: &str) -> Value {
    json!({"permissionDecision": decision, "permissionDecisionReason": reason})
}
