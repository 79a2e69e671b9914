//! Answers of `POST /messages`.

use serde_json::{Value, json};

use super::shape::{Events, Served, object, pieces};
use crate::analysis::tape::answer::{EarlyEnd, Part};

pub fn whole(served: &Served<'_>) -> Value {
    let tokens = served.tokens();
    let stop = match served.answer.early {
        Some(EarlyEnd::Length) => "max_tokens",
        Some(EarlyEnd::Filtered) => "refusal",
        None if served.has_calls() => "tool_use",
        None => "end_turn",
    };
    json!({
        "id": served.id("msg_"),
        "type": "message",
        "role": "assistant",
        "model": served.model,
        "content": blocks(served),
        "stop_reason": stop,
        "stop_sequence": null,
        "usage": {
            "input_tokens": tokens.fresh,
            "output_tokens": tokens.output,
            "cache_read_input_tokens": tokens.cache_read,
            "cache_creation_input_tokens": tokens.cache_write,
        },
    })
}

fn blocks(served: &Served<'_>) -> Vec<Value> {
    let blocks = served.answer.parts.iter().filter_map(|part| match part {
        Part::Text(text) => Some(json!({"type": "text", "text": text})),
        Part::Call(asked) => Some(json!({
            "type": "tool_use", "id": asked.id, "name": asked.name, "input": object(asked),
        })),
        Part::Thought(block) if block["type"] != "reasoning" => Some(block.clone()),
        // Blocks of this API, which the items of others are not.
        Part::Other(block) if is_block(block) => Some(block.clone()),
        Part::Thought(_) | Part::Other(_) => None,
    });
    blocks.collect()
}

fn is_block(block: &Value) -> bool {
    let kind = block["type"].as_str().unwrap_or_default();
    kind == "server_tool_use" || kind.ends_with("_tool_result")
}

pub fn stream(served: &Served<'_>) -> String {
    let full = whole(served);
    let mut events = Events::default();
    let mut start = full.clone();
    start["content"] = json!([]);
    start["stop_reason"] = Value::Null;
    start["usage"]["output_tokens"] = 1.into();
    events.named(&json!({"type": "message_start", "message": start}));
    for (index, block) in full["content"].as_array().into_iter().flatten().enumerate() {
        let (begun, deltas) = deltas(block);
        events
            .named(&json!({"type": "content_block_start", "index": index, "content_block": begun}));
        for delta in deltas {
            events.named(&json!({"type": "content_block_delta", "index": index, "delta": delta}));
        }
        events.named(&json!({"type": "content_block_stop", "index": index}));
    }
    events.named(&json!({
        "type": "message_delta",
        "delta": {"stop_reason": full["stop_reason"], "stop_sequence": null},
        "usage": {"output_tokens": full["usage"]["output_tokens"]},
    }));
    events.named(&json!({"type": "message_stop"}));
    events.0
}

/// The start of a block, and the pieces that follow.
fn deltas(block: &Value) -> (Value, Vec<Value>) {
    let text = |name: &str| block[name].as_str().unwrap_or_default().to_owned();
    let mut begun = block.clone();
    let deltas: Vec<Value> = match block["type"].as_str() {
        Some("text") => {
            begun["text"] = "".into();
            let text = text("text");
            let pieces = pieces(&text).into_iter();
            pieces
                .map(|piece| json!({"type": "text_delta", "text": piece}))
                .collect()
        }
        Some("thinking") => {
            begun["thinking"] = "".into();
            begun["signature"] = "".into();
            let thought = text("thinking");
            let pieces = pieces(&thought).into_iter();
            let thinking = pieces.map(|piece| json!({"type": "thinking_delta", "thinking": piece}));
            let signature = json!({"type": "signature_delta", "signature": block["signature"]});
            thinking.chain([signature]).collect()
        }
        Some("tool_use" | "server_tool_use") => {
            begun["input"] = json!({});
            let input = block["input"].to_string();
            let pieces = pieces(&input).into_iter();
            pieces
                .map(|piece| json!({"type": "input_json_delta", "partial_json": piece}))
                .collect()
        }
        _ => Vec::new(),
    };
    (begun, deltas)
}
