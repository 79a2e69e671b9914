//! The programs whose hooks the guard can be. Each is told exactly what its own contract says: one key more or another
//! spelling, and hosts take no notice of a denial.

use serde_json::Value;

use crate::act::guard::hosts;
use crate::act::guard::told::Told;

/// A program that runs agents.
#[derive(Debug)]
pub(super) struct Host {
    /// Its name on the command line, and in the `host` of a rule.
    pub(super) name: &'static str,
    /// What a payload tells; none for one that this host does not send.
    pub(super) read: fn(&Value) -> Option<Told>,
    /// What to print for a decision.
    pub(super) say: fn(&Told, &Say) -> String,
    /// How long it waits for a hook, as installed, in seconds.
    pub(super) patience: u64,
    /// Whether a hook can hand a call to the host's own question.
    pub(super) can_ask: bool,
    /// Whether it can put a call off, so that its session ends and can be continued.
    pub(super) can_defer: bool,
    /// Whether the wire tells the same session id; otherwise both sides use the id of the recorder.
    pub(super) shares_id: bool,
}

/// What the guard tells the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Say {
    /// Nothing: the host's own permissions decide.
    Nothing,
    /// A person said yes.
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
