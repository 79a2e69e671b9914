//! The `llm` format: the log of Simon Willison's `llm`, one row per response.
//!
//! The results of tools are recorded with the response that they were sent for. Prompt tokens include cached ones, if
//! the model's plug-in reports them. Source: docs/logging.md of simonw/llm.

use serde_json::Value;

use super::content::string;
use super::plain::{Agent, Rows, given, instant, list, millis, tokens, without, word};
use crate::ingest::fact::{FactKind, Name};
use crate::ingest::format::{Held, Recorded};
use crate::model::action::Status;
use crate::model::quantity::{Cost, Usage};

#[derive(Debug)]
pub struct LlmLogs;

impl Agent for LlmLogs {
    fn name(&self) -> &'static str {
        "llm"
    }

    fn about(&self) -> &'static str {
        "Simon Willison's llm (logs.db)"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Partly,
            cost: Held::No,
            times: Held::Yes,
            results: Held::Partly,
            approvals: Held::No,
        }
    }

    fn agent(&self) -> &'static str {
        "llm"
    }

    fn rows(&self, _member: &str, record: &Value, out: &mut Rows) {
        if record.get("conversation").is_some() {
            out.base.run = word(record, &["conversation"]);
            let start = out.row(FactKind::ImpliedStart);
            start.name(Name::Title, word(record, &["name"]));
            return;
        }
        out.base.run = word(record, &["conversation_id"]);
        out.base.model = word(record, &["resolved_model", "model"]);
        let asked = instant(record, &["datetime_utc"]);
        out.base.fact.time = asked;
        out.text_row_if_any(FactKind::Note, string(record, "system"));
        for result in list(record, "tool_results") {
            let output = given(result, &["output"]).cloned();
            out.result(word(result, &["id"]), Status::Unrecorded, output);
        }
        out.text_row_if_any(FactKind::Prompt, string(record, "prompt"));
        out.base.name(Name::Group, word(record, &["id"]));
        let duration = millis(record, &["duration_ms"]);
        let answer = out.text_row(FactKind::Response, word(record, &["response"]));
        answer.fact.duration = duration;
        for call in list(record, "tool_calls") {
            out.call(
                word(call, &["id"]),
                word(call, &["name"]),
                given(call, &["arguments"]),
            );
        }
        out.usage(usage(record), Cost::NONE);
    }
}

fn usage(record: &Value) -> Usage {
    let details = record.get("token_details").unwrap_or(&Value::Null);
    let asked = details.get("prompt_tokens_details").unwrap_or(&Value::Null);
    let answered = details
        .get("completion_tokens_details")
        .unwrap_or(&Value::Null);
    let cached = tokens(asked, &["cached_tokens"]);
    Usage {
        input: without(tokens(record, &["input_tokens"]), &[cached]),
        output: tokens(record, &["output_tokens"]),
        cache_read: cached,
        reasoning: tokens(answered, &["reasoning_tokens"]),
        ..Usage::NONE
    }
}
