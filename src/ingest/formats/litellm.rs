//! The `litellm` format: what LiteLLM passes to its loggers (`StandardLoggingPayload`), one model call per record.
//!
//! Calls of one trace id are one run. Costs are LiteLLM's own; prompt tokens include those of the cache. Source:
//! `litellm/types/utils.py` of BerriAI/litellm.

use serde_json::Value;

use super::members;
use super::otel::attributes::{Attributes, instant};
use super::spans::messages::{Role, messages, word};
use super::spans::product::Product;
use super::spans::request::RequestFields;
use super::spans::{self, Class, Span};
use crate::ingest::body::ErrorText;
use crate::ingest::format::{Held, Recorded, Sent};
use crate::ingest::json::Json;
use crate::model::quantity::{Cost, Usage};

#[derive(Debug)]
pub struct Litellm;

impl Product for Litellm {
    fn name(&self) -> &'static str {
        "litellm"
    }

    fn about(&self) -> &'static str {
        "LiteLLM logging payloads, one model call per record"
    }

    fn sniff(&self, record: &Value) -> u8 {
        let own = [
            "model_group",
            "model_parameters",
            "hidden_params",
            "call_type",
            "litellm_call_id",
        ];
        let of_call = ["messages", "response", "prompt_tokens"];
        let is_own = members::all(record, &["response_cost", "startTime", "model"])
            && members::any(record, &own)
            && members::any(record, &of_call);
        90 * u8::from(is_own)
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Yes,
            cost: Held::Yes,
            times: Held::Yes,
            results: Held::Partly,
            approvals: Held::No,
        }
    }

    fn sent(&self) -> Sent {
        Sent::Conversations
    }

    fn takes_whole(&self) -> bool {
        true
    }

    fn span(&self, record: &Json) -> Span {
        call(record)
    }

    fn request_fields(&self, record: &Json) -> RequestFields {
        let mut fields = RequestFields::default();
        let parameters = record.get("model_parameters");
        fields.parameters(parameters);
        fields.tools(parameters.and_then(|it| it.get("tools")));
        fields
    }
}

fn call(record: &Json) -> Span {
    let of = Attributes::of_object(Some(record));
    let text = |keys: &[&str]| of.text(keys).unwrap_or_default();
    let metadata = Attributes::of_object(of.get("metadata"));
    let mut span = Span {
        class: Class::Model,
        id: text(&["id", "litellm_call_id"]),
        trace: text(&["trace_id"]),
        name: text(&["call_type"]),
        model: text(&["model"]),
        ..Span::default()
    };
    span.joins.session = metadata.text(&["session_id"]).unwrap_or_default();
    // Calls without a trace have nothing in common.
    if span.trace.is_empty() {
        span.trace.clone_from(&span.id);
    }
    span.who.user = text(&["end_user", "user"]);
    span.who.provider = text(&["custom_llm_provider"]);
    span.times(instant(of.get("startTime")), instant(of.get("endTime")));
    if let Some(input) = of.get("messages") {
        span.input = messages(input, Role::User);
    }
    let answer = of.open(&["response"]).unwrap_or_default();
    if text(&["status"]) == "failure" || of.has("error_str") && answer.is_null() {
        let about = Attributes::of_object(of.get("error_information"));
        span.error = Some(ErrorText {
            kind: about.text(&["error_class", "error_code"]),
            message: of
                .text(&["error_str"])
                .or_else(|| about.text(&["error_message"]))
                .unwrap_or_default(),
            stack: about.text(&["traceback"]),
        });
    } else {
        span.output = messages(&answer, Role::Assistant);
    }
    word(&answer, &["id"])
        .unwrap_or_default()
        .clone_into(&mut span.reply);
    span.usage = usage(&of, &answer);
    // 0 is written if no price is known.
    let cost = of.number(&["response_cost"]).filter(|cost| *cost > 0.0);
    span.cost = cost.map_or(Cost::NONE, Cost::from_usd);
    span
}

fn usage(of: &Attributes, answer: &Json) -> Usage {
    let told = Attributes::of_object(answer.get("usage"));
    let details = |name: &str| Attributes::of_object(told.get(name));
    let mut usage = Usage {
        input: of.count(&["prompt_tokens"]),
        output: of.count(&["completion_tokens"]),
        cache_read: details("prompt_tokens_details").count(&["cached_tokens"]),
        cache_write: told.count(&["cache_creation_input_tokens"]),
        reasoning: details("completion_tokens_details").count(&["reasoning_tokens"]),
        ..Usage::NONE
    };
    spans::without_cache(&mut usage);
    usage
}
