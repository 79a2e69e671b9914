//! What a reconstructed request is missing.

use std::collections::HashSet;

use serde_json::Value;

use super::collect::Collected;
use super::{Origin, Part};
use crate::ingest::request::{Api, Role};
use crate::model::action::ActionIx;

pub(super) fn missing(api: Api, collected: &Collected, request: &Value) -> Vec<Part> {
    let has = |name: &str| request.get(name).is_some();
    let conversation = format!("$.{}", api.conversation());
    let has_role = |role| {
        collected
            .entries
            .iter()
            .any(|entry| entry.part.role == role)
    };
    let mut parts = Vec::new();
    let mut miss = |path: &str, note: &str, action: Option<ActionIx>| {
        parts.push(Part {
            path: path.to_owned(),
            pointer: String::new(),
            origin: Origin::Missing,
            note: note.to_owned(),
            role: None,
            action,
            is_new: false,
            estimate: None,
        });
    };
    let system = match api {
        Api::Messages => (has("system"), "$.system".to_owned()),
        Api::Responses => (has("instructions"), "$.instructions".to_owned()),
        Api::Gemini => (has("systemInstruction"), "$.systemInstruction".to_owned()),
        Api::Chat => (
            has_role(Role::System)
                || has_role(Role::Developer)
                || collected.members.iter().any(|(name, _)| name == "system"),
            conversation.clone(),
        ),
    };
    if !system.0 {
        miss(&system.1, "the system prompt is not recorded", None);
    }
    if !has("tools") {
        miss("$.tools", "the tool schemas are not recorded", None);
    }
    // A format that records one parameter records all that were set.
    let beside = [
        api.conversation(),
        "model",
        "system",
        "instructions",
        "systemInstruction",
        "tools",
    ];
    let mut members = request.as_object().into_iter().flatten();
    if members.all(|(name, _)| beside.contains(&name.as_str())) {
        miss(
            "$",
            "parameters (temperature, limits) are not recorded",
            None,
        );
    }
    for id in open_calls(collected) {
        let note = format!("call {id} has no result in the trace before this request");
        miss(&conversation, &note, None);
    }
    for (action, words) in &collected.not_recorded {
        let note = format!("{words}: what the model was told about it is not recorded");
        miss(&conversation, &note, Some(*action));
    }
    if let Some((action, words)) = &collected.compacted {
        let note = format!("compacted ({words}): earlier messages are not part of it");
        miss(&conversation, &note, Some(*action));
    }
    if collected.is_complete {
        return parts;
    }
    miss(
        &conversation,
        "whether the agent truncated or injected anything on its own",
        None,
    );
    parts
}

/// Ids of calls without a result in the conversation. APIs reject such a request.
pub(super) fn open_calls(collected: &Collected) -> Vec<String> {
    let text = |block: &Value, key: &str| block.get(key).and_then(Value::as_str).map(str::to_owned);
    let blocks = || collected.entries.iter().map(|entry| &entry.part.block);
    let answered: HashSet<String> = blocks()
        .filter(|block| {
            let kind = text(block, "type");
            kind.is_some_and(|kind| kind == "tool_result" || kind.ends_with("_output"))
        })
        .filter_map(|block| text(block, "tool_use_id").or_else(|| text(block, "call_id")))
        .collect();
    let asked = blocks().filter(|block| {
        matches!(
            block.get("type").and_then(Value::as_str),
            Some("tool_use" | "function_call" | "custom_tool_call")
        )
    });
    asked
        .filter_map(|block| text(block, "call_id").or_else(|| text(block, "id")))
        .filter(|id| !answered.contains(id))
        .collect()
}
