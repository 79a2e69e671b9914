use super::calls::Calls;
use super::{View, Weight, look};
use crate::base::cancel::CancelFlag;
use crate::store::testing::load;

/// The sentences about a trace, and the actions that show each.
#[track_caller]
fn check(trace: &str, expected: &[(Weight, &str, &[u32])]) {
    let store = load(trace);
    let calls = Calls::of(&store, &CancelFlag::new(), &mut |_| {});
    let view = View {
        store: &store,
        calls: &calls,
        is_growing: false,
    };
    let found = look(view, &CancelFlag::new());
    let found: Vec<_> = found
        .iter()
        .map(|insight| {
            let evidence: Vec<u32> = insight.evidence.iter().map(|ix| ix.0).collect();
            (insight.weight, insight.words.as_str(), evidence)
        })
        .collect();
    let expected: Vec<_> = expected
        .iter()
        .map(|(weight, words, evidence)| (*weight, *words, evidence.to_vec()))
        .collect();
    assert_eq!(found, expected);
}

/// A call with its arguments and how it came out.
fn call(id: u32, tool: &str, args: &str, end: &str) -> String {
    format!(
        "{{\"type\":\"tool_call\",\"run_id\":\"r1\",\"id\":\"c{id}\",\"tool\":\"{tool}\",\"args\":{args}}}\n\
         {{\"type\":\"tool_result\",\"run_id\":\"r1\",\"call_id\":\"c{id}\",{end}}}\n"
    )
}

const OK: &str = r#""status":"ok","result":"x""#;

#[test]
fn nothing_is_noticed_where_nothing_is_wrong() {
    check(&call(1, "t", "{}", OK), &[]);
}

#[test]
fn equal_calls_with_equal_results_are_noticed_and_others_are_not() {
    let trace = [
        call(1, "t", r#"{"a":1}"#, OK),
        call(2, "t", r#"{"a":2}"#, OK),
        call(3, "t", r#"{"a":1}"#, OK),
        call(4, "t", r#"{"a":2}"#, r#""status":"ok","result":"y""#),
    ]
    .concat();
    check(
        &trace,
        &[(
            Weight::Warning,
            "1 tool call repeated with equal arguments and result (t)",
            &[2],
        )],
    );
    let store = load(&trace);
    let calls = Calls::of(&store, &CancelFlag::new(), &mut |_| {});
    let nth: Vec<_> = store.rows().map(|row| calls.nth(row.ix())).collect();
    assert_eq!(nth, [None, None, Some(2), Some(2)]);
}

#[test]
fn a_stopped_call_that_is_tried_again_is_bad() {
    let stopped = r#""status":"blocked""#;
    let trace = [
        call(1, "refund", "{}", stopped),
        call(2, "refund", "{}", stopped),
        call(3, "refund", r#"{"a":1}"#, stopped),
    ]
    .concat();
    check(
        &trace,
        &[(
            Weight::Bad,
            "calls that were stopped were tried again with equal arguments 1 time (refund)",
            &[1],
        )],
    );
}

#[test]
fn results_that_never_came_broken_lines_and_open_questions_are_counted() {
    let trace = r#"{"type":"tool_call","run_id":"r1","id":"c1","tool":"a","args":{}}
{"type":"tool_call","run_id":"r1","id":"c2","tool":"b","args":{}}
{"type":"approval","run_id":"r1","call_id":"c2","state":"requested"}
{"type":"prompt" oops
"#;
    check(
        trace,
        &[
            (Weight::Bad, "1 result never arrived (a)", &[0]),
            (Weight::Bad, "1 question to a person was not answered", &[1]),
            (Weight::Warning, "1 line is broken", &[2]),
        ],
    );
}

#[test]
fn failures_in_a_row_count_per_tool_and_end_with_a_success() {
    let failed = r#""status":"error","result":"no""#;
    let trace = [
        call(1, "a", r#"{"n":1}"#, failed),
        call(2, "b", r#"{"n":2}"#, OK),
        call(3, "a", r#"{"n":3}"#, failed),
        call(4, "a", r#"{"n":4}"#, failed),
        call(5, "a", r#"{"n":5}"#, OK),
        call(6, "a", r#"{"n":6}"#, failed),
    ]
    .concat();
    check(
        &trace,
        &[(Weight::Bad, "a failed 3 times in a row", &[0, 2, 3])],
    );
}

#[test]
fn a_full_context_names_the_model_and_the_turn() {
    let said = |tokens: u32| {
        format!(
            "{{\"type\":\"prompt\",\"run_id\":\"r1\",\"role\":\"user\",\"content\":\"x\"}}\n{{\"type\":\"response\",\"run_id\":\"r1\",\"model\":\"gpt-4o\",\"content\":\"y\",\"cost_usd\":0.001,\"usage\":{{\"input_tokens\":{tokens}}}}}\n"
        )
    };
    let trace = [said(1000), said(117_000), said(90_000)].concat();
    check(
        &trace,
        &[(
            Weight::Warning,
            "context reached ≈91 % of the window of gpt-4o at turn 2",
            &[3],
        )],
    );
}

#[test]
fn the_turn_that_holds_most_of_the_cost_is_named() {
    let turn = |usd: f64| {
        format!(
            "{{\"type\":\"prompt\",\"run_id\":\"r1\",\"role\":\"user\",\"content\":\"x\"}}\n{{\"type\":\"response\",\"run_id\":\"r1\",\"model\":\"m\",\"content\":\"y\",\"cost_usd\":{usd}}}\n"
        )
    };
    let trace = [turn(0.1), turn(0.7), turn(0.1), turn(0.1)].concat();
    check(
        &trace,
        &[(
            Weight::Note,
            "turn 2 holds 70 % of the cost of its run ($0.70 of $1.00)",
            &[3],
        )],
    );
}

#[test]
fn unknown_prices_and_shadow_verdicts_are_told() {
    let trace = r#"{"type":"response","run_id":"r1","model":"nobody-knows-1","content":"y","usage":{"input_tokens":5}}
{"type":"tool_call","run_id":"r1","id":"c1","tool":"a","args":{}}
{"type":"policy_decision","run_id":"r1","call_id":"c1","decision":"block","mode":"shadow"}
{"type":"tool_result","run_id":"r1","call_id":"c1","status":"ok","result":1}
"#;
    check(
        trace,
        &[
            (
                Weight::Note,
                "1 call would have been stopped by a policy in shadow mode",
                &[1],
            ),
            (
                Weight::Note,
                "1 model call with tokens and without a price: the cost is a lower bound (nobody-knows-1)",
                &[0],
            ),
        ],
    );
}

#[test]
fn what_took_far_longer_than_its_like_is_told_with_the_longest() {
    let took = |id, ms| {
        call(
            id,
            "t",
            &format!("{{\"n\":{id}}}"),
            &format!("\"status\":\"ok\",\"result\":{id},\"duration_ms\":{ms}"),
        )
    };
    let mut trace: String = (0..9).map(|id| took(id, 100)).collect();
    trace.push_str(&took(9, 252_000));
    check(
        &trace,
        &[(
            Weight::Note,
            "1 action took more than 4 times the usual (t up to 4m12s)",
            &[9],
        )],
    );
}

#[test]
fn runs_that_cost_many_times_the_usual_are_told_where_there_is_a_usual() {
    let run = |id: u32, usd: f64| {
        format!(
            "{{\"type\":\"response\",\"run_id\":\"r{id}\",\"model\":\"m\",\"content\":\"y\",\"cost_usd\":{usd}}}\n"
        )
    };
    let mut trace: String = (0..8).map(|id| run(id, 0.1)).collect();
    check(&trace, &[]);
    trace.push_str(&run(8, 0.9));
    check(
        &trace,
        &[(
            Weight::Warning,
            "1 run cost more than 4 times the usual (up to $0.90, usually $0.10)",
            &[8],
        )],
    );
}

#[test]
fn while_more_may_come_a_missing_result_is_not_there_yet() {
    let store = load(r#"{"type":"tool_call","run_id":"r1","id":"c1","tool":"a","args":{}}"#);
    let calls = Calls::of(&store, &CancelFlag::new(), &mut |_| {});
    let view = View {
        store: &store,
        calls: &calls,
        is_growing: true,
    };
    let found = look(view, &CancelFlag::new());
    assert_eq!(found[0].words, "1 result not there yet (a)");
}
