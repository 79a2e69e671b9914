//! Opens lines of a transcript in full.

use serde_json::Value;

use super::line::{INNER, is_inner};
use super::refusal::Refusal;
use crate::ingest::body::{ApprovalText, Body, DecisionText, ErrorText};
use crate::ingest::fact::IMPLIED;
use crate::ingest::formats::content::{string, text_of};
use crate::ingest::json::{Checked, Cursor, Range};

/// The body of a row: one block of a message, or a whole line.
pub(super) fn body(record: &Value, part: u16) -> Body {
    let mut body = Body {
        id: string(record, "uuid"),
        parent_id: string(record, "parentUuid"),
        labels: ["cwd", "gitBranch", "version", "permissionMode"]
            .iter()
            .filter_map(|key| Some(((*key).to_owned(), string(record, key)?)))
            .collect(),
        ..Body::default()
    };
    if part & IMPLIED != 0 {
        body.asks = blocks(record)
            .iter()
            .filter_map(|block| string(block, "name"))
            .collect();
        return body;
    }
    if part & INNER != 0 {
        let calls = record.pointer("/message/usage/iterations");
        let mut inner = calls
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter(|call| string(call, "type").is_some_and(|kind| is_inner(kind.as_bytes())));
        let call = inner.nth(usize::from(part ^ INNER));
        body.text = call.and_then(|call| string(call, "type"));
        return body;
    }
    let Some(message) = record.get("message").filter(|message| message.is_object()) else {
        line(record, &mut body);
        return body;
    };
    let content = message.get("content");
    let user = record.get("type").and_then(Value::as_str) == Some("user");
    let block = blocks(record).get(usize::from(part));
    let has_result = blocks(record)
        .iter()
        .any(|block| string(block, "type").as_deref() == Some("tool_result"));
    match block {
        Some(block) if !user || has_result => fill(block, &mut body),
        _ => body.text = content.and_then(text_of),
    }
    if record.get("isApiErrorMessage").and_then(Value::as_bool) == Some(true) {
        body.error = Some(ErrorText {
            message: body.text.take().unwrap_or_default(),
            ..ErrorText::default()
        });
    }
    body
}

/// The input of a tool that block `part` of an assistant's message asks for.
pub(super) fn args_in(record: &mut Cursor<'_>, part: u16) -> Option<Range> {
    let (mut args, mut is_user) = (None, false);
    let line = record.object(|cursor, key| {
        match key {
            b"type" => {
                let word = cursor.string_or_skip()?;
                is_user = word.is_some_and(|word| cursor.raw(word) == b"user");
            }
            b"message" => {
                args = None;
                cursor.object_or_skip(|cursor, key| {
                    if key != b"content" || cursor.peek() != b'[' {
                        return cursor.skip();
                    }
                    args = input_of(cursor, part)?;
                    Ok(())
                })?;
            }
            _ => cursor.skip()?,
        }
        Ok(())
    });
    line.ok()?;
    args.filter(|_| !is_user)
}

fn input_of(cursor: &mut Cursor<'_>, part: u16) -> Checked<Option<Range>> {
    let (mut at, mut found) = (0, None);
    cursor.array(|cursor| {
        let is_it = at == part;
        at = at.saturating_add(1);
        if !is_it {
            return cursor.skip();
        }
        let (mut input, mut is_call) = (None, false);
        cursor.object_or_skip(|cursor, key| {
            match key {
                b"input" => input = Some(cursor.range()?),
                b"type" => {
                    let word = cursor.string_or_skip()?;
                    is_call = word.is_some_and(|word| CALLS.contains(&cursor.raw(word)));
                }
                _ => cursor.skip()?,
            }
            Ok(())
        })?;
        found = input.filter(|_| is_call);
        Ok(())
    })?;
    Ok(found)
}

/// Blocks that ask for a tool, here or at the provider.
const CALLS: &[&[u8]] = &[b"tool_use", b"server_tool_use", b"mcp_tool_use"];

fn blocks(record: &Value) -> &[Value] {
    record
        .pointer("/message/content")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

fn fill(block: &Value, body: &mut Body) {
    match block.get("type").and_then(Value::as_str) {
        Some(kind) if CALLS.contains(&kind.as_bytes()) => {
            body.args = block.get("input").cloned();
            body.id = string(block, "id").or(body.id.take());
        }
        Some(kind) if is_result(kind) => {
            body.id = string(block, "tool_use_id").or(body.id.take());
            body.text = block.get("content").and_then(text_of);
        }
        Some("thinking") => body.text = string(block, "thinking"),
        Some("text") => body.text = string(block, "text"),
        Some(_) | None => body.text = text_of(block),
    }
}

/// Whether a block is the result of a tool, here or at the provider.
fn is_result(kind: &str) -> bool {
    kind == "tool_result" || kind.ends_with("_tool_result")
}

/// A line other than a message.
fn line(record: &Value, body: &mut Body) {
    let attachment = record
        .get("attachment")
        .filter(|attachment| attachment.is_object());
    if let Some(attachment) = attachment {
        let kind = string(attachment, "type").unwrap_or_default();
        if kind == "queued_command" {
            body.text = attachment.get("prompt").and_then(text_of);
            return;
        }
        let text = ["content", "prompt", "stderr", "stdout"]
            .iter()
            .find_map(|key| string(attachment, key));
        body.text = Some(match text.filter(|text| !text.is_empty()) {
            Some(text) => format!("{kind}: {text}"),
            None => kind,
        });
        return;
    }
    let subtype = string(record, "subtype");
    let kind = subtype
        .clone()
        .or_else(|| string(record, "type"))
        .unwrap_or_default();
    let text = ["content", "mode", "permissionMode", "operation", "prUrl"]
        .iter()
        .find_map(|key| string(record, key));
    if matches!(
        subtype.as_deref(),
        Some("api_error" | "error" | "api_refusal" | "model_refusal_fallback")
    ) {
        let error = record.get("error");
        let message = error.and_then(|error| {
            string(error, "message").or_else(|| {
                error
                    .get("error")?
                    .get("message")?
                    .as_str()
                    .map(str::to_owned)
            })
        });
        let status = error
            .and_then(|error| error.get("status"))
            .map(|status| format!("status {status}"));
        body.error = Some(ErrorText {
            kind: Some(kind),
            message: message.or(text).or(status).unwrap_or_default(),
            stack: None,
        });
        return;
    }
    body.text = Some(match text {
        Some(text) => format!("{kind}: {text}"),
        None => kind,
    });
}

/// Adds the result of a call; for a model call, the line with its text.
pub(super) fn result(record: &Value, part: u16, body: &mut Body) {
    let Some(block) = blocks(record).get(usize::from(part)) else {
        body.text = record.pointer("/message/content").and_then(text_of);
        return;
    };
    let kind = block.get("type").and_then(Value::as_str);
    if !kind.is_some_and(is_result) {
        fill(block, body);
        body.asks.clear();
        return;
    }
    let content = block.get("content").and_then(text_of);
    let failed = block.get("is_error").and_then(Value::as_bool) == Some(true)
        || block
            .pointer("/content/type")
            .and_then(Value::as_str)
            .is_some_and(|kind| kind.ends_with("_error"));
    if failed {
        body.error = Some(ErrorText {
            message: content.clone().unwrap_or_default(),
            ..ErrorText::default()
        });
    }
    body.result = content.map(Value::String);
}

pub(super) fn attached(record: &Value, part: u16, body: &mut Body) {
    if let Some(attachment) = record.get("attachment") {
        if string(attachment, "type").as_deref() != Some("hook_blocking_error") {
            return;
        }
        let error = attachment.get("blockingError");
        body.decisions.push(DecisionText {
            policy: string(attachment, "hookName"),
            rule: error.and_then(|error| string(error, "command")),
            decision: Some("block".to_owned()),
            mode: None,
            reason: error.and_then(|error| string(error, "blockingError")),
            matched: Vec::new(),
        });
        return;
    }
    if record.get("subtype").and_then(Value::as_str) == Some("stop_hook_summary") {
        body.decisions.push(DecisionText {
            policy: Some("stop hook".to_owned()),
            decision: Some("block".to_owned()),
            reason: string(record, "stopReason"),
            ..DecisionText::default()
        });
        return;
    }
    let text = blocks(record)
        .get(usize::from(part))
        .and_then(|block| block.get("content"))
        .and_then(text_of);
    let kind = string(record, "toolDenialKind").unwrap_or_default();
    let refusal = Refusal::of(kind.as_bytes(), text.as_deref().unwrap_or_default());
    if let Some(policy) = refusal.map(Refusal::policy).filter(|it| !it.is_empty()) {
        body.decisions.push(DecisionText {
            policy: Some(policy.to_owned()),
            decision: Some("block".to_owned()),
            reason: text,
            ..DecisionText::default()
        });
        return;
    }
    body.approvals.push(ApprovalText {
        state: Some("denied".to_owned()),
        by: Some("user".to_owned()),
        reason: text,
        args: None,
    });
}
