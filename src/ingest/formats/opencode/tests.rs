use crate::ingest::testing::{load, rows};
use crate::model::action::{Kind, Status};

fn check(lines: &'static str, expected: &[(Kind, Status)]) {
    let batch = load("opencode", lines);
    assert_eq!(rows(&batch), expected);
}

const NONE: Status = Status::Unrecorded;

#[test]
fn statuses_come_from_the_state_and_the_fixed_phrases() {
    let call = |state: &str| {
        let text = format!(
            r#"{{"type":"tool_use","timestamp":1700000000000,"sessionID":"s","part":{{"type":"tool","tool":"bash","messageID":"m","callID":"c","state":{state}}}}}"#
        );
        let text: &'static str = Box::leak(text.into_boxed_str());
        load("opencode", text).outcomes.status[1]
    };
    assert_eq!(call(r#"{"status":"completed","output":"x"}"#), Status::Ok);
    assert_eq!(
        call(r#"{"status":"completed","metadata":{"exit":1}}"#),
        Status::Error
    );
    assert_eq!(call(r#"{"status":"pending","input":{}}"#), Status::Pending);
    assert_eq!(call(r#"{"status":"running","input":{}}"#), Status::Pending);
    assert_eq!(call(r#"{"status":"error","error":"no"}"#), Status::Error);
    let refused = r#"{"status":"error","error":"The user rejected permission to use this specific tool call."}"#;
    assert_eq!(call(refused), Status::Denied);
    let ruled = r#"{"status":"error","error":"The user has specified a rule which prevents you from using this specific tool call."}"#;
    assert_eq!(call(ruled), Status::Blocked);
    assert_eq!(
        call(r#"{"status":"error","error":"Tool execution aborted"}"#),
        Status::Cancelled
    );
}

/// Input, output and reasoning tokens, and the cost in picodollars, of the only run.
fn spent(lines: &'static str) -> (Option<u64>, Option<u64>, Option<u64>, Option<i64>) {
    let batch = load("opencode", lines);
    let totals = &batch.runs[0].1.totals;
    let usage = totals.usage;
    let cost = totals.recorded_cost;
    let cost = cost.is_some().then_some(cost.0);
    (
        usage.input.get(),
        usage.output.get(),
        usage.reasoning.get(),
        cost,
    )
}

#[test]
fn a_message_counts_and_the_end_of_its_only_step_does_not() {
    let told = spent(
        r#"{"id":"s","projectID":"p"}
{"info":{"id":"m","sessionID":"s","role":"assistant","cost":0.5,"tokens":{"input":7,"output":3,"reasoning":2,"cache":{"read":0,"write":0}}},"parts":[{"type":"text","text":"a"},{"type":"step-finish","cost":0.5,"tokens":{"input":7,"output":3,"reasoning":2}}]}"#,
    );
    assert_eq!(told, (Some(7), Some(5), Some(2), Some(500_000_000_000)));
}

#[test]
fn each_of_several_steps_counts() {
    let told = spent(
        r#"{"id":"s","projectID":"p"}
{"info":{"id":"m","sessionID":"s","role":"assistant","cost":0.75,"tokens":{"input":1,"output":1}},"parts":[{"type":"text","text":"a"},{"type":"step-finish","cost":0.5,"tokens":{"input":7,"output":3}},{"type":"text","text":"b"},{"type":"step-finish","cost":0.25,"tokens":{"input":1,"output":1}}]}"#,
    );
    assert_eq!(told, (Some(8), Some(4), None, Some(750_000_000_000)));
}

#[test]
fn reasoning_is_part_of_the_output_if_the_total_says_so() {
    let told = spent(
        r#"{"id":"s","projectID":"p"}
{"info":{"id":"m","sessionID":"s","role":"assistant","cost":1,"tokens":{"total":10,"input":7,"output":3,"reasoning":2}},"parts":[]}"#,
    );
    assert_eq!(told, (Some(7), Some(3), Some(2), Some(1_000_000_000_000)));
}

#[test]
fn initial_zeros_of_a_message_are_not_recorded() {
    let told = spent(
        r#"{"id":"s","projectID":"p"}
{"info":{"id":"m","sessionID":"s","role":"assistant","cost":0,"tokens":{"input":0,"output":0,"reasoning":0,"cache":{"read":0,"write":0}}},"parts":[]}"#,
    );
    assert_eq!(told, (None, None, None, None));
}

#[test]
fn only_the_first_text_of_a_person_starts_a_turn() {
    let batch = load(
        "opencode",
        r#"{"id":"s","projectID":"p"}
{"info":{"id":"m","sessionID":"s","role":"user"},"parts":[{"type":"text","synthetic":true,"text":"x"},{"type":"text","text":"a"},{"type":"text","text":"b"},{"type":"file","filename":"f"},{"type":"text","ignored":true,"text":"c"}]}"#,
    );
    let prompt = (Kind::Prompt, NONE);
    assert_eq!(
        rows(&batch),
        [
            (Kind::RunStart, NONE),
            prompt,
            prompt,
            prompt,
            prompt,
            (Kind::Note, NONE)
        ]
    );
    assert_eq!(batch.runs[0].1.totals.turns, 1);
}

#[test]
fn a_message_without_parts_has_a_row() {
    check(
        r#"{"info":{"id":"m","sessionID":"s","role":"user","summary":{"title":"t"}},"parts":[]}
{"info":{"id":"n","sessionID":"s","role":"assistant","error":{"name":"APIError","data":{"message":"no"}}},"parts":[]}
{"info":{"id":"o","sessionID":"s","role":"assistant"},"parts":[]}
{"info":{"id":"p","sessionID":"s","role":"oracle"},"parts":[7,null,"x",{}]}"#,
        &[
            (Kind::Prompt, NONE),
            (Kind::Error, Status::Error),
            (Kind::Response, NONE),
            (Kind::Unknown, NONE),
            (Kind::Unknown, NONE),
            (Kind::Unknown, NONE),
            (Kind::Unknown, NONE),
            (Kind::Unknown, NONE),
        ],
    );
}

#[test]
fn a_message_may_be_a_document_of_its_own() {
    check(
        r#"{"info":{"id":"m","sessionID":"s","role":"assistant"},"parts":[{"id":"q","sessionID":"s","messageID":"m","type":"tool","tool":"ls","callID":"c","state":{"status":"completed"}}]}"#,
        &[(Kind::Response, NONE), (Kind::ToolCall, Status::Ok)],
    );
}
