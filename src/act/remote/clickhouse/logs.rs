//! The log records beside the exporter's spans (`otel_logs`): instrumentors write prompts and answers there. Each
//! record is put into the line of its span; one that names only a trace, into that of the trace's outermost span.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::layout::{attributes, resource_attributes, take};

pub(super) const TABLE: &str = "otel_logs";

/// Columns that the table must have.
const NEEDED: &[&str] = &[
    "Timestamp",
    "TraceId",
    "SpanId",
    "SeverityText",
    "ServiceName",
    "Body",
    "ResourceAttributes",
    "ScopeName",
    "LogAttributes",
];

/// A table of log records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::act::remote) struct Logs {
    /// Newer exporters write the event's name into a column.
    pub(super) has_names: bool,
}

impl Logs {
    /// None if there is no such table, or one that is not the exporter's.
    pub(super) fn of(columns: &[&str]) -> Option<Logs> {
        let has = |name: &&str| columns.contains(name);
        NEEDED.iter().all(has).then(|| Logs {
            has_names: columns.contains(&"EventName"),
        })
    }

    fn name(self) -> &'static str {
        if self.has_names { "EventName" } else { "''" }
    }

    /// The query for the records of the spans that `spans` selects; it returns `TraceId`, `SpanId`, `ParentSpanId`.
    pub(super) fn query(self, table: &str, spans: &str) -> String {
        let name = self.name();
        format!(
            "SELECT toUnixTimestamp64Nano(Timestamp) AS at, TraceId AS Trace, SpanId AS Span, {name} AS Name, SeverityText, Body, \
             ServiceName, ResourceAttributes, ScopeName, LogAttributes\nFROM {table}\nWHERE (TraceId, SpanId) IN (\n\
             SELECT TraceId, arrayJoin(if(ParentSpanId = '', [SpanId, ''], [SpanId])) FROM (\n{spans}))\nORDER BY Timestamp, SpanId"
        )
    }
}

/// The records as members of OTLP lines, by trace and span.
pub(super) struct Found(HashMap<(String, String), Vec<Value>>);

impl Found {
    pub(super) fn new(rows: Vec<Value>) -> Found {
        let mut found: HashMap<(String, String), Vec<Value>> = HashMap::new();
        for row in rows {
            let key = (
                text(&row, "Trace").to_owned(),
                text(&row, "Span").to_owned(),
            );
            found.entry(key).or_default().push(log(row));
        }
        Found(found)
    }

    /// The line of a span, with its log records.
    pub(super) fn join(&mut self, row: Value, line: fn(Value) -> Value) -> Value {
        let mut key = (
            text(&row, "Trace").to_owned(),
            text(&row, "Span").to_owned(),
        );
        let mut logs = self.0.remove(&key).unwrap_or_default();
        if text(&row, "ParentSpanId").is_empty() {
            key.1.clear();
            logs.extend(self.0.remove(&key).unwrap_or_default());
        }
        let mut line = line(row);
        if let (false, Some(line)) = (logs.is_empty(), line.as_object_mut()) {
            line.insert("resourceLogs".to_owned(), Value::Array(logs));
        }
        line
    }
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn log(mut row: Value) -> Value {
    let resource = resource_attributes(&mut row);
    let own = attributes(take(&mut row, "LogAttributes"));
    let text = |name: &str| text(&row, name);
    json!({
        "resource": {"attributes": resource},
        "scopeLogs": [{
            "scope": {"name": text("ScopeName")},
            "logRecords": [{
                "timeUnixNano": text("at"),
                "severityText": text("SeverityText"),
                "eventName": text("Name"),
                "body": body(text("Body")),
                "attributes": own,
                "traceId": text("Trace"),
                "spanId": text("Span"),
            }],
        }],
    })
}

/// The exporter writes a body with members as JSON.
fn body(text: &str) -> Value {
    let members = text.starts_with(['{', '[']);
    let parsed = members.then(|| serde_json::from_str::<Value>(text).ok());
    match parsed.flatten() {
        Some(value) => any_value(value),
        None => json!({ "stringValue": text }),
    }
}

/// A value as OTLP writes it.
fn any_value(value: Value) -> Value {
    match value {
        Value::Null => json!({}),
        Value::Bool(it) => json!({ "boolValue": it }),
        Value::String(it) => json!({ "stringValue": it }),
        Value::Number(it) if it.is_f64() => json!({ "doubleValue": it }),
        Value::Number(it) => json!({"intValue": it.to_string()}),
        Value::Array(items) => {
            let values: Vec<Value> = items.into_iter().map(any_value).collect();
            json!({"arrayValue": {"values": values}})
        }
        Value::Object(members) => {
            let values = members.into_iter();
            let values = values.map(|(key, value)| json!({"key": key, "value": any_value(value)}));
            json!({"kvlistValue": {"values": values.collect::<Vec<Value>>()}})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(span: &str, body: &str) -> Value {
        json!({
            "at": "1795360095000000000", "Trace": "t", "Span": span, "Name": "gen_ai.user.message", "SeverityText": "INFO",
            "Body": body, "ServiceName": "desk", "ResourceAttributes": {}, "ScopeName": "s", "LogAttributes": {"a": "b"},
        })
    }

    #[test]
    fn records_join_the_line_of_their_span_or_of_the_outermost_one() {
        let mut found = Found::new(vec![row("1", r#"{"content":"hi"}"#), row("", "plain")]);
        let span =
            |id: &str, parent: &str| json!({"Trace": "t", "Span": id, "ParentSpanId": parent});
        let inner = found.join(span("1", "0"), |_| json!({}));
        let outer = found.join(span("0", ""), |_| json!({}));
        let body = "/resourceLogs/0/scopeLogs/0/logRecords/0/body";
        let content = inner
            .pointer(body)
            .and_then(|it| it.pointer("/kvlistValue/values/0/value"));
        assert_eq!(content, Some(&json!({"stringValue": "hi"})));
        assert_eq!(outer.pointer(body), Some(&json!({"stringValue": "plain"})));
    }

    #[test]
    fn another_table_of_that_name_is_left_alone() {
        assert_eq!(Logs::of(&["Timestamp", "Message"]), None);
        let logs = Logs::of(NEEDED).expect("a table");
        assert!(!logs.has_names);
    }
}
