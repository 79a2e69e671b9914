//! Cursor, from its documentation: a hook that prints nothing counts as failed, and `ask` is not enforced.

use serde_json::{Value, json};

use crate::act::guard::host::{Host, Say};
use crate::act::guard::hosts;
use crate::act::guard::told::{Event, Outcome, Payload, Told};

pub(crate) static HOST: Host = Host {
    name: "cursor",
    read,
    say,
    patience: 3600,
    can_ask: false,
    can_defer: false,
    shares_id: false,
};

fn read(payload: &Value) -> Option<Told> {
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
    if matches!(event, Event::Before | Event::After(_)) && !told.has("tool_name") {
        return None;
    }
    let roots = told.value("workspace_roots").and_then(Value::as_array);
    let root = roots.and_then(|it| it.first()).and_then(hosts::texts);
    Some(Told {
        tool: told.owned("tool_name").unwrap_or_default(),
        args: told.args("tool_input"),
        call: told.owned("tool_use_id"),
        cwd: told.owned("cwd").or(root),
        model: told.owned("model"),
        host_version: told.owned("cursor_version"),
        ..Told::of(event, run)
    })
}

fn say(told: &Told, say: &Say) -> String {
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
