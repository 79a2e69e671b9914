//! Your own program: `{"event":"before","run_id":…,"call_id":…,"tool":…,"args":…}` in, `{"decision":…}` out.

use serde_json::{Value, json};

use crate::act::guard::host::{Host, Say};
use crate::act::guard::told::{Event, Outcome, Payload, Told};

pub(crate) static HOST: Host = Host {
    name: "sdk",
    read,
    say,
    patience: 86_400,
    can_ask: false,
    can_defer: false,
    shares_id: true,
};

fn read(payload: &Value) -> Option<Told> {
    let told = Payload(payload);
    let event = match told.text("event")? {
        "before" => Event::Before,
        "after" => Event::After(Outcome {
            status: told.text("status").and_then(status),
            result: told.value("result").cloned(),
            error: told.owned("error"),
            duration_ms: told.value("duration_ms").cloned(),
        }),
        _ => Event::Other,
    };
    if matches!(event, Event::Before | Event::After(_)) && !told.has("tool") {
        return None;
    }
    Some(Told {
        tool: told.owned("tool").unwrap_or_default(),
        args: told.args("args"),
        call: told.owned("call_id"),
        cwd: told.owned("cwd"),
        agent: told.owned("agent"),
        model: told.owned("model"),
        ..Told::of(event, told.text("run_id")?)
    })
}

fn status(word: &str) -> Option<&'static str> {
    ["ok", "error", "timeout", "cancelled"]
        .into_iter()
        .find(|it| *it == word)
}

fn say(_told: &Told, say: &Say) -> String {
    let decision = match say {
        Say::Nothing => json!({"decision": "allow"}),
        Say::Allow(reason) => json!({"decision": "allow", "reason": reason}),
        Say::Deny(reason) | Say::Ask(reason) | Say::Defer(reason) => {
            json!({"decision": "deny", "reason": reason})
        }
    };
    decision.to_string()
}
