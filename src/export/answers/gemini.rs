//! Answers of Gemini's `generateContent` and `streamGenerateContent`.

use serde_json::{Value, json};

use super::shape::{Events, Served, object, pieces};
use crate::analysis::tape::answer::{EarlyEnd, Part};

pub fn whole(served: &Served<'_>) -> Value {
    let parts: Vec<Value> = served
        .answer
        .parts
        .iter()
        .flat_map(|it| parts(it, false))
        .collect();
    response(served, &parts, true)
}

/// Responses, one after the other: the finish reason and the counts are in the last.
fn responses(served: &Served<'_>) -> Vec<Value> {
    let all: Vec<Value> = served
        .answer
        .parts
        .iter()
        .flat_map(|it| parts(it, true))
        .collect();
    let last = all.len().saturating_sub(1);
    let each = all.iter().enumerate();
    let mut responses: Vec<Value> = each
        .map(|(at, part)| response(served, std::slice::from_ref(part), at == last))
        .collect();
    if responses.is_empty() {
        responses.push(response(served, &[], true));
    }
    responses
}

pub fn stream(served: &Served<'_>) -> String {
    let mut events = Events::default();
    for it in &responses(served) {
        events.data(it);
    }
    events.0
}

/// Without `alt=sse` the stream is a JSON array.
pub fn array(served: &Served<'_>) -> String {
    Value::Array(responses(served)).to_string()
}

fn parts(part: &Part, is_streamed: bool) -> Vec<Value> {
    match part {
        Part::Text(text) if is_streamed => pieces(text)
            .into_iter()
            .map(|piece| json!({"text": piece}))
            .collect(),
        Part::Text(text) => vec![json!({"text": text})],
        Part::Call(asked) => vec![json!({
            "functionCall": {"id": asked.id, "name": asked.name, "args": object(asked)},
        })],
        Part::Thought(_) | Part::Other(_) => Vec::new(),
    }
}

fn response(served: &Served<'_>, parts: &[Value], is_last: bool) -> Value {
    let tokens = served.tokens();
    let mut candidate = json!({"content": {"role": "model", "parts": parts}, "index": 0});
    let mut response = json!({"modelVersion": served.model, "responseId": served.id("")});
    if is_last {
        candidate["finishReason"] = match served.answer.early {
            Some(EarlyEnd::Length) => "MAX_TOKENS",
            Some(EarlyEnd::Filtered) => "SAFETY",
            None => "STOP",
        }
        .into();
        response["usageMetadata"] = json!({
            "promptTokenCount": tokens.prompt(),
            // Other APIs count thoughts as part of the output.
            "candidatesTokenCount": tokens.output.saturating_sub(tokens.reasoning),
            "thoughtsTokenCount": tokens.reasoning,
            "totalTokenCount": tokens.all(),
            "cachedContentTokenCount": tokens.cache_read,
        });
    }
    response["candidates"] = json!([candidate]);
    response
}
