//! Qwen Code. Tested with 0.24.4. It sends an empty prompt after each round of tools.

use serde_json::Value;

use crate::act::guard::host::Host;
use crate::act::guard::hosts::claude_code;
use crate::act::guard::told::{Event, Payload, Told};

pub(crate) static HOST: Host = Host {
    name: "qwen",
    read,
    say: claude_code::say,
    patience: 900,
    can_ask: true,
    can_defer: false,
    shares_id: false,
};

fn read(payload: &Value) -> Option<Told> {
    if !Payload(payload).has("timestamp") && !Payload(payload).has("tool_call_id") {
        return None;
    }
    let told = claude_code::events(payload)?;
    let event = match told.event {
        Event::Prompt(text) if text.is_empty() => Event::Other,
        other => other,
    };
    let call = Payload(payload).owned("tool_call_id").or(told.call);
    Some(Told {
        event,
        call,
        ..told
    })
}
