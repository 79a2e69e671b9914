//! Codex CLI. Tested with 0.171.0: `ask` runs the tool, one unknown key voids a denial, and approval can only be given
//! to its own prompt.

use serde_json::Value;

use crate::act::guard::hook_call::{Event, HookCall, Outcome, Payload};
use crate::act::guard::host::{Host, HostAnswer};
use crate::act::guard::hosts::{self, claude_code};

pub(crate) static HOST: Host = Host {
    shares_id: true,
    ..Host::new("codex", read, reply)
};

fn read(payload: &Value) -> Option<HookCall> {
    let hook = claude_code::events(payload)?;
    let is_ours = Payload(payload).has("turn_id") || Payload(payload).has("model");
    // The end of a session carries neither.
    if !is_ours && !matches!(hook.event, Event::Start | Event::End(_) | Event::Other) {
        return None;
    }
    let event = match hook.event {
        // A tool's result is text without an exit code, so the status is unknown.
        Event::After(outcome) if outcome.status == Some("ok") => Event::After(Outcome {
            status: None,
            ..outcome
        }),
        other => other,
    };
    Some(HookCall { event, ..hook })
}

fn reply(hook: &HookCall, answer: &HostAnswer) -> String {
    if hosts::is_permission(hook) {
        return hosts::permission(answer);
    }
    match answer {
        HostAnswer::Deny(reason) | HostAnswer::Ask(reason) | HostAnswer::Defer(reason) => {
            hosts::pre_tool_use("deny", reason)
        }
        HostAnswer::Nothing | HostAnswer::Allow(_) => String::new(),
    }
}
