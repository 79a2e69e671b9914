//! The `jaeger` format: traces exported from Jaeger's UI or API, `{"data": [TRACE]}`.
//!
//! Times are microseconds; processes (services) are listed beside the spans; tags are OpenTelemetry
//! attributes. Source: the JSON model of Jaeger.

use serde_json::Value;

use crate::ingest::body::ErrorText;
use crate::ingest::fact::FactSink;
use crate::ingest::format::{Held, Recorded};
use crate::ingest::formats::otel::{self, attributes::Attributes};
use crate::ingest::formats::spans::Span;
use crate::ingest::formats::spans::messages::word;
use crate::ingest::formats::spans::product::Product;
use crate::ingest::formats::spans::request::RequestFields;
use crate::ingest::json::{Json, Range};
use crate::model::quantity::Time;

#[derive(Debug)]
pub struct Jaeger;

impl Product for Jaeger {
    fn name(&self) -> &'static str {
        "jaeger"
    }

    fn about(&self) -> &'static str {
        "Jaeger traces as JSON (downloaded from its UI, or from Grafana)"
    }

    fn sniff(&self, record: &Value) -> u8 {
        let is_trace = |it: &Value| {
            it.get("traceID").is_some() && (it.get("spans").is_some() || it.get("spanID").is_some())
        };
        let first = record
            .get("data")
            .and_then(Value::as_array)
            .and_then(|all| all.first());
        if is_trace(record) || first.is_some_and(is_trace) {
            95
        } else {
            0
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
            results: Held::Partly,
            approvals: Held::Partly,
        }
    }

    fn span(&self, record: &Json) -> Span {
        span(record, &Json::Null)
    }

    fn request_fields(&self, record: &Json) -> RequestFields {
        otel::request_fields(&tags(record.get("tags")))
    }

    fn spans(&self, record: &Json, whole: Range, out: &mut FactSink<'_>) {
        emit(record, whole, out);
    }
}

fn emit(record: &Json, whole: Range, out: &mut FactSink<'_>) {
    let mut traces = record.elements(&["data"]);
    if traces.is_empty() {
        traces.push(record);
    }
    for trace in traces {
        let processes = trace.elements(&["processes"]).last().copied();
        let processes = processes.unwrap_or(&Json::Null);
        let mut spans = trace.elements(&["spans"]);
        if spans.is_empty() {
            spans.push(trace);
        }
        for found in spans {
            span(found, processes).emit(found.range().or(Some(whole)), out);
        }
    }
}

/// Tags, or the fields of a log, by their keys.
fn tags(list: Option<&Json>) -> Attributes {
    let all = list.and_then(Json::as_array).unwrap_or_default();
    let pair = |tag: &Json| Some((tag.get("key")?.text()?.clone(), tag.get("value")?.clone()));
    Attributes::of_pairs(all.iter().filter_map(pair))
}

fn micros(value: Option<&Json>) -> Time {
    value
        .and_then(Json::as_i64)
        .filter(|micros| *micros > 0)
        .map_or(Time::NONE, Time)
}

fn span(record: &Json, processes: &Json) -> Span {
    let text = |key: &str| word(record, &[key]).unwrap_or_default().to_owned();
    let parents = record
        .get("references")
        .and_then(Json::as_array)
        .unwrap_or_default();
    let parent = parents
        .iter()
        .find(|it| word(it, &["refType"]) == Some("CHILD_OF"));
    let mut attributes = tags(record.get("tags"));
    let logs = record.get("logs").and_then(Json::as_array);
    let logs: Vec<Attributes> = logs
        .into_iter()
        .flatten()
        .map(|log| tags(log.get("fields")))
        .collect();
    for log in &logs {
        let event = log.text(&["event"]).unwrap_or_default();
        if event.starts_with("gen_ai.") {
            otel::messages_event(&event, log, &mut attributes);
        }
    }
    let mut span = Span {
        trace: text("traceID"),
        id: text("spanID"),
        parent: parent
            .and_then(|it| word(it, &["spanID"]))
            .map_or_else(|| text("parentSpanID"), str::to_owned),
        name: text("operationName"),
        scope: attributes
            .text(&["otel.scope.name", "otel.library.name"])
            .unwrap_or_default(),
        ..Span::default()
    };
    let start = micros(record.get("startTime"));
    let length = record.get("duration").and_then(Json::as_i64).unwrap_or(0);
    span.times(
        start,
        start
            .get()
            .map_or(Time::NONE, |start| Time(start.saturating_add(length))),
    );
    let process = processes.get(&text("processID"));
    let mut resource = tags(process.and_then(|it| it.get("tags")));
    if let Some(service) = process.and_then(|it| it.get("serviceName")) {
        resource.set("service.name", service.clone());
    }
    let failed = attributes.text(&["otel.status_code"]).as_deref() == Some("ERROR")
        || attributes.text(&["error"]).as_deref() == Some("true");
    if failed {
        let thrown = logs
            .iter()
            .find(|of| of.has("exception.message") || of.has("exception.type"));
        let message = attributes
            .text(&["otel.status_description"])
            .unwrap_or_default();
        span.error = Some(match thrown {
            Some(of) => ErrorText {
                kind: of.text(&["exception.type"]),
                message: of.text(&["exception.message"]).unwrap_or(message),
                stack: of.text(&["exception.stacktrace"]),
            },
            None => ErrorText {
                message,
                ..ErrorText::default()
            },
        });
    }
    otel::read(&attributes, &resource, &mut span);
    span
}
