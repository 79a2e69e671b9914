//! The traffic of model APIs: requests and answers, read from bytes that may be cut anywhere. Nothing here connects or
//! writes.
//!
//! An API is a `Fold` that assembles one answer from its pieces, an arm in [`request`](request::ModelRequest::read) for its
//! requests, and a variant of [`Api`].

pub mod answer;
mod chat;
pub mod delta;
mod gemini;
mod json;
pub mod lanes;
mod messages;
mod ollama;
pub mod reading;
pub mod request;
mod responses;
mod sse;
mod usage;

use serde_json::{Value, json};

#[cfg(test)]
mod tests;

/// The JSON in the events of a stream.
pub fn events(body: &[u8]) -> Vec<Value> {
    let mut found = Vec::new();
    let mut take = |_: &str, data: &[u8]| found.extend(serde_json::from_slice::<Value>(data));
    let mut events = sse::Events::default();
    events.push(body, &mut take);
    events.end(&mut take);
    found
}

/// An API for model calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// OpenAI chat completions, and the many hosts that speak it.
    Chat,
    /// Anthropic messages.
    Messages,
    /// OpenAI responses.
    Responses,
    Gemini,
    Ollama,
}

impl Api {
    /// The API of requests to this path; none for anything but a model call.
    pub fn of(path: &str) -> Option<Api> {
        let path = path.trim_end_matches('/');
        let ends: &[(&str, Api)] = &[
            ("/chat/completions", Api::Chat),
            ("/messages", Api::Messages),
            ("/responses", Api::Responses),
            (":generateContent", Api::Gemini),
            (":streamGenerateContent", Api::Gemini),
            ("/api/chat", Api::Ollama),
            ("/api/generate", Api::Ollama),
        ];
        let found = ends.iter().find(|(end, _)| path.ends_with(end));
        found.map(|(_, api)| *api)
    }

    pub fn word(self) -> &'static str {
        match self {
            Api::Chat => "chat",
            Api::Messages => "messages",
            Api::Responses => "responses",
            Api::Gemini => "gemini",
            Api::Ollama => "ollama",
        }
    }

    /// An error in the shape that clients of this API print. `code` identifies which of ours it is.
    pub fn refusal(self, code: &str, message: &str) -> Value {
        match self {
            Api::Chat | Api::Responses => json!({"error": {
                "message": message, "type": "invalid_request_error", "code": code, "param": null,
            }}),
            Api::Messages => json!({"type": "error", "error": {
                "type": "invalid_request_error", "message": message,
            }}),
            Api::Gemini => json!({"error": {
                "code": 400, "status": "FAILED_PRECONDITION", "message": message,
            }}),
            Api::Ollama => json!({"error": message}),
        }
    }
}

/// The model that the path of a request names, as those of Gemini do.
pub fn model_in_path(path: &str) -> Option<String> {
    let (_, rest) = path.rsplit_once("/models/")?;
    let name = rest.split(':').next().unwrap_or_default();
    (!name.is_empty()).then(|| name.to_owned())
}
