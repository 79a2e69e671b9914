//! An MCP server that returns recorded results of tools, without its transport.

use std::sync::{Mutex, PoisonError};

use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::act::net::body;
use crate::act::net::server::{self, Answer, Handler};
use crate::analysis::tape::tools::Tools;

/// The protocol revision for clients that name none.
const REVISION: &str = "2025-06-18";
const LONGEST: usize = 16 << 20;
/// The key of a returned value, which `saferun.py` and `saferun.mjs` look for.
const VALUE: &str = "saferun/result";
const TIME: std::time::Duration = std::time::Duration::from_secs(30);

/// The answer to a message; none to notifications and to answers.
pub fn respond(tools: &mut Tools, message: &Value) -> Option<Value> {
    let method = message.get("method").and_then(Value::as_str)?;
    let id = message.get("id").filter(|id| !id.is_null())?;
    let params = message.get("params").cloned().unwrap_or_default();
    let result = match method {
        "initialize" => json!({
            "protocolVersion": params.get("protocolVersion").cloned().unwrap_or_else(|| REVISION.into()),
            "capabilities": {"tools": {}},
            "serverInfo": {"name": tools.server().unwrap_or("saferun-replay"), "version": env!("CARGO_PKG_VERSION")},
        }),
        "ping" => json!({}),
        "tools/list" => json!({"tools": tools.list()}),
        "tools/call" => call(tools, &params),
        _ => {
            let error = json!({"code": -32601, "message": format!("Method not found: {method}")});
            return Some(json!({"jsonrpc": "2.0", "id": id, "error": error}));
        }
    };
    Some(json!({"jsonrpc": "2.0", "id": id, "result": result}))
}

/// A miss is a result that the model sees: some clients give up on protocol errors.
fn call(tools: &mut Tools, params: &Value) -> Value {
    let name = params
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let arguments = params
        .get("arguments")
        .cloned()
        .unwrap_or_else(|| json!({}));
    let (text, value, is_error) = match tools.take(name, &arguments) {
        Ok(call) => (call.result.clone(), call.value.clone(), call.is_error()),
        Err(words) => (words, None, true),
    };
    let mut result = json!({"content": [{"type": "text", "text": text}], "isError": is_error});
    // A replayed function returns the value that was recorded, not its text.
    if let Some(value) = value {
        result["_meta"] = json!({ VALUE: value });
    }
    result
}

/// The answer to a line of standard input.
pub fn respond_to_line(tools: &mut Tools, line: &str) -> Option<Value> {
    match serde_json::from_str(line) {
        Ok(message) => respond(tools, &message),
        Err(error) => Some(failure(-32700, &format!("Parse error: {error}"))),
    }
}

/// The answer to what is not a message.
pub fn failure(code: i32, words: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": null, "error": {"code": code, "message": words}})
}

/// The same over Streamable HTTP, without sessions and without streams.
#[derive(Debug)]
pub struct Http(pub Mutex<Tools>);

impl Handler for Http {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        answer(&self.0, request).await
    }
}

/// Answers one request of the HTTP transport.
pub async fn answer(tools: &Mutex<Tools>, request: Request<Incoming>) -> Answer {
    if *request.method() != Method::POST {
        return server::plain(
            StatusCode::METHOD_NOT_ALLOWED,
            "only POST is answered here\n",
        );
    }
    let bytes = match body::collect(request.into_body(), LONGEST, TIME).await {
        Ok(bytes) => bytes,
        Err(unread) => return server::plain(unread.status(), &unread.to_string()),
    };
    let line = String::from_utf8_lossy(&bytes);
    let mut tools = tools.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(answer) = respond_to_line(&mut tools, &line) {
        server::json(StatusCode::OK, &answer)
    } else {
        let mut accepted = Response::new(body::empty());
        *accepted.status_mut() = StatusCode::ACCEPTED;
        accepted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::tape::ToolCall;
    use crate::model::action::Status;

    fn tools(in_order: bool) -> Tools {
        let call = |seq: u32, at: &str, result: &str, status: Status| ToolCall {
            seq,
            id: format!("c{seq}"),
            name: "mcp__shop__look".to_owned(),
            arguments: json!({"at": at}),
            result: result.to_owned(),
            value: None,
            status,
        };
        let calls = [
            call(1, "a", "one", Status::Ok),
            call(2, "a", "two", Status::Ok),
            call(3, "b", "broken", Status::Error),
        ];
        let schema = json!({"name": "mcp__shop__look", "description": "Look.", "input_schema": {"type": "object", "required": ["at"]}});
        Tools::new(&calls, vec![schema], Some("shop"), in_order)
    }

    fn text(tools: &mut Tools, at: &str) -> (String, bool) {
        let message = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "look", "arguments": {"at": at}}});
        let answer = respond(tools, &message).expect("an answer");
        let text = answer["result"]["content"][0]["text"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        (text, answer["result"]["isError"] == true)
    }

    #[test]
    fn results_are_given_first_in_first_out_and_each_once() {
        let mut tools = tools(false);
        assert_eq!(text(&mut tools, "b"), ("broken".to_owned(), true));
        assert_eq!(text(&mut tools, "a"), ("one".to_owned(), false));
        assert_eq!(text(&mut tools, "a"), ("two".to_owned(), false));
        let (words, is_error) = text(&mut tools, "a");
        assert!(is_error && words.contains("miss"), "{words}");
        assert_eq!((tools.served(), tools.misses.len()), (3, 1));
    }

    #[test]
    fn in_order_no_call_may_be_skipped() {
        let mut tools = tools(true);
        assert!(text(&mut tools, "b").1);
        assert_eq!(text(&mut tools, "a").0, "one");
    }

    #[test]
    fn a_client_is_greeted_in_its_own_revision_and_sees_the_recorded_schemas() {
        let mut tools = tools(false);
        let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-11-25"}});
        assert_eq!(
            respond(&mut tools, &hello).expect("an answer")["result"]["protocolVersion"],
            "2025-11-25"
        );
        assert_eq!(
            respond(
                &mut tools,
                &json!({"jsonrpc": "2.0", "method": "notifications/initialized"})
            ),
            None
        );
        let list = json!({"jsonrpc": "2.0", "id": "x", "method": "tools/list"});
        let listed = respond(&mut tools, &list).expect("an answer");
        assert_eq!(listed["result"]["tools"][0]["name"], "look");
        assert_eq!(
            listed["result"]["tools"][0]["inputSchema"]["required"][0],
            "at"
        );
        let unknown = respond_to_line(&mut tools, r#"{"id": 2, "method": "resources/list"}"#)
            .expect("an answer");
        assert_eq!(unknown["error"]["code"], -32601);
        assert_eq!(
            respond_to_line(&mut tools, "{").expect("an answer")["error"]["code"],
            -32700
        );
    }
}
