//! Tables of spans that we know: that of OpenTelemetry's exporter, and those of Langfuse's own servers. What is
//! selected of them, and how a row becomes a record of the format that reads it.

use serde_json::{Map, Value, json};

use crate::act::remote::record::Reader;
use crate::ingest::formats::{langfuse, otlp};

/// A kind of table.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) columns: &'static str,
    /// What `FROM` names; `{table}` is the table.
    from: &'static str,
    /// The columns of time, trace and span, by which pages go on.
    pub(super) order: [&'static str; 3],
    /// What every query asks for.
    pub(super) test: &'static str,
    /// The column of the project, if the table is of several.
    pub(super) project: Option<&'static str>,
    /// Columns that it cannot do without.
    pub(super) needed: &'static [&'static str],
    pub(super) line: fn(Value) -> Value,
    reader: fn() -> Reader,
    /// Whether the engine can select runs by what their spans show.
    pub(super) selects: bool,
}

impl Layout {
    /// By the name of the table.
    pub(super) fn of(table: &str) -> &'static Layout {
        match table {
            "events_full" => &EVENTS,
            "observations" => &OBSERVATIONS,
            _ => &OTEL,
        }
    }

    pub(super) fn from(&self, table: &str) -> String {
        self.from.replace("{table}", table)
    }

    pub(super) fn reader(&self) -> Reader {
        (self.reader)()
    }
}

static OTEL: Layout = Layout {
    columns: "Duration AS took, ParentSpanId, SpanName, ServiceName, ResourceAttributes, ScopeName, SpanAttributes, \
        toString(StatusCode) AS StatusCode, StatusMessage, \
        arrayMap(t -> toUnixTimestamp64Nano(t), `Events.Timestamp`) AS event_times, `Events.Name` AS event_names, \
        `Events.Attributes` AS event_attributes",
    from: "{table}",
    order: ["Timestamp", "TraceId", "SpanId"],
    test: "1",
    project: None,
    needed: &[
        "Timestamp",
        "TraceId",
        "SpanId",
        "ParentSpanId",
        "SpanName",
        "ServiceName",
        "ResourceAttributes",
        "ScopeName",
        "SpanAttributes",
        "Duration",
        "StatusCode",
        "StatusMessage",
        "Events.Timestamp",
        "Events.Name",
        "Events.Attributes",
    ],
    line: otlp_line,
    reader: || Reader::spans(&otlp::Otlp),
    selects: true,
};

/// Langfuse from version 4 on: one row for each observation, with the user and session of its trace.
static EVENTS: Layout = Layout {
    columns: "nullIf(parent_span_id, '') AS parentObservationId, type, name, level, \
        formatDateTime(start_time, '%Y-%m-%dT%H:%i:%S.%fZ', 'UTC') AS startTime, \
        formatDateTime(end_time, '%Y-%m-%dT%H:%i:%S.%fZ', 'UTC') AS endTime, \
        nullIf(status_message, '') AS statusMessage, nullIf(session_id, '') AS sessionId, nullIf(user_id, '') AS userId, \
        environment, nullIf(release, '') AS release, nullIf(version, '') AS version, \
        nullIf(provided_model_name, '') AS providedModelName, nullIf(model_parameters, '') AS modelParameters, \
        mapApply((k, v) -> (k, toFloat64(v)), usage_details) AS usageDetails, \
        mapApply((k, v) -> (k, toFloat64(v)), cost_details) AS costDetails, \
        nullIf(input, '') AS input, nullIf(output, '') AS output, \
        mapFromArrays(metadata_names, metadata_values) AS metadata, project_id AS projectId",
    from: "{table} FINAL",
    order: ["start_time", "trace_id", "span_id"],
    test: "is_deleted = 0",
    project: Some("project_id"),
    needed: &[
        "span_id",
        "trace_id",
        "parent_span_id",
        "start_time",
        "session_id",
        "provided_model_name",
        "usage_details",
        "metadata_names",
        "is_deleted",
    ],
    line: langfuse_line,
    reader: || Reader::spans(&langfuse::Langfuse),
    selects: false,
};

/// Langfuse 3: user and session are stored on traces.
static OBSERVATIONS: Layout = Layout {
    columns: "o.parent_observation_id AS parentObservationId, o.type AS type, o.name AS name, o.level AS level, \
        formatDateTime(o.start_time, '%Y-%m-%dT%H:%i:%S.%fZ', 'UTC') AS startTime, \
        formatDateTime(o.end_time, '%Y-%m-%dT%H:%i:%S.%fZ', 'UTC') AS endTime, \
        o.status_message AS statusMessage, nullIf(t.session_id, '') AS sessionId, nullIf(t.user_id, '') AS userId, \
        o.environment AS environment, nullIf(t.release, '') AS release, o.version AS version, \
        o.provided_model_name AS providedModelName, o.model_parameters AS modelParameters, \
        mapApply((k, v) -> (k, toFloat64(v)), o.usage_details) AS usageDetails, \
        mapApply((k, v) -> (k, toFloat64(v)), o.cost_details) AS costDetails, \
        o.input AS input, o.output AS output, o.metadata AS metadata, o.project_id AS projectId",
    from: "{table} AS o FINAL LEFT JOIN (SELECT project_id, id, user_id, session_id, release FROM traces FINAL \
        WHERE is_deleted = 0) AS t ON t.project_id = o.project_id AND t.id = o.trace_id",
    order: ["o.start_time", "o.trace_id", "o.id"],
    test: "o.is_deleted = 0",
    project: Some("o.project_id"),
    needed: &[
        "id",
        "trace_id",
        "parent_observation_id",
        "start_time",
        "environment",
        "provided_model_name",
        "usage_details",
        "is_deleted",
    ],
    line: langfuse_line,
    reader: || Reader::spans(&langfuse::Langfuse),
    selects: false,
};

/// The names that the API gives to the same columns.
fn langfuse_line(mut row: Value) -> Value {
    if let Some(row) = row.as_object_mut() {
        for (from, to) in [("Span", "id"), ("Trace", "traceId")] {
            if let Some(value) = row.shift_remove(from) {
                row.insert(to.to_owned(), value);
            }
        }
        row.shift_remove("began");
    }
    row
}

/// A row as one line of OTLP.
fn otlp_line(mut row: Value) -> Value {
    let resource = resource_attributes(&mut row);
    let own = attributes(take(&mut row, "SpanAttributes"));
    let events = events(&mut row);
    let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| text(name).parse::<u64>().unwrap_or(0);
    let (began, took) = (number("began"), number("took"));
    let code = match text("StatusCode") {
        "Error" | "STATUS_CODE_ERROR" => 2,
        "Ok" | "STATUS_CODE_OK" => 1,
        _ => 0,
    };
    json!({
        "resourceSpans": [{
            "resource": {"attributes": resource},
            "scopeSpans": [{
                "scope": {"name": text("ScopeName")},
                "spans": [{
                    "traceId": text("Trace"),
                    "spanId": text("Span"),
                    "parentSpanId": text("ParentSpanId"),
                    "name": text("SpanName"),
                    "startTimeUnixNano": began.to_string(),
                    "endTimeUnixNano": began.saturating_add(took).to_string(),
                    "attributes": own,
                    "status": {"code": code, "message": text("StatusMessage")},
                    "events": events,
                }],
            }],
        }],
    })
}

/// The attributes of a row's resource; its service has a column of its own.
pub(super) fn resource_attributes(row: &mut Value) -> Vec<Value> {
    let mut own = take(row, "ResourceAttributes");
    let service = row.get("ServiceName").and_then(Value::as_str);
    if let Some(service) = service.filter(|it| !it.is_empty()) {
        own.entry("service.name")
            .or_insert_with(|| Value::from(service));
    }
    attributes(own)
}

pub(super) fn take(row: &mut Value, name: &str) -> Map<String, Value> {
    match row.get_mut(name).map(Value::take) {
        Some(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

pub(super) fn attributes(map: Map<String, Value>) -> Vec<Value> {
    let pairs = map.into_iter().filter(|(_, value)| value.is_string());
    pairs
        .map(|(key, value)| json!({"key": key, "value": {"stringValue": value}}))
        .collect()
}

fn events(row: &mut Value) -> Vec<Value> {
    let mut list = |name: &str| match row.get_mut(name).map(Value::take) {
        Some(Value::Array(items)) => items.into_iter(),
        _ => Vec::new().into_iter(),
    };
    let (times, names) = (list("event_times"), list("event_names"));
    let events = times.zip(names).zip(list("event_attributes"));
    events
        .map(|((time, name), of)| {
            let of = match of {
                Value::Object(of) => attributes(of),
                _ => Vec::new(),
            };
            json!({"timeUnixNano": time, "name": name, "attributes": of})
        })
        .collect()
}
