//! JSON-RPC messages, as far as we look into them.

use serde_json::{Value, json};

use crate::act::guard::mcp::once::repeats;

/// One message; missing members are null.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Message {
    pub(super) id: Value,
    pub(super) method: String,
    pub(super) params: Value,
    pub(super) result: Option<Value>,
    pub(super) error: Option<Value>,
}

impl Message {
    /// The error says why a message must not pass if a policy is enforced.
    pub(super) fn read(line: &[u8]) -> Result<Message, &'static str> {
        let Ok(value) = serde_json::from_slice::<Value>(line) else {
            // A server may be more lenient (NaN, half a surrogate pair) and find a call in it, even an escaped one.
            let is_plain = memchr::memchr2(b'{', b'[', line).is_none();
            return if is_plain {
                Ok(Message::default())
            } else {
                Err("the message is not valid JSON")
            };
        };
        let Value::Object(mut members) = value else {
            return Err("JSON-RPC batches are not forwarded");
        };
        let mut take = |name: &str| members.remove(name);
        Ok(Message {
            id: take("id").unwrap_or_default(),
            method: match take("method") {
                Some(Value::String(method)) => method,
                Some(_) | None => String::new(),
            },
            params: take("params").unwrap_or_default(),
            result: take("result"),
            error: take("error"),
        })
    }

    /// The same for a message from a client, which must not be readable in two ways.
    pub(super) fn of_client(line: &[u8]) -> Result<Message, &'static str> {
        let message = Message::read(line)?;
        let is_object = memchr::memchr(b'{', line).is_some();
        if is_object && repeats(line) {
            return Err("the message gives a member twice");
        }
        Ok(message)
    }

    pub(super) fn param(&self, name: &str) -> &str {
        self.params
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    fn meta(&self, name: &str) -> Option<&Value> {
        self.params.get("_meta")?.get(name)
    }

    /// The agent's id of the call, if it sends one.
    pub(super) fn host_call(&self) -> Option<&str> {
        self.meta("claudecode/toolUseId")?.as_str()
    }

    pub(super) fn progress_token(&self) -> Option<&Value> {
        self.meta("progressToken")
    }
}

/// The error answer to a request that is not forwarded.
pub(super) fn refusal(id: &Value, why: &str) -> Value {
    let message = format!("saferun-tui: {why}");
    json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32600, "message": message}})
}

/// The answer to a call that did not run.
pub(super) fn blocked(id: &Value, why: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": {"content": [{"type": "text", "text": why}], "isError": true}})
}

pub(super) fn progress(token: &Value, seconds: u64) -> Value {
    json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": {
        "progressToken": token, "progress": seconds, "message": "waiting for approval",
    }})
}

/// Asks the agent's user, through the agent.
pub(super) fn elicitation(id: &str, words: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "elicitation/create", "params": {
        "message": words,
        "requestedSchema": {
            "type": "object",
            "properties": {
                "approve": {"type": "boolean", "title": "Approve", "description": "Allow this call?"},
                "reason": {"type": "string", "title": "Reason"},
            },
            "required": ["approve"],
        },
    }})
}
