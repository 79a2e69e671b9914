use crate::ingest::Batch;
use crate::ingest::discover::Input;
use crate::ingest::testing::{self, rows};
use crate::model::action::{Flags, Kind, Status};
use crate::model::run::RunStatus;

fn load(lines: &'static str) -> Batch {
    testing::load("claude-code", lines)
}

#[test]
fn the_last_usage_line_of_a_message_counts() {
    let batch = load(
        r#"{"type":"assistant","uuid":"a","sessionId":"s1","timestamp":"2026-01-01T00:00:00Z","requestId":"r","message":{"id":"m","role":"assistant","model":"claude-opus-4-6","content":[{"type":"text","text":"one"}],"usage":{"input_tokens":3,"output_tokens":1}}}
{"type":"assistant","uuid":"b","sessionId":"s1","timestamp":"2026-01-01T00:00:01Z","requestId":"r","message":{"id":"m","role":"assistant","model":"claude-opus-4-6","content":[{"type":"tool_use","id":"t","name":"Bash","input":{"command":"ls"}}],"usage":{"input_tokens":3,"output_tokens":40}}}
"#,
    );
    let totals = &batch.runs[0].1.totals;
    assert_eq!(totals.usage.output.get(), Some(40));
    assert_eq!(totals.usage.input.get(), Some(3));
    assert_eq!(
        rows(&batch),
        [
            (Kind::Response, Status::Unrecorded),
            (Kind::ToolCall, Status::Pending)
        ]
    );
}

#[test]
fn a_call_gets_its_result_and_a_refusal_its_author() {
    let batch = load(
        r#"{"type":"assistant","uuid":"a","sessionId":"s1","timestamp":"2026-01-01T00:00:00Z","message":{"id":"m","role":"assistant","content":[{"type":"tool_use","id":"t1","name":"Bash","input":{"command":"ls"}},{"type":"tool_use","id":"t2","name":"Bash","input":{"command":"rm"}}]}}
{"type":"user","uuid":"b","sessionId":"s1","timestamp":"2026-01-01T00:00:02Z","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"t2","is_error":true,"content":"The user doesn't want to proceed with this tool use. The tool use was rejected"}]}}
{"type":"user","uuid":"c","sessionId":"s1","timestamp":"2026-01-01T00:00:03Z","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"a\nb"}]}}
"#,
    );
    assert_eq!(
        rows(&batch)[1..],
        [
            (Kind::ToolCall, Status::Ok),
            (Kind::ToolCall, Status::Denied)
        ]
    );
    assert!(
        batch.outcomes.flags[0].has(Flags::IMPLIED),
        "a row for the model call comes first"
    );
    assert_eq!(batch.outcomes.duration[1].millis(), Some(3000.0));
    assert_eq!(batch.outcomes.attached(2).len(), 1);
    assert_eq!(batch.runs[0].1.totals.denied, 1);
}

#[test]
fn text_injected_by_the_harness_starts_no_turn() {
    let batch = load(
        r#"{"type":"user","uuid":"a","sessionId":"s1","timestamp":"2026-01-01T00:00:00Z","message":{"role":"user","content":"Fix it"}}
{"type":"user","uuid":"b","sessionId":"s1","isMeta":true,"timestamp":"2026-01-01T00:00:01Z","message":{"role":"user","content":"Caveat"}}
{"type":"user","uuid":"c","sessionId":"s1","timestamp":"2026-01-01T00:00:02Z","message":{"role":"user","content":"<command-name>/clear</command-name>"}}
{"type":"user","uuid":"d","sessionId":"s1","timestamp":"2026-01-01T00:00:03Z","message":{"role":"user","content":[{"type":"text","text":"[Request interrupted by user]"}]}}
"#,
    );
    assert_eq!(batch.chunk.turn, [1, 1, 1, 1]);
    assert_eq!(batch.runs[0].1.totals.turns, 1);
    assert_eq!(rows(&batch)[3], (Kind::Note, Status::Cancelled));
    assert_eq!(batch.runs[0].1.status, RunStatus::Cancelled);
}

#[test]
fn a_duplicate_line_is_counted_and_not_shown() {
    let batch = load(
        r#"{"type":"user","uuid":"a","sessionId":"s1","timestamp":"2026-01-01T00:00:00Z","message":{"role":"user","content":"Fix it"}}
{"type":"user","uuid":"a","sessionId":"s1","timestamp":"2026-01-01T00:00:00Z","message":{"role":"user","content":"Fix it"}}
{"type":"progress","uuid":"p","sessionId":"s1","timestamp":"2026-01-01T00:00:01Z","data":{"type":"bash_progress"}}
"#,
    );
    assert_eq!(rows(&batch).len(), 1);
    assert_eq!(batch.runs[0].1.totals.copies, 2);
}

#[test]
fn a_side_chain_is_a_lane_of_the_call_that_started_it() {
    let batch = load(
        r#"{"type":"assistant","uuid":"a","sessionId":"s1","timestamp":"2026-01-01T00:00:00Z","message":{"id":"m","role":"assistant","content":[{"type":"tool_use","id":"t1","name":"Task","input":{"prompt":"Look it up","subagent_type":"Explore"}}]}}
{"type":"user","uuid":"s","parentUuid":null,"isSidechain":true,"sessionId":"s1","timestamp":"2026-01-01T00:00:01Z","message":{"role":"user","content":"Look it up"}}
{"type":"assistant","uuid":"s2","parentUuid":"s","isSidechain":true,"sessionId":"s1","timestamp":"2026-01-01T00:00:02Z","message":{"id":"m2","role":"assistant","content":[{"type":"text","text":"found"}]}}
"#,
    );
    let lanes = &batch.runs[0].1.lanes;
    assert_eq!(lanes.len(), 1);
    assert_eq!(lanes[0].parent.0, 1, "the Task call");
    assert_eq!(batch.chunk.agent[2], lanes[0].agent);
    assert_eq!(batch.chunk.agent[3], lanes[0].agent);
    assert_ne!(batch.chunk.agent[0], lanes[0].agent);
}

#[test]
fn unusual_lines_are_rows() {
    let batch = load(
        r#"{"silly":"this"}
42
{"type":"user","uuid":"x","sessionId":"s1","message":"error"}
{"type":"from-the-future","sessionId":"s1"}
"#,
    );
    let kinds: Vec<Kind> = rows(&batch).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(
        kinds,
        [Kind::Unknown, Kind::Malformed, Kind::Unknown, Kind::Unknown]
    );
}

#[test]
fn repeated_usage_of_an_unpriced_model_has_no_cost() {
    let batch = load(
        r#"{"type":"assistant","uuid":"a","sessionId":"s1","timestamp":"2026-01-01T00:00:00Z","requestId":"r","message":{"id":"m","role":"assistant","model":"nobody-knows-1","content":[{"type":"text","text":"one"}],"usage":{"input_tokens":3,"output_tokens":1}}}
{"type":"assistant","uuid":"b","sessionId":"s1","timestamp":"2026-01-01T00:00:01Z","requestId":"r","message":{"id":"m","role":"assistant","model":"nobody-knows-1","content":[{"type":"text","text":"two"}],"usage":{"input_tokens":3,"output_tokens":40}}}
"#,
    );
    let run = &batch.runs[0].1;
    assert_eq!(run.totals.usage.output.get(), Some(40));
    assert_eq!(run.cost(), None);
    assert_eq!(run.totals.unpriced, 1);
}

#[test]
fn a_malformed_line_of_a_subagent_file_creates_no_subagent() {
    let input = Input::Bundled {
        name: "s1.jsonl",
        bytes: br#"{"type":"user","uuid":"a","sessionId":"s1","timestamp":"2026-01-01T00:00:00Z","message":{"role":"user","content":"Fix it"}}
"#,
        companions: &[("agent-1.jsonl", b"{broken\n")],
    };
    let runs = testing::load_input("claude-code", input).runs;
    assert_eq!(runs[0].1.lanes.len(), 0);
}

#[test]
fn answers_without_ids_are_calls_of_their_own() {
    let batch = load(
        r#"{"type":"assistant","timestamp":"2026-01-01T00:00:00Z","message":{"role":"assistant","model":"claude-sonnet-4-6","content":[{"type":"text","text":"a"}],"usage":{"input_tokens":10,"output_tokens":1}}}
{"type":"assistant","timestamp":"2026-01-01T00:00:01Z","message":{"role":"assistant","model":"claude-sonnet-4-6","content":[{"type":"text","text":"b"}],"usage":{"input_tokens":20,"output_tokens":2}}}
{"type":"assistant","requestId":"r","timestamp":"2026-01-01T00:00:02Z","message":{"role":"assistant","model":"claude-sonnet-4-6","content":[{"type":"text","text":"c"}],"usage":{"input_tokens":40,"output_tokens":3}}}
{"type":"assistant","requestId":"r","timestamp":"2026-01-01T00:00:02Z","message":{"role":"assistant","model":"claude-sonnet-4-6","content":[{"type":"text","text":"d"}],"usage":{"input_tokens":40,"output_tokens":4}}}
"#,
    );
    let usage = batch.runs[0].1.totals.usage;
    assert_eq!(usage.input.get(), Some(70));
    assert_eq!(usage.output.get(), Some(7));
}

#[test]
fn an_advisor_is_a_model_call_with_its_own_model_and_price() {
    let batch = load(
        r#"{"type":"assistant","uuid":"a","sessionId":"s1","requestId":"r","timestamp":"2026-01-01T00:00:00Z","message":{"id":"m","role":"assistant","model":"claude-sonnet-4-6","content":[{"type":"server_tool_use","id":"t","name":"advisor","input":{}}],"usage":{"input_tokens":10,"output_tokens":5,"iterations":[{"type":"message","input_tokens":10,"output_tokens":5},{"type":"advisor_message","model":"claude-opus-4-7","input_tokens":1000,"output_tokens":100}]}}}
{"type":"assistant","uuid":"b","sessionId":"s1","requestId":"r","timestamp":"2026-01-01T00:00:01Z","message":{"id":"m","role":"assistant","model":"claude-sonnet-4-6","content":[{"type":"advisor_tool_result","tool_use_id":"t","content":{"type":"advisor_result","text":"Wait."}}],"usage":{"input_tokens":10,"output_tokens":5,"iterations":[{"type":"advisor_message","model":"claude-opus-4-7","input_tokens":1000,"output_tokens":100}]}}}
"#,
    );
    let totals = batch.runs[0].1.totals;
    assert_eq!(totals.usage.input.get(), Some(1010));
    assert_eq!(totals.usage.output.get(), Some(105));
    assert_eq!(totals.estimated_cost.usd(), Some(0.007_605));
    assert_eq!(rows(&batch)[1], (Kind::ToolCall, Status::Ok));
}

#[test]
fn a_web_search_has_its_result_and_its_fee() {
    let batch = load(
        r#"{"type":"assistant","uuid":"a","sessionId":"s1","requestId":"r","timestamp":"2026-01-01T00:00:00Z","message":{"id":"m","role":"assistant","model":"claude-sonnet-4-6","content":[{"type":"server_tool_use","id":"t1","name":"web_search","input":{"query":"x"}},{"type":"web_search_tool_result","tool_use_id":"t1","content":[{"type":"web_search_result","title":"T"}]},{"type":"server_tool_use","id":"t2","name":"web_search","input":{"query":"y"}},{"type":"web_search_tool_result","tool_use_id":"t2","content":{"type":"web_search_tool_result_error","error_code":"too_many_requests"}}],"usage":{"input_tokens":0,"output_tokens":1,"server_tool_use":{"web_search_requests":2}}}}
"#,
    );
    assert_eq!(
        rows(&batch)[1..],
        [
            (Kind::ToolCall, Status::Ok),
            (Kind::ToolCall, Status::Error)
        ]
    );
    assert_eq!(batch.runs[0].1.totals.estimated_cost.usd(), Some(0.020_015));
}

#[test]
fn what_a_person_typed_while_the_agent_worked_is_a_prompt() {
    let batch = load(
        r#"{"type":"attachment","uuid":"q","sessionId":"s1","timestamp":"2026-01-01T00:00:00Z","attachment":{"type":"queued_command","prompt":"tests too","commandMode":"prompt"}}
{"type":"attachment","uuid":"n","sessionId":"s1","timestamp":"2026-01-01T00:00:01Z","attachment":{"type":"queued_command","prompt":"<task>","commandMode":"task-notification"}}
"#,
    );
    let kinds: Vec<Kind> = rows(&batch).iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [Kind::Prompt, Kind::Note]);
}

#[test]
fn an_interruption_or_a_later_prompt_gives_up_what_was_called() {
    for last in ["[Request interrupted by user]", "something else"] {
        let lines = format!(
            r#"{{"type":"assistant","uuid":"a","sessionId":"s1","timestamp":"2026-01-01T00:00:00Z","message":{{"id":"m","role":"assistant","content":[{{"type":"tool_use","id":"t","name":"Bash","input":{{}}}}]}}}}
{{"type":"user","uuid":"b","sessionId":"s1","timestamp":"2026-01-01T00:00:01Z","message":{{"role":"user","content":"{last}"}}}}
"#
        );
        let batch = testing::load("claude-code", lines.leak());
        assert_eq!(rows(&batch)[1], (Kind::ToolCall, Status::Cancelled));
        assert_ne!(batch.runs[0].1.status, RunStatus::Running);
    }
}

#[test]
fn a_rule_and_a_person_are_distinguished() {
    let batch = load(
        r#"{"type":"assistant","uuid":"a","sessionId":"s1","timestamp":"2026-01-01T00:00:00Z","message":{"id":"m","role":"assistant","content":[{"type":"tool_use","id":"t1","name":"Bash","input":{}},{"type":"tool_use","id":"t2","name":"Bash","input":{"a":1}}]}}
{"type":"user","uuid":"b","sessionId":"s1","timestamp":"2026-01-01T00:00:01Z","toolDenialKind":"permission-rule","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","is_error":true,"content":"no"}]}}
{"type":"user","uuid":"c","sessionId":"s1","timestamp":"2026-01-01T00:00:02Z","toolDenialKind":"user-rejected","message":{"role":"user","content":[{"type":"tool_result","tool_use_id":"t2","is_error":true,"content":"no"}]}}
"#,
    );
    assert_eq!(
        rows(&batch)[1..],
        [
            (Kind::ToolCall, Status::Blocked),
            (Kind::ToolCall, Status::Denied)
        ]
    );
    assert_eq!(batch.outcomes.attached(1).len(), 1);
}

/// A file with a session, a fork that copied its first prompt, and a third session with a title before it.
const CONCATENATED: &str = r#"{"type":"user","uuid":"a","parentUuid":null,"sessionId":"s1","timestamp":"2026-01-01T00:00:00Z","message":{"role":"user","content":"Fix it"}}
{"type":"assistant","uuid":"b","parentUuid":"a","sessionId":"s1","timestamp":"2026-01-01T00:00:01Z","requestId":"r","message":{"id":"m","role":"assistant","model":"claude-opus-4-6","content":[{"type":"tool_use","id":"t","name":"Bash","input":{}}],"usage":{"input_tokens":3,"output_tokens":1}}}
{"type":"user","uuid":"a","parentUuid":null,"sessionId":"s2","timestamp":"2026-01-01T00:00:00Z","message":{"role":"user","content":"Fix it"}}
{"type":"assistant","uuid":"b","parentUuid":"a","sessionId":"s2","timestamp":"2026-01-01T00:00:01Z","requestId":"r","message":{"id":"m","role":"assistant","model":"claude-opus-4-6","content":[{"type":"tool_use","id":"t","name":"Bash","input":{}}],"usage":{"input_tokens":3,"output_tokens":1}}}
{"type":"summary","summary":"The third","leafUuid":"c"}
{"type":"user","uuid":"c","parentUuid":null,"sessionId":"s3","timestamp":"2026-01-01T00:00:05Z","message":{"role":"user","content":"More"}}
{"type":"user","uuid":"d","parentUuid":"a","sessionId":"s1","timestamp":"2026-01-01T00:00:06Z","message":{"role":"user","content":"Again"}}
"#;

#[test]
fn each_session_of_a_concatenated_file_is_a_run() {
    let runs = load(CONCATENATED).runs;
    let ids: Vec<&str> = runs.iter().map(|(_, run)| &*run.id).collect();
    assert_eq!(ids, ["s1", "s2", "s3"]);
    let actions: Vec<u32> = runs.iter().map(|(_, run)| run.totals.actions).collect();
    assert_eq!(actions, [4, 3, 1]);
    let calls: Vec<u32> = runs.iter().map(|(_, run)| run.totals.tool_calls).collect();
    assert_eq!(calls, [1, 0, 0]);
    let tokens = |at: usize| runs[at].1.totals.usage.input.get();
    assert_eq!([tokens(0), tokens(1)], [Some(3), None]);
    let inherited = runs[1].1.inherited.as_ref().expect("it is a fork");
    assert_eq!(&*inherited.from, "s1");
    assert!(runs.iter().all(|(_, run)| run.title.is_none()));
}

#[test]
fn a_file_named_after_a_session_is_that_session() {
    for name in ["5b0c2d7e-91f4-4c3a-8e6d-2f7a1b9c0d34.jsonl", "s1.jsonl"] {
        let input = Input::Bundled {
            name,
            bytes: CONCATENATED.as_bytes(),
            companions: &[],
        };
        assert_eq!(testing::load_input("claude-code", input).runs.len(), 1);
    }
}

#[test]
fn a_session_that_continues_another_under_a_new_id_is_one_run() {
    let batch = load(
        r#"{"type":"user","uuid":"a","parentUuid":null,"sessionId":"s1","timestamp":"2026-01-01T00:00:00Z","message":{"role":"user","content":"Fix it"}}
{"type":"user","uuid":"b","parentUuid":"a","sessionId":"s2","timestamp":"2026-01-01T00:00:01Z","message":{"role":"user","content":"Go on"}}
"#,
    );
    assert_eq!(batch.runs.len(), 1);
    assert_eq!(&*batch.runs[0].1.id, "trace");
}

#[test]
fn the_fast_mode_of_a_model_has_prices_of_its_own() {
    let cost = |model: &str, speed: &str| {
        let line = format!(
            r#"{{"type":"assistant","uuid":"a","sessionId":"s1","requestId":"r","timestamp":"2026-01-01T00:00:00Z","message":{{"id":"m","role":"assistant","model":"{model}","content":[{{"type":"text","text":"one"}}],"usage":{{"input_tokens":1000,"output_tokens":100,"speed":"{speed}"}}}}}}
"#
        );
        let batch = testing::load("claude-code", line.leak());
        batch.runs[0].1.totals.estimated_cost.usd()
    };
    assert_eq!(cost("claude-opus-4-6", "standard"), Some(0.0075));
    assert_eq!(cost("claude-opus-4-6", "fast"), Some(0.045));
    assert_eq!(cost("claude-opus-5-20260723", "fast"), Some(0.015));
    assert_eq!(
        cost("claude-haiku-4-5", "fast"),
        None,
        "no such price is known"
    );
}
