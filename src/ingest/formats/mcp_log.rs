//! The `mcp-log` format: logs of the Model Context Protocol, one JSON-RPC message a line, alone or with a time around it.
//!
//! It holds only requests to a server and its answers: there are no prompts and no model calls. Source: the MCP
//! specification.

use serde_json::Value;

use super::content::{string, text_of};
use super::members::text;
use super::plain::{Agent, Rows, flag, given, instant, word};
use crate::ingest::fact::{FactKind, Name};
use crate::ingest::format::{Held, Recorded};
use crate::model::action::Status;

#[derive(Debug)]
pub struct McpLog;

impl Agent for McpLog {
    fn name(&self) -> &'static str {
        "mcp-log"
    }

    fn about(&self) -> &'static str {
        "logs of the Model Context Protocol (JSON-RPC lines)"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::No,
            cost: Held::No,
            times: Held::Partly,
            results: Held::Yes,
            approvals: Held::No,
        }
    }

    fn agent(&self) -> &'static str {
        "mcp"
    }

    fn sniff(&self, record: &Value) -> u8 {
        let Some(message) = rpc(record) else { return 0 };
        // Other programs use JSON-RPC too; only the handshake is unmistakable.
        let method = text(message, "method");
        let asks = method == "initialize" && message.pointer("/params/clientInfo").is_some();
        let is_own = asks || message.pointer("/result/serverInfo").is_some();
        if is_own { 80 } else { 10 }
    }

    fn rows(&self, _member: &str, record: &Value, out: &mut Rows) {
        let Some(message) = rpc(record) else { return };
        out.base.fact.time = instant(record, &["timestamp", "time", "ts", "@timestamp"]);
        let id = word(message, &["id"]);
        let params = message.get("params").unwrap_or(&Value::Null);
        match text(message, "method") {
            "" => answer(message, id, out),
            "tools/call" => {
                out.call(id, word(params, &["name"]), given(params, &["arguments"]));
            }
            "initialize" => {
                let client = params.get("clientInfo").unwrap_or(&Value::Null);
                let start = out.text_row(FactKind::RunStart, word(client, &["name"]));
                start.name(Name::Release, word(client, &["version"]));
            }
            "notifications/message" => {
                out.text_row_if_any(FactKind::Note, given(params, &["data"]).and_then(text_of));
            }
            method if method.starts_with("notifications/") || method == "ping" => out.copy(),
            method => {
                let args = Some(params).filter(|it| it.is_object());
                out.call(id, method.to_owned(), args);
            }
        }
    }
}

/// The message of a line: the line itself, or a member of it that may be JSON in a string.
fn rpc(record: &Value) -> Option<&Value> {
    let is_one = |it: &&Value| text(it, "jsonrpc") == "2.0";
    let inside = ["message", "msg", "payload", "data", "rpc"]
        .iter()
        .filter_map(|key| record.get(*key));
    std::iter::once(record).chain(inside).find(is_one)
}

fn answer(message: &Value, id: String, out: &mut Rows) {
    if let Some(error) = given(message, &["error"]) {
        let words = string(error, "message").or_else(|| text_of(error));
        out.result(id, Status::Error, words.map(Value::String));
        return;
    }
    let Some(result) = message.get("result") else {
        return;
    };
    if let Some(server) = result.get("serverInfo") {
        let setting = out.row(FactKind::Setting);
        setting.name(Name::Service, word(server, &["name"]));
        return;
    }
    let status = if flag(result, &["isError"]) == Some(true) {
        Status::Error
    } else {
        Status::Ok
    };
    let content = given(result, &["content"])
        .and_then(text_of)
        .map(Value::String);
    out.result(id, status, Some(content.unwrap_or_else(|| result.clone())));
}
