//! Real runs through the readers and the program: the figures are those of the independent oracles.

use saferun_tui::analysis::cohort::ask::{Answer, Ask, Choice};
use saferun_tui::analysis::cohort::compare::Options;
use saferun_tui::analysis::cohort::observe::PairBy;
use saferun_tui::analysis::cohort::sides::Order;
use saferun_tui::analysis::statistics::verdict::Verdict;
use saferun_tui::base::cancel::CancelFlag;
use saferun_tui::query::{self, Context};
use serde_json::Value;

use super::{CLOSED, ITERATED, golden, near};
use crate::support::{load, sample, shared};

/// Two filters over some of the reference data; none where it is not here.
fn compared(paths: &[&str], a: &str, b: &str) -> Option<Answer> {
    let paths: Option<Vec<_>> = paths
        .iter()
        .map(|path| shared(&format!("data/agents/{path}")))
        .collect();
    let filter = |text| query::parse(text).expect("a filter");
    let ask = Ask {
        order: Order::ByTime,
        choice: Choice::Filters(filter(a), Some(filter(b))),
        only: None,
        pair_by: PairBy::Auto,
        options: Options::default(),
        predicates: Vec::new(),
        rules: Vec::new(),
        context: Context::default(),
        held: None,
    };
    let store = load(&paths?);
    Some(ask.run(&store, &CancelFlag::new()).expect("an answer"))
}

#[test]
fn airline_runs_of_two_scaffolds_give_the_expected_figures() {
    let files = [
        "tau-bench/gpt-4o-airline.json",
        "tau2-bench/toolorchestra_airline_gpt-5_1trial.json",
    ];
    let Some(answer) = compared(&files, "file:*tau-bench*", "file:*tau2-bench*") else {
        return;
    };
    let golden = golden().expect("the expected values");
    let expected = &golden["airline_gpt4o_vs_gpt5orch"];
    let found = &answer.comparison;
    assert_eq!((found.a.runs.len(), found.b.runs.len()), (200, 50));
    let check = |name: &str, expected: &Value| {
        let figure = found.all().find(|it| it.name == name).expect(name);
        let it = figure.estimate.expect("an interval");
        near(it.value, &expected["diff"], CLOSED, name);
        near(it.lo, &expected["lo"], ITERATED, name);
        near(it.hi, &expected["hi"], ITERATED, name);
    };
    check("success", &expected["success"]["paired_task"]);
    check("tool_calls", &expected["tool_calls"]["paired"]);
    for tool in expected["tools"].as_array().expect("tools") {
        let name = tool["tool"].as_str().expect("a name");
        let Some(it) = found.tools.iter().find(|it| &*it.name == name) else {
            assert!(found.rare.iter().any(|rare| &**rare == name), "{name}");
            continue;
        };
        near(it.runs_a as f64, &tool["runsA"], 0.0, name);
        near(it.runs_b as f64, &tool["runsB"], 0.0, name);
        near(it.calls_per_run.0, &tool["calls_per_runA"], CLOSED, name);
        near(
            it.share_a.expect("a share").0,
            &tool["shareA"],
            CLOSED,
            name,
        );
        near(
            it.share_b.expect("a share").1,
            &tool["share_seB"],
            CLOSED,
            name,
        );
        check(&format!("tool:{name}"), &tool["paired"]);
    }
    let mix = found.mix.expect("a mix");
    near(mix.total_variation, &expected["tv"]["value"], CLOSED, "mix");
    near(
        mix.jensen_shannon,
        &expected["js_bits"]["value"],
        CLOSED,
        "mix",
    );
    near(
        mix.transitions_bits,
        &expected["bigram_js_bits"]["value"],
        CLOSED,
        "mix",
    );
    assert!(found.confounds.iter().any(|it| it.name == "format"));
}

#[test]
fn what_the_infrastructure_broke_is_left_out_and_not_counted_wrong() {
    let folder = ["cohort-medagentbench"];
    let models = ["model:claude-fable-5", "model:claude-haiku-4-5"];
    let Some(answer) = compared(&folder, models[0], models[1]) else {
        return;
    };
    let found = &answer.comparison;
    let left_out: Vec<(&str, usize)> = answer
        .excluded
        .iter()
        .map(|it| (it.reason.as_str(), it.count))
        .collect();
    assert_eq!(
        left_out,
        [
            ("failed without a grade", 5),
            ("whose task is on one side only", 5)
        ]
    );
    assert_eq!(found.design.tasks.len(), 20);
    let success = found.all().find(|it| it.name == "success").expect("graded");
    // 15 of the 20 that were completed, as the summary of the benchmark says.
    assert_eq!((success.a, success.runs_a), (Some(0.75), 20));
}

/// How many random halves of a cohort show a change in anything: each is a false alarm.
fn false_alarms(path: std::path::PathBuf, splits: u64) -> usize {
    let store = load(&[path]);
    let alarms = (1..=splits).filter(|&seed| {
        let ask = Ask {
            order: Order::ByTime,
            choice: Choice::Halves,
            only: None,
            pair_by: PairBy::Auto,
            options: Options {
                seed,
                ..Options::default()
            },
            predicates: Vec::new(),
            rules: Vec::new(),
            context: Context::default(),
            held: None,
        };
        let answer = ask.run(&store, &CancelFlag::new()).expect("an answer");
        let changed = [Verdict::Changed, Verdict::ChangedSizeUncertain];
        answer
            .comparison
            .all()
            .any(|it| changed.contains(&it.verdict))
    });
    alarms.count()
}

#[test]
fn a_cohort_split_by_chance_raises_no_more_alarms_than_is_stated() {
    // One in twenty of forty splits, and what chance adds to that.
    let runs = sample("refund-cohort/model-a.jsonl");
    let alarms = false_alarms(runs, 40);
    assert!(alarms <= 4, "{alarms} of 40 splits of the sample");
    let Some(airline) = shared("data/agents/tau-bench/gpt-4o-airline.json") else {
        return;
    };
    let alarms = false_alarms(airline, 40);
    assert!(alarms <= 4, "{alarms} of 40 splits of four trials");
}
