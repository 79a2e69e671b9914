//! What lines of a transcript added to the context of the model.

use serde_json::Value;

use crate::ingest::fact::IMPLIED;
use crate::ingest::request::{ContextBlock, RequestPart, Role, blocks};

pub(super) fn pieces(record: &Value, part: u16) -> Vec<RequestPart> {
    let is = |key: &str| record.get(key).and_then(Value::as_bool) == Some(true);
    let text = |key: &str| record.get(key).and_then(Value::as_str);
    match text("type") {
        // A response that the harness made from an error is not sent to the model.
        _ if part & IMPLIED != 0 || is("isApiErrorMessage") => Vec::new(),
        Some("assistant") => message_blocks(record, part, Role::Assistant),
        Some("user") if is("isVisibleInTranscriptOnly") && !is("isCompactSummary") => Vec::new(),
        Some("user") => message_blocks(record, part, Role::User),
        Some("system") if text("subtype") == Some("compact_boundary") => {
            vec![RequestPart::Compacted {
                by: Vec::new(),
                words: compacted(record),
            }]
        }
        Some("attachment") => attachment(record),
        _ => Vec::new(),
    }
}

/// One block of a message; all of what a person typed.
fn message_blocks(record: &Value, part: u16, role: Role) -> Vec<RequestPart> {
    let Some(content) = record.pointer("/message/content") else {
        return Vec::new();
    };
    let all = blocks(content);
    let is_result =
        |block: &Value| block.get("type").and_then(Value::as_str) == Some("tool_result");
    let is_whole = role == Role::User && !all.iter().any(is_result);
    let id = record.pointer("/message/id").and_then(Value::as_str);
    let kept = all
        .into_iter()
        .enumerate()
        .filter(|(at, _)| is_whole || *at == usize::from(part));
    kept.map(|(_, block)| {
        let role = if is_result(&block) { Role::Tool } else { role };
        RequestPart::Block(ContextBlock {
            message: id.map(str::to_owned),
            ..ContextBlock::recorded(role, block)
        })
    })
    .collect()
}

/// `automatic, at 167,094 tokens`.
fn compacted(record: &Value) -> String {
    let meta = record.get("compactMetadata");
    let how = meta
        .and_then(|meta| meta.get("trigger")?.as_str())
        .unwrap_or("compacted");
    let before = meta.and_then(|meta| meta.get("preTokens")?.as_u64());
    match before {
        Some(tokens) => format!("{how}, at {} tokens", crate::base::human::count(tokens)),
        None => how.to_owned(),
    }
}

/// Attachments reach the model as reminders whose words are not recorded; only what a person typed while
/// the agent was working is recorded verbatim.
fn attachment(record: &Value) -> Vec<RequestPart> {
    let queued = record.pointer("/attachment/prompt");
    if let Some(prompt) = queued {
        let rebuilt = |block| RequestPart::Block(ContextBlock::rebuilt(Role::User, block));
        return blocks(prompt).into_iter().map(rebuilt).collect();
    }
    let kind = record
        .pointer("/attachment/type")
        .and_then(Value::as_str)
        .unwrap_or("attachment");
    match kind {
        "hook_success" | "hook_non_blocking_error" | "command_permissions" | "budget_usd" => {
            Vec::new()
        }
        _ => vec![RequestPart::NotRecorded(format!("attachment {kind}"))],
    }
}
