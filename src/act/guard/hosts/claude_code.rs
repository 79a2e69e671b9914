//! Claude Code. Tested with 2.1.332; the contract is that of `hooks` in its settings.

use std::env;

use serde_json::Value;

use crate::act::guard::hook_call::{Event, HookCall, Outcome, Over, Payload};
use crate::act::guard::host::{Host, HostAnswer};
use crate::act::guard::hosts;

pub(crate) static HOST: Host = Host {
    can_ask: true,
    can_defer: true,
    shares_id: true,
    ..Host::new("claude-code", read, reply)
};

fn read(payload: &Value) -> Option<HookCall> {
    let is_other = ["turn_id", "tool_call_id", "conversation_id"];
    if is_other.iter().any(|name| Payload(payload).has(name)) {
        return None;
    }
    let attended = env::var_os("CLAUDE_CODE_SESSION_ATTENDED");
    let hook = events(payload)?;
    Some(HookCall {
        is_headless: attended.is_some_and(|it| it == "0"),
        ..hook
    })
}

/// The events as Claude Code, Codex, Qwen Code and Kimi name them.
pub(super) fn events(payload: &Value) -> Option<HookCall> {
    let payload = Payload(payload);
    let event = match payload.text("hook_event_name")? {
        "PreToolUse" => Event::Before,
        "PermissionRequest" => Event::Permission,
        "PostToolUse" => Event::After(Outcome {
            status: Some("ok"),
            result: payload.value("tool_response").cloned(),
            duration_ms: payload.value("duration_ms").cloned(),
            ..Outcome::default()
        }),
        "PostToolUseFailure" => Event::After(failure(payload)),
        "PostToolBatch" => Event::Batch(batch(payload)),
        "UserPromptSubmit" => Event::Prompt(prompt(payload.value("prompt")?)?),
        "Stop" => match payload.owned("last_assistant_message") {
            Some(text) => Event::Said(text),
            None => Event::Other,
        },
        "SessionStart" => Event::Start,
        "SessionEnd" => Event::End(payload.owned("reason")),
        "PermissionDenied" if payload.has("tool_name") => Event::After(Outcome {
            status: Some("denied"),
            error: payload.owned("reason"),
            ..Outcome::default()
        }),
        other => payload.unknown(other)?,
    };
    Some(HookCall {
        tool: payload.tool("tool_name", &event)?,
        args: payload.args("tool_input"),
        call: payload.owned("tool_use_id"),
        cwd: payload.owned("cwd"),
        agent: payload
            .owned("agent_type")
            .filter(|_| payload.has("agent_id")),
        model: payload.owned("model"),
        ..HookCall::of(event, payload.text("session_id")?)
    })
}

/// A text, or the texts of its parts.
fn prompt(prompt: &Value) -> Option<String> {
    match prompt {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            let texts = parts.iter().filter_map(|part| part.get("text")?.as_str());
            Some(texts.collect::<Vec<&str>>().join("\n"))
        }
        _ => None,
    }
}

fn failure(payload: Payload<'_>) -> Outcome {
    let is_interrupt = payload.0.get("is_interrupt").and_then(Value::as_bool);
    Outcome {
        status: Some(if is_interrupt == Some(true) {
            "cancelled"
        } else {
            "error"
        }),
        error: Some(payload.text("error").unwrap_or_default().to_owned()),
        duration_ms: payload.value("duration_ms").cloned(),
        ..Outcome::default()
    }
}

fn batch(payload: Payload<'_>) -> Vec<Over> {
    let calls = payload.0.get("tool_calls").and_then(Value::as_array);
    let over = calls.into_iter().flatten().filter_map(|call| {
        Some(Over {
            call: Payload(call).owned("tool_use_id")?,
            result: Payload(call).value("tool_response").cloned(),
        })
    });
    over.collect()
}

pub(super) fn reply(hook: &HookCall, answer: &HostAnswer) -> String {
    if hosts::is_permission(hook) {
        return hosts::permission(answer);
    }
    match answer {
        HostAnswer::Nothing => String::new(),
        HostAnswer::Allow(reason) => hosts::pre_tool_use("allow", reason),
        HostAnswer::Ask(reason) => hosts::pre_tool_use("ask", reason),
        HostAnswer::Defer(reason) => hosts::pre_tool_use("defer", reason),
        HostAnswer::Deny(reason) => hosts::pre_tool_use("deny", reason),
    }
}
