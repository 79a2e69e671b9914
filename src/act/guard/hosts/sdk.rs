//! Your own program: `{"event":"before","run_id":…,"call_id":…,"tool":…,"args":…}` in, `{"decision":…}` out.

use serde_json::Value;

use crate::act::guard::hook_call::{Event, HookCall, Outcome, Payload};
use crate::act::guard::host::Host;
use crate::act::guard::hosts;

pub(crate) static HOST: Host = Host {
    patience: 86_400,
    shares_id: true,
    ..Host::new("sdk", read, hosts::say)
};

fn read(payload: &Value) -> Option<HookCall> {
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
    Some(HookCall {
        tool: told.tool("tool", &event)?,
        args: told.args("args"),
        call: told.owned("call_id"),
        cwd: told.owned("cwd"),
        agent: told.owned("agent"),
        model: told.owned("model"),
        ..HookCall::of(event, told.text("run_id")?)
    })
}

fn status(word: &str) -> Option<&'static str> {
    ["ok", "error", "timeout", "cancelled"]
        .into_iter()
        .find(|it| *it == word)
}
