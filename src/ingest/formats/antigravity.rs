//! The `antigravity` format: transcripts of Google Antigravity, one step a line.
//!
//! A planner step calls tools; the steps after it are their results, in order and without ids. The values of arguments
//! are JSON inside strings. Source: transcripts of Antigravity; there is no official description.

use serde_json::Value;

use super::content::{text_of, unpacked};
use super::members::{all, text};
use super::plain::{Agent, Rows, given, instant, list, word};
use crate::ingest::fact::FactKind;
use crate::ingest::format::{Held, Recorded};
use crate::ingest::json;
use crate::model::action::Status;

#[derive(Debug)]
pub struct Antigravity;

impl Agent for Antigravity {
    fn name(&self) -> &'static str {
        "antigravity"
    }

    fn about(&self) -> &'static str {
        "Google Antigravity transcripts (transcript.jsonl)"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::No,
            cost: Held::No,
            times: Held::Yes,
            results: Held::Partly,
            approvals: Held::No,
        }
    }

    fn agent(&self) -> &'static str {
        "antigravity"
    }

    fn folders(&self) -> &'static [&'static str] {
        &[".gemini/antigravity/brain", ".gemini/antigravity-cli/brain"]
    }

    fn sniff(&self, record: &Value) -> u8 {
        let is_step = all(record, &["step_index", "source", "type"]);
        if is_step && record.get("step_index").is_some_and(Value::is_number) {
            90
        } else {
            0
        }
    }

    fn rows(&self, _member: &str, record: &Value, out: &mut Rows) {
        out.base.fact.time = instant(record, &["created_at", "timestamp"]);
        let words = given(record, &["content"]).and_then(text_of);
        let source = text(record, "source");
        match text(record, "type") {
            "USER_INPUT" => {
                out.text_row(FactKind::Prompt, words.unwrap_or_default());
            }
            "PLANNER_RESPONSE" => {
                let thought = given(record, &["thinking", "reasoning"]).and_then(text_of);
                out.text_row_if_any(FactKind::Reasoning, thought);
                out.text_row_if_any(FactKind::Response, words);
                for call in list(record, "tool_calls") {
                    let args = call.get("args").map(unquoted);
                    out.call(word(call, &["id"]), word(call, &["name"]), args.as_ref());
                }
                if out.entries.is_empty() {
                    out.text_row(FactKind::Response, "");
                }
            }
            "ERROR_MESSAGE" => {
                out.error(words.unwrap_or_default());
            }
            kind if source == "MODEL" && !kind.is_empty() => {
                let status = match text(record, "status") {
                    "DONE" => Status::Ok,
                    "ERROR" => Status::Error,
                    "CANCELED" | "CANCELLED" => Status::Cancelled,
                    _ => Status::Unrecorded,
                };
                out.result(String::new(), status, words.map(Value::String));
            }
            kind => {
                out.text_row(FactKind::Note, words.unwrap_or_else(|| kind.to_owned()));
            }
        }
    }
}

/// Arguments whose values are JSON inside strings.
fn unquoted(args: &Value) -> Value {
    let Value::Object(args) = args else {
        return unpacked(args);
    };
    let value = |it: &Value| it.as_str().and_then(|text| json::value(text.as_bytes()));
    let members = args.iter();
    Value::Object(
        members
            .map(|(key, it)| (key.clone(), value(it).unwrap_or_else(|| it.clone())))
            .collect(),
    )
}
