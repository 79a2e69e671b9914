use proptest::prelude::*;

use super::{By, Length, Share, Timeline, What};
use crate::base::cancel::CancelFlag;
use crate::model::run::RunIx;
use crate::store::testing::load;

const SECOND: i64 = 1_000_000;
/// 2026-11-25T10:00:00Z.
const TEN: i64 = 1_795_600_800 * SECOND;

fn made(trace: &str) -> Timeline {
    Timeline::of(&load(trace), RunIx(0), None, &CancelFlag::new())
}

fn line(second: f64, more: &str) -> String {
    let (whole, part) = (second.floor(), ((second.fract()) * 1000.0).round());
    format!("{{\"run_id\":\"r\",\"ts\":\"2026-11-25T10:00:{whole:02}.{part:03}Z\",{more}}}\n")
}

fn prompt(at: f64) -> String {
    line(at, r#""type":"prompt","id":"p","content":"go""#)
}

fn response(at: f64, took: f64) -> String {
    let ms = took * 1000.0;
    line(
        at,
        &format!(
            "\"type\":\"response\",\"id\":\"m{at}\",\"model\":\"gpt-4o\",\"content\":\"x\",\"duration_ms\":{ms}"
        ),
    )
}

fn call(id: &str, at: f64, took: f64) -> String {
    let ms = took * 1000.0;
    line(
        at,
        &format!("\"type\":\"tool_call\",\"id\":\"{id}\",\"tool\":\"{id}\""),
    ) + &line(
        at + took,
        &format!(
            "\"type\":\"tool_result\",\"call_id\":\"{id}\",\"status\":\"ok\",\"duration_ms\":{ms}"
        ),
    )
}

#[track_caller]
fn check_share(trace: &str, [model, tools, approval, idle]: [f64; 4]) {
    let seconds = |seconds: f64| (seconds * SECOND as f64).round() as i64;
    let expected = Share {
        model: seconds(model),
        tools: seconds(tools),
        approval: seconds(approval),
        idle: seconds(idle),
    };
    assert_eq!(made(trace).path.share(), expected);
}

#[test]
fn sequential_actions_are_all_on_the_path() {
    let trace = prompt(0.0) + &response(1.0, 2.0) + &call("a", 3.0, 5.0) + &response(10.0, 1.0);
    check_share(&trace, [3.0, 5.0, 0.0, 3.0]);
}

#[test]
fn of_parallel_actions_the_longest_is_on_the_path() {
    let trace = prompt(0.0)
        + &response(0.0, 1.0)
        + &call("long", 1.0, 4.0)
        + &call("short", 1.0, 2.0)
        + &response(5.0, 1.0);
    check_share(&trace, [2.0, 4.0, 0.0, 0.0]);
    let timeline = made(&trace);
    // Eight seconds of work in six.
    assert_eq!(timeline.path.parallelism, Some(8.0 / 6.0));
    let on_path: Vec<i64> = timeline
        .path
        .steps
        .iter()
        .map(|step| step.window.length() / SECOND)
        .collect();
    assert_eq!(on_path, [1, 4, 1]);
}

#[test]
fn a_pending_approval_replaces_the_call_on_the_path() {
    let requested = line(3.0, r#""type":"tool_call","id":"c","tool":"refund""#)
        + &line(
            4.0,
            r#""type":"approval","call_id":"c","state":"requested""#,
        )
        + &line(
            9.0,
            r#""type":"approval","call_id":"c","state":"approved","by":"lead""#,
        )
        + &line(
            11.0,
            r#""type":"tool_result","call_id":"c","status":"ok","duration_ms":8000"#,
        );
    check_share(
        &(prompt(0.0) + &response(0.0, 3.0) + &requested),
        [3.0, 3.0, 5.0, 0.0],
    );
}

#[test]
fn a_subagent_replaces_the_call_that_started_it() {
    let sub = |at: f64, more: &str| line(at, &format!("\"agent\":\"lookup\",{more}"));
    let trace = line(
        0.0,
        r#""type":"prompt","id":"p","agent":"main","content":"go""#,
    ) + &line(
        0.0,
        r#""type":"response","id":"m","agent":"main","content":"x","duration_ms":2000"#,
    ) + &line(
        2.0,
        r#""type":"tool_call","id":"task","agent":"main","tool":"Task""#,
    ) + &sub(
        3.0,
        r#""type":"response","id":"m2","parent_id":"task","content":"y","duration_ms":4000"#,
    ) + &line(
        8.0,
        r#""type":"tool_result","call_id":"task","status":"ok","duration_ms":6000"#,
    );
    let timeline = made(&trace);
    assert_eq!(
        timeline.path.share(),
        Share {
            model: 6 * SECOND,
            tools: 2 * SECOND,
            approval: 0,
            idle: 0
        }
    );
    let lanes = timeline.lanes(By::Agent);
    assert_eq!(lanes.len(), 2);
    assert_eq!((lanes[0].took(), lanes[1].took()), (8 * SECOND, 4 * SECOND));
    assert_eq!(timeline.lanes(By::Tool).len(), 3);
    assert_eq!(timeline.lanes(By::Kind).len(), 3);
}

#[test]
fn a_model_call_without_a_duration_starts_at_the_end_of_its_input() {
    let moment = |at: f64| {
        line(
            at,
            &format!("\"type\":\"response\",\"id\":\"m{at}\",\"content\":\"x\""),
        )
    };
    let trace = prompt(1.0) + &moment(4.0) + &call("a", 4.0, 2.0) + &moment(9.0);
    let timeline = made(&trace);
    let model: Vec<_> = timeline
        .bars
        .iter()
        .filter(|bar| bar.what == What::Model)
        .map(|bar| {
            (
                bar.length,
                (bar.from - TEN) / SECOND,
                (bar.to - TEN) / SECOND,
            )
        })
        .collect();
    assert_eq!(model, [(Length::Inferred, 1, 4), (Length::Inferred, 6, 9)]);
    assert!(timeline.path.is_inferred);
    check_share(&trace, [6.0, 2.0, 0.0, 0.0]);
}

#[test]
fn actions_without_a_time_are_counted_but_not_drawn() {
    let untimed = "{\"type\":\"tool_call\",\"run_id\":\"r\",\"id\":\"c\",\"tool\":\"t\"}\n\
                   {\"type\":\"note\",\"run_id\":\"r\",\"content\":\"n\"}\n";
    let timeline = made(untimed);
    assert_eq!(
        (timeline.whole, timeline.untimed, timeline.aside),
        (None, 1, 1)
    );
    // Identical times on all records count as no time.
    let timeline = made(&(prompt(5.0) + &line(5.0, r#""type":"error","error":{"message":"x"}"#)));
    assert_eq!((timeline.whole, timeline.bars.len()), (None, 2));
}

#[test]
fn an_open_call_extends_to_now_and_has_no_duration() {
    let trace = prompt(0.0) + &line(2.0, r#""type":"tool_call","id":"c","tool":"t""#);
    let timeline = Timeline::of(
        &load(&trace),
        RunIx(0),
        Some(TEN + 9 * SECOND),
        &CancelFlag::new(),
    );
    let bar = timeline.bars.last().expect("a bar");
    assert_eq!(
        (bar.length, bar.took(), bar.to),
        (Length::Open, None, TEN + 9 * SECOND)
    );
    // If a run is not followed, all we know is that the call was made.
    let timeline = made(&trace);
    assert_eq!(
        timeline.bars.last().map(|bar| bar.to),
        Some(TEN + 2 * SECOND)
    );
}

#[test]
fn slowest_walks_down_the_ranking() {
    let trace = prompt(0.0) + &call("a", 1.0, 2.0) + &call("b", 3.0, 6.0) + &call("c", 9.0, 2.0);
    let timeline = made(&trace);
    let whole = timeline.whole.expect("times");
    let mut below = None;
    let mut found = Vec::new();
    while let Some(bar) = timeline.slowest(whole, below) {
        below = bar.took().map(|took| (took, bar.ix));
        found.push(bar.took().unwrap_or(0) / SECOND);
    }
    assert_eq!(found, [6, 2, 2]);
}

#[test]
fn cost_and_context_grow_over_time() {
    let response = |at: f64, tokens: u32, usd: f64| {
        line(
            at,
            &format!(
                "\"type\":\"response\",\"id\":\"m{at}\",\"model\":\"gpt-4o\",\"content\":\"x\",\"duration_ms\":1000,\
             \"cost_usd\":{usd},\"usage\":{{\"input_tokens\":{tokens},\"output_tokens\":1}}"
            ),
        )
    };
    let growth =
        made(&(prompt(0.0) + &response(1.0, 32_000, 0.5) + &response(5.0, 64_000, 0.25))).growth;
    let usd = |at: i64| {
        growth
            .cost_at(TEN + at * SECOND)
            .map(|cost| cost / 1_000_000_000)
    };
    assert_eq!((usd(1), usd(2), usd(7)), (None, Some(500), Some(750)));
    let percent = |at: i64| {
        growth
            .fill_at(TEN + at * SECOND)
            .and_then(|fill| fill.percent)
    };
    assert_eq!(
        (percent(1), percent(3), percent(6)),
        (None, Some(25), Some(50))
    );
}

proptest! {
    #[test]
    fn the_path_is_a_chain_within_the_run(
        calls in proptest::collection::vec((0..40_u32, 0..20_u32), 1..20),
    ) {
        let mut trace = prompt(0.0);
        for (number, (at, took)) in calls.iter().enumerate() {
            trace += &call(&format!("c{number}"), f64::from(*at), f64::from(*took) / 2.0);
        }
        let timeline = made(&trace);
        let Some(whole) = timeline.whole else { return Ok(()) };
        let mut end = whole.from;
        for step in &timeline.path.steps {
            let bar = &timeline.bars[step.bar as usize];
            prop_assert!(step.window.from >= end && step.window.to > step.window.from);
            prop_assert!(step.window.from >= bar.from && step.window.to <= bar.to);
            end = step.window.to;
        }
        prop_assert!(end <= whole.to);
        let share = timeline.path.share();
        prop_assert!(share.idle >= 0);
        prop_assert_eq!(share.model + share.tools + share.approval + share.idle, whole.length());
        // Idle time is exactly when nothing was active.
        let busy: i64 = timeline.lanes(By::Agent).iter().map(super::Lane::took).sum();
        prop_assert_eq!(share.idle, whole.length() - busy);
    }
}
