use std::collections::HashSet;

use super::equal_calls::EqualCalls;
use super::{RULES, View, Weight, look};
use crate::analysis::alerts::check::streaks;
use crate::base::cancel::CancelFlag;
use crate::model::run::RunIx;
use crate::store::testing::load;

/// Checks the sentences about a trace, and the actions that show each.
#[track_caller]
fn check(trace: &str, expected: &[(Weight, &str, &[u32])]) {
    let store = load(trace);
    let view = View {
        run: None,
        store: &store,
        hits: &streaks(&store, &CancelFlag::new()),
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

/// A call with its arguments and its result.
fn call(id: u32, tool: &str, args: &str, end: &str) -> String {
    format!(
        "{{\"type\":\"tool_call\",\"run_id\":\"r1\",\"id\":\"c{id}\",\"tool\":\"{tool}\",\"args\":{args}}}\n\
         {{\"type\":\"tool_result\",\"run_id\":\"r1\",\"call_id\":\"c{id}\",{end}}}\n"
    )
}

const OK: &str = r#""status":"ok","result":"x""#;

#[test]
fn a_clean_trace_has_no_insights() {
    check(&call(1, "t", "{}", OK), &[]);
}

/// The model answers with a call, which is a step.
fn step(id: u32, tool: &str, args: &str, end: &str) -> String {
    let answer = r#"{"type":"response","run_id":"r1","content":"on it"}"#;
    format!("{answer}\n{}", call(id, tool, args, end))
}

#[test]
fn reports_an_agent_that_goes_round_in_circles() {
    let again = |id: u32| step(id, "t", r#"{"a":1}"#, OK);
    let trace: String = (1..=4).map(again).collect();
    check(
        &trace,
        &[(
            Weight::Bad,
            "3 steps in a row had the same calls and results (t)",
            &[1, 3, 5, 7],
        )],
    );
    let store = load(&trace);
    let calls = EqualCalls::of(&store, &CancelFlag::new(), &mut |_| {});
    let occurrences: Vec<_> = store.rows().map(|row| calls.occurrence(row.ix())).collect();
    assert_eq!(
        occurrences,
        [None, None, None, Some(2), None, Some(3), None, Some(4)]
    );
}

#[test]
fn calls_that_the_model_made_together_are_no_loop() {
    let trace: String = (1..=6).map(|id| call(id, "t", "{}", OK)).collect();
    check(&trace, &[]);
}

#[test]
fn reports_a_stopped_call_that_is_asked_for_again() {
    let stopped = r#""status":"blocked""#;
    let trace = [
        step(1, "refund", "{}", stopped),
        step(2, "refund", "{}", stopped),
        step(3, "refund", r#"{"a":1}"#, stopped),
    ]
    .concat();
    check(
        &trace,
        &[(
            Weight::Bad,
            "a call was stopped 2 times and requested again (refund)",
            &[1, 3],
        )],
    );
}

#[test]
fn counts_missing_results_malformed_lines_and_unanswered_approvals() {
    let trace = r#"{"type":"tool_call","run_id":"r1","id":"c1","tool":"a","args":{}}
{"type":"tool_call","run_id":"r1","id":"c2","tool":"b","args":{}}
{"type":"approval","run_id":"r1","call_id":"c2","state":"requested"}
{"type":"prompt" oops
"#;
    check(
        trace,
        &[
            (Weight::Bad, "1 result never arrived (a)", &[0]),
            (Weight::Bad, "1 approval request was never answered", &[1]),
            (Weight::Warning, "1 line is malformed", &[2]),
        ],
    );
}

#[test]
fn a_failure_streak_counts_steps_and_ends_with_a_success() {
    let failed = r#""status":"error","result":"no such file""#;
    let fail = |id: u32| step(id, "a", &format!("{{\"n\":{id}}}"), failed);
    let trace = [
        fail(1),
        step(2, "b", r#"{"n":2}"#, OK),
        fail(3),
        fail(4),
        fail(5),
        fail(6),
        step(7, "a", r#"{"n":7}"#, OK),
    ]
    .concat();
    check(
        &trace,
        &[(Weight::Bad, "4 steps in a row failed (a)", &[5, 7, 9, 11])],
    );
}

#[test]
fn a_full_context_names_its_model_and_turn() {
    let response = |tokens: u32| {
        format!(
            "{{\"type\":\"prompt\",\"run_id\":\"r1\",\"role\":\"user\",\"content\":\"x\"}}\n{{\"type\":\"response\",\"run_id\":\"r1\",\"model\":\"gpt-4o\",\"content\":\"y\",\"cost_usd\":0.001,\"usage\":{{\"input_tokens\":{tokens}}}}}\n"
        )
    };
    let trace = [response(1000), response(117_000), response(90_000)].concat();
    check(
        &trace,
        &[(
            Weight::Warning,
            "the context reached ≈91 % of the window of gpt-4o in turn 2",
            &[3],
        )],
    );
}

#[test]
fn names_the_turn_that_accounts_for_most_of_the_cost() {
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
            "turn 2 accounts for 70 % of the cost of its run ($0.70 of $1.00)",
            &[3],
        )],
    );
}

#[test]
fn reports_unknown_prices_and_shadow_verdicts() {
    let trace = r#"{"type":"response","run_id":"r1","model":"unknown-model-1","content":"y","usage":{"input_tokens":5}}
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
                "1 model call has no price: the cost is a lower bound (unknown-model-1)",
                &[0],
            ),
        ],
    );
}

#[test]
fn reports_slow_actions_with_the_longest() {
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
            "1 action took more than 4 times as long as usual (t up to 4m12s)",
            &[9],
        )],
    );
}

#[test]
fn reports_runs_that_cost_many_times_the_median() {
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
            "1 run cost more than 4 times the median (up to $0.90, median $0.10)",
            &[8],
        )],
    );
}

#[test]
fn a_missing_result_is_pending_while_the_trace_grows() {
    let store = load(r#"{"type":"tool_call","run_id":"r1","id":"c1","tool":"a","args":{}}"#);
    let view = View {
        run: None,
        store: &store,
        hits: &streaks(&store, &CancelFlag::new()),
        is_growing: true,
    };
    let found = look(view, &CancelFlag::new());
    assert_eq!(found[0].words, "1 result still pending (a)");
}

#[test]
fn the_median_of_an_even_number_of_runs_is_halfway_between_the_middle_two() {
    let run = |id: usize, usd: f64| {
        format!(
            "{{\"type\":\"response\",\"run_id\":\"r{id}\",\"model\":\"m\",\"content\":\"y\",\"cost_usd\":{usd}}}\n"
        )
    };
    let costs = [0.1, 0.1, 0.1, 0.1, 0.3, 0.3, 0.3, 1.0];
    let trace: String = (0..).zip(costs).map(|(id, usd)| run(id, usd)).collect();
    check(
        &trace,
        &[(
            Weight::Warning,
            "1 run cost more than 4 times the median (up to $1.00, median $0.20)",
            &[7],
        )],
    );
}

#[test]
fn rule_ids_are_unique_and_kebab_case() {
    let ids: HashSet<&str> = RULES.iter().map(|rule| rule.id()).collect();
    assert_eq!(ids.len(), RULES.len());
    for id in ids {
        let is_kebab =
            |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase());
        assert!(id.split('-').all(is_kebab), "{id}");
    }
}

#[test]
fn insights_about_one_run_count_that_run_alone() {
    let call = |run: &str, id: u32| {
        format!(
            "{{\"type\":\"tool_call\",\"run_id\":\"{run}\",\"id\":\"{run}{id}\",\"tool\":\"{run}-tool\",\"args\":{{}}}}\n"
        )
    };
    let trace = [call("r1", 1), call("r2", 1), call("r1", 2)].concat();
    let store = load(&trace);
    let words = |run: Option<RunIx>| {
        let view = View {
            run,
            store: &store,
            hits: &streaks(&store, &CancelFlag::new()),
            is_growing: false,
        };
        let mut found = look(view, &CancelFlag::new()).into_iter();
        let found = found.find(|insight| insight.rule == "missing-results");
        found.map(|insight| insight.words)
    };
    assert_eq!(
        words(None).as_deref(),
        Some("3 results never arrived (r1-tool, r2-tool)")
    );
    assert_eq!(
        words(Some(RunIx(1))).as_deref(),
        Some("1 result never arrived (r2-tool)")
    );
}

#[test]
fn adds_up_how_long_people_were_waited_for() {
    let answer = |id: u32, minutes: u32| {
        format!(
            "{{\"type\":\"approval\",\"run_id\":\"r1\",\"call_id\":\"c{id}\",\"state\":\"approved\",\"by\":\"ann\",\"wait_ms\":{}}}\n",
            minutes * 60_000
        )
    };
    let one = call(1, "t", r#"{"a":1}"#, OK) + &answer(1, 9);
    check(&one, &[]);
    let two = one + &call(2, "t", r#"{"a":2}"#, OK) + &answer(2, 6);
    check(
        &two,
        &[(
            Weight::Warning,
            "waited 15 min for 2 approvals (ann)",
            &[0, 1],
        )],
    );
}
