//! Your own program: `{"event":"before","run_id":…,"call_id":…,"tool":…,"args":…}` in, `{"decision":…}` out.

use serde_json::Value;

use crate::act::guard::hook_call::{Event, HookCall, Outcome, Payload};
use crate::act::guard::host::Host;
use crate::act::guard::hosts;

pub(crate) static HOST: Host = Host {
    patience: 86_400,
    shares_id: true,
    ..Host::new("sdk", read, hosts::reply)
};

fn read(payload: &Value) -> Option<HookCall> {
    let payload = Payload(payload);
    let event = match payload.text("event")? {
        "before" => Event::Before,
        "after" => Event::After(Outcome {
            status: payload.text("status").and_then(status),
            result: payload.value("result").cloned(),
            error: payload.owned("error"),
            duration_ms: payload.value("duration_ms").cloned(),
            ..Outcome::default()
        }),
        other => payload.unknown(other)?,
    };
    Some(HookCall {
        tool: payload.tool("tool", &event)?,
        args: payload.args("args"),
        call: payload.owned("call_id"),
        cwd: payload.owned("cwd"),
        agent: payload.owned("agent"),
        model: payload.owned("model"),
        ..HookCall::of(event, payload.text("run_id")?)
    })
}

fn status(word: &str) -> Option<&'static str> {
    ["ok", "error", "timeout", "cancelled"]
        .into_iter()
        .find(|it| *it == word)
}
