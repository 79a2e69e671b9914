//! Cursor, from its documentation: a hook that prints nothing counts as failed, and `ask` is not enforced.

use serde_json::{Value, json};

use crate::act::guard::hook_call::{Event, HookCall, Outcome, Payload};
use crate::act::guard::host::{Host, Say};
use crate::act::guard::hosts;

pub(crate) static HOST: Host = Host::new("cursor", read, say);

fn read(payload: &Value) -> Option<HookCall> {
    let told = Payload(payload);
    let run = told.text("conversation_id")?;
    let event = match told.text("hook_event_name")? {
        "preToolUse" => Event::Before,
        "postToolUse" => Event::After(Outcome {
            status: Some("ok"),
            result: Some(told.args("tool_output")).filter(|it| !it.is_null()),
            error: None,
            duration_ms: told.value("duration").cloned(),
        }),
        "postToolUseFailure" => Event::After(Outcome {
            status: Some("error"),
            result: None,
            error: Some(
                told.text("error_message")
                    .or_else(|| told.text("error"))
                    .unwrap_or_default()
                    .to_owned(),
            ),
            duration_ms: told.value("duration").cloned(),
        }),
        "beforeSubmitPrompt" => Event::Prompt(told.text("prompt")?.to_owned()),
        "afterAgentResponse" => match told.owned("text") {
            Some(text) => Event::Said(text),
            None => Event::Other,
        },
        "sessionStart" => Event::Start,
        "sessionEnd" => Event::End(told.owned("reason")),
        _ => Event::Other,
    };
    let roots = told.value("workspace_roots").and_then(Value::as_array);
    let root = roots.and_then(|it| it.first()).and_then(hosts::texts);
    Some(HookCall {
        tool: told.tool("tool_name", &event)?,
        args: told.args("tool_input"),
        call: told.owned("tool_use_id"),
        cwd: told.owned("cwd").or(root),
        model: told.owned("model"),
        host_version: told.owned("cursor_version"),
        ..HookCall::of(event, run)
    })
}

fn say(told: &HookCall, say: &Say) -> String {
    if told.event != Event::Before {
        return "{}".to_owned();
    }
    let decision = match say {
        Say::Nothing | Say::Allow(_) => json!({"permission": "allow"}),
        Say::Deny(reason) | Say::Ask(reason) | Say::Defer(reason) => {
            json!({"permission": "deny", "user_message": reason, "agent_message": reason})
        }
    };
    decision.to_string()
}
