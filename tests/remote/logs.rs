//! `otel_logs`: prompts and answers that were logged beside the spans join them, and filters find them.

use super::{STORY, clickhouse, fill, pull, runs};

/// The table of the exporter.
const LOGS: &str = "CREATE TABLE logged.otel_logs (Timestamp DateTime64(9), TraceId String, SpanId String, TraceFlags UInt8,
    SeverityText LowCardinality(String), SeverityNumber UInt8, ServiceName LowCardinality(String), Body String,
    ResourceAttributes Map(LowCardinality(String), String), ScopeName String,
    LogAttributes Map(LowCardinality(String), String), EventName String) ENGINE = MergeTree ORDER BY (ServiceName, Timestamp)";

#[test]
fn what_was_logged_beside_spans_is_read_and_selected() {
    let Some(server) = clickhouse() else { return };
    let home = server.home.path();
    let sent = format!("http://127.0.0.1:{}/", server.port);
    let many = home.join("many.jsonl");
    fill(
        "chdb",
        "fill_clickhouse.py",
        &[&sent, STORY, many.to_str().expect("a path")],
    );
    for statement in [
        "CREATE DATABASE logged",
        "CREATE TABLE logged.otel_traces AS otel.otel_traces",
        // The answers are in the log records alone.
        "INSERT INTO logged.otel_traces SELECT * REPLACE (mapFilter((k, v) -> k != 'gen_ai.output.messages', SpanAttributes) \
         AS SpanAttributes) FROM otel.otel_traces",
        LOGS,
        "INSERT INTO logged.otel_logs (Timestamp, TraceId, SpanId, SeverityText, ServiceName, Body, EventName) \
         SELECT Timestamp, TraceId, SpanId, 'INFO', ServiceName, '{\"message\":{\"content\":\"giraffe\"}}', 'gen_ai.choice' \
         FROM logged.otel_traces WHERE SpanName LIKE 'chat%'",
    ] {
        server.post(statement);
    }
    let url = format!("clickhouse://127.0.0.1:{}/logged", server.port);
    let whole = home.join("whole");
    pull(home, &url, &whole, &[]);
    let all = runs(&whole, None, &[]);
    assert!(all.len() > 100);
    assert_eq!(runs(&whole, Some("giraffe"), &[]), all);
    for (at, filter) in [
        "giraffe user:reader-31",
        "giraffe tool:renew",
        "giraffe or waive_fine",
    ]
    .iter()
    .enumerate()
    {
        let folder = home.join(format!("some-{at}"));
        pull(home, &url, &folder, &["-w", filter]);
        let kept = runs(&folder, Some(filter), &[]);
        assert!(!kept.is_empty(), "{filter}");
        assert_eq!(kept, runs(&whole, Some(filter), &[]), "{filter}");
    }
}
