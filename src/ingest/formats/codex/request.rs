//! What lines of a rollout added to the context of the model: the items of its requests, as sent.

use serde_json::{Value, json};

use super::open::payload;
use crate::ingest::fact::IMPLIED;
use crate::ingest::request::{ContextBlock, RequestPart, Role};

pub(super) fn pieces(record: &Value, part: u16) -> Vec<RequestPart> {
    if part & IMPLIED != 0 {
        return Vec::new();
    }
    let payload = payload(record);
    let text = |key: &str| payload.get(key).and_then(Value::as_str);
    match record.get("type").and_then(Value::as_str) {
        Some("session_meta") => meta(payload),
        Some("turn_context") => turn(payload),
        Some("compacted") => vec![compacted(payload)],
        Some("event_msg") => match text("type") {
            Some("user_message") => told(Role::User, "input_text", text("message")),
            Some("agent_message") => told(Role::Assistant, "output_text", text("message")),
            Some("agent_reasoning") => {
                vec![RequestPart::NotRecorded("a reasoning item".to_owned())]
            }
            _ => Vec::new(),
        },
        _ if payload.get("type").is_none() => meta(payload),
        _ => item(payload).map(RequestPart::Block).into_iter().collect(),
    }
}

fn meta(payload: &Value) -> Vec<RequestPart> {
    let base = payload.get("base_instructions");
    let text = base
        .and_then(|base| base.as_str().or_else(|| base.get("text")?.as_str()))
        .or_else(|| payload.get("instructions")?.as_str());
    let member = text.map(|text| RequestPart::Member {
        name: "instructions".to_owned(),
        value: text.into(),
    });
    member.into_iter().collect()
}

/// The settings of the requests that follow.
fn turn(payload: &Value) -> Vec<RequestPart> {
    let mut pieces = Vec::new();
    if let Some(model) = payload.get("model").filter(|model| model.is_string()) {
        pieces.push(RequestPart::Member {
            name: "model".to_owned(),
            value: model.clone(),
        });
    }
    let thinking: serde_json::Map<String, Value> = ["effort", "summary"]
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), payload.get(key)?.clone())))
        .filter(|(_, value)| value.is_string())
        .collect();
    if !thinking.is_empty() {
        pieces.push(RequestPart::Member {
            name: "reasoning".to_owned(),
            value: thinking.into(),
        });
    }
    pieces
}

fn compacted(payload: &Value) -> RequestPart {
    let history = payload.get("replacement_history").and_then(Value::as_array);
    let message = payload.get("message").and_then(Value::as_str);
    let by = match (history, message) {
        (Some(items), _) => items.iter().filter_map(item).collect(),
        (None, Some(summary)) if !summary.is_empty() => {
            vec![ContextBlock::rebuilt(
                Role::User,
                message_item(Role::User, "input_text", summary),
            )]
        }
        (None, _) => Vec::new(),
    };
    RequestPart::Compacted {
        by,
        words: "compacted".to_owned(),
    }
}

/// An item of the conversation; none for internal records.
fn item(payload: &Value) -> Option<ContextBlock> {
    let role = match payload.get("type")?.as_str()? {
        "message" => Role::from_word(payload.get("role")?.as_str()?)?,
        "ghost_snapshot" | "other" => return None,
        kind if kind.ends_with("_output") => Role::Tool,
        _ => Role::Assistant,
    };
    Some(ContextBlock::recorded(role, payload.clone()))
}

fn told(role: Role, kind: &str, text: Option<&str>) -> Vec<RequestPart> {
    let item = text.map(|text| ContextBlock::rebuilt(role, message_item(role, kind, text)));
    item.map(RequestPart::Block).into_iter().collect()
}

fn message_item(role: Role, kind: &str, text: &str) -> Value {
    json!({ "type": "message", "role": role.word(), "content": [{ "type": kind, "text": text }] })
}
