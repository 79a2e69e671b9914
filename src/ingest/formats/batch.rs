//! The `openai-batch` format: input and output of the OpenAI batch API, one request a line, each a run.
//!
//! The body of an answer is a chat completion; responses are read by `openai-responses`. Source: the batch guide of the OpenAI API.

use serde_json::Value;

use super::content::{string, text_of};
use super::conversation::Conversation;
use super::members::all;
use super::plain::{Agent, Rows, counted, given, instant, list, tokens, without, word};
use crate::ingest::fact::{FactKind, Name};
use crate::ingest::format::{Held, Recorded};
use crate::model::action::Status;
use crate::model::quantity::{Cost, Usage};

#[derive(Debug)]
pub struct Batch;

impl Agent for Batch {
    fn name(&self) -> &'static str {
        "openai-batch"
    }

    fn about(&self) -> &'static str {
        "OpenAI batch files of chat completions: requests and their answers"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Yes,
            cost: Held::No,
            times: Held::Partly,
            results: Held::Partly,
            approvals: Held::No,
        }
    }

    fn agent(&self) -> &'static str {
        "batch"
    }

    fn assembler(&self) -> Conversation {
        Conversation::new("batch").without_results().many()
    }

    fn sniff(&self, record: &Value) -> u8 {
        let is_answer = all(record, &["custom_id", "response"]) && record.get("error").is_some();
        let is_request = all(record, &["custom_id", "method", "url", "body"]);
        let body = body(record);
        match is_answer || is_request {
            true if all(body, &["choices"]) || all(body, &["messages"]) => 90,
            // Responses have a reader of their own.
            true if body.get("output").is_none() && body.get("input").is_none() => 10,
            true | false => 0,
        }
    }

    fn rows(&self, _member: &str, record: &Value, out: &mut Rows) {
        let id = word(record, &["custom_id"]);
        let body = body(record);
        out.base.run.clone_from(&id);
        out.base.model = word(body, &["model"]);
        out.base.fact.time = instant(body, &["created", "created_at"]);
        out.row(FactKind::ImpliedStart).name(Name::Task, id);
        for message in list(body, "messages") {
            out.message(message);
        }
        out.base.name(Name::Group, word(body, &["id"]));
        for choice in list(body, "choices") {
            out.message(choice.get("message").unwrap_or(&Value::Null));
        }
        out.usage(usage(body.get("usage").unwrap_or(&Value::Null)), Cost::NONE);
        let failure = given(record, &["error"]).or_else(|| given(body, &["error"]));
        if let Some(error) = failure {
            out.error(
                string(error, "message")
                    .or_else(|| text_of(error))
                    .unwrap_or_default(),
            );
        }
        let code = record
            .pointer("/response/status_code")
            .and_then(Value::as_u64);
        if let Some(code) = code {
            let end = out.row(FactKind::RunEnd);
            end.fact.status = if code < 400 && failure.is_none() {
                Status::Ok
            } else {
                Status::Error
            };
            end.body.text = Some(format!("HTTP {code}"));
        }
    }
}

/// The request, or the answer.
fn body(record: &Value) -> &Value {
    let answer = record.pointer("/response/body");
    answer
        .or_else(|| record.get("body"))
        .unwrap_or(&Value::Null)
}

fn usage(counts: &Value) -> Usage {
    let asked =
        given(counts, &["prompt_tokens_details", "input_tokens_details"]).unwrap_or(&Value::Null);
    let answered = given(
        counts,
        &["completion_tokens_details", "output_tokens_details"],
    )
    .unwrap_or(&Value::Null);
    let cached = tokens(asked, &["cached_tokens"]);
    counted(Usage {
        input: without(
            tokens(counts, &["prompt_tokens", "input_tokens"]),
            &[cached],
        ),
        output: tokens(counts, &["completion_tokens", "output_tokens"]),
        cache_read: cached,
        reasoning: tokens(answered, &["reasoning_tokens"]),
        ..Usage::NONE
    })
}
