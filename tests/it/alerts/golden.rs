//! The expected values were computed by another implementation from the reference data.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use saferun_tui::analysis::alerts::charts::{Cusum, Ewma, Normal, normal_rate};
use saferun_tui::analysis::alerts::check::{Ask, Report, check};
use saferun_tui::analysis::alerts::engine::{Amount, Hit};
use saferun_tui::analysis::alerts::rules::Rules;
use saferun_tui::analysis::alerts::state::{Fatigue, Machine, Pace, Reading};
use saferun_tui::analysis::alerts::{backtest, detector};
use saferun_tui::base::cancel::CancelFlag;
use saferun_tui::model::action::{Kind, Status};
use saferun_tui::model::run::RunIx;
use saferun_tui::query::Context;
use saferun_tui::store::Store;
use serde_json::{Value, json};

use crate::support::{load, shared};

const STREAKS: &str = r#"
[[rule]]
id = "streaks"
detector = ["repeat", "stale", "errors", "same_result", "stopped_again", "echo"]
"#;

fn golden() -> Option<Value> {
    let text = std::fs::read_to_string(shared("golden/alerts.json")?).expect("a file");
    Some(serde_json::from_str(&text).expect("JSON"))
}

fn set(name: &str) -> Option<Store> {
    Some(load(&[shared(&format!("data/agents/{name}"))?]))
}

pub(super) fn checked(store: &Store, rules: &str) -> Report {
    let rules = Rules::read(rules).unwrap_or_else(|it| panic!("{}", it.words("rules")));
    let ask = Ask {
        rules: &Arc::new(rules),
        only: None,
        known: &[],
        context: &Context::default(),
    };
    check(store, &ask, &CancelFlag::new())
}

fn hits(report: &Report) -> Vec<Hit> {
    let mut hits: Vec<Hit> = report
        .alerts
        .iter()
        .flat_map(|it| it.hits.clone())
        .collect();
    hits.sort_by_key(|hit| (hit.run, hit.lane.map(|lane| lane.0), hit.at));
    hits
}

/// In the words of the expected values.
fn told(store: &Store, hit: &Hit) -> Value {
    let seq = |ix| store.row(ix).seq();
    let evidence: Vec<u32> = hit.evidence.iter().map(|ix| seq(*ix)).collect();
    json!({
        "rule": hit.detector.word(),
        "level": hit.level.word(),
        "seq": seq(hit.at),
        "count": hit.count,
        "evidence": evidence,
        "period": hit.period,
    })
}

/// By run and agent, the hits, in the order of the expected values.
fn by_lane(store: &Store, report: &Report) -> BTreeMap<(String, String), Vec<Value>> {
    let mut lanes: BTreeMap<(String, String), Vec<Value>> = BTreeMap::new();
    for hit in hits(report) {
        let lane = hit.lane.map_or("", |lane| store.symbols().name(lane));
        let key = (store.run(hit.run).id.to_string(), lane.to_owned());
        lanes.entry(key).or_default().push(told(store, &hit));
    }
    for found in lanes.values_mut() {
        found.sort_by_key(|it| {
            (
                it["seq"].as_u64(),
                it["rule"].as_str().map(str::to_owned),
                it["level"].as_str().map(|level| level == "warn"),
            )
        });
    }
    lanes
}

const SETS: &[&str] = &[
    "claude-code",
    "pi",
    "mini-swe-agent",
    "swe-agent",
    "openhands",
    "tau-bench",
    "tau2-bench",
    "cohort-medagentbench",
];

#[test]
fn streaks_of_real_runs_are_those_of_the_other_implementation() {
    let Some(golden) = golden() else { return };
    for name in SETS {
        let Some(store) = set(name) else { return };
        let found = by_lane(&store, &checked(&store, STREAKS));
        let mut expected: BTreeMap<(String, String), Vec<Value>> = BTreeMap::new();
        for lane in golden["loops"][name].as_array().expect("lanes") {
            let text = |key: &str| lane[key].as_str().unwrap_or_default().to_owned();
            let alerts = lane["alerts"].as_array().expect("alerts");
            let mut alerts = alerts.clone();
            alerts.sort_by_key(|it| {
                (
                    it["seq"].as_u64(),
                    it["rule"].as_str().map(str::to_owned),
                    it["level"].as_str().map(|level| level == "warn"),
                )
            });
            expected.insert((text("run"), text("lane")), alerts);
        }
        assert_eq!(found, expected, "{name}");
    }
}

/// By data set, how many runs were warned about and how many tripped.
#[track_caller]
fn check_counts(sets: &[&str], warned: usize, tripped: usize) {
    let mut counts = [0; 2];
    for name in sets {
        let Some(store) = set(name) else { return };
        let report = checked(&store, STREAKS);
        for (count, level) in counts
            .iter_mut()
            .zip([detector::Level::Warn, detector::Level::Trip])
        {
            let hits = hits(&report);
            let runs: BTreeSet<RunIx> = hits
                .iter()
                .filter(|hit| hit.level >= level)
                .map(|hit| hit.run)
                .collect();
            *count += runs.len();
        }
    }
    assert_eq!(counts, [warned, tripped], "{sets:?}");
}

#[test]
fn few_real_runs_are_warned_about_and_only_real_loops_trip() {
    check_counts(&["claude-code"], 1, 0);
    check_counts(&["pi"], 0, 0);
    check_counts(&["swe-agent"], 1, 0);
    check_counts(&["openhands"], 0, 0);
    check_counts(&["tau-bench", "tau2-bench", "cohort-medagentbench"], 3, 2);
}

const BUDGETS: &str = r#"
[[rule]]
id = "cap"
detector = "budget"
cost_usd = 0.5
tokens = 1_500_000
calls = 50
steps = 40
"#;

#[test]
fn budgets_of_real_runs_are_those_of_the_other_implementation() {
    let (Some(golden), Some(store)) = (golden(), set("mini-swe-agent")) else {
        return;
    };
    let report = checked(&store, BUDGETS);
    let mut found: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for hit in hits(&report) {
        let Amount::Used(used) = hit.amount else {
            panic!("a budget");
        };
        let run = store.run(hit.run);
        found.entry(run.id.to_string()).or_default().push(json!({
            "rule": hit.detector.word(),
            "level": hit.level.word(),
            "seq": store.row(hit.at).seq(),
            "value": used.value,
            "limit": used.limit,
            "early": used.early.is_some(),
        }));
    }
    let expected = golden["budgets"].as_object().expect("runs");
    for (run, expected) in expected {
        let found = found.remove(run).unwrap_or_default();
        let sorted = |list: &[Value]| {
            let mut list = list.to_vec();
            list.sort_by_key(|it| (it["seq"].as_u64(), it["rule"].to_string()));
            list
        };
        let expected = expected.as_array().expect("alerts");
        assert_eq!(sorted(&found), sorted(expected), "{run}");
    }
    // Runs without any cost are not among the expected values.
    for (run, found) in found {
        let all = found.iter();
        assert!(
            all.clone().all(|it| it["rule"] != "budget.cost_usd"),
            "{run}"
        );
    }
}

fn backtested(store: &Store, rules: &str, level: detector::Level) -> Value {
    let report = checked(store, rules);
    let hits = hits(&report);
    let all = backtest::backtest(store, &report.runs, hits.iter(), level);
    json!({
        "stopped": all.stopped,
        "saved": all.saved,
        "calls_saved": all.calls_saved,
    })
}

#[test]
fn a_backtest_stops_and_saves_what_the_other_implementation_does() {
    let Some(golden) = golden() else { return };
    let half = "[[rule]]\nid = \"cap\"\ndetector = \"budget\"\ncost_usd = 0.5\n";
    for name in SETS {
        let Some(store) = set(name) else { return };
        let (warn, trip) = (detector::Level::Warn, detector::Level::Trip);
        for (key, rules, level) in [
            ("trip", STREAKS, trip),
            ("warn", STREAKS, warn),
            ("half_dollar", half, trip),
        ] {
            let expected = &golden["backtest"][name][key];
            let expected = json!({
                "stopped": expected["stopped"],
                "saved": expected["saved"],
                "calls_saved": expected["calls_saved"],
            });
            assert_eq!(backtested(&store, rules, level), expected, "{name} {key}");
        }
    }
}

#[track_caller]
fn near(found: f64, expected: &Value) {
    let expected = expected.as_f64().expect("a number");
    let error = (found - expected).abs() / expected.abs().max(1e-9);
    assert!(error < 1e-12, "{found} is not {expected}");
}

#[test]
fn outliers_and_charts_of_costs_have_the_expected_figures() {
    let Some(golden) = golden() else { return };
    let numbers = |list: &Value| -> Vec<f64> {
        let list = list.as_array().expect("numbers");
        list.iter().filter_map(Value::as_f64).collect()
    };
    let outlier = &golden["outlier"];
    let costs = numbers(&outlier["costs"]);
    let base = Normal::of(&costs[..16]).expect("enough runs");
    near(base.median, &outlier["base"]["median"]);
    near(base.spread, &outlier["base"]["spread"]);
    near(base.k, &outlier["base"]["k"]);
    near(base.limit, &outlier["base"]["limit"]);
    for (cost, score) in costs[16..]
        .iter()
        .zip(outlier["scores"].as_array().expect("scores"))
    {
        near(base.score(*cost), score);
    }
    assert_eq!(Normal::of(&costs[..7]), None);
    let chart = &golden["ewma"];
    let (mean, sd) = (chart["mean"].as_f64(), chart["sd"].as_f64());
    let mut ewma = Ewma::new(mean.expect("a mean"), sd.expect("a spread"));
    let later = costs[16..].iter().copied();
    let later = later.chain(costs.iter().map(|cost| 3.0 * cost));
    for (cost, expected) in later.zip(chart["chart"].as_array().expect("points")) {
        let point = ewma.add(cost.ln());
        near(point.value, &expected[0]);
        near(point.limit, &expected[1]);
        assert_eq!(point.fires, expected[2].as_bool().expect("a truth"));
    }
}

/// For each run with calls, whether each call failed.
fn failures(store: &Store) -> Vec<Vec<bool>> {
    let mut runs: BTreeMap<RunIx, Vec<bool>> = BTreeMap::new();
    for row in store.rows().filter(|row| row.kind() == Kind::ToolCall) {
        let failed = row.status() == Status::Error;
        runs.entry(row.run_ix()).or_default().push(failed);
    }
    runs.into_values().collect()
}

#[test]
fn charts_of_rates_have_the_expected_figures() {
    let (Some(golden), Some(store)) = (golden(), set("tau-bench")) else {
        return;
    };
    let runs = failures(&store);
    let counts = runs[..60].iter().map(|run| {
        let failed = run.iter().filter(|it| **it).count();
        (failed as u32, run.len() as u32)
    });
    let p0 = normal_rate(counts);
    let doubled = runs[60..].iter().enumerate().map(|(i, run)| {
        let doubled = run.iter().enumerate();
        doubled.map(|(j, it)| *it || (i + j) % 12 == 0).collect()
    });
    for (key, runs) in [
        ("chart", runs[60..].to_vec()),
        ("doubled", doubled.collect()),
    ] {
        let expected = &golden["rate"][key];
        let mut cusum = Cusum::new(p0);
        near(p0, &expected["p0"]);
        let mut fires = Vec::new();
        for (number, run) in runs.iter().enumerate() {
            cusum.run();
            for it in run {
                if let Some(sum) = cusum.add(*it) {
                    fires.push((number, cusum.calls, sum));
                }
            }
        }
        near(cusum.top, &expected["top"]);
        assert_eq!(Some(u64::from(cusum.calls)), expected["calls"].as_u64());
        let all = expected["fires"].as_array().expect("fires");
        assert_eq!(fires.len(), all.len());
        for ((number, calls, sum), expected) in fires.into_iter().zip(all) {
            assert_eq!(json!([number, calls]), json!([expected[0], expected[1]]));
            near(sum, &expected[2]);
        }
    }
}

/// Plays a script of readings and marks, and checks the state after each.
fn played(expected: &Value, pace: Pace, marks: &[(usize, &str)], readings: &[u8]) {
    let mut it = Machine::default();
    let mut readings = readings.iter();
    for (at, expected) in expected.as_array().expect("steps").iter().enumerate() {
        let now = expected[0].as_i64().expect("a time");
        let mark = marks.iter().find(|(place, _)| *place == at);
        let told = match mark {
            Some((_, "ack")) => {
                it.ack(Some("lead".to_owned()));
                None
            }
            Some(_) => {
                it.snooze(100);
                None
            }
            None => {
                let reading = match readings.next() {
                    Some(0) => Reading::Clear,
                    Some(1) => Reading::Between,
                    Some(2) => Reading::Over,
                    _ => Reading::Trip,
                };
                it.hit(now, reading, pace)
            }
        };
        let state = serde_json::to_value(it.state).expect("a word");
        let told = told.map(saferun_tui::analysis::alerts::state::Event::word);
        let found = json!([now, state, it.shown(now), it.count, told]);
        assert_eq!(&found, expected);
    }
}

#[test]
fn alerts_move_as_expected() {
    let Some(golden) = golden() else { return };
    let states = &golden["states"];
    let pace = Pace::default();
    let clear = |clear| Pace { clear, ..pace };
    played(&states["confirm"], pace, &[], &[2, 1, 2, 2, 2]);
    played(&states["trip_at_once"], pace, &[], &[3]);
    let readings = [2, 2, 1, 1, 1, 0, 0, 1, 0, 0, 0];
    played(&states["hysteresis"], clear(3), &[], &readings);
    played(
        &states["ack"],
        clear(2),
        &[(2, "ack")],
        &[2, 2, 2, 3, 0, 0, 3],
    );
    played(&states["snooze"], pace, &[(0, "snooze")], &[2, 2, 3, 2, 2]);
    let times = [0, 10, 20, 30, 40, 50, 60, 3599, 3600, 3605, 3611];
    let mut fatigue = Fatigue::default();
    let found: Vec<Option<u32>> = times.iter().map(|now| fatigue.admit(*now, 5)).collect();
    assert_eq!(json!(found), golden["fatigue"]);
}
