//! The answer of a model, in the same form for every API, and what each API implements to assemble one.

use serde_json::{Map, Value, json};

use super::json::{owned, text};
use crate::model::quantity::{Tokens, Usage};

/// A model's answer, from any API.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelAnswer {
    pub id: Option<String>,
    pub model: Option<String>,
    pub parts: Vec<Part>,
    pub usage: Usage,
    /// The cost of the call that the host reports.
    pub cost_usd: Option<Value>,
    pub finish: Option<String>,
    pub error: Option<Failed>,
    /// Its last event was seen. How the client stopped reading proves nothing: clients close early.
    pub is_complete: bool,
}

impl ModelAnswer {
    /// Its texts, if it has any.
    pub fn text(&self) -> Option<String> {
        self.words(|it| match it {
            Part::Text(text) => Some(text),
            Part::Reasoning(_) | Part::Call(_) | Part::Result { .. } => None,
        })
    }

    /// Its reasoning, if it has any.
    pub fn thought(&self) -> Option<String> {
        self.words(|it| match it {
            Part::Reasoning(text) => Some(text),
            Part::Text(_) | Part::Call(_) | Part::Result { .. } => None,
        })
    }

    fn words(&self, wanted: fn(&Part) -> Option<&str>) -> Option<String> {
        let found: Vec<&str> = self.parts.iter().filter_map(wanted).collect();
        (!found.is_empty()).then(|| found.join("\n\n"))
    }
}

/// The tokens that were reported, as events of our own format name them.
pub fn reported(usage: &Usage) -> Option<Value> {
    if usage.is_none() {
        return None;
    }
    let count = |tokens: Tokens| tokens.get();
    let mut out = json!({
        "input_tokens": count(usage.input),
        "output_tokens": count(usage.output),
        "cache_read_tokens": count(usage.cache_read),
        "cache_write_tokens": count(usage.cache_write),
        "cache_write_hour_tokens": count(usage.cache_write_hour),
        "reasoning_tokens": count(usage.reasoning),
        "web_searches": count(usage.web_searches),
    });
    if let Value::Object(members) = &mut out {
        members.retain(|_, value| !value.is_null());
    }
    Some(out)
}

#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    Text(String),
    Reasoning(String),
    Call(Call),
    /// The result of a call that the model's host ran itself.
    Result {
        call: String,
        result: Value,
    },
}

/// A tool call that the model requests.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Call {
    /// Not every API gives one.
    pub id: Option<String>,
    pub tool: String,
    pub args: Value,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Failed {
    pub kind: Option<String>,
    pub message: String,
}

/// Assembles the pieces of one answer.
pub(super) trait Fold: std::fmt::Debug + Send {
    /// A piece of a stream.
    fn piece(&mut self, name: &str, piece: &Value);

    /// An answer that is not streamed.
    fn whole(&mut self, body: &Value);

    /// The text that ends the stream and is not JSON.
    fn done(&mut self) {}

    /// Whether any text or tool call was seen.
    fn has_spoken(&self) -> bool;

    /// Whether the last event of a stream was seen. Gemini has none: its streams end with their bodies.
    fn is_over(&self) -> bool {
        false
    }

    /// The assembled answer, and its tokens as reported. `is_whole`: the body came to its end.
    fn end(&mut self, is_whole: bool) -> (ModelAnswer, Value);
}

/// The error that a body or an event reports.
pub(super) fn failed(body: &Value) -> Option<Failed> {
    let error = body.get("error").filter(|it| !it.is_null());
    let Some(error) = error else {
        // In streams, the responses API reports errors without an object around them.
        let is_error = text(body, "type") == Some("error");
        return is_error.then(|| Failed {
            kind: owned(body, "code"),
            message: owned(body, "message").unwrap_or_default(),
        });
    };
    if let Value::String(message) = error {
        return Some(Failed {
            kind: None,
            message: message.clone(),
        });
    }
    let kinds = ["type", "status", "code"];
    Some(Failed {
        kind: kinds.iter().find_map(|name| owned(error, name)),
        message: owned(error, "message").unwrap_or_else(|| error.to_string()),
    })
}

/// Later counts replace earlier ones; null changes nothing.
pub(super) fn merge(counts: &mut Value, more: Option<&Value>) {
    let Some(Value::Object(more)) = more else {
        return;
    };
    if !counts.is_object() {
        *counts = Value::Object(Map::new());
    }
    for (name, value) in more.iter().filter(|(_, value)| !value.is_null()) {
        counts[name] = value.clone();
    }
}

/// Adds a part, unless it is empty.
pub(super) fn add(parts: &mut Vec<Part>, part: Part) {
    let is_empty = match &part {
        Part::Text(text) | Part::Reasoning(text) => text.is_empty(),
        Part::Call(_) | Part::Result { .. } => false,
    };
    if !is_empty {
        parts.push(part);
    }
}
