//! Langfuse's own tables, old and new, filled from a downloaded trace: they give back its runs.

use std::path::Path;

use serde_json::{Value, json};

use super::{Server, clickhouse, pull, runs};

const SAMPLE: &str = "sample-traces/langfuse/returns.trace.json";

/// The columns of version 4 that matter here.
const EVENTS: &str = "CREATE TABLE events_full (project_id String, trace_id String, span_id String, parent_span_id String,
    start_time DateTime64(6), end_time Nullable(DateTime64(6)), name String, type LowCardinality(String),
    environment LowCardinality(String) DEFAULT 'default', version String, release String, trace_name String,
    user_id String, session_id String, tags Array(String), level LowCardinality(String), status_message String,
    provided_model_name String, model_parameters String, usage_details Map(LowCardinality(String), UInt64),
    cost_details Map(LowCardinality(String), Decimal(18, 12)), input String, output String,
    metadata_names Array(String), metadata_values Array(String), event_ts DateTime64(6), is_deleted UInt8)
    ENGINE = ReplacingMergeTree(event_ts, is_deleted) PARTITION BY toYYYYMM(start_time)
    ORDER BY (project_id, toStartOfMinute(start_time), xxHash32(trace_id), span_id, start_time)";

/// The same of version 3.
const OBSERVATIONS: &str = "CREATE TABLE observations (id String, trace_id String, project_id String,
    type LowCardinality(String), parent_observation_id Nullable(String), start_time DateTime64(3),
    end_time Nullable(DateTime64(3)), name String, metadata Map(LowCardinality(String), String),
    level LowCardinality(String), status_message Nullable(String), version Nullable(String), input Nullable(String),
    output Nullable(String), provided_model_name Nullable(String), model_parameters Nullable(String),
    usage_details Map(LowCardinality(String), UInt64), cost_details Map(LowCardinality(String), Decimal64(12)),
    environment LowCardinality(String) DEFAULT 'default', event_ts DateTime64(3), is_deleted UInt8)
    ENGINE = ReplacingMergeTree(event_ts, is_deleted) PARTITION BY toYYYYMM(start_time)
    ORDER BY (project_id, type, toDate(start_time), id)";

const TRACES: &str = "CREATE TABLE traces (id String, timestamp DateTime64(3), name String, user_id Nullable(String),
    release Nullable(String), project_id String, session_id Nullable(String), event_ts DateTime64(3), is_deleted UInt8)
    ENGINE = ReplacingMergeTree(event_ts, is_deleted) PARTITION BY toYYYYMM(timestamp)
    ORDER BY (project_id, toDate(timestamp), id)";

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn stamp(value: &Value) -> Value {
    let text = value.as_str().unwrap_or_default();
    text.parse::<jiff::Timestamp>().map_or(Value::Null, |time| {
        let micros = time.as_microsecond();
        json!(format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000))
    })
}

/// What both tables have.
fn common(observation: &Value) -> Value {
    let map = |name: &str| match &observation[name] {
        Value::Object(map) => Value::Object(map.clone()),
        _ => json!({}),
    };
    json!({
        "project_id": "p1", "trace_id": observation["traceId"], "type": observation["type"],
        "name": observation["name"], "level": observation["level"], "environment": "prod",
        "start_time": stamp(&observation["startTime"]), "end_time": stamp(&observation["endTime"]),
        "status_message": text(&observation["statusMessage"]), "provided_model_name": text(&observation["model"]),
        "model_parameters": text(&observation["modelParameters"]), "usage_details": map("usageDetails"),
        "cost_details": map("costDetails"), "input": text(&observation["input"]), "output": text(&observation["output"]),
        "event_ts": "1796000000.000", "is_deleted": 0,
    })
}

fn with(mut row: Value, more: Value) -> Value {
    let (row_of, Value::Object(more)) = (row.as_object_mut().expect("an object"), more) else {
        return row;
    };
    row_of.extend(more);
    row
}

fn insert(server: &Server, table: &str, rows: &[Value]) {
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    let lines = lines.join("\n");
    server.post(&format!(
        "INSERT INTO {table} FORMAT JSONEachRow\n{lines}\n"
    ));
}

#[test]
fn the_tables_of_langfuse_give_back_its_runs() {
    let Some(server) = clickhouse() else { return };
    let sample = std::fs::read_to_string(SAMPLE).expect("text");
    let sample: Value = serde_json::from_str(&sample).expect("JSON");
    let (trace, observations) = (&sample["trace"], sample["observations"].as_array());
    let observations = observations.expect("observations");
    for table in [EVENTS, OBSERVATIONS, TRACES] {
        server.post(table);
    }
    let events = observations.iter().map(|it| {
        let metadata = it["metadata"].as_object().cloned().unwrap_or_default();
        let (names, values): (Vec<_>, Vec<_>) = metadata.iter().map(|(name, it)| (name.clone(), text(it))).unzip();
        let own = json!({
            "span_id": it["id"], "parent_span_id": text(&it["parentObservationId"]), "release": trace["release"],
            "user_id": trace["userId"], "session_id": trace["sessionId"],
            "metadata_names": names, "metadata_values": values,
        });
        with(common(it), own)
    });
    let events: Vec<Value> = events.collect();
    // A deleted row, and an older version of one.
    let deleted = with(
        events[0].clone(),
        json!({"span_id": "gone", "is_deleted": 1}),
    );
    let older = with(
        events[0].clone(),
        json!({"name": "older", "event_ts": "1700000000.000"}),
    );
    insert(&server, "events_full", &[older, deleted]);
    insert(&server, "events_full", &events);
    let old = observations.iter().map(|it| {
        let metadata = it["metadata"].as_object().cloned().unwrap_or_default();
        let metadata: Value = metadata.iter().map(|(name, it)| (name.clone(), json!(text(it)))).collect();
        let own = json!({"id": it["id"], "parent_observation_id": it["parentObservationId"], "metadata": metadata});
        with(common(it), own)
    });
    insert(&server, "observations", &old.collect::<Vec<Value>>());
    let row = json!({
        "id": trace["id"], "timestamp": stamp(&trace["timestamp"]), "name": trace["name"], "project_id": "p1",
        "user_id": trace["userId"], "session_id": trace["sessionId"], "release": trace["release"],
        "event_ts": "1796000000.000", "is_deleted": 0,
    });
    insert(&server, "traces", &[row]);
    let here = runs(Path::new(SAMPLE), None, &[]);
    for table in ["events_full", "events_full/p1", "observations"] {
        let url = format!("clickhouse://127.0.0.1:{}/default/{table}", server.port);
        let folder = server.home.path().join(table.replace('/', "-"));
        let pulled = pull(server.home.path(), &url, &folder, &[]);
        assert_eq!(pulled["records"], json!(observations.len()), "{table}");
        assert_eq!(runs(&folder, None, &[]), here, "{table}");
    }
    let url = format!(
        "clickhouse://127.0.0.1:{}/default/events_full/other",
        server.port
    );
    let other = server.home.path().join("other");
    assert_eq!(
        pull(server.home.path(), &url, &other, &[])["records"],
        json!(0)
    );
}
