//! OpenCode, through our own plugin, which forwards the input of its hooks and throws when a call is denied.

use serde_json::Value;

use crate::act::guard::hook_call::{Event, HookCall, Outcome, Payload};
use crate::act::guard::host::Host;
use crate::act::guard::hosts;

pub(crate) static HOST: Host = Host {
    patience: 86_400,
    shares_id: true,
    ..Host::new("opencode", read, hosts::reply)
};

fn read(payload: &Value) -> Option<HookCall> {
    let payload = Payload(payload);
    let event = match payload.text("hook")? {
        "tool.execute.before" => Event::Before,
        "tool.execute.after" => Event::After(outcome(payload)),
        "chat.message" => Event::Prompt(payload.text("text")?.to_owned()),
        other => payload.unknown(other)?,
    };
    Some(HookCall {
        tool: payload.tool("tool", &event)?,
        args: payload.args("args"),
        call: payload.owned("callID"),
        cwd: payload.owned("directory"),
        ..HookCall::of(event, payload.text("sessionID")?)
    })
}

/// Failed tools are not reported here, so every result is a success.
fn outcome(payload: Payload<'_>) -> Outcome {
    let output = payload.value("output");
    Outcome {
        status: Some("ok"),
        result: output.and_then(|it| it.get("output")).or(output).cloned(),
        ..Outcome::default()
    }
}
