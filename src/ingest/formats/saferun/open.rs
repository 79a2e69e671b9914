//! Opens `saferun` events in full.

use serde_json::Value;

use crate::ingest::body::{ApprovalText, Body, DecisionText, ErrorText, Matched};
use crate::ingest::fact::FactKind;
use crate::ingest::formats::content::{text_of, unpacked};
use crate::ingest::json::{Cursor, Range};

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
        b"note" | b"gap" | b"unguarded" => FactKind::Note,
        _ => return None,
    })
}

/// The arguments of a call that are an object; others may be packed in a string.
pub(super) fn args_in(record: &mut Cursor<'_>, _part: u16) -> Option<Range> {
    let (mut args, mut is_call) = (None, false);
    let event = record.object(|cursor, key| {
        match key {
            b"args" => args = Some(cursor.range()?),
            b"type" => {
                let word = cursor.string_or_skip()?;
                is_call = word.is_some_and(|word| cursor.raw(word) == b"tool_call");
            }
            _ => cursor.skip()?,
        }
        Ok(())
    });
    event.ok()?;
    args.filter(|args| is_call && record.bytes().get(args.start) == Some(&b'{'))
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
        via: string(record, "via").into_iter().collect(),
        ..Body::default()
    };
    match record.get("type").and_then(Value::as_str) {
        Some("tool_result") => result(record, &mut body),
        kind if kind.is_none_or(|kind| kind_of(kind.as_bytes()).is_none()) => {
            body.text = Some(unknown(kind.unwrap_or("no type"), body.text.take()));
        }
        Some("run_end") => body.text = string(record, "reason"),
        Some("gap") => body.text = Some(gap(record)),
        Some("unguarded") => body.text = Some(unguarded(record)),
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

/// A description of what a recorder could not write.
fn gap(record: &Value) -> String {
    let count = |name: &str, what: &str| Some(format!("{} {what}", string(record, name)?));
    let lost = [count("events", "events"), count("bytes", "bytes")];
    let lost: Vec<String> = lost.into_iter().flatten().collect();
    let cause = string(record, "cause").map_or_else(String::new, |cause| format!(": {cause}"));
    match lost.as_slice() {
        [] => format!("not recorded{cause}"),
        lost => format!("not recorded: {}{cause}", lost.join(", ")),
    }
}

fn unguarded(record: &Value) -> String {
    let call = string(record, "call_id").unwrap_or_default();
    let host = string(record, "host").map_or_else(String::new, |host| format!(" ({host})"));
    format!("call {call} ran and no hook was asked{host}")
}

/// Adds another writer's record of the same call: fields that the row lacks, and the result as the model saw it.
pub(super) fn record(record: &Value, body: &mut Body) {
    let via = string(record, "via");
    let is_wire = via.as_deref() == Some("wire");
    body.via.extend(via.filter(|via| !body.via.contains(via)));
    if record.get("type").and_then(Value::as_str) == Some("tool_result") {
        let text = present(record, "result").map(seen);
        let is_same = |text: &String| body.result.as_ref().is_some_and(|it| says(it, text));
        match (&body.result, text) {
            (Some(_), Some(text)) if is_wire && !is_same(&text) => body.seen = Some(text),
            (None, Some(_)) if body.error.is_none() => result(record, body),
            _ => {}
        }
        return;
    }
    body.parent_id = body.parent_id.take().or(string(record, "parent_id"));
    body.args = body
        .args
        .take()
        .or_else(|| present(record, "args").map(unpacked));
    let known: Vec<String> = body.labels.iter().map(|(name, _)| name.clone()).collect();
    let added = labels(record)
        .into_iter()
        .filter(|(name, _)| !known.contains(name));
    body.labels.extend(added);
    if let (Some(Value::Object(whole)), Value::Object(told)) = (&mut body.record, record) {
        for (name, value) in told {
            whole.entry(name.clone()).or_insert_with(|| value.clone());
        }
        if body.via.len() > 1 {
            whole.insert("via".to_owned(), Value::from(body.via.clone()));
        }
    }
}

/// The text that a model received as the result of a tool.
fn seen(result: &Value) -> String {
    text_of(result).unwrap_or_else(|| result.to_string())
}

/// Whether a result is this text, or has it as one of its values.
fn says(result: &Value, text: &str) -> bool {
    let is_whole = || {
        let whole = result.to_string();
        whole == text
    };
    match result {
        Value::String(own) => own.trim() == text.trim(),
        Value::Object(members) => members.values().any(|it| says(it, text)) || is_whole(),
        Value::Array(items) => items.iter().any(|it| says(it, text)) || is_whole(),
        Value::Null | Value::Bool(_) | Value::Number(_) => is_whole(),
    }
}

/// Adds a `tool_result` to its call.
pub(super) fn result(record: &Value, body: &mut Body) {
    let via = string(record, "via");
    body.via.extend(via.filter(|via| !body.via.contains(via)));
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
