//! Kimi Code. Tested with 2.1.0: the events of Claude Code with other results, and denial is the only answer it
//! understands.

use serde_json::Value;

use crate::act::guard::hook_call::{Event, HookCall, Outcome, Payload};
use crate::act::guard::host::{Host, HostAnswer};
use crate::act::guard::hosts::{self, claude_code};

pub(crate) static HOST: Host = Host {
    patience: 600,
    ..Host::new("kimi", read, reply)
};

/// The most that it sends of a result, in UTF-16 units.
const KEPT: usize = 2000;

fn read(payload: &Value) -> Option<HookCall> {
    let hook = claude_code::events(payload)?;
    let payload = Payload(payload);
    let event = match hook.event {
        Event::After(outcome) => Event::After(outcome_of(payload, outcome)),
        other => other,
    };
    Some(HookCall {
        call: payload.owned("tool_call_id").or(hook.call),
        event,
        ..hook
    })
}

fn outcome_of(payload: Payload<'_>, outcome: Outcome) -> Outcome {
    let output = payload.text("tool_output");
    let reported = payload
        .value("error")
        .and_then(|it| it.get("message")?.as_str());
    Outcome {
        result: outcome.result.or_else(|| output.map(Value::from)),
        error: reported.map(str::to_owned).or(outcome.error),
        is_cut: output.is_some_and(|it| it.encode_utf16().count() >= KEPT),
        ..outcome
    }
}

fn reply(_hook: &HookCall, answer: &HostAnswer) -> String {
    match answer {
        HostAnswer::Deny(reason) | HostAnswer::Ask(reason) | HostAnswer::Defer(reason) => {
            hosts::pre_tool_use("deny", reason)
        }
        HostAnswer::Nothing | HostAnswer::Allow(_) => String::new(),
    }
}
