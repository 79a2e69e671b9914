//! What the answers of all APIs have in common.

use serde_json::Value;

use crate::analysis::tape::answer::{Answer, Part, RequestedCall};
use crate::analysis::tape::schema;
use crate::ingest::body::ErrorText;
use crate::model::quantity::Usage;

/// An answer to serve.
#[derive(Debug)]
pub struct Served<'a> {
    pub answer: &'a Answer,
    /// The body of the request.
    pub asked: &'a Value,
    pub model: String,
    /// For ids that clients never send back.
    pub number: usize,
}

/// Characters in one piece of a stream.
const PIECE: usize = 24;

impl<'a> Served<'a> {
    pub fn new(answer: &'a Answer, asked: &'a Value, model: String, number: usize) -> Served<'a> {
        Served {
            answer,
            asked,
            model,
            number,
        }
    }

    pub fn id(&self, before: &str) -> String {
        format!("{before}replay-{}", self.number)
    }

    pub fn has_calls(&self) -> bool {
        self.answer.calls().next().is_some()
    }

    pub fn tokens(&self) -> Tokens {
        Tokens::of(&self.answer.usage)
    }
}

/// Counts that clients add up. Where none is recorded, an API must report a number: 0.
#[derive(Debug, Clone, Copy)]
pub struct Tokens {
    pub fresh: u64,
    pub cache_read: u64,
    pub cache_write: u64,
    pub output: u64,
    pub reasoning: u64,
}

impl Tokens {
    fn of(usage: &Usage) -> Tokens {
        Tokens {
            fresh: usage.input.or_zero(),
            cache_read: usage.cache_read.or_zero(),
            cache_write: usage.cache_write.or_zero(),
            output: usage.output.or_zero(),
            reasoning: usage.reasoning.or_zero(),
        }
    }

    /// The whole prompt, as counted by APIs that do not separate the cached part.
    pub fn prompt(self) -> u64 {
        self.fresh + self.cache_read + self.cache_write
    }

    pub fn all(self) -> u64 {
        self.prompt() + self.output
    }
}

/// A text in pieces, cut between characters.
pub fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest
            .char_indices()
            .nth(PIECE)
            .map_or(rest.len(), |(at, _)| at);
        let (piece, after) = rest.split_at(end);
        pieces.push(piece);
        rest = after;
    }
    pieces
}

/// Events of a stream.
#[derive(Debug, Default)]
pub struct Events(pub String);

impl Events {
    /// An event without a name.
    pub fn data(&mut self, data: &Value) {
        self.0.extend(["data: ", &data.to_string(), "\n\n"]);
    }

    /// An event that is named as its `type`.
    pub fn named(&mut self, data: &Value) {
        let name = data["type"].as_str().unwrap_or_default();
        self.0.extend(["event: ", name, "\n"]);
        self.data(data);
    }
}

/// The answer with an id for each call: the agent sends them back.
pub fn with_ids(answer: &Answer, at: usize) -> Answer {
    let mut answer = answer.clone();
    let calls = answer.parts.iter_mut().filter_map(|part| match part {
        Part::Call(asked) => Some(asked),
        Part::Text(_) | Part::Thought(_) | Part::Other(_) => None,
    });
    for (number, asked) in calls.enumerate().filter(|(_, asked)| asked.id.is_empty()) {
        asked.id = format!("call_replay_{}_{}", at + 1, number + 1);
    }
    answer
}

/// The arguments as an object, for the APIs that have no other kind.
pub fn object(asked: &RequestedCall) -> Value {
    match &asked.arguments {
        object @ Value::Object(_) => object.clone(),
        other => serde_json::json!({ "input": other }),
    }
}

/// An answer of one text that was not recorded.
pub fn text_alone(text: String) -> Answer {
    Answer {
        texts: vec![text.clone()],
        parts: vec![Part::Text(text)],
        early: None,
        usage: Usage::NONE,
        error: None,
        is_cut: false,
        model: String::new(),
    }
}

/// Where requests hold the schema of the answer they want.
const SCHEMAS: &[&str] = &[
    "/response_format/json_schema/schema",
    "/text/format/schema",
    "/output_format/schema",
    "/output_config/format/schema",
    "/generationConfig/responseJsonSchema",
    "/generationConfig/responseSchema",
    "/generationConfig/response_schema",
];

/// The smallest text that is a valid answer.
pub fn stub(asked: &Value) -> String {
    if let Some(schema) = SCHEMAS.iter().find_map(|at| asked.pointer(at)) {
        return schema::smallest(schema).to_string();
    }
    let wants_json = asked
        .pointer("/response_format/type")
        .is_some_and(|it| it == "json_object")
        || asked
            .pointer("/generationConfig/responseMimeType")
            .is_some_and(|it| it == "application/json");
    if wants_json { "{}" } else { "ok" }.to_owned()
}

/// The status of a recorded failure: derived from its text, else 500.
pub fn status(error: &ErrorText) -> u16 {
    let words = format!(
        "{} {}",
        error.kind.as_deref().unwrap_or_default(),
        error.message
    )
    .to_lowercase();
    let known = [
        ("rate_limit", 429),
        ("rate limit", 429),
        ("overloaded", 529),
        ("authentication", 401),
        ("permission", 403),
        ("invalid_request", 400),
    ];
    let numbers = words.split(|it: char| !it.is_ascii_digit());
    let mut numbers = numbers.filter_map(|it| it.parse().ok());
    let told = numbers.find(|number: &u16| (400..600).contains(number));
    let named = || known.iter().find(|(word, _)| words.contains(word));
    told.or_else(|| named().map(|(_, number)| *number))
        .unwrap_or(500)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_cut_between_characters() {
        let text = "äöü€😀 and more than one piece of it";
        assert_eq!(pieces(text).concat(), text);
        assert!(pieces(text).len() > 1 && pieces("").is_empty());
    }

    #[test]
    fn the_status_of_a_failure_is_read_from_its_words() {
        let check = |kind: &str, message: &str, number: u16| {
            let error = ErrorText {
                kind: Some(kind.to_owned()),
                message: message.to_owned(),
                stack: None,
            };
            assert_eq!(status(&error), number, "{kind} {message}");
        };
        check("rate_limit_error", "slow down", 429);
        check("", "API Error: 529 overloaded", 529);
        check("server_error", "it broke", 500);
    }

    #[test]
    fn a_stub_has_the_shape_that_is_asked_for() {
        let asked = serde_json::json!({"generationConfig": {"responseSchema": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}}});
        assert_eq!(stub(&asked), r#"{"a":""}"#);
        assert_eq!(stub(&serde_json::json!({})), "ok");
    }
}
