//! `mcp-server`: lets an agent read traces over the Model Context Protocol, on standard input and output.
//!
//! Read-only. Every answer is masked and bounded, and the traces are reread for each request, so that an agent sees
//! what it did a moment ago.

mod tools;

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::cli::Cx;
use crate::cli::command::{Accepts, Command};
use crate::cli::failure::Exit;
use crate::cli::lines::{self, Line};

/// Serve traces to an agent over the Model Context Protocol (stdio): list, query, show, compare, cost; read-only,
/// masked
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  claude mcp add traces -- saferun-tui mcp-server ~/.claude/projects/-work-shop
  saferun-tui mcp-server traces/ opencode.db

Tools: list_runs, query, show, context, diff, cost. Nothing is written, executed or sent; secrets are masked; answers \
are cut at 64 kB.")]
pub struct McpServer {
    /// Files, folders, stores or globs
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
}

/// The protocol version, unless the client asks for another.
const VERSION: &str = "2025-06-18";
/// The longest request that is read.
const LONGEST: usize = 1 << 20;

impl Command for McpServer {
    const NAME: &'static str = "mcp-server";
    const ACCEPTS: Accepts = Accepts::READING;

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let mut input = std::io::stdin().lock();
        while let Some(line) = lines::next(&mut input, LONGEST)? {
            let answer = match line {
                Line::TooLong => Some(failure(&Value::Null, -32600, "the request is too long")),
                Line::Text(line) if line.trim().is_empty() => continue,
                Line::Text(line) => match serde_json::from_str::<Value>(&line) {
                    Ok(request) => answer(cx, &self.paths, &request),
                    Err(error) => Some(failure(&Value::Null, -32700, &error.to_string())),
                },
            };
            if let Some(answer) = answer {
                cx.out.verbatim(&format!("{answer}\n"))?;
                cx.out.flush()?;
            }
        }
        Ok(Exit::Done)
    }
}

/// The answer to a message; none for a notification.
fn answer(cx: &Cx, paths: &[PathBuf], request: &Value) -> Option<Value> {
    let id = request.get("id")?;
    let params = request.get("params").unwrap_or(&Value::Null);
    let method = request
        .get("method")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let result = match method {
        "initialize" => {
            let asked = params.get("protocolVersion").and_then(Value::as_str);
            json!({
                "protocolVersion": asked.unwrap_or(VERSION),
                "capabilities": { "tools": {} },
                "serverInfo": { "name": "saferun-tui", "version": env!("CARGO_PKG_VERSION") },
                "instructions": "Traces of AI agents, read-only. list_runs gives the ids of runs; a unique prefix is enough.",
            })
        }
        "ping" => json!({}),
        "tools/list" => json!({ "tools": tools::list() }),
        "tools/call" => called(cx, paths, params),
        _ => return Some(failure(id, -32601, &format!("no method '{method}'"))),
    };
    Some(json!({ "jsonrpc": "2.0", "id": id, "result": result }))
}

fn called(cx: &Cx, paths: &[PathBuf], params: &Value) -> Value {
    let name = params
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let args = params.get("arguments").cloned().unwrap_or_default();
    let (text, is_error) = match tools::call(cx, paths, name, &args) {
        Ok(answer) => (tools::bounded(answer), false),
        Err(error) => (error.to_string(), true),
    };
    json!({ "content": [{ "type": "text", "text": text }], "isError": is_error })
}

fn failure(id: &Value, code: i32, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
}
