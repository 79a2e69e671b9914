//! The `vscode-traces` format: the spans of GitHub Copilot Chat in VS Code (`agent-traces.db`, written if
//! `github.copilot.chat.otel.dbSpanExporter.enabled` is set).
//!
//! Attributes are those of the conventions for generative AI; the numbers among them are columns too. Costs are not
//! recorded. Source: `otelSqliteStore.ts` of microsoft/vscode-copilot-chat.

use serde_json::Value;

use super::members::all;
use super::otel;
use super::otel::attributes::{Attributes, instant};
use super::spans::Span;
use super::spans::messages::word;
use super::spans::product::Product;
use super::spans::request::RequestFields;
use crate::ingest::body::ErrorText;
use crate::ingest::format::{Held, Recorded};
use crate::ingest::json::Json;

#[derive(Debug)]
pub struct VscodeTraces;

/// Columns that are attributes too, and their names.
const COLUMNS: &[(&str, &str)] = &[
    ("operation_name", "gen_ai.operation.name"),
    ("provider_name", "gen_ai.provider.name"),
    ("agent_name", "gen_ai.agent.name"),
    ("conversation_id", "gen_ai.conversation.id"),
    ("request_model", "gen_ai.request.model"),
    ("response_model", "gen_ai.response.model"),
    ("input_tokens", "gen_ai.usage.input_tokens"),
    ("output_tokens", "gen_ai.usage.output_tokens"),
    ("cached_tokens", "gen_ai.usage.cache_read.input_tokens"),
    ("reasoning_tokens", "gen_ai.usage.reasoning_tokens"),
    ("tool_name", "gen_ai.tool.name"),
    ("tool_call_id", "gen_ai.tool.call.id"),
];

/// The status code of a span that failed.
const ERROR: u64 = 2;

impl Product for VscodeTraces {
    fn name(&self) -> &'static str {
        "vscode-traces"
    }

    fn about(&self) -> &'static str {
        "Copilot Chat's spans in VS Code (agent-traces.db)"
    }

    fn sniff(&self, record: &Value) -> u8 {
        let keys = [
            "span_id",
            "trace_id",
            "start_time_ms",
            "end_time_ms",
            "status_code",
        ];
        90 * u8::from(all(record, &keys))
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Yes,
            cost: Held::No,
            times: Held::Yes,
            results: Held::Partly,
            approvals: Held::No,
        }
    }

    fn span(&self, record: &Json) -> Span {
        span(record)
    }

    fn request_fields(&self, record: &Json) -> RequestFields {
        otel::request_fields(&attributes(record))
    }
}

fn attributes(record: &Json) -> Attributes {
    let mut attributes = Attributes::of_object(record.get("attributes"));
    for (column, name) in COLUMNS {
        if let Some(value) = record.get(column).filter(|it| !it.is_null()) {
            attributes.set(name, value.clone());
        }
    }
    attributes
}

fn span(record: &Json) -> Span {
    let text = |key: &str| word(record, &[key]).unwrap_or_default().to_owned();
    let mut span = Span {
        trace: text("trace_id"),
        id: text("span_id"),
        parent: text("parent_span_id"),
        name: text("name"),
        ..Span::default()
    };
    span.times(
        instant(record.get("start_time_ms")),
        instant(record.get("end_time_ms")),
    );
    let mut attributes = attributes(record);
    let events = record.get("events").and_then(Json::as_array);
    for event in events.unwrap_or_default() {
        let name = word(event, &["name"]).unwrap_or_default();
        if name.starts_with("gen_ai.") {
            let of = Attributes::of_object(event.get("attributes"));
            otel::messages_event(name, &of, &mut attributes);
        }
    }
    if record.get("status_code").and_then(Json::as_u64) == Some(ERROR) {
        span.error = Some(ErrorText {
            kind: attributes.text(&["error.type"]),
            message: text("status_message"),
            ..ErrorText::default()
        });
    }
    otel::read(&attributes, &Attributes::default(), &mut span);
    let joins = &mut span.joins;
    if joins.conversation.is_empty() {
        joins.conversation = text("chat_session_id");
    }
    span
}
