//! Both full comparisons of real runs, read here on their own and not by the program's readers.

use std::collections::{BTreeMap, BTreeSet};

use saferun_tui::analysis::statistics::cluster::{
    ClusterMean, Tested, cluster_mean, mean, mean_difference, ratio,
};
use saferun_tui::analysis::statistics::distribution::two_sided;
use saferun_tui::analysis::statistics::interval::{Rate, newcombe};
use saferun_tui::analysis::statistics::resample::{
    Counts, bootstrap_mean, distance, jensen_shannon, sign_flip, total_variation,
};
use saferun_tui::analysis::statistics::verdict::Verdict;
use saferun_tui::analysis::statistics::{exact, multiple, ranks};
use serde_json::Value;

use super::{CLOSED, ITERATED, golden, near, numbers};
use crate::support::shared;

/// A run as far as statistics ask for it.
struct Run {
    task: String,
    reward: f64,
    tools: Vec<String>,
    errors: f64,
    chars: f64,
}

fn read(path: &str) -> Value {
    let path = shared(path).expect("the runs");
    serde_json::from_slice(&std::fs::read(path).expect("a file")).expect("JSON")
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn run(task: &Value, reward: &Value, messages: &Value) -> Run {
    let messages = messages.as_array().expect("messages");
    let content = |message: &Value| message["content"].as_str().unwrap_or_default().to_owned();
    let mut tools = Vec::new();
    let mut open: BTreeMap<String, bool> = BTreeMap::new();
    let mut errors = 0.0;
    for message in messages {
        match message["role"].as_str() {
            Some("assistant") => {
                for call in message["tool_calls"].as_array().into_iter().flatten() {
                    let function = call.get("function").unwrap_or(call);
                    tools.push(function["name"].as_str().expect("a name").to_owned());
                    open.insert(text(&call["id"]), true);
                }
            }
            Some("tool") => {
                let id = message.get("tool_call_id").or(message.get("id"));
                let id = id.map(text).unwrap_or_default();
                let answered = open.insert(id, false) == Some(true);
                let content = content(message).to_lowercase();
                let failed = message["error"].as_bool() == Some(true)
                    || ["error", "{\"error", "{\n  \"error"]
                        .iter()
                        .any(|word| content.trim_start().starts_with(word));
                errors += f64::from(u8::from(answered && failed));
            }
            _ => {}
        }
    }
    Run {
        task: text(task),
        reward: reward.as_f64().unwrap_or(0.0),
        tools,
        errors,
        chars: messages
            .iter()
            .map(|message| content(message).chars().count() as f64)
            .sum(),
    }
}

/// Trials of one model, and those of another scaffold with another model.
fn tau(trials: &[u64]) -> Vec<Run> {
    let all = read("data/agents/tau-bench/gpt-4o-airline.json");
    let all = all.as_array().expect("runs");
    all.iter()
        .filter(|it| trials.contains(&it["trial"].as_u64().expect("a trial")))
        .map(|it| run(&it["task_id"], &it["reward"], &it["traj"]))
        .collect()
}

fn tau2() -> Vec<Run> {
    let all = read("data/agents/tau2-bench/toolorchestra_airline_gpt-5_1trial.json");
    let all = all["simulations"].as_array().expect("runs");
    all.iter()
        .map(|it| {
            run(
                &it["task_id"],
                &it["reward_info"]["reward"],
                &it["messages"],
            )
        })
        .collect()
}

struct Sides {
    a: Vec<Run>,
    b: Vec<Run>,
}

fn by_task(runs: &[Run], value: impl Fn(&Run) -> f64) -> BTreeMap<&str, Vec<f64>> {
    let mut tasks: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for run in runs {
        tasks.entry(&run.task).or_default().push(value(run));
    }
    tasks
}

impl Sides {
    fn differences(&self, value: impl Fn(&Run) -> f64) -> Vec<f64> {
        let (a, b) = (by_task(&self.a, &value), by_task(&self.b, &value));
        a.iter()
            .filter_map(|(task, a)| Some(mean(b.get(task)?) - mean(a)))
            .collect()
    }

    fn counts(&self, things: impl Fn(&Run) -> Vec<String>) -> Vec<Counts> {
        let names: BTreeSet<String> = self.a.iter().chain(&self.b).flat_map(&things).collect();
        let names: Vec<String> = names.into_iter().collect();
        let of = |runs: &[Run], task: &str| {
            let mut counts = vec![0; names.len()];
            for run in runs.iter().filter(|run| run.task == task) {
                for thing in things(run) {
                    counts[names.binary_search(&thing).expect("a name")] += 1;
                }
            }
            (0..).zip(counts).collect()
        };
        let tasks: BTreeSet<&str> = self.a.iter().map(|run| run.task.as_str()).collect();
        tasks
            .into_iter()
            .map(|task| Counts {
                a: of(&self.a, task),
                b: of(&self.b, task),
            })
            .collect()
    }
}

fn pairs_of(run: &Run) -> Vec<String> {
    let marked = [&["^".to_owned()], run.tools.as_slice(), &["$".to_owned()]].concat();
    marked.windows(2).map(|pair| pair.join(" ")).collect()
}

fn check_tested(found: Tested, expected: &Value, what: &str) {
    near(found.estimate.value, &expected["diff"], CLOSED, what);
    near(found.se, &expected["se"], CLOSED, what);
    near(found.estimate.lo, &expected["lo"], ITERATED, what);
    near(found.estimate.hi, &expected["hi"], ITERATED, what);
    near(found.p, &expected["p"], ITERATED, what);
}

fn clusters(runs: &[Run], value: impl Fn(&Run) -> f64) -> ClusterMean {
    let tasks: Vec<Vec<f64>> = by_task(runs, value).into_values().collect();
    cluster_mean(&tasks).expect("several tasks")
}

fn check_success(sides: &Sides, expected: &Value) {
    let hits = |runs: &[Run]| Rate {
        hits: runs.iter().map(|run| run.reward).sum::<f64>() as u64,
        n: runs.len() as u64,
    };
    let (a, b) = (hits(&sides.a), hits(&sides.b));
    let unpaired = newcombe(a, b, two_sided(0.05));
    near(unpaired.lo, &expected["newcombe"][0], CLOSED, "success");
    near(unpaired.hi, &expected["newcombe"][1], CLOSED, "success");
    near(exact::fisher(a, b), &expected["fisher"], CLOSED, "success");
    let differences = sides.differences(|run| run.reward);
    let paired = mean_difference(&differences, 0.05).expect("tasks");
    check_tested(paired, &expected["paired_task"], "success");
    let p = sign_flip(&differences, 1, 9999);
    near(p, &expected["signflip_p"], 0.0, "sign flips");
    let (lo, hi) = bootstrap_mean(&differences, 1, 9999, 0.05);
    near(lo, &expected["boot"][0], CLOSED, "bootstrap");
    near(hi, &expected["boot"][1], CLOSED, "bootstrap");
    for (side, runs) in [("A", &sides.a), ("B", &sides.b)] {
        let found = clusters(runs, |run| run.reward);
        let [clustered, naive] = ["cluster", "naive"].map(|it| format!("se{side}_{it}"));
        near(found.se, &expected[clustered], CLOSED, "clustered error");
        near(found.naive_se, &expected[naive], CLOSED, "naive error");
    }
    let words = |lo, hi| match Verdict::of(lo, hi, 0.03) {
        Verdict::Changed => "changed (>= margin)",
        Verdict::ChangedSizeUncertain => "changed (size uncertain)",
        Verdict::NoMeaningfulChange => "no meaningful change",
        Verdict::NotEnoughRuns => "not enough runs to tell",
    };
    assert_eq!(
        words(unpaired.lo, unpaired.hi),
        expected["verdict_unpaired"]
    );
    let paired = paired.estimate;
    assert_eq!(words(paired.lo, paired.hi), expected["verdict_paired"]);
}

/// Shares of calls with their errors, task by task.
fn check_share(runs: &[Run], tool: &str, expected: &Value, side: &str) {
    let calls = |run: &Run| run.tools.iter().filter(|it| *it == tool).count() as f64;
    let sums = |value: &dyn Fn(&Run) -> f64| -> Vec<f64> {
        let tasks = by_task(runs, value).into_values();
        tasks.map(|values| values.iter().sum()).collect()
    };
    let (part, whole) = (sums(&calls), sums(&|run: &Run| run.tools.len() as f64));
    let (share, se) = ratio(&part, &whole).expect("calls");
    near(share, &expected[format!("share{side}")], CLOSED, tool);
    near(se, &expected[format!("share_se{side}")], CLOSED, tool);
    let per_run = part.iter().sum::<f64>() / runs.len() as f64;
    near(
        per_run,
        &expected[format!("calls_per_run{side}")],
        CLOSED,
        tool,
    );
}

fn check_tools(sides: &Sides, expected: &Value) {
    let expected = expected.as_array().expect("tools");
    let mut p: [Vec<f64>; 3] = [const { Vec::new() }; 3];
    for case in expected {
        let tool = case["tool"].as_str().expect("a name");
        let has = |run: &Run| f64::from(u8::from(run.tools.iter().any(|it| it == tool)));
        let rate = |runs: &[Run]| Rate {
            hits: runs.iter().map(has).sum::<f64>() as u64,
            n: runs.len() as u64,
        };
        let (a, b) = (rate(&sides.a), rate(&sides.b));
        near(a.hits as f64, &case["runsA"], 0.0, tool);
        near(b.hits as f64, &case["runsB"], 0.0, tool);
        let unpaired = newcombe(a, b, two_sided(0.05));
        near(unpaired.lo, &case["lo"], CLOSED, tool);
        near(unpaired.hi, &case["hi"], CLOSED, tool);
        let differences = sides.differences(has);
        let paired = mean_difference(&differences, 0.05).expect("tasks");
        check_tested(paired, &case["paired"], tool);
        let flips = sign_flip(&differences, 1, 1999);
        near(flips, &case["signflip_p"], 0.0, tool);
        let fisher = exact::fisher(a, b);
        near(fisher, &case["fisher"], CLOSED, tool);
        p[0].push(fisher);
        p[1].push(flips);
        p[2].push(paired.p);
        check_share(&sides.a, tool, case, "A");
        check_share(&sides.b, tool, case, "B");
    }
    for (name, p) in ["fisher_bh", "signflip_bh", "paired_bh"].iter().zip(&p) {
        for (found, case) in multiple::benjamini_hochberg(p).iter().zip(expected) {
            near(*found, &case[*name], ITERATED, name);
        }
    }
}

fn check_amount(sides: &Sides, expected: &Value, value: fn(&Run) -> f64) {
    let sorted = |runs: &[Run]| ranks::ordered(runs.iter().map(value));
    let (a, b) = (sorted(&sides.a), sorted(&sides.b));
    for (side, values) in [("A", &a), ("B", &b)] {
        near(
            mean(values),
            &expected[format!("mean{side}")],
            CLOSED,
            "mean",
        );
        for (name, q) in [("med", 0.5), ("p95", 0.95)] {
            let found = ranks::quantile(values, q).expect("values");
            near(found, &expected[format!("{name}{side}")], CLOSED, name);
        }
    }
    let (u, p) = ranks::mann_whitney(&a, &b);
    near(u, &expected["mw_u"], CLOSED, "U");
    near(p, &expected["mw_p"], ITERATED, "Mann–Whitney");
    let shift = ranks::hodges_lehmann(&a, &b, 0.05).expect("a shift");
    let found = [shift.value, shift.lo, shift.hi];
    assert_eq!(found.to_vec(), numbers(&expected["hl"]), "shift");
    let paired = mean_difference(&sides.differences(value), 0.05).expect("tasks");
    check_tested(paired, &expected["paired"], "amount");
}

type Measure = fn(&[u64], &[u64]) -> f64;

fn check_mix(sides: &Sides, expected: &Value) {
    let tools = sides.counts(|run| run.tools.clone());
    let steps = sides.counts(pairs_of);
    let mixes: [(&str, &[Counts], Measure); 3] = [
        ("tv", &tools, total_variation),
        ("js_bits", &tools, jensen_shannon),
        ("bigram_js_bits", &steps, jensen_shannon),
    ];
    for (name, counts, measure) in mixes {
        let (value, p) = distance(counts, measure, 1, 499);
        near(value, &expected[name]["value"], CLOSED, name);
        near(p, &expected[name]["perm_p"], 0.0, name);
    }
}

fn check(sides: &Sides, expected: &Value) {
    assert_eq!(sides.a.len() as u64, expected["nA"]);
    assert_eq!(sides.b.len() as u64, expected["nB"]);
    check_success(sides, &expected["success"]);
    check_tools(sides, &expected["tools"]);
    check_amount(sides, &expected["tool_calls"], |run| run.tools.len() as f64);
    check_amount(sides, &expected["errors"], |run| run.errors);
    check_amount(sides, &expected["chars"], |run| run.chars);
    check_mix(sides, expected);
}

#[test]
fn one_model_against_itself() {
    let Some(golden) = golden() else { return };
    let sides = Sides {
        a: tau(&[0, 1]),
        b: tau(&[2, 3]),
    };
    check(&sides, &golden["AA_gpt4o_trials01_vs_23"]);
}

#[test]
fn four_trials_against_one_of_another_scaffold() {
    let Some(golden) = golden() else { return };
    let sides = Sides {
        a: tau(&[0, 1, 2, 3]),
        b: tau2(),
    };
    check(&sides, &golden["airline_gpt4o_vs_gpt5orch"]);
}
