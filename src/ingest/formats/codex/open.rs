//! Opens lines of a rollout in full.

use serde_json::Value;

use crate::ingest::body::{ApprovalText, Body, DecisionText, ErrorText};
use crate::ingest::fact::IMPLIED;
use crate::ingest::formats::content::{string, text_of};
use crate::ingest::json;

/// The payload; items of the first rollouts had no envelope.
pub(super) fn payload(record: &Value) -> &Value {
    let inner = record
        .get("payload")
        .filter(|payload| payload.is_object())
        .unwrap_or(record);
    inner
        .get("item")
        .filter(|item| item.is_object())
        .unwrap_or(inner)
}

pub(super) fn body(record: &Value, part: u16) -> Body {
    let payload = payload(record);
    let kind = string(payload, "type").unwrap_or_default();
    let mut body = Body {
        id: string(payload, "call_id").or_else(|| string(payload, "id")),
        ..Body::default()
    };
    if part & IMPLIED != 0 {
        body.asks = vec![
            string(payload, "name").unwrap_or_else(|| kind.trim_end_matches("_call").to_owned()),
        ];
        return body;
    }
    body.labels = ["cwd", "cli_version", "approval_policy", "source"]
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), string(payload, key)?)))
        .collect();
    match kind.as_str() {
        "function_call"
        | "custom_tool_call"
        | "local_shell_call"
        | "web_search_call"
        | "image_generation_call"
        | "tool_search_call" => body.args = args(payload),
        "CommandExecution" | "McpToolCall" | "FileChange" | "Extension" => item(payload, &mut body),
        "error" | "stream_error" | "task_complete" => {
            let error = payload.get("error").unwrap_or(payload);
            body.error = Some(ErrorText {
                kind: string(error, "codex_error_info"),
                message: string(error, "message").unwrap_or_default(),
                stack: None,
            });
        }
        // Their text is attached to their row, like that of any decision.
        "guardian_assessment" | "exec_approval_request" | "apply_patch_approval_request" => {}
        "reasoning" => body.text = reasoning(payload),
        _ => {
            body.text = text_of_payload(payload)
                .or_else(|| Some(kind).filter(|kind| !kind.is_empty()))
                .or_else(|| string(record, "type"));
        }
    }
    body
}

/// Arguments are JSON in a string; those of custom tools are free text.
fn args(payload: &Value) -> Option<Value> {
    let args = ["arguments", "input", "action"]
        .iter()
        .find_map(|key| payload.get(key).filter(|args| !args.is_null()))?;
    let opened = args
        .as_str()
        .and_then(|text| json::value(text.as_bytes()))
        .filter(Value::is_object);
    Some(opened.unwrap_or_else(|| args.clone()))
}

/// An item of the paginated mode has both call and result.
fn item(item: &Value, body: &mut Body) {
    let fields: serde_json::Map<String, Value> =
        ["command", "arguments", "query", "action", "changes"]
            .iter()
            .filter_map(|key| Some(((*key).to_owned(), item.get(key)?.clone())))
            .collect();
    body.args = Some(Value::Object(fields));
    body.result = ["aggregated_output", "result", "results", "stdout"]
        .iter()
        .find_map(|key| item.get(key))
        .cloned();
}

fn reasoning(payload: &Value) -> Option<String> {
    let recorded = |key: &str| {
        payload
            .get(key)
            .and_then(text_of)
            .filter(|text| !text.is_empty())
    };
    let hidden = payload
        .get("encrypted_content")
        .is_some_and(|content| !content.is_null());
    recorded("summary")
        .or_else(|| recorded("content"))
        .or_else(|| hidden.then(|| "[encrypted reasoning]".to_owned()))
}

fn text_of_payload(payload: &Value) -> Option<String> {
    ["content", "message", "text", "reason"]
        .iter()
        .find_map(|key| payload.get(key).and_then(text_of))
}

/// Adds the output of a call; for a model call, the line with its text.
pub(super) fn result(record: &Value, body: &mut Body) {
    let payload = payload(record);
    let Some(output) = payload.get("output").or_else(|| payload.get("tools")) else {
        body.text = text_of_payload(payload);
        body.asks.clear();
        return;
    };
    let text = match output {
        Value::Object(_) => string(output, "text").or_else(|| string(output, "content")),
        _ => text_of(output),
    };
    let opened = text
        .as_ref()
        .and_then(|text| json::value(text.as_bytes()))
        .filter(Value::is_object);
    body.result = Some(
        opened
            .or_else(|| text.map(Value::String))
            .unwrap_or_else(|| output.clone()),
    );
}

pub(super) fn attached(record: &Value, body: &mut Body) {
    let payload = payload(record);
    if string(payload, "type").as_deref() == Some("guardian_assessment") {
        body.decisions.push(DecisionText {
            policy: Some("guardian".to_owned()),
            decision: string(payload, "status"),
            reason: string(payload, "rationale").or_else(|| string(payload, "reason")),
            ..DecisionText::default()
        });
        return;
    }
    body.approvals.push(ApprovalText {
        state: Some("requested".to_owned()),
        reason: string(payload, "reason"),
        args: payload.get("command").cloned(),
        ..ApprovalText::default()
    });
}
