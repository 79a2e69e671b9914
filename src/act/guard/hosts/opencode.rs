//! OpenCode, through our own plugin, which forwards the input of its hooks and throws when a call is denied.

use serde_json::Value;

use crate::act::guard::hook_call::{Event, HookCall, Outcome, Payload};
use crate::act::guard::host::Host;
use crate::act::guard::hosts;

pub(crate) static HOST: Host = Host {
    patience: 86_400,
    shares_id: true,
    ..Host::new("opencode", read, hosts::say)
};

fn read(payload: &Value) -> Option<HookCall> {
    let told = Payload(payload);
    let event = match told.text("hook")? {
        "tool.execute.before" => Event::Before,
        "tool.execute.after" => Event::After(outcome(told)),
        "chat.message" => Event::Prompt(told.text("text")?.to_owned()),
        _ => Event::Other,
    };
    Some(HookCall {
        tool: told.tool("tool", &event)?,
        args: told.args("args"),
        call: told.owned("callID"),
        cwd: told.owned("directory"),
        ..HookCall::of(event, told.text("sessionID")?)
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
