//! The contracts of the hosts, a file each.

pub(super) mod claude_code;
pub(super) mod codex;
pub(super) mod copilot;
pub(super) mod cursor;
pub(super) mod gemini;
pub(super) mod kimi;
pub(super) mod opencode;
pub(super) mod qwen;
pub(super) mod sdk;

use serde_json::{Value, json};

use crate::act::guard::hook_call::{Event, HookCall};
use crate::act::guard::host::HostAnswer;

/// `{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":…}}`, the shape that several hosts adopted
/// from Claude Code.
fn pre_tool_use(decision: &str, reason: &str) -> String {
    json!({"hookSpecificOutput": {
        "hookEventName": "PreToolUse",
        "permissionDecision": decision,
        "permissionDecisionReason": reason,
    }})
    .to_string()
}

/// `{"decision":…}`: the answer to our code inside an agent.
fn reply(_call: &HookCall, answer: &HostAnswer) -> String {
    let decision = match answer {
        HostAnswer::Nothing => json!({"decision": "allow"}),
        HostAnswer::Allow(reason) => json!({"decision": "allow", "reason": reason}),
        HostAnswer::Deny(reason) | HostAnswer::Ask(reason) | HostAnswer::Defer(reason) => {
            json!({"decision": "deny", "reason": reason})
        }
    };
    decision.to_string()
}

/// The answer to the host's own prompt.
fn permission(answer: &HostAnswer) -> String {
    let decision = match answer {
        HostAnswer::Allow(_) => json!({"behavior": "allow"}),
        HostAnswer::Deny(reason) => json!({"behavior": "deny", "message": reason}),
        HostAnswer::Nothing | HostAnswer::Ask(_) | HostAnswer::Defer(_) => return String::new(),
    };
    json!({"hookSpecificOutput": {"hookEventName": "PermissionRequest", "decision": decision}})
        .to_string()
}

/// Whether this answers the host's own prompt rather than deciding a call.
fn is_permission(hook: &HookCall) -> bool {
    hook.event == Event::Permission
}

/// The text of the tool's result, if it is plain text.
fn texts(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}
