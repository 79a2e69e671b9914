//! The `mlflow` format: traces of `MLflow` as files, `Trace.to_json()` or the artifact `traces.json`.
//!
//! The spans of version 3 have the fields of OTLP, those of version 2 a context. A trace of another tracing library that
//! was stored by `MLflow` has the attributes of that library. Source: `mlflow/entities/{trace,span}.py` of mlflow/mlflow.

use serde_json::Value;

use super::otel;
use super::otel::attributes::{Attributes, nanos};
use super::spans::Span;
use super::spans::messages::word;
use super::spans::product::Product;
use super::spans::request::RequestFields;
use crate::ingest::body::ErrorText;
use crate::ingest::fact::FactSink;
use crate::ingest::format::{Held, Recorded};
use crate::ingest::json::{Json, Range};

#[derive(Debug)]
pub struct Mlflow;

impl Product for Mlflow {
    fn name(&self) -> &'static str {
        "mlflow"
    }

    fn about(&self) -> &'static str {
        "MLflow traces as JSON (Trace.to_json(), traces.json)"
    }

    fn sniff(&self, record: &Value) -> u8 {
        let spans = record
            .pointer("/data/spans")
            .or_else(|| record.get("spans"));
        let first = spans.and_then(|spans| spans.get(0)).unwrap_or(record);
        let attributes = first.get("attributes").and_then(Value::as_object);
        let is_own = attributes.is_some_and(|all| all.keys().any(|key| key.starts_with("mlflow.")));
        let is_span = first.get("name").is_some()
            && (first.get("span_id").is_some() || first.pointer("/context/span_id").is_some());
        95 * u8::from(is_own && is_span)
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
        otel::request_fields(&Attributes::of_object(record.get("attributes")))
    }

    fn spans(&self, record: &Json, whole: Range, out: &mut FactSink<'_>) {
        let info = record.get("info").unwrap_or(&Json::Null);
        let data = record.get("data").unwrap_or(record);
        let mut spans = data.elements(&["spans"]);
        if spans.is_empty() {
            spans.push(record);
        }
        for found in spans {
            span(found, info).emit(found.range().or(Some(whole)), out);
        }
    }
}

fn span(record: &Json, info: &Json) -> Span {
    let text = |from: &Json, key: &str| word(from, &[key]).unwrap_or_default().to_owned();
    let context = record.get("context").unwrap_or(record);
    let mut span = Span {
        trace: text(context, "trace_id"),
        id: text(context, "span_id"),
        parent: word(record, &["parent_span_id", "parent_id"])
            .unwrap_or_default()
            .to_owned(),
        name: text(record, "name"),
        ..Span::default()
    };
    let at = |keys: [&str; 2]| nanos(keys.iter().find_map(|key| record.get(key)));
    span.times(
        at(["start_time_unix_nano", "start_time"]),
        at(["end_time_unix_nano", "end_time"]),
    );
    let code = record
        .pointer("/status/code")
        .or_else(|| record.get("status_code"));
    let has_failed = code
        .and_then(Json::as_str)
        .is_some_and(|code| code.ends_with("ERROR"));
    if has_failed {
        span.error = Some(error(record));
    }
    let attributes = Attributes::of_object(record.get("attributes"));
    otel::read(&attributes, &Attributes::default(), &mut span);
    let metadata = info
        .get("trace_metadata")
        .or_else(|| info.get("request_metadata"));
    let metadata = Attributes::of_object(metadata);
    if let Some(session) = metadata.text(&["mlflow.trace.session"]) {
        span.joins.session = session;
    }
    if let Some(user) = metadata.text(&["mlflow.trace.user"]) {
        span.who.user = user;
    }
    span
}

fn error(record: &Json) -> ErrorText {
    let events = record.get("events").and_then(Json::as_array);
    let thrown = events
        .unwrap_or_default()
        .iter()
        .find(|event| word(event, &["name"]) == Some("exception"));
    let thrown = Attributes::of_object(thrown.and_then(|event| event.get("attributes")));
    let message = record
        .pointer("/status/message")
        .or_else(|| record.get("status_message"));
    ErrorText {
        kind: thrown.text(&["exception.type"]),
        message: thrown
            .text(&["exception.message"])
            .or_else(|| message.and_then(Json::as_str).map(str::to_owned))
            .unwrap_or_default(),
        stack: thrown.text(&["exception.stacktrace"]),
    }
}
