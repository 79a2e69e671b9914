//! Kimi CLI, from its documentation: the events of Claude Code, and denial is the only answer it understands.

use serde_json::Value;

use crate::act::guard::hook_call::{HookCall, Payload};
use crate::act::guard::host::{Host, HostAnswer};
use crate::act::guard::hosts::{self, claude_code};

pub(crate) static HOST: Host = Host {
    patience: 600,
    ..Host::new("kimi", read, reply)
};

fn read(payload: &Value) -> Option<HookCall> {
    let hook = claude_code::events(payload)?;
    let call = Payload(payload).owned("tool_call_id").or(hook.call);
    Some(HookCall { call, ..hook })
}

fn reply(_hook: &HookCall, answer: &HostAnswer) -> String {
    match answer {
        HostAnswer::Deny(reason) | HostAnswer::Ask(reason) | HostAnswer::Defer(reason) => {
            hosts::pre_tool_use("deny", reason)
        }
        HostAnswer::Nothing | HostAnswer::Allow(_) => String::new(),
    }
}
