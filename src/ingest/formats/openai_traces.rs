//! The `openai-traces` format: traces of the OpenAI Agents SDK in its own form, one trace or span per line,
//! or as sent (`{"data": [...]}`).
//!
//! Model calls through the Responses API have no text in their spans, only the id of the response. Source:
//! version 0.24 of the SDK.

use serde_json::Value;

use crate::ingest::body::ErrorText;
use crate::ingest::format::{Held, Recorded};
use crate::ingest::formats::members;
use crate::ingest::formats::otel::attributes::{Attributes, instant};
use crate::ingest::formats::spans::messages::{Role, flat, messages, opened, text_of_any, word};
use crate::ingest::formats::spans::product::Product;
use crate::ingest::formats::spans::request::RequestFields;
use crate::ingest::formats::spans::{self, Class, Ruling, Span};
use crate::ingest::json::Json;
use crate::model::action::Verdict;
use crate::model::quantity::Usage;

#[derive(Debug)]
pub struct OpenaiTraces;

impl Product for OpenaiTraces {
    fn name(&self) -> &'static str {
        "openai-traces"
    }

    fn about(&self) -> &'static str {
        "OpenAI Agents SDK traces and spans, one per line or as sent"
    }

    fn sniff(&self, record: &Value) -> u8 {
        match members::text(record, "object") {
            "trace.span" if record.get("span_data").is_some() => 95,
            "trace" if record.get("workflow_name").is_some() => 95,
            _ => 0,
        }
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Yes,
            cost: Held::No,
            times: Held::Yes,
            results: Held::Yes,
            approvals: Held::Partly,
        }
    }

    fn span(&self, record: &Json) -> Span {
        span(record)
    }

    fn request_fields(&self, record: &Json) -> RequestFields {
        let mut fields = RequestFields::default();
        if let Some(data) = record.get("span_data") {
            fields.parameters(data.get("model_config"));
            fields.parameters(Some(data));
        }
        fields
    }
}

fn span(record: &Json) -> Span {
    let text = |from: &Json, key: &str| text_of_any(from, &[key]);
    if word(record, &["object"]) == Some("trace") {
        return trace(record);
    }
    let data = record.get("span_data").unwrap_or(&Json::Null);
    let mut span = Span {
        trace: text(record, "trace_id"),
        id: text(record, "id"),
        parent: text(record, "parent_id"),
        name: text(data, "name"),
        ..Span::default()
    };
    span.times(
        instant(record.get("started_at")),
        instant(record.get("ended_at")),
    );
    if let Some(error) = record.get("error").filter(|error| error.is_object()) {
        span.error = Some(error_of(error));
    }
    match word(data, &["type"]).unwrap_or_default() {
        "generation" | "response" => model_call(data, &mut span),
        "function" | "mcp_tools" => {
            span.class = Class::Tool;
            span.tool.name.clone_from(&span.name);
            span.tool.args = data.get("input").map(opened).filter(|it| !it.is_null());
            span.tool.result = data.get("output").map(flat).filter(|it| !it.is_null());
        }
        "guardrail" => {
            span.class = Class::Guardrail;
            let triggered = data.get("triggered").and_then(Json::as_bool);
            span.verdicts.push(Ruling {
                verdict: triggered.map(|it| if it { Verdict::Block } else { Verdict::Allow }),
                policy: span.name.clone(),
                ..Ruling::default()
            });
        }
        "handoff" => {
            span.class = Class::Other;
            let [from, to] = ["from_agent", "to_agent"].map(|key| text(data, key));
            span.text = Some(format!("handoff from {from} to {to}").into());
        }
        kind => {
            span.class = Class::Wrapper;
            if kind == "agent" {
                span.who.agent.clone_from(&span.name);
            }
        }
    }
    // A guardrail that ended the turn has a span of its own.
    let tripped = |error: &ErrorText| error.message.starts_with("Guardrail tripwire triggered");
    span.error = span.error.filter(|error| !tripped(error));
    span
}

/// The record of a trace: what joins it with others, and whose it is.
fn trace(record: &Json) -> Span {
    let metadata = Attributes::of_object(record.get("metadata"));
    let mut span = Span {
        class: Class::Wrapper,
        trace: text_of_any(record, &["id"]),
        name: text_of_any(record, &["workflow_name"]),
        ..Span::default()
    };
    span.joins.conversation = text_of_any(record, &["group_id"]);
    span.who.user = metadata.text(&["user_id", "user"]).unwrap_or_default();
    span.who.env = metadata.text(&["env", "environment"]).unwrap_or_default();
    span
}

fn error_of(error: &Json) -> ErrorText {
    let message = word(error, &["message"]).unwrap_or_default();
    let data = error.get("data").filter(|data| !data.is_null());
    let why = data.and_then(|data| word(data, &["error"]).map(str::to_owned));
    ErrorText {
        message: why.map_or_else(|| message.to_owned(), |why| format!("{message}: {why}")),
        ..ErrorText::default()
    }
}

fn model_call(data: &Json, span: &mut Span) {
    span.class = Class::Model;
    span.model = text_of_any(data, &["model"]);
    span.reply = text_of_any(data, &["response_id"]);
    span.input = data
        .get("input")
        .map(|it| messages(it, Role::User))
        .unwrap_or_default();
    span.output = data
        .get("output")
        .map(|it| messages(it, Role::Assistant))
        .unwrap_or_default();
    let of = Attributes::of_object(data.get("usage"));
    let input = Attributes::of_object(of.first(&["input_tokens_details", "prompt_tokens_details"]));
    let output =
        Attributes::of_object(of.first(&["output_tokens_details", "completion_tokens_details"]));
    span.usage = Usage {
        input: of.count(&["input_tokens", "prompt_tokens"]),
        output: of.count(&["output_tokens", "completion_tokens"]),
        cache_read: input.count(&["cached_tokens"]),
        reasoning: output.count(&["reasoning_tokens"]),
        ..Usage::NONE
    };
    spans::without_cache(&mut span.usage);
}
