use crate::ingest::Batch;
use crate::ingest::formats::content::text_of;
use crate::ingest::testing::{self, rows};
use crate::model::action::{Flags, Kind, Status};
use crate::model::run::RunStatus;

fn load(lines: &'static str) -> Batch {
    testing::load("saferun", lines)
}

#[test]
fn a_result_closes_the_oldest_open_call_with_its_id() {
    let batch = load(
        r#"{"type":"tool_call","run_id":"r","id":"c","tool":"a"}
{"type":"tool_call","run_id":"r","id":"c","tool":"b"}
{"type":"tool_result","run_id":"r","call_id":"c","status":"ok"}
{"type":"tool_result","run_id":"r","call_id":"c","status":"error"}
{"type":"tool_result","run_id":"r","call_id":"c","status":"ok"}
"#,
    );
    assert_eq!(
        rows(&batch),
        [
            (Kind::ToolCall, Status::Ok),
            (Kind::ToolCall, Status::Error),
            (Kind::Note, Status::Unrecorded)
        ],
        "the third result has no call and is a row"
    );
}

#[test]
fn equal_call_ids_of_two_runs_are_kept_apart() {
    let batch = load(
        r#"{"type":"tool_call","run_id":"r1","id":"c","tool":"a"}
{"type":"tool_call","run_id":"r2","id":"c","tool":"a"}
{"type":"tool_result","run_id":"r2","call_id":"c","status":"ok"}
"#,
    );
    assert_eq!(
        rows(&batch),
        [
            (Kind::ToolCall, Status::Pending),
            (Kind::ToolCall, Status::Ok)
        ]
    );
}

#[test]
fn decisions_and_approvals_attach_to_their_call() {
    let batch = load(
        r#"{"type":"tool_call","run_id":"r","id":"c1","tool":"refund"}
{"type":"policy_decision","run_id":"r","call_id":"c1","policy":"cap","decision":"block"}
{"type":"tool_call","run_id":"r","id":"c2","tool":"refund"}
{"type":"policy_decision","run_id":"r","call_id":"c2","policy":"cap","decision":"block","mode":"shadow"}
{"type":"tool_call","run_id":"r","id":"c3","tool":"refund"}
{"type":"policy_decision","run_id":"r","call_id":"c3","policy":"cap","decision":"require_approval"}
{"type":"policy_decision","run_id":"r","call_id":"nobody","policy":"cap","decision":"allow"}
"#,
    );
    assert_eq!(
        rows(&batch),
        [
            (Kind::ToolCall, Status::Blocked),
            (Kind::ToolCall, Status::Pending),
            (Kind::ToolCall, Status::Pending),
            (Kind::PolicyDecision, Status::Unrecorded)
        ],
        "a policy in shadow mode stops nothing; a decision on no known call is a row"
    );
    assert!(batch.outcomes.flags[2].has(Flags::WAITING));
    assert_eq!(batch.runs[0].1.totals.blocked, 1);
}

#[test]
fn missing_values_are_not_recorded() {
    let batch = load(
        r#"{"type":"response","run_id":"r","model":"gpt-4o"}
{"type":"tool_call","run_id":"r","id":"c","tool":"a"}
{"type":"tool_result","run_id":"r","call_id":"c"}
"#,
    );
    assert_eq!(
        rows(&batch),
        [
            (Kind::Response, Status::Unrecorded),
            (Kind::ToolCall, Status::Unrecorded)
        ]
    );
    let run = &batch.runs[0].1;
    assert!(run.cost().is_none());
    assert!(run.totals.usage.is_none());
    assert!(!run.duration().is_some());
    assert_eq!(run.status, RunStatus::Unknown);
}

#[test]
fn a_repeated_failed_call_is_a_retry() {
    let batch = load(
        r#"{"type":"tool_call","run_id":"r","id":"1","tool":"a","args":{"x":1}}
{"type":"tool_result","run_id":"r","call_id":"1","status":"error"}
{"type":"tool_call","run_id":"r","id":"2","tool":"a","args":{"x":2}}
{"type":"tool_call","run_id":"r","id":"3","tool":"a","args":{"x":1}}
{"type":"tool_result","run_id":"r","call_id":"3","status":"ok"}
{"type":"tool_call","run_id":"r","id":"4","tool":"a","args":{"x":1}}
"#,
    );
    let retries: Vec<bool> = batch
        .outcomes
        .flags
        .iter()
        .map(|flags| flags.has(Flags::RETRY))
        .collect();
    assert_eq!(retries, [false, false, true, false]);
}

#[test]
fn bad_numbers_do_not_count_and_are_flagged() {
    let batch = load(
        r#"{"type":"response","run_id":"r","cost_usd":-1,"duration_ms":-5,"usage":{"input_tokens":-3,"output_tokens":7}}
{"type":"response","run_id":"r","cost_usd":1e400}
{"type":"response","run_id":"r","cost_usd":0.1}
"#,
    );
    let totals = &batch.runs[0].1.totals;
    assert_eq!(totals.recorded_cost.usd(), Some(0.1));
    assert_eq!(
        (totals.usage.input.get(), totals.usage.output.get()),
        (None, Some(7))
    );
    let flagged: Vec<bool> = batch
        .outcomes
        .flags
        .iter()
        .map(|flags| flags.has(Flags::BAD_NUMBER))
        .collect();
    assert_eq!(flagged, [true, true, false]);
}

#[test]
fn malformed_lines_keep_their_place_and_count_in_no_run() {
    let batch = load(
        "{\"type\":\"prompt\",\"run_id\":\"r\",\"role\":\"user\"}\n{broken\n{\"type\":\"run_end\",\"run_id\":\"r\",\"status\":\"ok\"}\n",
    );
    assert_eq!(batch.chunk.seq, [1, 0, 2]);
    assert_eq!(batch.runs.len(), 1);
    assert_eq!(batch.runs[0].1.totals.actions, 2);
}

#[test]
fn a_subagent_is_a_lane_and_its_prompt_starts_no_turn() {
    let batch = load(
        r#"{"type":"run_start","run_id":"r","agent":"main"}
{"type":"prompt","run_id":"r","role":"user","content":"go"}
{"type":"tool_call","run_id":"r","id":"c","tool":"research","agent":"main"}
{"type":"prompt","run_id":"r","role":"user","agent":"helper","parent_id":"c","content":"look"}
"#,
    );
    let run = &batch.runs[0].1;
    assert_eq!(run.lanes.len(), 1);
    assert_eq!(run.lanes[0].parent.0, 2);
    assert_eq!(run.totals.turns, 1);
}

#[test]
fn a_repeated_key_is_flagged_and_the_last_value_wins() {
    let batch =
        load("{\"type\":\"note\",\"type\":\"prompt\",\"run_id\":\"r\",\"\\u0072un_id\":\"s\"}\n");
    assert_eq!(rows(&batch), [(Kind::Prompt, Status::Unrecorded)]);
    assert!(batch.outcomes.flags[0].has(Flags::DUPLICATE_KEY));
    assert_eq!(&*batch.runs[0].1.id, "s");
}

#[test]
fn a_part_other_than_text_is_shown_by_its_type_and_size() {
    let image = r#"[{"type":"image","source":{"media_type":"image/png","data":"aaaabbbb"}},{"text":"a map"},{"type":"audio"}]"#;
    let content = serde_json::from_str(image).expect("JSON");
    let text = text_of(&content).expect("a text");
    assert_eq!(text, "[image image/png · 6 B]\na map\n[audio]");
}

const TWICE: &str = r#"{"type":"tool_call","via":"wire","run_id":"r","id":"c","ts":"2026-11-22T10:00:00Z","tool":"Bash","args":{"command":"ls"}}
{"type":"tool_call","via":"hook","run_id":"r","id":"c","ts":"2026-11-22T10:00:01Z","tool":"Bash","args":{"command":"ls"},"cwd":"/w"}
"#;

#[track_caller]
fn recorded_twice(results: &[&str], status: Status, duration: Option<f64>) {
    let lines = format!("{TWICE}{}\n", results.join("\n"));
    let batch = load(Box::leak(lines.into_boxed_str()));
    assert_eq!(rows(&batch), [(Kind::ToolCall, status)], "{results:?}");
    assert_eq!(batch.outcomes.duration[0].millis(), duration, "{results:?}");
    assert!(!batch.outcomes.flags[0].has(Flags::SECOND_RESULT));
    assert_eq!(batch.runs[0].1.totals.tool_calls, 1);
    assert_eq!(
        batch.runs[0].1.totals.errors,
        u32::from(status == Status::Error)
    );
}

#[test]
fn a_call_from_two_writers_is_one_row_and_the_better_source_wins() {
    let hook = r#"{"type":"tool_result","via":"hook","run_id":"r","call_id":"c","status":"error","duration_ms":7,"result":"no"}"#;
    let silent = r#"{"type":"tool_result","via":"hook","run_id":"r","call_id":"c","result":"no"}"#;
    let wire = r#"{"type":"tool_result","via":"wire","run_id":"r","call_id":"c","status":"ok","duration_ms":900,"result":"cut"}"#;
    recorded_twice(&[hook, wire], Status::Error, Some(7.0));
    recorded_twice(&[wire, hook], Status::Error, Some(7.0));
    recorded_twice(&[wire], Status::Ok, Some(900.0));
    recorded_twice(&[wire, silent], Status::Ok, Some(900.0));
    recorded_twice(&[silent, wire], Status::Ok, Some(900.0));
    let batch = load(Box::leak(
        format!("{TWICE}{hook}\n{hook}\n").into_boxed_str(),
    ));
    assert_eq!(rows(&batch).len(), 2, "one writer recorded two results");
    assert!(batch.outcomes.flags[0].has(Flags::SECOND_RESULT));
}

#[test]
fn the_nth_call_of_one_writer_is_the_nth_of_the_other() {
    let batch = load(
        r#"{"type":"tool_call","via":"wire","run_id":"r","id":"c","tool":"a"}
{"type":"tool_call","via":"wire","run_id":"r","id":"c","tool":"b"}
{"type":"tool_call","via":"hook","run_id":"r","id":"c","tool":"a"}
{"type":"tool_result","via":"hook","run_id":"r","call_id":"c","status":"ok"}
{"type":"tool_call","via":"hook","run_id":"r","id":"c","tool":"b"}
{"type":"tool_result","via":"hook","run_id":"r","call_id":"c","status":"error"}
{"type":"tool_result","via":"wire","run_id":"r","call_id":"c","status":"ok"}
{"type":"tool_result","via":"wire","run_id":"r","call_id":"c","status":"ok"}
"#,
    );
    assert_eq!(
        rows(&batch),
        [
            (Kind::ToolCall, Status::Ok),
            (Kind::ToolCall, Status::Error)
        ]
    );
}

#[test]
fn a_call_from_before_any_writer_was_named_is_joined_too() {
    let batch = load(
        r#"{"type":"tool_call","run_id":"r","id":"c","tool":"a"}
{"type":"tool_call","via":"hook","run_id":"r","id":"c","tool":"a"}
{"type":"tool_result","run_id":"r","call_id":"c","status":"ok"}
{"type":"tool_result","via":"hook","run_id":"r","call_id":"c","status":"error"}
"#,
    );
    assert_eq!(rows(&batch), [(Kind::ToolCall, Status::Error)]);
}

#[test]
fn a_call_that_no_hook_saw_is_marked_and_a_gap_is_reported() {
    let batch = load(
        r#"{"type":"tool_call","via":"wire","run_id":"r","id":"c","tool":"a"}
{"type":"unguarded","via":"wire","run_id":"r","call_id":"c","host":"codex"}
{"type":"gap","via":"wire","run_id":"r","events":3,"bytes":120,"cause":"disk full"}
{"type":"response","via":"wire","run_id":"r","truncated":true,"dropped_bytes":9}
"#,
    );
    assert!(batch.outcomes.flags[0].has(Flags::UNGUARDED));
    assert!(batch.outcomes.flags[3].has(Flags::SHORTENED));
    assert_eq!(rows(&batch)[1].0, Kind::Note);
    let gap = serde_json::json!({"type":"gap","events":3,"bytes":120,"cause":"disk full"});
    let text = super::open::body(&gap).text;
    assert_eq!(
        text.as_deref(),
        Some("not recorded: 3 events, 120 bytes: disk full")
    );
}

#[test]
fn what_the_model_saw_is_kept_where_it_is_not_what_the_tool_returned() {
    use crate::ingest::body::Body;
    let seen = |text: &str| {
        let mut body = Body {
            result: Some(serde_json::json!({"stdout": "all of it\n", "stderr": ""})),
            ..Body::default()
        };
        let wire = serde_json::json!({"type":"tool_result","via":"wire","result":text});
        super::open::record(&wire, &mut body);
        body.seen
    };
    assert_eq!(seen("all of it"), None);
    assert_eq!(seen("all of…").as_deref(), Some("all of…"));
}
