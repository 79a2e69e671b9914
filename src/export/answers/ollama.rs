//! Answers of Ollama's `/api/chat` and `/api/generate`.

use serde_json::{Value, json};

use super::shape::{Served, object, pieces};
use crate::analysis::tape::answer::{EarlyEnd, RequestedCall};

/// The last of the objects, and the only one without streaming.
fn last(served: &Served<'_>, text: &str, calls: Vec<Value>) -> Value {
    let tokens = served.tokens();
    let mut answer = piece(served, text, calls);
    answer["done"] = true.into();
    answer["done_reason"] = match served.answer.early {
        Some(EarlyEnd::Length) => "length",
        Some(EarlyEnd::Filtered) | None => "stop",
    }
    .into();
    answer["prompt_eval_count"] = tokens.prompt().into();
    answer["eval_count"] = tokens.output.into();
    answer
}

/// A piece of the answer, in the shape of the request: a conversation, or a prompt alone.
fn piece(served: &Served<'_>, text: &str, calls: Vec<Value>) -> Value {
    let mut answer = json!({
        "model": served.model, "created_at": "1970-01-01T00:00:00Z", "done": false,
    });
    if served.asked.get("messages").is_none() {
        answer["response"] = text.into();
        return answer;
    }
    answer["message"] = json!({"role": "assistant", "content": text});
    if !calls.is_empty() {
        answer["message"]["tool_calls"] = calls.into();
    }
    answer
}

fn calls(served: &Served<'_>) -> Vec<Value> {
    let calls = served.answer.calls();
    let call = |asked: &RequestedCall| json!({"function": {"name": asked.name, "arguments": object(asked)}});
    calls.map(call).collect()
}

pub fn whole(served: &Served<'_>) -> Value {
    last(served, &served.answer.text(), calls(served))
}

/// One object per line.
pub fn stream(served: &Served<'_>) -> String {
    let text = served.answer.text();
    let mut lines: Vec<Value> = pieces(&text)
        .into_iter()
        .map(|text| piece(served, text, Vec::new()))
        .collect();
    let calls = calls(served);
    if !calls.is_empty() {
        lines.push(piece(served, "", calls));
    }
    lines.push(last(served, "", Vec::new()));
    let lines = lines.iter();
    lines
        .flat_map(|line| [line.to_string(), "\n".to_owned()])
        .collect()
}
