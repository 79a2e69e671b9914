//! Answers of `POST /responses`.

use serde_json::{Value, json};

use super::shape::{Events, Served, pieces};
use crate::analysis::tape::answer::{EarlyEnd, Part};

pub fn whole(served: &Served<'_>) -> Value {
    let tokens = served.tokens();
    let (status, details) = match served.answer.early {
        Some(EarlyEnd::Length) => ("incomplete", json!({"reason": "max_output_tokens"})),
        Some(EarlyEnd::Filtered) => ("incomplete", json!({"reason": "content_filter"})),
        None => ("completed", Value::Null),
    };
    json!({
        "id": served.id("resp_"),
        "object": "response",
        "created_at": 0,
        "status": status,
        "model": served.model,
        "output": items(served),
        "parallel_tool_calls": true,
        "tool_choice": "auto",
        "tools": [],
        "error": null,
        "incomplete_details": details,
        "instructions": null,
        "metadata": {},
        "temperature": 1,
        "top_p": 1,
        "usage": {
            "input_tokens": tokens.prompt(),
            "output_tokens": tokens.output,
            "total_tokens": tokens.all(),
            "input_tokens_details": {"cached_tokens": tokens.cache_read},
            "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        },
    })
}

fn items(served: &Served<'_>) -> Vec<Value> {
    let number = served.number;
    let mut items = Vec::new();
    for (at, part) in served.answer.parts.iter().enumerate() {
        match part {
            Part::Text(text) => items.push(json!({
                "type": "message", "id": format!("msg_replay_{number}_{at}"), "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}],
            })),
            Part::Call(asked) if asked.takes_text => items.push(json!({
                "type": "custom_tool_call", "id": format!("ctc_replay_{number}_{at}"), "call_id": asked.id,
                "name": asked.name, "input": asked.text(), "status": "completed",
            })),
            Part::Call(asked) => items.push(json!({
                "type": "function_call", "id": format!("fc_replay_{number}_{at}"), "call_id": asked.id,
                "name": asked.name, "arguments": asked.text(), "status": "completed",
            })),
            Part::Thought(block) if block["type"] == "reasoning" => items.push(block.clone()),
            // Items of this API, which the blocks of others are not.
            Part::Other(block) if block["type"].as_str().is_some_and(|kind| kind.ends_with("_call")) => {
                items.push(block.clone());
            }
            Part::Thought(_) | Part::Other(_) => {}
        }
    }
    items
}

/// Numbers its events.
#[derive(Default)]
struct Numbered {
    events: Events,
    next: u64,
}

impl Numbered {
    fn say(&mut self, kind: &str, mut members: Value) {
        members["type"] = kind.into();
        members["sequence_number"] = self.next.into();
        self.next += 1;
        self.events.named(&members);
    }
}

pub fn stream(served: &Served<'_>) -> String {
    let full = whole(served);
    let mut start = full.clone();
    start["status"] = "in_progress".into();
    start["output"] = json!([]);
    start["usage"] = Value::Null;
    let mut out = Numbered::default();
    out.say("response.created", json!({"response": start}));
    out.say("response.in_progress", json!({"response": start}));
    for (at, item) in full["output"].as_array().into_iter().flatten().enumerate() {
        match item["type"].as_str() {
            Some("message") => message(&mut out, at, item),
            Some("function_call") => {
                call(
                    &mut out,
                    (at, item),
                    "arguments",
                    "response.function_call_arguments",
                );
            }
            Some("custom_tool_call") => {
                call(
                    &mut out,
                    (at, item),
                    "input",
                    "response.custom_tool_call_input",
                );
            }
            _ => out.say(
                "response.output_item.added",
                json!({"output_index": at, "item": item}),
            ),
        }
        out.say(
            "response.output_item.done",
            json!({"output_index": at, "item": item}),
        );
    }
    let last = match full["status"].as_str() {
        Some("incomplete") => "response.incomplete",
        _ => "response.completed",
    };
    out.say(last, json!({"response": full}));
    out.events.0
}

fn message(out: &mut Numbered, at: usize, item: &Value) {
    let mut begun = item.clone();
    begun["status"] = "in_progress".into();
    begun["content"] = json!([]);
    let part = &item["content"][0];
    let text = part["text"].as_str().unwrap_or_default();
    let id = &item["id"];
    out.say(
        "response.output_item.added",
        json!({"output_index": at, "item": begun}),
    );
    let empty = json!({"type": "output_text", "text": "", "annotations": [], "logprobs": []});
    let place = json!({"item_id": id, "output_index": at, "content_index": 0});
    let with = |name: &str, value: Value| {
        let mut members = place.clone();
        members[name] = value;
        members
    };
    out.say("response.content_part.added", with("part", empty));
    for piece in pieces(text) {
        let mut members = with("delta", piece.into());
        members["logprobs"] = json!([]);
        out.say("response.output_text.delta", members);
    }
    let mut done = with("text", text.into());
    done["logprobs"] = json!([]);
    out.say("response.output_text.done", done);
    out.say("response.content_part.done", with("part", part.clone()));
}

fn call(out: &mut Numbered, (at, item): (usize, &Value), member: &str, event: &str) {
    let mut begun = item.clone();
    begun["status"] = "in_progress".into();
    begun[member] = "".into();
    out.say(
        "response.output_item.added",
        json!({"output_index": at, "item": begun}),
    );
    for piece in pieces(item[member].as_str().unwrap_or_default()) {
        let members = json!({"item_id": item["id"], "output_index": at, "delta": piece});
        out.say(&format!("{event}.delta"), members);
    }
    let mut done = json!({"item_id": item["id"], "output_index": at, member: item[member]});
    if member == "arguments" {
        done["name"] = item["name"].clone();
    }
    out.say(&format!("{event}.done"), done);
}
