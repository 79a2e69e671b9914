use crate::ingest::testing::{load, rows};
use crate::model::action::{Kind, Status};

use super::{error_of, question};

#[test]
fn a_patch_completes_the_run_that_was_posted() {
    let body = r#"{"post":[{"id":"11111111-0000-4000-8000-000000000001","trace_id":"11111111-0000-4000-8000-000000000001","dotted_order":"20241013T070537170001Z11111111-0000-4000-8000-000000000001","name":"agent","run_type":"chain","start_time":1728803137170,"inputs":{}},{"id":"11111111-0000-4000-8000-000000000002","trace_id":"11111111-0000-4000-8000-000000000001","parent_run_id":"11111111-0000-4000-8000-000000000001","dotted_order":"20241013T070537170001Z11111111-0000-4000-8000-000000000001.20241013T070537180000Z11111111-0000-4000-8000-000000000002","name":"ChatOpenAI","run_type":"llm","start_time":1728803137180,"inputs":{"messages":[{"role":"user","content":"howdy"}]}},{"id":"11111111-0000-4000-8000-000000000003","trace_id":"11111111-0000-4000-8000-000000000001","parent_run_id":"11111111-0000-4000-8000-000000000001","dotted_order":"20241013T070537170001Z11111111-0000-4000-8000-000000000001.20241013T070538000000Z11111111-0000-4000-8000-000000000003","name":"look","run_type":"tool","start_time":1728803138000,"inputs":{"q":1}}],"patch":[{"trace_id":"11111111-0000-4000-8000-000000000001","dotted_order":"20241013T070537170001Z11111111-0000-4000-8000-000000000001.20241013T070537180000Z11111111-0000-4000-8000-000000000002","end_time":1728803138285,"inputs":{"messages":[{"role":"user","content":"howdy"}]},"outputs":{"choices":[{"message":{"role":"assistant","content":"Howdy!"}}],"usage_metadata":{"input_tokens":9,"output_tokens":4}}},{"trace_id":"11111111-0000-4000-8000-000000000001","dotted_order":"20241013T070537170001Z11111111-0000-4000-8000-000000000001.20241013T070538000000Z11111111-0000-4000-8000-000000000003","end_time":1728803138250,"outputs":{"output":"found"}}]}"#;
    let batch = load("langsmith", body);
    let told: Vec<Kind> = rows(&batch).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(told, [Kind::Prompt, Kind::Response, Kind::ToolCall]);
    let usage = batch.runs[0].1.totals.usage;
    assert_eq!((usage.input.get(), usage.output.get()), (Some(9), Some(4)));
    // The wall time between post and patch.
    assert_eq!(batch.outcomes.duration[1].millis(), Some(1_105.0));
    assert_eq!(batch.outcomes.duration[2].millis(), Some(250.0));
    assert_ne!(batch.outcomes.status[2], Status::Pending);
}

#[test]
fn a_system_message_is_not_a_prompt_and_starts_no_turn() {
    let batch = load(
        "langsmith",
        r#"{"id":"1","trace_id":"1","dotted_order":"20241013T070537170001Z1","name":"ChatOpenAI","run_type":"llm","start_time":1728803137180,"inputs":{"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"howdy"}]},"outputs":{"choices":[{"message":{"role":"assistant","content":"Howdy!"}}]}}"#,
    );
    let told: Vec<Kind> = rows(&batch).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(told, [Kind::Note, Kind::Prompt, Kind::Response]);
    assert_eq!(batch.runs[0].1.totals.turns, 1);
}

#[test]
fn an_interrupt_is_a_question_and_not_an_error() {
    let text = "GraphInterrupt((Interrupt(value={'action_requests': [{'name': 'restart', 'args': {'host': 'a'}}, {'name': 'wipe', 'args': {}}]}),))";
    let mut error = Some(error_of(text));
    let asked = question(&mut error);
    let tools: Vec<&str> = asked.iter().map(|it| it.tool.as_str()).collect();
    assert_eq!(tools, ["restart", "wipe"]);
    assert!(error.is_none());
}

#[test]
fn an_error_message_excludes_its_stack() {
    let error = error_of("ValueError('no order')Traceback (most recent call last):\n  File x");
    assert_eq!(error.kind.as_deref(), Some("ValueError"));
    assert_eq!(error.message, "ValueError('no order')");
    assert!(error.stack.is_some());
}
