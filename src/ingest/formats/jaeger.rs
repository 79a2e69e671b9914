//! The `jaeger` format: traces exported from Jaeger's UI or API, `{"data": [TRACE]}`.
//!
//! Times are microseconds; processes (services) are listed beside the spans; tags are OpenTelemetry
//! attributes. Source: the JSON model of Jaeger.

use std::borrow::Cow;

use serde_json::Value;

use crate::ingest::body::ErrorText;
use crate::ingest::fact::FactSink;
use crate::ingest::format::{Held, Recorded};
use crate::ingest::formats::entry::{elements, inside, sound};
use crate::ingest::formats::otel::{self, attributes::Attributes};
use crate::ingest::formats::spans::Span;
use crate::ingest::formats::spans::messages::word;
use crate::ingest::formats::spans::product::Product;
use crate::ingest::formats::spans::request::RequestFields;
use crate::ingest::json::{Checked, Cursor, Range, Record, value};
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

    fn span(&self, record: &Value) -> Span {
        span(record, &Value::Null)
    }

    fn request_fields(&self, record: &Value) -> RequestFields {
        otel::request_fields(&tags(record.get("tags")))
    }

    fn emit(
        &self,
        record: Record<'_>,
        cursor: &mut Cursor<'_>,
        out: &mut FactSink<'_>,
    ) -> Checked<()> {
        let range = sound(cursor)?;
        emit(inside(record, range), out);
        Ok(())
    }
}

fn emit(record: Record<'_>, out: &mut FactSink<'_>) {
    let mut traces = Vec::new();
    elements(record, &["data"], &mut |range| traces.push(range));
    if traces.is_empty() {
        traces.push(Range {
            start: record.start,
            end: record.block.len(),
        });
    }
    for range in traces {
        let trace = inside(record, range);
        let mut processes = Value::Null;
        let read = |range: Range| value(&record.block[range.start..range.end]);
        elements(trace, &["processes"], &mut |range| {
            processes = read(range).unwrap_or_default();
        });
        let mut spans = Vec::new();
        elements(trace, &["spans"], &mut |range| spans.push(range));
        if spans.is_empty() {
            spans.push(range);
        }
        for range in spans {
            if let Some(found) = read(range) {
                span(&found, &processes).emit(Some(range), out);
            }
        }
    }
}

/// Tags, or the fields of a log, by their keys.
fn tags(list: Option<&Value>) -> Attributes<'_> {
    let all = list
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let pair = |tag| {
        Some((
            Cow::Borrowed(word(tag, &["key"])?),
            Cow::Borrowed(tag.get("value")?),
        ))
    };
    Attributes::of_pairs(all.iter().filter_map(pair))
}

fn micros(value: Option<&Value>) -> Time {
    value
        .and_then(Value::as_i64)
        .filter(|micros| *micros > 0)
        .map_or(Time::NONE, Time)
}

fn span(record: &Value, processes: &Value) -> Span {
    let text = |key: &str| word(record, &[key]).unwrap_or_default().to_owned();
    let parents = record
        .get("references")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let parent = parents
        .iter()
        .find(|it| word(it, &["refType"]) == Some("CHILD_OF"));
    let mut attributes = tags(record.get("tags"));
    let logs = record.get("logs").and_then(Value::as_array);
    let logs: Vec<Attributes<'_>> = logs
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
    let length = record.get("duration").and_then(Value::as_i64).unwrap_or(0);
    span.times(
        start,
        start
            .get()
            .map_or(Time::NONE, |start| Time(start.saturating_add(length))),
    );
    let process = processes.get(text("processID"));
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
