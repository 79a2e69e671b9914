use super::{Answer, Grant, Kind, Totals, ledger, waits};
use crate::base::cancel::CancelFlag;
use crate::model::quantity::Elapsed;
use crate::model::run::RunIx;
use crate::store::testing::load;

const CALL: &str = r#"{"type":"tool_call","run_id":"r","id":"c","tool":"refund","ts":"2026-11-25T10:00:00Z","args":{"amount":4200}}
"#;
const RESULT: &str =
    r#"{"type":"tool_result","run_id":"r","call_id":"c","status":"ok","result":"done"}"#;

fn entries(lines: &[&str]) -> Vec<super::Entry> {
    let store = load(&format!("{CALL}{}\n", lines.join("\n")));
    let found = ledger(&store, &CancelFlag::new());
    // The columns and the ledger tell the same waits.
    let total = Totals::of(found.iter()).wait;
    assert_eq!(
        waits(&store).get(&RunIx(0)).copied().unwrap_or_default(),
        total
    );
    found
}

/// Checks the answer of the only question, who gave it, and after how many seconds.
#[track_caller]
fn check(lines: &[&str], answer: Answer, is_inferred: bool, (by, wait): (&str, Option<i64>)) {
    let found = entries(lines);
    assert_eq!(found.len(), 1, "{found:?}");
    let entry = &found[0];
    assert_eq!((entry.answer, entry.is_inferred), (answer, is_inferred));
    assert_eq!(entry.by, by);
    assert_eq!(
        entry.wait,
        wait.map_or(Elapsed::NONE, |it| Elapsed(it * 1_000_000))
    );
}

const ASKED: &str = r#"{"type":"approval","run_id":"r","call_id":"c","ts":"2026-11-25T10:00:01Z","state":"requested","by":"lead"}"#;

#[test]
fn an_answer_records_who_when_and_after_how_long() {
    let answer = r#"{"type":"approval","run_id":"r","call_id":"c","ts":"2026-11-25T10:00:31Z","state":"approved","by":"ann","wait_ms":20000}"#;
    check(
        &[ASKED, answer, RESULT],
        Answer::Approved,
        false,
        ("ann", Some(20)),
    );
    // Without a recorded wait, the two times tell it.
    let answer = r#"{"type":"approval","run_id":"r","call_id":"c","ts":"2026-11-25T10:00:31Z","state":"denied"}"#;
    check(&[ASKED, answer], Answer::Denied, false, ("lead", Some(30)));
}

#[test]
fn an_answer_that_is_not_recorded_is_inferred_or_left_open() {
    check(&[ASKED], Answer::Waiting, false, ("lead", None));
    let untold = r#"{"type":"policy_decision","run_id":"r","call_id":"c","policy":"cap","rule":"r3","decision":"require_approval"}"#;
    let found = entries(&[untold, ASKED]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].asked_by, "cap r3");
}

#[test]
fn a_call_that_ran_after_a_request_counts_as_approved() {
    let rollout = concat!(
        r#"{"timestamp":"2026-11-17T18:40:03.000Z","type":"session_meta","payload":{"id":"s","cwd":"/w","cli_version":"0.60.0","timestamp":"2026-11-17T18:40:03.000Z"}}"#,
        "\n",
        r#"{"timestamp":"2026-11-17T18:40:04.000Z","type":"response_item","payload":{"type":"function_call","name":"shell","arguments":"{\"command\":[\"make\",\"a\"]}","call_id":"c1"}}"#,
        "\n",
        r#"{"timestamp":"2026-11-17T18:40:05.000Z","type":"event_msg","payload":{"type":"exec_approval_request","call_id":"c1","command":["make","b"],"cwd":"/w","reason":"outside of the sandbox"}}"#,
        "\n",
        r#"{"timestamp":"2026-11-17T18:40:09.000Z","type":"response_item","payload":{"type":"function_call_output","call_id":"c1","output":"{\"output\":\"x\",\"metadata\":{\"exit_code\":0}}"}}"#,
        "\n",
    );
    let found = ledger(&load(rollout), &CancelFlag::new());
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].answer, Answer::Approved);
    assert!(found[0].is_inferred);
    assert_eq!(found[0].wait, Elapsed::NONE);
    assert_eq!(found[0].reason.as_deref(), Some("outside of the sandbox"));
    assert!(found[0].is_different());
}

#[test]
fn what_ran_is_compared_with_what_was_approved() {
    let answer = |args: &str| {
        format!(
            r#"{{"type":"approval","run_id":"r","call_id":"c","state":"approved","args":{args}}}"#
        )
    };
    let other = entries(&[ASKED, &answer(r#"{"amount":420}"#), RESULT]);
    assert!(other[0].is_different());
    let same = entries(&[ASKED, &answer(r#"{"amount":4200}"#), RESULT]);
    assert_eq!(same[0].differs, Some(Vec::new()));
    let apart = entries(&[ASKED, &answer(r#"{"order":"1"}"#), RESULT]);
    assert_eq!(apart[0].differs, None);
}

#[test]
fn two_questions_about_one_call_are_two_entries() {
    let denied =
        r#"{"type":"approval","run_id":"r","call_id":"c","state":"denied","wait_ms":1000}"#;
    let approved =
        r#"{"type":"approval","run_id":"r","call_id":"c","state":"approved","wait_ms":2000}"#;
    let found = entries(&[ASKED, denied, ASKED, approved, RESULT]);
    let answers: Vec<Answer> = found.iter().map(|it| it.answer).collect();
    assert_eq!(answers, [Answer::Denied, Answer::Approved]);
}

#[test]
fn a_rejection_of_claude_code_and_a_hook_are_answers() {
    let line = |id: &str, denial: &str, said: &str| {
        format!(
            "{{\"type\":\"assistant\",\"uuid\":\"a{id}\",\"sessionId\":\"s1\",\"timestamp\":\"2026-01-01T00:00:01Z\",\"message\":{{\"id\":\"m{id}\",\"role\":\"assistant\",\"content\":[{{\"type\":\"tool_use\",\"id\":\"t{id}\",\"name\":\"Bash\",\"input\":{{\"command\":\"x\"}}}}]}}}}\n\
             {{\"type\":\"user\",\"uuid\":\"u{id}\",\"sessionId\":\"s1\",\"timestamp\":\"2026-01-01T00:00:02Z\",{denial}\"message\":{{\"role\":\"user\",\"content\":[{{\"type\":\"tool_result\",\"tool_use_id\":\"t{id}\",\"is_error\":true,\"content\":\"{said}\"}}]}}}}\n"
        )
    };
    let trace = [
        line("1", "\"toolDenialKind\":\"user-rejected\",", "no"),
        line(
            "2",
            "",
            "PreToolUse:Bash hook error: [guard.sh]: not on main",
        ),
    ]
    .concat();
    let found = ledger(&load(&trace), &CancelFlag::new());
    let told: Vec<_> = found
        .iter()
        .map(|it| (it.answer, it.kind, &*it.by))
        .collect();
    assert_eq!(
        told,
        [
            (Answer::Denied, Kind::Person, "user"),
            (Answer::Denied, Kind::Program, "hook"),
        ]
    );
}

#[test]
fn words_for_an_approval_tell_how_far_it_reaches() {
    assert_eq!(Grant::of("approved_for_session"), Some(Grant::Session));
    assert_eq!(Grant::of("ProceedAlways"), Some(Grant::Always));
    assert_eq!(Grant::of("approved"), None);
}
