use serde_json::json;

use super::*;
use crate::ingest::testing::{load, rows};
use crate::model::action::Kind;

#[test]
fn a_response_has_reasoning_text_and_calls() {
    let batch = load(
        "anthropic-messages",
        r#"{"role":"assistant","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"I look."},{"type":"tool_use","id":"t","name":"look","input":{}}],"usage":{"input_tokens":5,"output_tokens":7,"cache_read_input_tokens":11}}
{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"seen"}]}
"#,
    );
    assert_eq!(
        rows(&batch),
        [
            (Kind::Reasoning, Status::Unrecorded),
            (Kind::Response, Status::Unrecorded),
            (Kind::ToolCall, Status::Ok)
        ]
    );
    assert_eq!(batch.runs[0].1.totals.usage.total().get(), Some(23));
}

#[test]
fn the_openai_api_does_not_record_tool_success() {
    let batch = load(
        "chat-messages",
        r#"{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"look","arguments":"{}"}}]}
{"role":"tool","tool_call_id":"c","content":"Error: nothing there"}
"#,
    );
    assert_eq!(
        rows(&batch),
        [
            (Kind::Response, Status::Unrecorded),
            (Kind::ToolCall, Status::Unrecorded)
        ]
    );
}

#[test]
fn results_match_reused_ids_in_order_and_missing_ids_by_age() {
    let batch = load(
        "chat-messages",
        r#"{"role":"assistant","content":null,"tool_calls":[{"id":"c","function":{"name":"a","arguments":"1"}},{"id":"c","function":{"name":"b","arguments":"2"}},{"function":{"name":"d","arguments":"3"}}]}
{"role":"tool","tool_call_id":"c","is_error":true,"content":"first"}
{"role":"tool","content":"second","is_error":false}
{"role":"tool","content":"third","is_error":true}
"#,
    );
    let statuses: Vec<Status> = rows(&batch).iter().map(|(_, status)| *status).collect();
    assert_eq!(
        statuses[1..],
        [Status::Error, Status::Ok, Status::Error],
        "a, b and d"
    );
}

#[test]
fn openai_prompt_tokens_include_cached_tokens() {
    let batch = load(
        "chat-messages",
        r#"{"messages":[{"role":"user","content":"x"}],"response":{"choices":[{"message":{"role":"assistant","content":"y"}}],"usage":{"prompt_tokens":100,"completion_tokens":10,"prompt_tokens_details":{"cached_tokens":80}}}}
"#,
    );
    let usage = batch.runs[0].1.totals.usage;
    assert_eq!(
        (usage.input.get(), usage.cache_read.get()),
        (Some(20), Some(80))
    );
}

#[test]
fn arguments_other_than_json_stay_as_they_are() {
    assert_eq!(unpacked(&json!("{'a': 1}")), json!("{'a': 1}"));
    assert_eq!(unpacked(&json!("{\"a\": 1}")), json!({"a": 1}));
}
