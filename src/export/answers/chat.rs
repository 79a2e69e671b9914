//! Answers of `POST /chat/completions`.

use serde_json::{Value, json};

use super::shape::{Events, Served, pieces};
use crate::analysis::tape::answer::{EarlyEnd, RequestedCall};

pub fn whole(served: &Served<'_>) -> Value {
    let calls: Vec<Value> = served
        .answer
        .calls()
        .map(|asked| call(asked, &asked.text()))
        .collect();
    let text = served.answer.text();
    let mut message = json!({
        "role": "assistant",
        "content": if text.is_empty() { Value::Null } else { text.into() },
        "refusal": null,
    });
    if !calls.is_empty() {
        message["tool_calls"] = calls.into();
    }
    json!({
        "id": served.id("chatcmpl-"),
        "object": "chat.completion",
        "created": 0,
        "model": served.model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish(served), "logprobs": null}],
        "usage": usage(served),
    })
}

pub fn stream(served: &Served<'_>) -> String {
    let mut events = Events::default();
    let chunk = |choices: Value| {
        json!({
            "id": served.id("chatcmpl-"), "object": "chat.completion.chunk", "created": 0,
            "model": served.model, "choices": choices,
        })
    };
    let mut delta = |delta: Value, finish: Option<&str>| {
        events.data(&chunk(
            json!([{"index": 0, "delta": delta, "finish_reason": finish}]),
        ));
    };
    delta(json!({"role": "assistant", "content": ""}), None);
    for piece in pieces(&served.answer.text()) {
        delta(json!({"content": piece}), None);
    }
    for (index, asked) in served.answer.calls().enumerate() {
        let mut first = call(asked, "");
        first["index"] = index.into();
        delta(json!({"tool_calls": [first]}), None);
        let field = if asked.takes_text {
            ("custom", "input")
        } else {
            ("function", "arguments")
        };
        for piece in pieces(&asked.text()) {
            let (outer, inner) = field;
            delta(
                json!({"tool_calls": [{"index": index, outer: {inner: piece}}]}),
                None,
            );
        }
    }
    delta(json!({}), Some(finish(served)));
    if served.asked["stream_options"]["include_usage"] == true {
        let mut last = chunk(json!([]));
        last["usage"] = usage(served);
        events.data(&last);
    }
    events.0.push_str("data: [DONE]\n\n");
    events.0
}

fn call(asked: &RequestedCall, arguments: &str) -> Value {
    if asked.takes_text {
        return json!({"id": asked.id, "type": "custom", "custom": {"name": asked.name, "input": arguments}});
    }
    json!({"id": asked.id, "type": "function", "function": {"name": asked.name, "arguments": arguments}})
}

fn finish(served: &Served<'_>) -> &'static str {
    match served.answer.early {
        Some(EarlyEnd::Length) => "length",
        Some(EarlyEnd::Filtered) => "content_filter",
        None if served.has_calls() => "tool_calls",
        None => "stop",
    }
}

fn usage(served: &Served<'_>) -> Value {
    let tokens = served.tokens();
    json!({
        "prompt_tokens": tokens.prompt(),
        "completion_tokens": tokens.output,
        "total_tokens": tokens.all(),
        "prompt_tokens_details": {"cached_tokens": tokens.cache_read},
        "completion_tokens_details": {"reasoning_tokens": tokens.reasoning},
    })
}
