use std::fmt::Write as _;
use std::sync::Arc;

use crate::analysis::alerts::alert::Alert;
use crate::analysis::alerts::check::{Ask, Report, check, lookup, loops};
use crate::analysis::alerts::detector::Level;
use crate::analysis::alerts::history::baseline::Known;
use crate::analysis::alerts::overlay::Overlay;
use crate::analysis::alerts::rules::Rules;
use crate::analysis::alerts::trail::trail;
use crate::analysis::cohort::baseline;
use crate::analysis::cohort::observe::{PairBy, RunChecks, observe};
use crate::analysis::statistics::random::SplitMix64;
use crate::base::cancel::CancelFlag;
use crate::model::action::ActionIx;
use crate::model::run::RunIx;
use crate::query::{self, Context, runs};
use crate::store::Store;
use crate::store::testing::load;

const ALL: &str = r#"
[[rule]]
id = "streaks"
detector = ["repeat", "stale", "errors", "same_result", "stopped_again", "echo", "context_full", "context_jump"]
[[rule]]
id = "cap"
detector = "budget"
cost_usd = 0.05
calls = 20
wall = "1h"
"#;

fn rules(text: &str) -> Arc<Rules> {
    Arc::new(Rules::read(text).unwrap_or_else(|it| panic!("{}", it.words("rules"))))
}

fn checked(store: &Store, text: &str, known: &[Known]) -> Report {
    let ask = Ask {
        rules: &rules(text),
        only: None,
        known,
        context: &Context::default(),
    };
    check(store, &ask, &CancelFlag::new())
}

/// Every hit in words that do not depend on the position of actions in the store.
fn told(store: &Store, alerts: &[Alert]) -> Vec<String> {
    let name = |ix: ActionIx| {
        let row = store.row(ix);
        format!("{}#{}", row.run().id, row.turn())
    };
    let hits = alerts.iter().flat_map(|alert| &alert.hits);
    let mut told: Vec<String> = hits
        .map(|hit| {
            let evidence: Vec<String> = hit.evidence.iter().map(|ix| name(*ix)).collect();
            let lane = hit.lane.map_or("", |lane| store.symbols().name(lane));
            let (detector, level) = (hit.detector.word(), hit.level.word());
            let (why, at) = (hit.arithmetic(), name(hit.at));
            format!("{detector} {level} {lane} {at} {why} {evidence:?}")
        })
        .collect();
    told.sort();
    told
}

/// Sentences of the worst hits.
#[track_caller]
fn check_trace(trace: &str, text: &str, expected: &[&str]) {
    let store = load(trace);
    let report = checked(&store, text, &[]);
    let found: Vec<String> = report
        .alerts
        .iter()
        .map(|it| format!("{} {}", it.level().word(), it.worst().arithmetic()))
        .collect();
    assert_eq!(found, expected);
}

/// A trace of several agents, one line of an agent after the other.
#[derive(Debug, Default)]
struct Trace {
    lines: Vec<String>,
    calls: u32,
}

impl Trace {
    fn answer(&mut self, run: &str, agent: &str, words: &str, usd: f64) {
        self.lines.push(format!(
            r#"{{"type":"response","run_id":"{run}","agent":"{agent}","model":"gpt-4o","content":"{words}","cost_usd":{usd},"usage":{{"input_tokens":100}}}}"#
        ));
    }

    fn prompt(&mut self, run: &str, agent: &str, words: &str) {
        self.lines.push(format!(
            r#"{{"type":"prompt","run_id":"{run}","agent":"{agent}","role":"user","content":"{words}"}}"#
        ));
    }

    fn call(&mut self, run: &str, agent: &str, (tool, args): (&str, u64)) -> u32 {
        self.calls += 1;
        let id = self.calls;
        self.lines.push(format!(
            r#"{{"type":"tool_call","run_id":"{run}","agent":"{agent}","id":"c{id}","tool":"{tool}","args":{{"n":{args}}}}}"#
        ));
        id
    }

    fn result(&mut self, run: &str, call: u32, (status, words): (&str, &str)) {
        self.lines.push(format!(
            r#"{{"type":"tool_result","run_id":"{run}","call_id":"c{call}","status":"{status}","result":"{words}"}}"#
        ));
    }

    /// One step of one call.
    fn step(&mut self, run: &str, call: (&str, u64), result: (&str, &str)) {
        self.answer(run, "a", "", 0.001);
        let id = self.call(run, "a", call);
        self.result(run, id, result);
    }

    fn text(&self) -> String {
        self.lines.iter().fold(String::new(), |mut text, line| {
            let _ = writeln!(text, "{line}");
            text
        })
    }
}

const OK: (&str, &str) = ("ok", "done");

#[test]
fn a_cycle_of_two_steps_is_stale() {
    let mut trace = Trace::default();
    for n in 0..8 {
        trace.step("r", ("t", n % 2), OK);
    }
    let same = "warn 8 steps in a row of one tool gave the same result (limit 8) · period 2";
    let stale = "trip 6 steps in a row repeated earlier calls and results (limit 6) · period 2";
    check_trace(
        &trace.text(),
        "[[rule]]\nid = \"a\"\ndetector = \"stale\"\n[[rule]]\nid = \"b\"\ndetector = \"same_result\"\n",
        &[stale, same],
    );
}

#[test]
fn a_new_prompt_resets_streaks_and_a_repeated_one_does_not() {
    let streak = |between: &str| {
        let mut trace = Trace::default();
        trace.prompt("r", "a", "go");
        for at in 0..4 {
            trace.step("r", ("t", 1), OK);
            if at == 1 {
                trace.prompt("r", "a", between);
            }
        }
        trace.text()
    };
    let rule = "[[rule]]\nid = \"a\"\ndetector = \"repeat\"\n";
    check_trace(&streak("try again"), rule, &[]);
    let found = "warn 3 steps in a row had the same calls and results (limit 3)";
    check_trace(&streak("go"), rule, &[found]);
}

#[test]
fn steps_that_wait_count_a_quarter() {
    let mut trace = Trace::default();
    for _ in 0..11 {
        trace.step("r", ("my_poll_it", 1), OK);
    }
    let rule = "[[rule]]\nid = \"a\"\ndetector = \"repeat\"\nwait_tools = [\"my_poll*\"]\n";
    check_trace(&trace.text(), rule, &[]);
    trace.step("r", ("my_poll_it", 1), OK);
    let found = "warn 3 steps in a row had the same calls and results (limit 3)";
    check_trace(&trace.text(), rule, &[found]);
}

#[test]
fn failures_without_a_message_neither_extend_nor_end_a_streak() {
    let mut trace = Trace::default();
    for n in 0..4 {
        trace.step("r", ("t", n), ("error", "no such file"));
        trace.step("r", ("grep", n), ("error", "exit code 1"));
    }
    let rule = "[[rule]]\nid = \"a\"\ndetector = \"errors\"\n";
    check_trace(
        &trace.text(),
        rule,
        &["warn 4 steps in a row failed (limit 4)"],
    );
}

#[test]
fn a_repeated_response_is_an_echo() {
    let mut trace = Trace::default();
    for n in 0..3 {
        trace.prompt("r", "a", &format!("no {n}"));
        trace.answer("r", "a", "I have fixed the failing test.", 0.0);
    }
    let rule = "[[rule]]\nid = \"a\"\ndetector = \"echo\"\n";
    let found = "warn the model gave the same response 3 times (limit 3)";
    check_trace(&trace.text(), rule, &[found]);
}

#[test]
fn a_budget_trips_one_step_before_the_bill() {
    let mut trace = Trace::default();
    for n in 0..5 {
        trace.answer("r", "a", "", 0.2);
        let call = trace.call("r", "a", ("t", n));
        trace.result("r", call, OK);
    }
    let rule =
        |usd: &str| format!("[[rule]]\nid = \"a\"\ndetector = \"budget\"\ncost_usd = {usd}\n");
    let early = "trip $0.80 + $0.20 for one more step > $0.90";
    check_trace(&trace.text(), &rule("0.9"), &[early]);
    check_trace(&trace.text(), &rule("1.2"), &["warn $1.00 of $1.20 (83 %)"]);
    let unpriced = trace.text().replace("\"cost_usd\":0.2,", "");
    let unpriced = unpriced.replace("gpt-4o", "model-without-price");
    check_trace(&unpriced, &rule("0.9"), &[]);
}

#[test]
fn actions_that_match_are_counted_within_a_span() {
    let mut trace = Trace::default();
    for n in [700, 20, 900, 800] {
        trace.step("r", ("refund", n), OK);
    }
    let rule = |within: &str| {
        format!(
            "[[rule]]\nid = \"a\"\ndetector = \"match\"\nwhen = \"tool:refund args.n>500\"\ncount = 2\nwithin = \"{within}\"\nseverity = \"trip\"\n"
        )
    };
    let found = "trip 2 actions within 2 steps (limit 2)";
    check_trace(&trace.text(), &rule("2 steps"), &[found]);
    check_trace(&trace.text(), &rule("1 steps"), &[]);
}

/// Runs of one agent with these costs, and this many blocked calls among four.
fn folder(runs: &[(f64, u32)]) -> Store {
    let mut trace = Trace::default();
    for (number, (usd, blocked)) in runs.iter().enumerate() {
        let run = format!("run-{number:03}");
        for call in 0..4 {
            trace.answer(&run, "support", "", usd / 4.0);
            let id = trace.call(&run, "support", ("t", u64::from(call)));
            let status = if call < *blocked { "blocked" } else { "ok" };
            let words = format!("{number} {call}");
            trace.result(&run, id, (status, &words));
        }
    }
    load(&trace.text())
}

const RUNS: &str = "[[rule]]\nid = \"cost\"\ndetector = \"cost_outlier\"\n[[rule]]\nid = \"blocks\"\ndetector = \"rate\"\nevent = \"status:(blocked|denied)\"\nof = \"kind:tool\"\n";

#[test]
fn normal_costs_are_learned_from_a_folder_and_progress_is_reported() {
    let few = folder(&[(0.1, 0); 5]);
    let report = checked(&few, RUNS, &[]);
    assert!(report.alerts.is_empty());
    let learning: Vec<(usize, usize)> = report
        .learning
        .iter()
        .map(|it| (it.have, it.need))
        .collect();
    assert_eq!(learning, [(5, 8), (5, 8)]);
    let mut runs = vec![(0.1, 0); 12];
    runs[10] = (5.0, 0);
    let report = checked(&folder(&runs), RUNS, &[]);
    assert!(report.learning.is_empty());
    assert_eq!(report.alerts.len(), 1);
    let why = report.alerts[0].worst().arithmetic();
    assert!(
        why.starts_with("$5.00 > $") && why.ends_with("· baseline: 10 runs, days not recorded"),
        "{why}"
    );
}

/// Two runs a day of one agent: runs that cost this much, and block one call of four if so.
fn dated(runs: &[(f64, bool)]) -> Store {
    let mut trace = Trace::default();
    for (number, (usd, blocks)) in runs.iter().enumerate() {
        let (run, day) = (format!("run-{number:02}"), 1 + number / 2);
        trace.lines.push(format!(
            r#"{{"type":"run_start","run_id":"{run}","agent":"support","ts":"2026-11-{day:02}T10:00:00Z"}}"#
        ));
        trace.answer(&run, "support", "", *usd);
        for call in 0..4 {
            let id = trace.call(&run, "support", ("t", call));
            let status = if *blocks && call < 2 { "blocked" } else { "ok" };
            trace.result(&run, id, (status, &format!("{number} {call}")));
        }
    }
    load(&trace.text())
}

#[test]
fn what_compares_with_a_baseline_says_how_many_runs_and_days_it_has() {
    let why = |rule: &str, runs: &[(f64, bool)]| {
        let report = checked(&dated(runs), rule, &[]);
        let alert = report.alerts.first().expect("an alert");
        alert.worst().arithmetic()
    };
    let mut runs = vec![(0.1, false); 12];
    runs[10].0 = 5.0;
    let outlier = why(RUNS, &runs);
    assert!(
        outlier.ends_with("· baseline: 10 runs over 5 days"),
        "{outlier}"
    );
    let mut runs = vec![(0.1, false); 8];
    runs.extend([(0.1, true); 8]);
    let rate = why(RUNS, &runs);
    assert!(rate.ends_with("· baseline: 8 runs over 4 days"), "{rate}");
    let mut runs = vec![(0.1, false); 20];
    runs.extend([(0.2, false); 20]);
    let drift = why("[[rule]]\nid = \"d\"\ndetector = \"cost_drift\"\n", &runs);
    assert!(
        drift.ends_with("· baseline: 20 runs over 10 days"),
        "{drift}"
    );
}

#[test]
fn a_rate_that_rises_is_found_and_one_bad_run_is_not() {
    let mut runs = vec![(0.1, 0); 8];
    runs.push((0.1, 4));
    runs.extend([(0.1, 0); 8]);
    let blocks = |runs: &[(f64, u32)]| {
        let report = checked(&folder(runs), RUNS, &[]);
        report.alerts.iter().filter(|it| it.rule == 1).count()
    };
    assert_eq!(blocks(&runs), 0);
    runs.extend([(0.1, 2); 6]);
    assert_eq!(blocks(&runs), 1);
}

#[test]
fn a_baseline_file_gives_the_same_alerts_as_its_runs() {
    let base = folder(&[(0.1, 0); 10]);
    let all: Vec<RunIx> = (0..10).map(RunIx).collect();
    let checks = RunChecks::default();
    let cohort = observe(&base, "", &all, PairBy::None, &checks, &CancelFlag::new());
    let text = baseline::write(&cohort, PairBy::None).expect("JSON");
    let (cohort, _) = baseline::read(&text).expect("a baseline");
    let known = Known::of("b.json", &cohort);
    let rules = format!("baseline = \"b.json\"\n{RUNS}");
    let report = checked(
        &folder(&[(0.1, 0), (5.0, 3), (0.1, 3), (0.1, 3)]),
        &rules,
        &[known],
    );
    assert!(report.learning.is_empty(), "{:?}", report.learning);
    let fired: Vec<usize> = report.alerts.iter().map(|it| it.rule).collect();
    assert_eq!(fired, [0, 1]);
}

/// A random trace of two agents of one run that repeat, fail, wait and are stopped. Results come late, and some never.
fn random(seed: u64, agents: &[&str]) -> Vec<Vec<String>> {
    let mut random = SplitMix64::new(seed);
    let mut lanes = Vec::new();
    for (number, agent) in agents.iter().enumerate() {
        let mut trace = Trace {
            calls: 1000 * number as u32,
            ..Trace::default()
        };
        for _ in 0..25 {
            if random.below(8) == 0 {
                let words = ["go", "go on"][random.below(2) as usize];
                trace.prompt("r", agent, words);
            }
            let said = ["", "I will look at it once more."][random.below(2) as usize];
            trace.answer("r", agent, said, 0.001);
            let calls = 1 + random.below(2);
            let tool = ["read", "sleep"][usize::from(random.below(5) == 0)];
            let asked = random.below(3);
            let open: Vec<u32> = (0..calls)
                .map(|it| trace.call("r", agent, (tool, asked + it)))
                .collect();
            for call in open {
                let ends = [OK, ("ok", ""), ("error", "no such file"), ("blocked", "no")];
                let end = ends[[0, 0, 0, 1, 2, 2, 3, 3][random.below(8) as usize]];
                if random.below(40) > 0 {
                    trace.result("r", call, end);
                }
            }
        }
        lanes.push(trace.lines);
    }
    lanes
}

/// Takes lines of several lists in random order, each list in its own order.
fn shuffled(lanes: &[Vec<String>], seed: u64) -> Vec<String> {
    let mut random = SplitMix64::new(seed);
    let mut places = vec![0; lanes.len()];
    let mut lines = Vec::new();
    while lines.len() < lanes.iter().map(Vec::len).sum() {
        let lane = random.below(lanes.len() as u64) as usize;
        if let Some(line) = lanes[lane].get(places[lane]) {
            lines.push(line.clone());
            places[lane] += 1;
        }
    }
    lines
}

fn store_of(lines: &[String]) -> Store {
    load(&format!("{}\n", lines.join("\n")))
}

/// What was found, with actions named by their place in their lane.
fn of_lanes(store: &Store, rules: &str) -> Vec<String> {
    let report = checked(store, rules, &[]);
    let place = |ix: ActionIx| {
        let row = store.row(ix);
        let before = store.rows().filter(|it| it.agent_sym() == row.agent_sym());
        before.take_while(|it| it.ix() < ix).count()
    };
    let hits = report.alerts.iter().flat_map(|alert| &alert.hits);
    let mut told: Vec<String> = hits
        .map(|hit| {
            let evidence: Vec<usize> = hit.evidence.iter().map(|ix| place(*ix)).collect();
            let lane = hit.lane.map_or("", |lane| store.symbols().name(lane));
            let (level, at) = (hit.level.word(), place(hit.at));
            format!("{lane} {level} {at} {} {evidence:?}", hit.arithmetic())
        })
        .collect();
    told.sort();
    told
}

const STREAKS: &str = "[[rule]]\nid = \"s\"\ndetector = [\"repeat\", \"stale\", \"errors\", \"same_result\", \"stopped_again\", \"echo\"]\n";

#[test]
fn concurrent_agents_do_not_change_each_others_alerts() {
    let mut found = 0;
    for seed in 0..20 {
        let lanes = random(seed, &["a", "b"]);
        let one = of_lanes(&store_of(&lanes.concat()), STREAKS);
        let other = of_lanes(&store_of(&shuffled(&lanes, seed)), STREAKS);
        assert_eq!(one, other, "seed {seed}");
        found += one.len();
    }
    assert!(found > 20, "{found} hits");
}

#[test]
fn a_malformed_line_changes_nothing() {
    for seed in 0..10 {
        let lines = random(seed, &["a"]).concat();
        let mut broken = lines.clone();
        broken.insert(lines.len() / 2, "{\"type\":\"prompt\" oops".to_owned());
        let whole = of_lanes(&store_of(&lines), STREAKS);
        assert_eq!(whole, of_lanes(&store_of(&broken), STREAKS), "seed {seed}");
    }
}

/// With filters whose answer may come late, and levels that must be confirmed.
const CHOOSY: &str = r#"
[[rule]]
id = "own"
detector = ["repeat", "errors"]
where = "-status:blocked -tool:sleep"
confirm = 2
[[rule]]
id = "cap"
detector = "budget"
calls = 12
confirm = 3
"#;

#[test]
fn a_watched_run_gives_the_same_alerts_as_the_run_read_later() {
    let cancel = CancelFlag::new();
    let context = Context::default();
    for (seed, text) in (0..6).flat_map(|seed| [(seed, ALL), (seed, CHOOSY)]) {
        let lines = shuffled(&random(seed, &["a", "b"]), seed);
        let whole = store_of(&lines);
        let later = told(&whole, &checked(&whole, text, &[]).alerts);
        let mut overlay = Overlay::new(
            &store_of(&lines[..4]),
            &rules(text),
            (Arc::from([]), &context),
            &cancel,
        );
        let mut at = 5;
        while at < lines.len() {
            overlay = overlay.grown(&store_of(&lines[..at]), &context, &cancel);
            at += 1 + (seed as usize + at) % 5;
        }
        overlay = overlay.grown(&whole, &context, &cancel);
        assert_eq!(told(&whole, overlay.alerts()), later, "seed {seed} {text}");
    }
}

#[test]
fn a_warning_waits_until_it_is_confirmed_and_a_trip_does_not() {
    let mut trace = Trace::default();
    for n in 0..9 {
        trace.step("r", ("t", n), OK);
    }
    let rule = |confirm: u32| {
        format!("[[rule]]\nid = \"a\"\ndetector = \"budget\"\ncalls = 10\nconfirm = {confirm}\n")
    };
    check_trace(&trace.text(), &rule(1), &["warn 8 of 10 tool calls (80 %)"]);
    check_trace(&trace.text(), &rule(2), &["warn 8 of 10 tool calls (80 %)"]);
    check_trace(&trace.text(), &rule(4), &[]);
    trace.step("r", ("t", 9), OK);
    check_trace(&trace.text(), &rule(9), &["trip 10 of 10 tool calls"]);

    let mut trace = Trace::default();
    for _ in 0..3 {
        trace.step("r", ("t", 1), OK);
    }
    let rule = "[[rule]]\nid = \"a\"\ndetector = \"repeat\"\nconfirm = 2\n";
    check_trace(&trace.text(), rule, &[]);
    trace.step("r", ("t", 1), OK);
    let found = "warn 4 steps in a row had the same calls and results (limit 4)";
    check_trace(&trace.text(), rule, &[found]);
}

#[test]
fn the_trail_of_an_alert_ends_at_its_measure() {
    let mut trace = Trace::default();
    for n in [1, 1, 2, 2, 2, 2] {
        trace.step("r", ("t", n), OK);
    }
    let text = "[[rule]]\nid = \"a\"\ndetector = \"repeat\"\n[[rule]]\nid = \"b\"\ndetector = \"budget\"\ncalls = 6\n";
    let (store, rules) = (load(&trace.text()), rules(text));
    let report = checked(&store, text, &[]);
    let (context, cancel) = (Context::default(), CancelFlag::new());
    let points = |alert: &Alert| {
        let found = trail(&store, &rules, (&report, alert), (&context, &cancel));
        found.map(|it| it.points)
    };
    let found: Vec<_> = report.alerts.iter().map(points).collect();
    // After each model call, which ends the step before it, and at the end.
    let repeats = vec![0.0, 1.0, 2.0, 1.0, 2.0, 3.0, 4.0];
    let calls = vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    assert_eq!(found, [Some(repeats), Some(calls)]);
}

#[test]
fn an_overlay_finds_alerts_by_run_and_by_action() {
    let mut trace = Trace::default();
    for _ in 0..3 {
        trace.step("r", ("t", 1), OK);
    }
    let store = load(&trace.text());
    let (known, context) = (Arc::from([]), Context::default());
    let overlay = Overlay::new(&store, &rules(ALL), (known, &context), &CancelFlag::new());
    assert_eq!(overlay.level(RunIx(0)), Some(Level::Warn));
    assert_eq!(overlay.of_action(ActionIx(1)).count(), 1);
    assert_eq!(overlay.of_action(ActionIx(0)).count(), 0);
    assert_eq!(overlay.marks()["streaks"].len(), 3);
    assert_eq!(loops(&store, None, &CancelFlag::new()).len(), 1);
}

#[test]
fn filters_find_alerts_and_loops() {
    let mut trace = Trace::default();
    for _ in 0..3 {
        trace.step("bad", ("t", 1), OK);
        trace.step("good", ("t", 1), ("ok", &trace.calls.to_string()));
    }
    let store = load(&trace.text());
    let context = Context {
        alerts: lookup(|| (rules(ALL), Vec::new())),
        ..Context::default()
    };
    let found = |filter: &str| {
        let expr = query::parse(filter).expect("a filter");
        runs::runs(&store, &expr, &context, &CancelFlag::new()).len()
    };
    assert_eq!(found("is:loop"), 1);
    assert_eq!(found("is:alert"), 1);
    assert_eq!(found("alert:streaks"), 1);
    assert_eq!(found("alert:cap"), 0);
    assert_eq!(found("has:alert"), 1);
    assert_eq!(found("-is:loop"), 1);
}
