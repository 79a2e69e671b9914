//! Opens a session, message, part or event in full.

use serde_json::Value;

use crate::ingest::body::{ApprovalText, Body, ErrorText};
use crate::ingest::fact::IMPLIED;
use crate::ingest::formats::content::{string, text_of};

/// The error name of a message that a person cancelled.
pub(super) const ABORTED: &str = "MessageAbortedError";
/// The part number of a message's error, which is opened separately from the message.
pub(super) const ERROR: u16 = 1;

/// The part in an event; every other record is its own part.
fn part_of(record: &Value) -> &Value {
    let part = record.get("part").filter(|part| part.is_object());
    part.unwrap_or(record)
}

fn state_text(part: &Value, key: &str) -> Option<String> {
    part.pointer("/state").and_then(|state| string(state, key))
}

pub(super) fn body(record: &Value, part: u16) -> Body {
    let recorded = part_of(record);
    let mut body = Body {
        id: string(recorded, "id"),
        parent_id: string(recorded, "parentID"),
        ..Body::default()
    };
    if part & IMPLIED != 0 {
        body.asks = string(recorded, "tool").into_iter().collect();
        return body;
    }
    let kind = string(recorded, "type").unwrap_or_default();
    match kind.as_str() {
        "tool" => {
            body.id = string(recorded, "callID");
            body.args = recorded.pointer("/state/input").cloned();
        }
        "error" | "retry" => trouble(recorded, &mut body),
        "text" | "reasoning" => body.text = string(recorded, "text"),
        "" if part == ERROR => trouble(recorded, &mut body),
        "" => body.text = of_head(recorded),
        _ => body.text = Some(note(recorded, &kind)),
    }
    body
}

/// Adds the result of a tool to its call, or the text to the row of its model call.
pub(super) fn result(record: &Value, body: &mut Body) {
    let recorded = part_of(record);
    if string(recorded, "type").as_deref() != Some("tool") {
        body.text = string(recorded, "text");
        body.asks.clear();
        return;
    }
    body.result = recorded.pointer("/state/output").cloned();
    let failed = state_text(recorded, "error");
    body.error = failed.map(|message| ErrorText {
        message,
        ..ErrorText::default()
    });
}

pub(super) fn attached(record: &Value, body: &mut Body) {
    body.approvals.push(ApprovalText {
        state: Some("rejected".to_owned()),
        reason: state_text(part_of(record), "error"),
        ..ApprovalText::default()
    });
}

/// `{name, data: {message}}`, in any position; being cancelled by a person is not an error.
fn trouble(recorded: &Value, body: &mut Body) {
    let Some(error) = recorded.get("error") else {
        return;
    };
    let data = error.get("data").unwrap_or(error);
    let words = string(data, "message").or_else(|| text_of(data));
    let kind = string(error, "name");
    if kind.as_deref() == Some(ABORTED) {
        body.text = words.or(kind);
        return;
    }
    body.error = Some(ErrorText {
        kind,
        message: words.unwrap_or_default(),
        stack: None,
    });
}

/// The title and folder of a session; for a message without parts, its metadata.
fn of_head(recorded: &Value) -> Option<String> {
    let title = string(recorded, "title").filter(|_| recorded.get("role").is_none());
    if let Some(title) = title {
        let folder = string(recorded, "directory");
        return Some(folder.map_or(title.clone(), |folder| format!("{title}\n{folder}")));
    }
    let noted = ["/summary/body", "/summary/title"];
    noted
        .iter()
        .filter_map(|place| recorded.pointer(place)?.as_str())
        .find(|text| !text.is_empty())
        .map(str::to_owned)
}

/// Describes a part that is neither text nor tool: its kind and its subject.
fn note(recorded: &Value, kind: &str) -> String {
    let keys = [
        "filename",
        "name",
        "description",
        "prompt",
        "reason",
        "hash",
        "snapshot",
    ];
    let mut words: Vec<String> = keys
        .iter()
        .filter_map(|key| string(recorded, key))
        .collect();
    // The URL of an attachment may be the whole attachment.
    words.extend(string(recorded, "url").filter(|url| !url.starts_with("data:")));
    let files = recorded.get("files").and_then(Value::as_array);
    words.extend(files.into_iter().flatten().filter_map(text_of));
    if words.is_empty() {
        kind.to_owned()
    } else {
        format!("{kind}: {}", words.join("\n"))
    }
}
