//! Qwen Code. Tested with 0.24.4. It sends an empty prompt after each round of tools.

use serde_json::Value;

use crate::act::guard::hook_call::{Event, HookCall, Payload};
use crate::act::guard::host::Host;
use crate::act::guard::hosts::claude_code;

pub(crate) static HOST: Host = Host {
    patience: 900,
    can_ask: true,
    ..Host::new("qwen", read, claude_code::reply)
};

fn read(payload: &Value) -> Option<HookCall> {
    if !Payload(payload).has("timestamp") && !Payload(payload).has("tool_call_id") {
        return None;
    }
    let hook = claude_code::events(payload)?;
    let event = match hook.event {
        Event::Prompt(text) if text.is_empty() => Event::Other,
        other => other,
    };
    let call = Payload(payload).owned("tool_call_id").or(hook.call);
    Some(HookCall {
        event,
        call,
        ..hook
    })
}
