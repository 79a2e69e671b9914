//! A model's answer to one call, independent of any API.

use serde_json::Value;

use crate::analysis::context;
use crate::base::cancel::CancelFlag;
use crate::ingest::body::ErrorText;
use crate::model::action::{ActionIx, Kind, Status};
use crate::model::quantity::Usage;
use crate::store::Store;
use crate::store::bodies::{self, Depth};
use crate::store::row::Row;

/// A part of an answer, in the order recorded.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    Text(String),
    Call(RequestedCall),
    /// Reasoning with its vendor signature, as a block of its API.
    Thought(Value),
    /// A block or item that only its own API knows, such as a vendor's search.
    Other(Value),
}

/// A tool call requested by the model.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestedCall {
    pub id: String,
    pub name: String,
    /// An object; a string if what the model wrote is not JSON.
    pub arguments: Value,
    /// The tool takes text, not JSON (custom tools of the Responses API).
    pub takes_text: bool,
}

impl RequestedCall {
    /// The arguments as the text that chat and Responses carry.
    pub fn text(&self) -> String {
        match &self.arguments {
            Value::String(text) => text.clone(),
            value => value.to_string(),
        }
    }
}

/// Why an answer ended, where its parts do not show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EarlyEnd {
    /// The limit on tokens.
    Length,
    /// A filter of the vendor.
    Filtered,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub parts: Vec<Part>,
    /// Its texts as stored in the trace: one for each row of the call that has any.
    pub texts: Vec<String>,
    pub early: Option<EarlyEnd>,
    pub usage: Usage,
    /// The call failed.
    pub error: Option<ErrorText>,
    /// It was cut off before its end.
    pub is_cut: bool,
    pub model: String,
}

impl Answer {
    pub fn of(store: &Store, row: &Row<'_>) -> Answer {
        let mut parts: Vec<Part> = Vec::new();
        for block in thoughts(store, row) {
            add(&mut parts, &block);
        }
        let blocks = context::answer_blocks(store, row.ix(), &CancelFlag::new());
        let mut rows: Vec<(ActionIx, String)> = Vec::new();
        for (action, block) in blocks.unwrap_or_default() {
            let known = parts.len();
            add(&mut parts, &block);
            for part in &parts[known..] {
                let Part::Text(text) = part else { continue };
                match rows.last_mut() {
                    Some((last, all)) if *last == action => all.extend(["\n", text]),
                    _ => rows.push((action, text.clone())),
                }
            }
        }
        let body = bodies::open(row, Depth::Full);
        let has_failed = matches!(row.status(), Status::Error | Status::Timeout);
        let has_answer = parts.iter().any(|part| !matches!(part, Part::Thought(_)));
        let error = body.error.filter(|_| has_failed && !has_answer);
        let ended = body.record.as_ref().and_then(finish).unwrap_or_default();
        Answer {
            early: match ended.to_ascii_lowercase().as_str() {
                "length" | "max_tokens" | "max_output_tokens" => Some(EarlyEnd::Length),
                "content_filter" | "refusal" | "safety" => Some(EarlyEnd::Filtered),
                _ => None,
            },
            texts: rows.into_iter().map(|(_, text)| text).collect(),
            is_cut: ended == "cut" || (row.status() == Status::Cancelled && !has_answer),
            parts,
            usage: row.usage(),
            error,
            model: row.model().to_owned(),
        }
    }

    pub fn text(&self) -> String {
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Call(_) | Part::Thought(_) | Part::Other(_) => None,
        });
        texts.collect::<Vec<&str>>().join("\n")
    }

    pub fn calls(&self) -> impl Iterator<Item = &RequestedCall> {
        self.parts.iter().filter_map(|part| match part {
            Part::Call(asked) => Some(asked),
            Part::Text(_) | Part::Thought(_) | Part::Other(_) => None,
        })
    }
}

/// The reasoning of a call that has rows of its own, before the row of the call.
fn thoughts(store: &Store, call: &Row<'_>) -> Vec<Value> {
    let first = call.run().first_action;
    let before = (first.0..call.ix().0)
        .rev()
        .map(|ix| store.row(ActionIx(ix)));
    let of_agent =
        before.filter(|row| row.run_ix() == call.run_ix() && row.agent_sym() == call.agent_sym());
    let mut rows: Vec<Row<'_>> = of_agent
        .take_while(|row| row.kind() == Kind::Reasoning)
        .collect();
    rows.reverse();
    rows.iter().flat_map(context::blocks_of).collect()
}

fn text<'a>(block: &'a Value, key: &str) -> &'a str {
    block.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Adds a content block or an item of the Responses API.
fn add(parts: &mut Vec<Part>, block: &Value) {
    match text(block, "type") {
        "text" | "output_text" => {
            if !text(block, "text").is_empty() {
                parts.push(Part::Text(text(block, "text").to_owned()));
            }
        }
        "message" => {
            let content = block.get("content").and_then(Value::as_array);
            content
                .into_iter()
                .flatten()
                .for_each(|inner| add(parts, inner));
        }
        "tool_use" => parts.push(call(block, text(block, "id"), "input")),
        "function_call" => parts.push(call(block, text(block, "call_id"), "arguments")),
        "custom_tool_call" => parts.push(Part::Call(RequestedCall {
            id: text(block, "call_id").to_owned(),
            name: text(block, "name").to_owned(),
            arguments: text(block, "input").into(),
            takes_text: true,
        })),
        "thinking" if text(block, "signature").is_empty() => {}
        // Without its encrypted content the vendor would reject it.
        "reasoning" if text(block, "encrypted_content").is_empty() => {}
        "thinking" | "redacted_thinking" | "reasoning" => {
            parts.push(Part::Thought(block.clone()));
        }
        _ => parts.push(Part::Other(block.clone())),
    }
}

fn call(block: &Value, id: &str, arguments: &str) -> Part {
    let given = block.get(arguments).cloned().unwrap_or(Value::Null);
    let arguments = match given {
        Value::Null => Value::Object(serde_json::Map::new()),
        Value::String(text) => match serde_json::from_str(&text) {
            Ok(value @ Value::Object(_)) => value,
            Ok(_) | Err(_) => text.into(),
        },
        value => value,
    };
    Part::Call(RequestedCall {
        id: id.to_owned(),
        name: text(block, "name").to_owned(),
        arguments,
        takes_text: false,
    })
}

/// Where formats keep the finish reason.
const FINISHES: &[&str] = &[
    "/finish_reason",
    "/stop_reason",
    "/message/stop_reason",
    "/response/stop_reason",
    "/response/choices/0/finish_reason",
];

fn finish(record: &Value) -> Option<String> {
    let found = FINISHES.iter().find_map(|at| record.pointer(at)?.as_str());
    found.map(str::to_owned)
}
