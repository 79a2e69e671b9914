//! The hosts that the guard supports. Each gets exactly what its own contract specifies: with one extra key or another
//! spelling, a host would ignore a denial.

use serde_json::Value;

use crate::act::guard::hook_call::HookCall;
use crate::act::guard::hosts;

/// A program that runs agents.
#[derive(Debug)]
pub(super) struct Host {
    /// Its name on the command line, and in the `host` of a rule.
    pub(super) name: &'static str,
    /// Decodes a payload; none if this host does not send it.
    pub(super) read: fn(&Value) -> Option<HookCall>,
    /// What to print for a decision.
    pub(super) reply: fn(&HookCall, &HostAnswer) -> String,
    /// The hook timeout that is installed, in seconds.
    pub(super) patience: u64,
    /// Whether a hook can leave a call to the host's own prompt.
    pub(super) can_ask: bool,
    /// Whether it can defer a call: the session ends and can be resumed.
    pub(super) can_defer: bool,
    /// Whether its permission event means that it is about to ask its user, rather than any tool call.
    pub(super) asks_after_event: bool,
    /// Whether the wire carries the same session id; otherwise both sides use the recorder's.
    pub(super) shares_id: bool,
}

impl Host {
    /// A host that waits an hour, and whose own prompt and ids are out of reach.
    pub(super) const fn new(
        name: &'static str,
        read: fn(&Value) -> Option<HookCall>,
        reply: fn(&HookCall, &HostAnswer) -> String,
    ) -> Host {
        Host {
            name,
            read,
            reply,
            patience: 3600,
            can_ask: false,
            can_defer: false,
            asks_after_event: true,
            shares_id: false,
        }
    }
}

/// The guard's answer to the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum HostAnswer {
    /// Nothing: the host's own permissions decide.
    Nothing,
    /// A person approved the call.
    Allow(String),
    /// The host asks its user.
    Ask(String),
    Defer(String),
    Deny(String),
}

pub(super) static HOSTS: &[&Host] = &[
    &hosts::claude_code::HOST,
    &hosts::codex::HOST,
    &hosts::gemini::HOST,
    &hosts::copilot::HOST,
    &hosts::qwen::HOST,
    &hosts::cursor::HOST,
    &hosts::kimi::HOST,
    &hosts::opencode::HOST,
    &hosts::sdk::HOST,
];

pub(super) fn by_name(name: &str) -> Option<&'static Host> {
    HOSTS.iter().copied().find(|host| host.name == name)
}
