//! Cursor, from its documentation: a hook that prints nothing counts as failed, and `ask` is not enforced.

use serde_json::{Value, json};

use crate::act::guard::hook_call::{Event, HookCall, Outcome, Payload};
use crate::act::guard::host::{Host, HostAnswer};
use crate::act::guard::hosts;

pub(crate) static HOST: Host = Host::new("cursor", read, reply);

fn read(payload: &Value) -> Option<HookCall> {
    let payload = Payload(payload);
    let run = payload.text("conversation_id")?;
    let event = match payload.text("hook_event_name")? {
        "preToolUse" => Event::Before,
        "postToolUse" => Event::After(Outcome {
            status: Some("ok"),
            result: Some(payload.args("tool_output")).filter(|it| !it.is_null()),
            duration_ms: payload.value("duration").cloned(),
            ..Outcome::default()
        }),
        "postToolUseFailure" => Event::After(Outcome {
            status: Some("error"),
            error: Some(
                payload
                    .text("error_message")
                    .or_else(|| payload.text("error"))
                    .unwrap_or_default()
                    .to_owned(),
            ),
            duration_ms: payload.value("duration").cloned(),
            ..Outcome::default()
        }),
        "beforeSubmitPrompt" => Event::Prompt(payload.text("prompt")?.to_owned()),
        "afterAgentResponse" => match payload.owned("text") {
            Some(text) => Event::Said(text),
            None => Event::Other,
        },
        "sessionStart" => Event::Start,
        "sessionEnd" => Event::End(payload.owned("reason")),
        other => payload.unknown(other)?,
    };
    let roots = payload.value("workspace_roots").and_then(Value::as_array);
    let root = roots.and_then(|it| it.first()).and_then(hosts::texts);
    Some(HookCall {
        tool: payload.tool("tool_name", &event)?,
        args: payload.args("tool_input"),
        call: payload.owned("tool_use_id"),
        cwd: payload.owned("cwd").or(root),
        model: payload.owned("model"),
        host_version: payload.owned("cursor_version"),
        ..HookCall::of(event, run)
    })
}

fn reply(hook: &HookCall, answer: &HostAnswer) -> String {
    if hook.event != Event::Before {
        return "{}".to_owned();
    }
    let decision = match answer {
        HostAnswer::Nothing | HostAnswer::Allow(_) => json!({"permission": "allow"}),
        HostAnswer::Deny(reason) | HostAnswer::Ask(reason) | HostAnswer::Defer(reason) => {
            json!({"permission": "deny", "user_message": reason, "agent_message": reason})
        }
    };
    decision.to_string()
}
