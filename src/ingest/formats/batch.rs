//! The `openai-batch` format: input and output of the OpenAI batch API, one request a line, each a run.
//!
//! The body of an answer is a chat completion or a response. Source: the batch guide of the OpenAI API.

use serde_json::Value;

use super::content::{string, text_of};
use super::conversation::Conversation;
use super::plain::{Agent, Rows, counted, given, instant, list, tokens, without, word};
use super::telling::{all, text};
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
        "OpenAI batch files: requests and their answers"
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
        let answer = all(record, &["custom_id", "response"]) && record.get("error").is_some();
        let request = all(record, &["custom_id", "method", "url", "body"]);
        if answer || request { 90 } else { 0 }
    }

    fn rows(&self, _member: &str, record: &Value, out: &mut Rows) {
        let id = word(record, &["custom_id"]);
        let body = record
            .pointer("/response/body")
            .or_else(|| record.get("body"))
            .unwrap_or(&Value::Null);
        out.base.run.clone_from(&id);
        out.base.model = word(body, &["model"]);
        out.base.fact.time = instant(body, &["created", "created_at"]);
        out.row(FactKind::ImpliedStart).name(Name::Task, id);
        for message in list(body, "messages") {
            out.message(message);
        }
        if let Some(input) = string(body, "input") {
            out.said(FactKind::Prompt, input);
        }
        out.base.name(Name::Group, word(body, &["id"]));
        for choice in list(body, "choices") {
            out.message(choice.get("message").unwrap_or(&Value::Null));
        }
        for item in list(body, "output") {
            item_of(item, out);
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

fn item_of(item: &Value, out: &mut Rows) {
    match text(item, "type") {
        "message" => out.if_said(
            FactKind::Response,
            given(item, &["content"]).and_then(text_of),
        ),
        "function_call" => {
            out.call(
                word(item, &["call_id"]),
                word(item, &["name"]),
                given(item, &["arguments"]),
            );
        }
        "reasoning" => out.if_said(
            FactKind::Reasoning,
            given(item, &["summary"]).and_then(text_of),
        ),
        _ => {}
    }
}

fn usage(told: &Value) -> Usage {
    let asked =
        given(told, &["prompt_tokens_details", "input_tokens_details"]).unwrap_or(&Value::Null);
    let answered = given(
        told,
        &["completion_tokens_details", "output_tokens_details"],
    )
    .unwrap_or(&Value::Null);
    let cached = tokens(asked, &["cached_tokens"]);
    counted(Usage {
        input: without(tokens(told, &["prompt_tokens", "input_tokens"]), &[cached]),
        output: tokens(told, &["completion_tokens", "output_tokens"]),
        cache_read: cached,
        reasoning: tokens(answered, &["reasoning_tokens"]),
        ..Usage::NONE
    })
}
