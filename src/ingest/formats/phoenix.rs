//! The `phoenix` format: spans from the API of Arize Phoenix, one per line.
//!
//! Attributes are those that were sent, flat and decoded; costs are calculated by the server and missing
//! from the spans. Source: a server of version 20.

use serde_json::Value;

use crate::ingest::body::ErrorText;
use crate::ingest::format::{Held, Recorded};
use crate::ingest::formats::otel::{
    self,
    attributes::{Attributes, instant},
};
use crate::ingest::formats::spans::Span;
use crate::ingest::formats::spans::messages::word;
use crate::ingest::formats::spans::product::Product;
use crate::ingest::formats::spans::request::RequestFields;
use crate::ingest::json::Json;

#[derive(Debug)]
pub struct Phoenix;

impl Product for Phoenix {
    fn name(&self) -> &'static str {
        "phoenix"
    }

    fn about(&self) -> &'static str {
        "Arize Phoenix spans (GET /v1/projects/NAME/spans), one per line or as returned by its API"
    }

    fn sniff(&self, record: &Value) -> u8 {
        let has_context = record.pointer("/context/trace_id").is_some();
        if has_context && record.get("span_kind").is_some() {
            95
        } else {
            0
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
        otel::request_fields(&Attributes::of_object(record.get("attributes")))
    }
}

fn span(record: &Json) -> Span {
    let text = |from: &Json, key: &str| word(from, &[key]).unwrap_or_default().to_owned();
    let context = record.get("context").unwrap_or(&Json::Null);
    let mut span = Span {
        trace: text(context, "trace_id"),
        id: text(context, "span_id"),
        parent: text(record, "parent_id"),
        name: text(record, "name"),
        ..Span::default()
    };
    span.times(
        instant(record.get("start_time")),
        instant(record.get("end_time")),
    );
    let mut attributes = Attributes::of_object(record.get("attributes"));
    // The server adds OpenInference attributes to spans of the GenAI conventions, but not the models' answers.
    if !attributes.has("openinference.span.kind")
        && !attributes.has("gen_ai.operation.name")
        && let Some(kind) = record
            .get("span_kind")
            .filter(|kind| kind.as_str() != Some("UNKNOWN"))
    {
        attributes.set("openinference.span.kind", kind.clone());
    }
    let failed = word(record, &["status_code"]) == Some("ERROR");
    let events = record.get("events").and_then(Json::as_array);
    for event in events.unwrap_or_default() {
        let of = Attributes::of_object(event.get("attributes"));
        let kind = of.text(&["exception.type"]);
        let is_question = kind
            .as_deref()
            .is_some_and(|kind| kind.ends_with("GraphInterrupt"));
        let name = word(event, &["name"]).unwrap_or_default();
        if name.starts_with("gen_ai.") {
            otel::messages_event(name, &of, &mut attributes);
        } else if name == "exception" && (failed || is_question) {
            span.error = Some(ErrorText {
                kind,
                message: of.text(&["exception.message"]).unwrap_or_default(),
                stack: of.text(&["exception.stacktrace"]),
            });
        }
    }
    if failed && span.error.is_none() {
        span.error = Some(ErrorText {
            message: text(record, "status_message"),
            ..ErrorText::default()
        });
    }
    otel::read(&attributes, &Attributes::default(), &mut span);
    span
}

#[cfg(test)]
mod tests {
    use crate::ingest::testing::{load, rows};
    use crate::model::action::{Kind, Status};

    const CONVERTED: &str = concat!(
        r#"{"id":"U3Bhbjox","name":"chat m","context":{"trace_id":"1","span_id":"2"},"span_kind":"LLM","parent_id":null,"#,
        r#""start_time":"2026-11-22T15:06:41+00:00","end_time":"2026-11-22T15:06:42+00:00","status_code":"OK","attributes":{"#,
        r#""llm.model_name":"m","output.value":"{\"id\":\"resp_1\"}","gen_ai.operation.name":"chat","gen_ai.request.model":"m","#,
        r#""gen_ai.output.messages":"[{\"role\":\"assistant\",\"parts\":[{\"type\":\"tool_call\",\"id\":\"a\",\"name\":\"renew\",\"arguments\":{}},{\"type\":\"tool_call\",\"id\":\"b\",\"name\":\"waive\",\"arguments\":{}}]}]"},"#,
        r#""events":[]}"#,
    );

    #[test]
    fn the_answers_of_spans_that_the_server_converted_are_read() {
        let batch = load("phoenix", CONVERTED);
        let tools = rows(&batch);
        let calls = tools.iter().filter(|(kind, _)| *kind == Kind::ToolCall);
        assert_eq!(calls.count(), 2, "{tools:?}");
        assert!(tools.iter().all(|(_, status)| *status != Status::Error));
    }
}
