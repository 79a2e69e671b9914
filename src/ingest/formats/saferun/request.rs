//! What events added to the context of the model.

use serde_json::{Map, Value, json};

use super::delta;
use super::open::string;
use crate::ingest::formats::content::unpacked;
use crate::ingest::request::{ContextBlock, RequestPart, Role, blocks, text_block};

pub(super) fn pieces(record: &Value) -> Vec<RequestPart> {
    match record.get("type").and_then(Value::as_str) {
        Some("run_start") => start(record),
        Some("prompt") => {
            let role = record.get("role").and_then(Value::as_str);
            content_blocks(record, role.and_then(Role::from_word).unwrap_or(Role::User))
        }
        Some("response") => {
            let request = record.get("request").filter(|body| body.is_object());
            let request = request.map(|body| match delta::base(record) {
                Some(base) => {
                    let what = format!("the request: its base ({base}) is missing");
                    RequestPart::NotRecorded(what)
                }
                None => RequestPart::Request(body.clone()),
            });
            let response = content_blocks(record, Role::Assistant);
            request.into_iter().chain(response).collect()
        }
        Some("reasoning") => {
            let text = string(record, "content").unwrap_or_default();
            let block = json!({ "type": "thinking", "thinking": text });
            vec![RequestPart::Block(ContextBlock::rebuilt(
                Role::Assistant,
                block,
            ))]
        }
        Some("tool_call") => vec![RequestPart::Block(ContextBlock::rebuilt(
            Role::Assistant,
            call(record),
        ))],
        Some("tool_result") => result(record),
        Some("note") => match string(record, "compacted") {
            Some(words) => vec![RequestPart::Compacted {
                by: Vec::new(),
                words,
            }],
            // A message from a harness, like notes of other formats.
            None => match string(record, "role").as_deref().and_then(Role::from_word) {
                Some(role) => content_blocks(record, role),
                None => Vec::new(),
            },
        },
        _ => Vec::new(),
    }
}

fn start(record: &Value) -> Vec<RequestPart> {
    let member = |name: &str, value: &Value| RequestPart::Member {
        name: name.to_owned(),
        value: value.clone(),
    };
    let own = ["model", "system", "tools"]
        .iter()
        .filter_map(|name| Some(member(name, record.get(*name)?)));
    let params = record.get("params").and_then(Value::as_object);
    let params = params
        .into_iter()
        .flatten()
        .map(|(name, value)| member(name, value));
    own.chain(params).collect()
}

fn content_blocks(record: &Value, role: Role) -> Vec<RequestPart> {
    let content = record.get("content").unwrap_or(&Value::Null);
    blocks(content)
        .into_iter()
        .map(|block| RequestPart::Block(ContextBlock::recorded(role, block)))
        .collect()
}

fn call(record: &Value) -> Value {
    let input = record
        .get("args")
        .map_or_else(|| Value::Object(Map::new()), unpacked);
    json!({
        "type": "tool_use",
        "id": string(record, "id").unwrap_or_default(),
        "name": string(record, "tool").unwrap_or_default(),
        "input": input,
    })
}

/// A call that was stopped has no result: what the model received instead is not recorded.
fn result(record: &Value) -> Vec<RequestPart> {
    let status = string(record, "status").unwrap_or_default();
    let error = record.get("error").and_then(super::open::error_of);
    let content = match record.get("result").filter(|result| !result.is_null()) {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => match error {
            Some(error) => error.message,
            None => {
                return vec![RequestPart::NotRecorded(format!(
                    "the result of a call that was {status}"
                ))];
            }
        },
    };
    let mut block = json!({
        "type": "tool_result",
        "tool_use_id": string(record, "call_id").unwrap_or_default(),
        "content": [text_block(&content)],
    });
    if !matches!(status.as_str(), "ok" | "") {
        block["is_error"] = true.into();
    }
    vec![RequestPart::Block(ContextBlock::rebuilt(Role::Tool, block))]
}
