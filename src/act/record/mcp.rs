//! MCP servers that the agent reaches over HTTP: their tool calls and results, read from the JSON-RPC that passes.
//!
//! The model's own record of the same call has the same id, where the agent sends it along or the arguments are equal.

use serde_json::{Value, json};

use super::copy::End;
use super::response::millis;
use super::writer::{Passing, Writer};
use crate::act::net::coding;
use crate::ingest::wire::events;

/// The longest request that is read.
const LONGEST: usize = 64 << 20;
/// Where Claude Code names the model's call.
const CLAUDE: &str = "claudecode/toolUseId";

/// A tool call at a server.
#[derive(Debug)]
pub(super) struct Called {
    /// In JSON-RPC.
    id: Value,
    run: String,
    /// In the trace.
    call: String,
}

impl Writer {
    /// Records the tool calls of a request to a server.
    pub(super) fn called_at(&mut self, passing: &mut Passing, server: &str) {
        let body = self.release(passing);
        let encoding = super::headers::encoding(&passing.head.headers);
        let body = coding::decode(encoding, body, LONGEST).unwrap_or_default();
        let request: Value = serde_json::from_slice(&body).unwrap_or_default();
        for message in messages(&request) {
            let name = message["params"]["name"].as_str();
            let Some(name) = name.filter(|_| message["method"] == "tools/call") else {
                continue;
            };
            let tool = format!("mcp__{server}__{name}");
            let args = message["params"].get("arguments");
            let args = args.cloned().unwrap_or_else(|| json!({}));
            let (run, call) = match self.lanes.served(&tool, &args) {
                Some(known) => known,
                None => (self.home(), self.id()),
            };
            let named = message["params"]["_meta"][CLAUDE].as_str();
            let call = named.map_or(call, str::to_owned);
            self.start(&run, passing.began, None);
            let more = json!({"via": "mcp", "id": call, "tool": tool, "args": args});
            self.trace.tell(("tool_call", &run, passing.began), more);
            passing.called.push(Called {
                id: message["id"].clone(),
                run,
                call,
            });
        }
    }

    /// Records the results of the calls, when the exchange is over.
    pub(super) fn answered_by(&mut self, passing: &Passing, how: &End, at: i64) {
        let body = passing.answer.as_ref().map(|it| it.body.as_slice());
        let answers = answers(body.unwrap_or_default());
        for called in &passing.called {
            let answer = answers.iter().find(|it| it["id"] == called.id);
            let result = answer.and_then(|it| it.get("result"));
            let error = match (answer.and_then(|it| it.get("error")), result, how) {
                (Some(error), _, _) => {
                    Some(json!({"type": error["code"], "message": error["message"]}))
                }
                (None, None, End::Failed(why)) => Some(json!({"message": why})),
                (None, _, _) => None,
            };
            let is_error = error.is_some() || result.is_some_and(|it| it["isError"] == true);
            let status = match (is_error, result) {
                (true, _) => Some("error"),
                (false, Some(_)) => Some("ok"),
                // The answer was cut off: the outcome is unknown.
                (false, None) => None,
            };
            let more = json!({
                "via": "mcp",
                "call_id": called.call,
                "status": status,
                "result": result,
                "error": error,
                "duration_ms": millis(passing.began, at),
            });
            self.trace.tell(("tool_result", &called.run, at), more);
        }
    }
}

/// One message, or a batch of them.
fn messages(body: &Value) -> &[Value] {
    match body {
        Value::Array(all) => all,
        one => std::slice::from_ref(one),
    }
}

/// The messages of an answer: JSON, or a stream of it.
fn answers(body: &[u8]) -> Vec<Value> {
    let body = body.trim_ascii_start();
    if matches!(body.first(), Some(b'{' | b'[')) {
        let whole: Value = serde_json::from_slice(body).unwrap_or_default();
        return messages(&whole).to_vec();
    }
    events(body)
}
