//! Opens `saferun` events in full.

use serde_json::Value;

use crate::ingest::body::{ApprovalText, Body, DecisionText, ErrorText, Matched};
use crate::ingest::fact::FactKind;
use crate::ingest::formats::content::{text_of, unpacked};

pub(super) fn kind_of(word: &[u8]) -> Option<FactKind> {
    Some(match word {
        b"run_start" => FactKind::RunStart,
        b"run_end" => FactKind::RunEnd,
        b"prompt" => FactKind::Prompt,
        b"response" => FactKind::Response,
        b"reasoning" => FactKind::Reasoning,
        b"tool_call" => FactKind::ToolCall,
        b"tool_result" => FactKind::ToolResult,
        b"policy_decision" => FactKind::Decision,
        b"approval" => FactKind::Approval,
        b"error" => FactKind::Error,
        b"note" => FactKind::Note,
        _ => return None,
    })
}

/// The body of an event with a row of its own.
pub(super) fn body(record: &Value) -> Body {
    let mut body = Body {
        id: string(record, "id"),
        parent_id: string(record, "parent_id"),
        text: record.get("content").and_then(text_of),
        args: present(record, "args").map(unpacked),
        error: record.get("error").and_then(error_of),
        labels: labels(record),
        ..Body::default()
    };
    match record.get("type").and_then(Value::as_str) {
        Some("tool_result") => result(record, &mut body),
        kind if kind.is_none_or(|kind| kind_of(kind.as_bytes()).is_none()) => {
            body.text = Some(unknown(kind.unwrap_or("no type"), body.text.take()));
        }
        Some("run_end") => body.text = string(record, "reason"),
        Some("run_start") => body.text = string(record, "system").or(body.text),
        _ => {}
    }
    body
}

/// A record of an unknown type shows its type, and its content if it has one.
fn unknown(kind: &str, content: Option<String>) -> String {
    match content {
        Some(content) => format!("{kind}: {content}"),
        None => kind.to_owned(),
    }
}

/// Adds a `tool_result` to its call.
pub(super) fn result(record: &Value, body: &mut Body) {
    body.result = present(record, "result").cloned();
    if let Some(error) = record.get("error").and_then(error_of) {
        body.error = Some(error);
    }
}

/// Adds a `policy_decision` or an `approval` to its action.
pub(super) fn attached(record: &Value, body: &mut Body) {
    if record.get("type").and_then(Value::as_str) == Some("approval") {
        body.approvals.push(ApprovalText {
            state: string(record, "state"),
            by: string(record, "by"),
            reason: string(record, "reason"),
            args: present(record, "args").cloned(),
        });
        return;
    }
    let matched = record
        .get("matched")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    body.decisions.push(DecisionText {
        policy: string(record, "policy"),
        rule: string(record, "rule"),
        decision: string(record, "decision"),
        mode: string(record, "mode"),
        reason: string(record, "reason"),
        matched: matched.iter().map(condition).collect(),
    });
}

fn condition(value: &Value) -> Matched {
    Matched {
        path: string(value, "path").unwrap_or_default(),
        op: string(value, "op").unwrap_or_default(),
        value: present(value, "value").cloned(),
        actual: present(value, "actual").cloned(),
    }
}

/// A member that is present and not null.
fn present<'a>(record: &'a Value, key: &str) -> Option<&'a Value> {
    record.get(key).filter(|value| !value.is_null())
}

pub(super) fn string(record: &Value, key: &str) -> Option<String> {
    match record.get(key)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

pub(super) fn error_of(error: &Value) -> Option<ErrorText> {
    match error {
        Value::Null => None,
        Value::Object(_) => Some(ErrorText {
            kind: string(error, "type"),
            message: string(error, "message").unwrap_or_default(),
            stack: string(error, "stack"),
        }),
        Value::String(message) => Some(ErrorText {
            message: message.clone(),
            ..ErrorText::default()
        }),
        other => Some(ErrorText {
            message: other.to_string(),
            ..ErrorText::default()
        }),
    }
}

fn labels(record: &Value) -> Vec<(String, String)> {
    let Some(Value::Object(labels)) = record.get("labels") else {
        return Vec::new();
    };
    labels
        .iter()
        .map(|(key, value)| {
            (
                key.clone(),
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned),
            )
        })
        .collect()
}
