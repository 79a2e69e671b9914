//! Gemini CLI. Tested with 0.61.0: an unattended `ask` hangs it, and it has no call ids.

use serde_json::{Value, json};

use crate::act::guard::hook_call::{Event, HookCall, Outcome, Payload};
use crate::act::guard::host::{Host, HostAnswer};

pub(crate) static HOST: Host = Host::new("gemini", read, reply);

fn read(payload: &Value) -> Option<HookCall> {
    let payload = Payload(payload);
    let event = match payload.text("hook_event_name")? {
        "BeforeTool" => Event::Before,
        "AfterTool" => Event::After(outcome(payload)),
        "BeforeAgent" => Event::Prompt(payload.text("prompt")?.to_owned()),
        "AfterAgent" => match payload.owned("prompt_response") {
            Some(text) => Event::Said(text),
            None => Event::Other,
        },
        // Other hosts use the same names for session start and end; only this one sends a timestamp.
        "SessionStart" if payload.has("timestamp") => Event::Start,
        "SessionEnd" if payload.has("timestamp") => Event::End(payload.owned("reason")),
        // These fire for each model call, and none of them runs a tool.
        "BeforeModel" | "AfterModel" | "BeforeToolSelection" => Event::Other,
        other if payload.has("timestamp") => payload.unknown(other)?,
        _ => return None,
    };
    Some(HookCall {
        tool: payload.tool("tool_name", &event)?,
        args: payload.args("tool_input"),
        cwd: payload.owned("cwd"),
        ..HookCall::of(event, payload.text("session_id")?)
    })
}

fn outcome(payload: Payload<'_>) -> Outcome {
    let response = payload.value("tool_response");
    let error = response
        .and_then(|it| it.get("error"))
        .filter(|it| !it.is_null());
    Outcome {
        status: Some(if error.is_some() { "error" } else { "ok" }),
        result: response
            .and_then(|it| it.get("llmContent"))
            .or(response)
            .cloned(),
        error: error.map(|it| super::texts(it).unwrap_or_else(|| it.to_string())),
        ..Outcome::default()
    }
}

fn reply(_hook: &HookCall, answer: &HostAnswer) -> String {
    match answer {
        HostAnswer::Deny(reason) | HostAnswer::Ask(reason) | HostAnswer::Defer(reason) => {
            json!({"decision": "deny", "reason": reason}).to_string()
        }
        HostAnswer::Nothing | HostAnswer::Allow(_) => "{}".to_owned(),
    }
}
