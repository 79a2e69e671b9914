//! The `grok` format: the chat histories of Grok Build, one message a line.
//!
//! No message has a time or tokens. Source: sessions of Grok Build; there is no official description.

use serde_json::Value;

use super::content::text_of;
use super::members::{all, text};
use super::plain::{Agent, Rows, flag, given, list, outcome, word};
use crate::ingest::fact::FactKind;
use crate::ingest::format::{Held, Recorded};
use crate::model::action::Flags;

#[derive(Debug)]
pub struct Grok;

impl Agent for Grok {
    fn name(&self) -> &'static str {
        "grok"
    }

    fn about(&self) -> &'static str {
        "Grok Build sessions (chat_history.jsonl)"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::No,
            cost: Held::No,
            times: Held::No,
            results: Held::Yes,
            approvals: Held::No,
        }
    }

    fn agent(&self) -> &'static str {
        "grok"
    }

    fn folders(&self) -> &'static [&'static str] {
        &[".grok/sessions"]
    }

    fn sniff(&self, record: &Value) -> u8 {
        let is_wrapped = record.get("message").is_some() || record.get("uuid").is_some();
        match text(record, "type") {
            _ if is_wrapped => 0,
            "assistant" if all(record, &["model_id", "content"]) => 90,
            "tool_result" if all(record, &["tool_call_id", "content"]) => 80,
            "user" if all(record, &["prompt_index", "content"]) => 80,
            "system" | "user" | "reasoning" if record.get("content").is_some() => 10,
            _ => 0,
        }
    }

    fn rows(&self, _member: &str, record: &Value, out: &mut Rows) {
        let words = given(record, &["content"]).and_then(text_of);
        match text(record, "type") {
            "user" => {
                let is_own = record.get("prompt_index").is_some();
                let entry = out.text_row(FactKind::Prompt, words.unwrap_or_default());
                if !is_own {
                    entry.fact.flags.set(Flags::META);
                }
            }
            "assistant" => {
                out.base.model = word(record, &["model_id"]);
                let calls = list(record, "tool_calls");
                let thought = given(record, &["reasoning_content", "reasoning"]).and_then(text_of);
                out.text_row_if_any(FactKind::Reasoning, thought);
                out.text_row_if_any(FactKind::Response, words);
                for call in calls {
                    let inner = call.get("function").unwrap_or(call);
                    out.call(
                        word(call, &["id"]),
                        word(inner, &["name"]),
                        given(inner, &["arguments"]),
                    );
                }
                if out.entries.is_empty() {
                    out.text_row(FactKind::Response, "");
                }
            }
            "tool_result" => {
                let status = outcome(flag(record, &["is_error"]));
                out.result(
                    word(record, &["tool_call_id"]),
                    status,
                    words.map(Value::String),
                );
            }
            "reasoning" => out.text_row_if_any(FactKind::Reasoning, words),
            "system" => {
                out.text_row(FactKind::Note, words.unwrap_or_default());
            }
            _ => {}
        }
    }
}
