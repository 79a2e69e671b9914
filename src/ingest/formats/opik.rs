//! The `opik` format: traces exported by `opik export`, a file for each, and spans and traces as its API returns them.
//!
//! Costs are estimated by Opik. Source: `sdks/python/src/opik/cli/exports` and the API types of comet-ml/opik.

use serde_json::Value;

use super::langfuse::{self, Observed};
use super::members;
use super::otel::attributes::{Attributes, instant};
use super::spans::messages::word;
use super::spans::product::Product;
use super::spans::request::RequestFields;
use super::spans::{Class, Span};
use crate::ingest::body::ErrorText;
use crate::ingest::fact::FactSink;
use crate::ingest::format::{Held, Recorded};
use crate::ingest::json::{Json, Range};
use crate::model::quantity::{Cost, Tokens, Usage};

#[derive(Debug)]
pub struct Opik;

impl Product for Opik {
    fn name(&self) -> &'static str {
        "opik"
    }

    fn about(&self) -> &'static str {
        "Opik traces (opik export), spans as returned by its API"
    }

    fn sniff(&self, record: &Value) -> u8 {
        let is_span = |it: &Value| {
            let kind = members::text(it, "type");
            let keys = ["id", "trace_id", "name", "start_time"];
            members::all(it, &keys) && matches!(kind, "llm" | "tool" | "general" | "guardrail")
        };
        let is_trace = |it: &Value| {
            members::all(it, &["id", "start_time", "name"])
                && members::any(
                    it,
                    &["thread_id", "project_id", "span_count", "llm_span_count"],
                )
        };
        let spans = record.get("spans").or_else(|| record.get("content"));
        let of_spans = spans.is_some_and(|spans| members::most(spans, is_span));
        let of_trace = record.get("trace").is_some_and(is_trace);
        match of_trace && spans.is_some_and(Value::is_array) || of_spans {
            true => 95,
            false if is_span(record) && members::any(record, &["project_id", "parent_span_id"]) => {
                80
            }
            false => 0,
        }
    }

    fn takes_whole(&self) -> bool {
        true
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Yes,
            cost: Held::Partly,
            times: Held::Yes,
            results: Held::Yes,
            approvals: Held::Partly,
        }
    }

    fn span(&self, record: &Json) -> Span {
        span(record, &Json::Null)
    }

    fn request_fields(&self, record: &Json) -> RequestFields {
        langfuse::request_fields(record.get("input"), None)
    }

    fn spans(&self, record: &Json, whole: Range, out: &mut FactSink<'_>) {
        emit(record, whole, out);
    }
}

fn emit(record: &Json, whole: Range, out: &mut FactSink<'_>) {
    let trace = record.get("trace").unwrap_or(&Json::Null);
    let mut spans = record.elements(&["spans"]);
    if spans.is_empty() {
        spans = record.elements(&["content"]);
    }
    if trace.is_object() {
        span(trace, trace).emit(trace.range().or(Some(whole)), out);
    } else if spans.is_empty() {
        spans.push(record);
    }
    for found in spans {
        span(found, trace).emit(found.range().or(Some(whole)), out);
    }
}

/// A span, or a trace, which is the span around the others.
fn span(record: &Json, trace: &Json) -> Span {
    let text = |from: &Json, key: &str| word(from, &[key]).unwrap_or_default().to_owned();
    let is_trace = record.get("trace_id").is_none();
    let id = text(record, "id");
    let mut span = Span {
        trace: if is_trace {
            id.clone()
        } else {
            text(record, "trace_id")
        },
        parent: text(record, "parent_span_id"),
        name: text(record, "name"),
        model: text(record, "model"),
        id,
        ..Span::default()
    };
    if span.parent.is_empty() && trace.is_object() && !is_trace {
        span.parent = text(trace, "id");
    }
    span.times(
        instant(record.get("start_time")),
        instant(record.get("end_time")),
    );
    span.joins.thread = text(trace, "thread_id");
    if span.joins.thread.is_empty() {
        span.joins.thread = text(record, "thread_id");
    }
    span.who.provider = text(record, "provider");
    if let Some(error) = record.get("error_info").filter(|it| it.is_object()) {
        span.error = Some(ErrorText {
            kind: word(error, &["exception_type"]).map(str::to_owned),
            message: text(error, "message"),
            stack: word(error, &["traceback"]).map(str::to_owned),
        });
    }
    let kind = text(record, "type");
    let given = |key: &str| record.get(key).filter(|it| !it.is_null()).cloned();
    langfuse::read(
        Observed {
            kind: match kind.as_str() {
                "llm" => "generation",
                "tool" => "tool",
                "guardrail" => "guardrail",
                _ => "span",
            },
            input: given("input"),
            output: given("output").map(unwrapped),
            usage: None,
            cost: None,
            level: None,
            message: None,
        },
        &mut span,
    );
    if span.class == Class::Model {
        span.usage = usage(record.get("usage"));
        let cost = record.get("total_estimated_cost").and_then(Json::as_f64);
        span.cost = cost
            .filter(|cost| *cost > 0.0)
            .map_or(Cost::NONE, Cost::from_usd);
    }
    if is_trace && span.who.agent.is_empty() {
        span.who.agent.clone_from(&span.name);
    }
    span
}

/// What a traced function returned: an object around it has only this member.
fn unwrapped(output: Json) -> Json {
    let only = output.as_object().is_some_and(|it| it.len() == 1);
    match output.get("output").filter(|_| only) {
        Some(inner) => inner.clone(),
        None => output,
    }
}

/// Prompt tokens include those of the cache, which only the provider's own counts tell apart.
fn usage(recorded: Option<&Json>) -> Usage {
    let of = Attributes::of_object(recorded);
    let cache_read = of.count(&[
        "original_usage.prompt_tokens_details.cached_tokens",
        "original_usage.input_tokens_details.cached_tokens",
        "original_usage.cache_read_input_tokens",
    ]);
    let cache_write = of.count(&["original_usage.cache_creation_input_tokens"]);
    let prompt = of.count(&["prompt_tokens", "input_tokens"]);
    let cached = cache_read.or_zero() + cache_write.or_zero();
    Usage {
        input: prompt
            .get()
            .map_or(Tokens::NONE, |all| Tokens::from(all.saturating_sub(cached))),
        output: of.count(&["completion_tokens", "output_tokens"]),
        cache_read,
        cache_write,
        reasoning: of.count(&[
            "original_usage.completion_tokens_details.reasoning_tokens",
            "original_usage.output_tokens_details.reasoning_tokens",
        ]),
        ..Usage::NONE
    }
}
