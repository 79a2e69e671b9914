use crate::ingest::testing::{load, rows};
use crate::model::action::{Kind, Status};

const NONE: Status = Status::Unrecorded;

#[test]
fn items_of_a_request_and_its_response_are_one_run() {
    let batch = load(
        "openai-responses",
        r#"{"custom_id":"q1","request":{"model":"gpt-5","instructions":"Be brief.","input":[{"role":"user","content":"Weather in Oslo?"},{"type":"function_call","call_id":"c1","name":"weather","arguments":"{\"city\":\"Oslo\"}"},{"type":"function_call_output","call_id":"c1","output":"rain"}]},"response":{"id":"resp_1","object":"response","created_at":1760000000,"model":"gpt-5","status":"completed","output":[{"type":"reasoning","summary":[]},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Rain."}]},{"type":"web_search_call","id":"w1","status":"completed","action":{"query":"oslo"}}],"usage":{"input_tokens":120,"input_tokens_details":{"cached_tokens":20},"output_tokens":30,"output_tokens_details":{"reasoning_tokens":10}}}}
"#,
    );
    assert_eq!(
        rows(&batch),
        [
            (Kind::Note, NONE),
            (Kind::Prompt, NONE),
            (Kind::Response, NONE),
            (Kind::ToolCall, NONE),
            (Kind::Reasoning, NONE),
            (Kind::Response, NONE),
            (Kind::ToolCall, Status::Ok),
        ]
    );
    assert_eq!(batch.runs.len(), 1);
    let totals = &batch.runs[0].1.totals;
    assert_eq!(totals.usage.total().get(), Some(150));
    assert_eq!(totals.usage.cache_read.get(), Some(20));
    assert_eq!(totals.tool_calls, 2);
}

#[test]
fn a_string_as_input_is_a_prompt_and_a_failed_response_an_error() {
    let batch = load(
        "openai-responses",
        r#"{"id":"req_1","model":"gpt-5","input":"Say hi"}
{"id":"resp_2","object":"response","status":"failed","model":"gpt-5","output":[],"error":{"code":"server_error","message":"overloaded"}}
"#,
    );
    assert_eq!(
        rows(&batch),
        [(Kind::Prompt, NONE), (Kind::Error, Status::Error)]
    );
    assert_eq!(batch.runs.len(), 2);
}

#[test]
fn answers_that_name_the_one_before_are_one_run() {
    let answer = |id: &str, before: &str| {
        format!(
            r#"{{"id":"{id}","object":"response","previous_response_id":{before},"status":"completed","model":"gpt-5","output":[{{"type":"message","role":"assistant","content":[{{"type":"output_text","text":"{id}"}}]}}],"usage":{{"input_tokens":5,"output_tokens":1}}}}"#
        )
    };
    let lines = [
        answer("a", "null"),
        answer("x", "null"),
        answer("b", r#""a""#),
        answer("c", r#""b""#),
    ];
    let text = lines.join("\n") + "\n";
    let batch = load("openai-responses", text.leak());
    let totals: Vec<_> = batch
        .runs
        .iter()
        .map(|(_, run)| run.totals.usage.input.get())
        .collect();
    assert_eq!(totals, [Some(15), Some(5)]);
}
