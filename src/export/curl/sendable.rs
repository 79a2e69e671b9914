//! Makes a reconstructed request one that the API takes: what the API requires is added and named, and what only its
//! responses or the recorder know is dropped.

use serde_json::{Map, Value, json};

use crate::base::text;
use crate::ingest::request::Api;

/// Stands for the limit that was not recorded: enough for an answer, and below the limit of any current model.
const MAX_TOKENS: u64 = 4096;

/// Changes `request` in place; returns what was added, in words.
pub fn sendable(request: &mut Value, api: Api, model: &str) -> Vec<String> {
    let Some(members) = request.as_object_mut() else {
        return Vec::new();
    };
    let mut added = Vec::new();
    if !members.contains_key("model") && !model.is_empty() {
        members.insert("model".to_owned(), json!(model));
        added.push(format!(
            "model {}: that of the response",
            text::sanitize(model)
        ));
    }
    match api {
        Api::Messages => messages(members, &mut added),
        Api::Chat => each(members, "messages", &mut |message| {
            keep(message, CHAT_MESSAGE);
        }),
        Api::Responses | Api::Gemini => {}
    }
    added
}

/// The members that each block of a message can have in a request.
const BLOCKS: &[(&str, &[&str])] = &[
    ("text", &["type", "text", "citations", "cache_control"]),
    ("thinking", &["type", "thinking", "signature"]),
    ("redacted_thinking", &["type", "data"]),
    (
        "tool_use",
        &["type", "id", "name", "input", "cache_control"],
    ),
    (
        "tool_result",
        &[
            "type",
            "tool_use_id",
            "content",
            "is_error",
            "cache_control",
        ],
    ),
    ("image", &["type", "source", "cache_control"]),
];
const MESSAGE: &[&str] = &["role", "content"];
const CHAT_MESSAGE: &[&str] = &[
    "role",
    "content",
    "name",
    "refusal",
    "audio",
    "tool_calls",
    "tool_call_id",
    "function_call",
    "reasoning_content",
];

fn messages(members: &mut Map<String, Value>, added: &mut Vec<String>) {
    if !members.contains_key("max_tokens") {
        members.insert("max_tokens".to_owned(), json!(MAX_TOKENS));
        added.push(format!(
            "max_tokens {MAX_TOKENS}: required, but not recorded"
        ));
    }
    each(members, "messages", &mut |message| {
        keep(message, MESSAGE);
        if let Some(Value::Array(blocks)) = message.get_mut("content") {
            // Reasoning without its signature is refused; without the reasoning the request is valid.
            blocks.retain(|block| !is_unsigned(block));
            blocks.iter_mut().for_each(tidy);
        }
    });
}

fn is_unsigned(block: &Value) -> bool {
    let signature = block.get("signature").and_then(Value::as_str);
    kind(block) == "thinking" && signature.is_none_or(str::is_empty)
}

fn kind(block: &Value) -> &str {
    block
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn tidy(block: &mut Value) {
    let known = BLOCKS.iter().find(|(name, _)| *name == kind(block));
    if let Some((_, members)) = known {
        keep(block, members);
    }
    // A result holds blocks of its own.
    if let Some(members) = block.as_object_mut() {
        each(members, "content", &mut tidy);
    }
}

fn keep(value: &mut Value, known: &[&str]) {
    if let Some(members) = value.as_object_mut() {
        members.retain(|name, _| known.contains(&name.as_str()));
    }
}

fn each(members: &mut Map<String, Value>, name: &str, change: &mut dyn FnMut(&mut Value)) {
    if let Some(Value::Array(values)) = members.get_mut(name) {
        values.iter_mut().for_each(change);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::sendable;
    use crate::ingest::request::Api;

    #[test]
    fn what_the_api_requires_is_added_and_what_only_responses_have_is_dropped() {
        let mut request = json!({"messages": [
            {"role": "assistant", "id": "m1", "content": [
                {"type": "thinking", "thinking": "hm", "signature": ""},
                {"type": "tool_use", "id": "t", "name": "ls", "input": {"caller": 1}, "caller": {"type": "direct"}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t", "took": 3, "content": [{"type": "text", "text": "x", "n": 1}]},
                {"type": "document", "source": {}, "title": "kept"},
            ]},
        ]});
        let added = sendable(&mut request, Api::Messages, "claude-x");
        assert_eq!(added.len(), 2);
        assert_eq!(
            request,
            json!({"messages": [
                {"role": "assistant", "content": [
                    {"type": "tool_use", "id": "t", "name": "ls", "input": {"caller": 1}},
                ]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "x"}]},
                    {"type": "document", "source": {}, "title": "kept"},
                ]},
            ], "model": "claude-x", "max_tokens": 4096})
        );
    }

    #[test]
    fn what_is_complete_stays_as_it_is() {
        let whole =
            json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]});
        let mut request = whole.clone();
        assert!(sendable(&mut request, Api::Messages, "n").is_empty());
        assert_eq!(request, whole);
        let mut chat = json!({"model": "m", "messages": [{"role": "user", "content": "x", "annotations": []}]});
        assert!(sendable(&mut chat, Api::Chat, "n").is_empty());
        assert_eq!(chat["messages"][0], json!({"role": "user", "content": "x"}));
    }
}
