use crate::ingest::Batch;
use crate::ingest::testing::{self, rows};
use crate::model::action::{Kind, Status};

fn load(lines: &'static str) -> Batch {
    testing::load("codex", lines)
}

#[test]
fn repeated_totals_count_once_and_a_reset_starts_a_segment() {
    let batch = load(
        r#"{"timestamp":"2026-01-01T00:00:00Z","type":"session_meta","payload":{"id":"s"}}
{"timestamp":"2026-01-01T00:00:01Z","type":"response_item","payload":{"type":"message","role":"assistant","content":[{"type":"output_text","text":"hi"}]}}
{"timestamp":"2026-01-01T00:00:02Z","type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"input_tokens":100,"cached_input_tokens":40,"output_tokens":10}}}}
{"timestamp":"2026-01-01T00:00:02Z","type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"input_tokens":100,"cached_input_tokens":40,"output_tokens":10}}}}
{"timestamp":"2026-01-01T00:00:03Z","type":"event_msg","payload":{"type":"token_count","info":null}}
{"timestamp":"2026-01-01T00:00:04Z","type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"input_tokens":150,"cached_input_tokens":40,"output_tokens":15}}}}
{"timestamp":"2026-01-01T00:00:05Z","type":"event_msg","payload":{"type":"token_count","info":{"total_token_usage":{"input_tokens":30,"cached_input_tokens":0,"output_tokens":5}}}}
"#,
    );
    let usage = batch.runs[0].1.totals.usage;
    assert_eq!(usage.total().get(), Some(165 + 35));
    assert_eq!(
        usage.input.get(),
        Some(60 + 50 + 30),
        "input without what the cache gave"
    );
    assert_eq!(usage.cache_read.get(), Some(40));
}

#[test]
fn a_text_recorded_as_item_and_event_is_one_row() {
    let batch = load(
        r#"{"timestamp":"2026-01-01T00:00:00Z","type":"event_msg","payload":{"type":"user_message","message":"do it"}}
{"timestamp":"2026-01-01T00:00:00Z","type":"response_item","payload":{"type":"message","role":"user","content":[{"type":"input_text","text":"do it"}]}}
{"timestamp":"2026-01-01T00:00:01Z","type":"event_msg","payload":{"type":"agent_message","message":"done"}}
{"timestamp":"2026-01-01T00:00:01Z","type":"response_item","payload":{"type":"message","role":"assistant","content":[{"type":"output_text","text":"done"}]}}
{"timestamp":"2026-01-01T00:00:02Z","type":"event_msg","payload":{"type":"user_message","message":"do it"}}
"#,
    );
    let kinds: Vec<Kind> = rows(&batch).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(
        kinds,
        [Kind::Prompt, Kind::Response, Kind::Prompt],
        "said again is a new row"
    );
    assert_eq!(batch.runs[0].1.totals.turns, 2);
}

#[test]
fn statuses_are_read_from_the_output() {
    let batch = load(
        r#"{"timestamp":"2026-01-01T00:00:00Z","type":"response_item","payload":{"type":"function_call","call_id":"a","name":"shell","arguments":"{\"command\":[\"ls\"]}"}}
{"timestamp":"2026-01-01T00:00:00Z","type":"response_item","payload":{"type":"function_call","call_id":"b","name":"shell","arguments":"{}"}}
{"timestamp":"2026-01-01T00:00:00Z","type":"response_item","payload":{"type":"function_call","call_id":"c","name":"shell","arguments":"{}"}}
{"timestamp":"2026-01-01T00:00:00Z","type":"response_item","payload":{"type":"function_call","call_id":"d","name":"update_plan","arguments":"{}"}}
{"timestamp":"2026-01-01T00:00:01Z","type":"response_item","payload":{"type":"function_call_output","call_id":"a","output":"{\"output\":\"x\",\"metadata\":{\"exit_code\":0}}"}}
{"timestamp":"2026-01-01T00:00:01Z","type":"response_item","payload":{"type":"function_call_output","call_id":"b","output":"Exit code: 2\nWall time: 1 seconds\nOutput:\n"}}
{"timestamp":"2026-01-01T00:00:01Z","type":"response_item","payload":{"type":"function_call_output","call_id":"c","output":"exec command rejected by user"}}
{"timestamp":"2026-01-01T00:00:01Z","type":"response_item","payload":{"type":"function_call_output","call_id":"d","output":"Plan updated"}}
"#,
    );
    let calls: Vec<Status> = rows(&batch)
        .into_iter()
        .filter(|(kind, _)| *kind == Kind::ToolCall)
        .map(|(_, status)| status)
        .collect();
    assert_eq!(
        calls,
        [
            Status::Ok,
            Status::Error,
            Status::Denied,
            Status::Unrecorded
        ]
    );
}

#[test]
fn a_repeated_id_is_a_row_and_not_a_second_call() {
    let batch = load(
        r#"{"timestamp":"2026-01-01T00:00:00Z","type":"response_item","payload":{"type":"function_call","call_id":"a","name":"shell","arguments":"{}"}}
{"timestamp":"2026-01-01T00:00:05Z","type":"response_item","payload":{"type":"function_call","call_id":"a","name":"apply_patch","arguments":"{}"}}
"#,
    );
    assert_eq!(batch.runs[0].1.totals.tool_calls, 1);
    assert_eq!(rows(&batch).last().map(|(kind, _)| *kind), Some(Kind::Note));
}

#[test]
fn rollouts_without_an_envelope_are_read() {
    let batch = load(
        r#"{"id":"old","timestamp":"2025-05-01T00:00:00Z","instructions":"be good"}
{"type":"message","role":"user","content":[{"type":"input_text","text":"hello"}]}
{"type":"function_call","call_id":"a","name":"shell","arguments":"{}"}
"#,
    );
    assert_eq!(&*batch.runs[0].1.id, "old");
    let kinds: Vec<Kind> = rows(&batch).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(
        kinds,
        [Kind::RunStart, Kind::Prompt, Kind::Response, Kind::ToolCall]
    );
}
