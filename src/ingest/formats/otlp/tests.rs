use crate::ingest::discover::Input;
use crate::ingest::formats;
use crate::ingest::testing::{load_as, rows};
use crate::model::action::{Kind, Status};

fn load(lines: &'static str) -> crate::ingest::Batch {
    let input = Input::Bundled {
        name: "traces.jsonl",
        bytes: lines.as_bytes(),
        companions: &[],
    };
    load_as(formats::by_name("otlp"), input)
}

/// A tool span with its fields in the given spelling.
#[track_caller]
fn check(line: &'static str, status: Status, tool: &str) {
    let batch = load(line);
    assert_eq!(rows(&batch), [(Kind::ToolCall, status)], "{line}");
    let symbol = batch.chunk.tool[0];
    assert_eq!(&*batch.symbols[symbol.0 as usize - 1], tool);
}

#[test]
fn alternative_spellings_of_a_span_are_read() {
    check(
        r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5B8EFFF798038103D269B633813FC60C","spanId":"EEE19B7EC3C1B174","startTimeUnixNano":1700000000000000000,"attributes":[{"key":"gen_ai.operation.name","value":{"stringValue":"execute_tool"}},{"key":"gen_ai.tool.name","value":{"stringValue":"look"}}]}]}]}]}"#,
        Status::Ok,
        "look",
    );
    check(
        r#"{"resource_spans":[{"scope_spans":[{"spans":[{"trace_id":"W47/95gDgQPSabYzgT/GDA==","span_id":"7uGbfsPBsXQ=","start_time_unix_nano":"1","status":{"code":"STATUS_CODE_ERROR"},"attributes":[{"key":"gen_ai.operation.name","value":{"string_value":"execute_tool"}},{"key":"gen_ai.tool.name","value":{"string_value":"look"}}]}]}]}]}"#,
        Status::Error,
        "look",
    );
}

#[test]
fn records_other_than_spans_keep_their_place() {
    let batch = load("{\"resourceSpans\":[]}\n{\"a\":1}\n{broken\n{\"resourceMetrics\":[]}\n");
    assert_eq!(
        rows(&batch),
        [
            (Kind::Unknown, Status::Unrecorded),
            (Kind::Malformed, Status::Unrecorded)
        ]
    );
}

#[test]
fn a_span_that_is_its_own_parent_appears_once() {
    let line = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"aa","spanId":"bb","parentSpanId":"bb","name":"GET /","startTimeUnixNano":"1"},{"traceId":"aa","spanId":"bb","parentSpanId":"bb","name":"GET /","startTimeUnixNano":"1"}]}]}]}"#;
    let batch = load(line);
    assert_eq!(rows(&batch), [(Kind::Note, Status::Unrecorded)]);
    assert_eq!(batch.runs[0].1.totals.copies, 1);
}
