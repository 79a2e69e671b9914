//! OpenCode, through our own plugin, which forwards the input of its hooks and throws when a call is denied.

use serde_json::{Value, json};

use crate::act::guard::host::{Host, Say};
use crate::act::guard::told::{Event, Outcome, Payload, Told};

pub(crate) static HOST: Host = Host {
    name: "opencode",
    read,
    say,
    patience: 86_400,
    can_ask: false,
    can_defer: false,
    shares_id: true,
};

fn read(payload: &Value) -> Option<Told> {
    let told = Payload(payload);
    let event = match told.text("hook")? {
        "tool.execute.before" => Event::Before,
        "tool.execute.after" => Event::After(outcome(told)),
        "chat.message" => Event::Prompt(told.text("text")?.to_owned()),
        _ => Event::Other,
    };
    if matches!(event, Event::Before | Event::After(_)) && !told.has("tool") {
        return None;
    }
    Some(Told {
        tool: told.owned("tool").unwrap_or_default(),
        args: told.args("args"),
        call: told.owned("callID"),
        cwd: told.owned("directory"),
        ..Told::of(event, told.text("sessionID")?)
    })
}

/// Failed tools are not reported here, so every result is a success.
fn outcome(told: Payload<'_>) -> Outcome {
    let output = told.value("output");
    Outcome {
        status: Some("ok"),
        result: output.and_then(|it| it.get("output")).or(output).cloned(),
        ..Outcome::default()
    }
}

fn say(_told: &Told, say: &Say) -> String {
    let decision = match say {
        Say::Nothing => json!({}),
        Say::Allow(reason) => json!({"decision": "allow", "reason": reason}),
        Say::Deny(reason) | Say::Ask(reason) | Say::Defer(reason) => {
            json!({"decision": "deny", "reason": reason})
        }
    };
    decision.to_string()
}
