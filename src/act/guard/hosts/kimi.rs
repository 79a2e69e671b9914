//! Kimi CLI, from its documentation: the events of Claude Code, and denial is the only answer it understands.

use serde_json::Value;

use crate::act::guard::host::{Host, Say};
use crate::act::guard::hosts::{self, claude_code};
use crate::act::guard::told::{Payload, Told};

pub(crate) static HOST: Host = Host {
    name: "kimi",
    read,
    say,
    patience: 600,
    can_ask: false,
    can_defer: false,
    shares_id: false,
};

fn read(payload: &Value) -> Option<Told> {
    let told = claude_code::events(payload)?;
    let call = Payload(payload).owned("tool_call_id").or(told.call);
    Some(Told { call, ..told })
}

fn say(_told: &Told, say: &Say) -> String {
    match say {
        Say::Deny(reason) | Say::Ask(reason) | Say::Defer(reason) => {
            hosts::pre_tool_use("deny", reason)
        }
        Say::Nothing | Say::Allow(_) => String::new(),
    }
}
