//! Gemini CLI. Tested with 0.61.0: an unattended `ask` hangs it, and it has no call ids.

use serde_json::{Value, json};

use crate::act::guard::hook_call::{Event, HookCall, Outcome, Payload};
use crate::act::guard::host::{Host, Say};

pub(crate) static HOST: Host = Host::new("gemini", read, say);

fn read(payload: &Value) -> Option<HookCall> {
    let told = Payload(payload);
    let event = match told.text("hook_event_name")? {
        "BeforeTool" => Event::Before,
        "AfterTool" => Event::After(outcome(told)),
        "BeforeAgent" => Event::Prompt(told.text("prompt")?.to_owned()),
        "AfterAgent" => match told.owned("prompt_response") {
            Some(text) => Event::Said(text),
            None => Event::Other,
        },
        // Other hosts use the same names for session start and end; only this one sends a timestamp.
        "SessionStart" if told.has("timestamp") => Event::Start,
        "SessionEnd" if told.has("timestamp") => Event::End(told.owned("reason")),
        _ => return None,
    };
    Some(HookCall {
        tool: told.tool("tool_name", &event)?,
        args: told.args("tool_input"),
        cwd: told.owned("cwd"),
        ..HookCall::of(event, told.text("session_id")?)
    })
}

fn outcome(told: Payload<'_>) -> Outcome {
    let response = told.value("tool_response");
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
        duration_ms: None,
    }
}

fn say(_told: &HookCall, say: &Say) -> String {
    match say {
        Say::Deny(reason) | Say::Ask(reason) | Say::Defer(reason) => {
            json!({"decision": "deny", "reason": reason}).to_string()
        }
        Say::Nothing | Say::Allow(_) => "{}".to_owned(),
    }
}
