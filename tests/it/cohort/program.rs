//! The command `cohort` on the sample set of two models, and on runs of its own.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use assert_cmd::cargo::CommandCargoExt;
use saferun_tui::analysis::statistics::random::SplitMix64;
use serde_json::Value;

use crate::support::{harmless, sample};

fn cohort(path: &Path, options: &[&str]) -> Output {
    let mut command = Command::cargo_bin("saferun-tui").expect("the program");
    command.arg("cohort").arg(path).args(options);
    command.output().expect("it runs")
}

fn json(path: &Path, options: &[&str]) -> Value {
    let out = cohort(path, &[options, &["--json"]].concat());
    serde_json::from_slice(&out.stdout).expect("one document")
}

fn refunds() -> PathBuf {
    sample("refund-cohort")
}

/// The names of metrics and tools that changed.
fn changed(found: &Value) -> Vec<&str> {
    let lists = [("metrics", "name"), ("tools", "tool")];
    let figures = lists.into_iter().flat_map(|(list, name)| {
        let figures = found[list].as_array().expect("a list").iter();
        figures.map(move |figure| (figure, name))
    });
    figures
        .filter(|(figure, _)| {
            let verdict = figure["verdict"].as_str().expect("a verdict");
            verdict.starts_with("changed")
        })
        .map(|(figure, name)| figure[name].as_str().expect("a name"))
        .collect()
}

#[test]
fn the_sample_set_shows_its_planted_change_and_nothing_else() {
    let found = json(&refunds(), &[]);
    assert_eq!(found["schema"], "saferun.tui/cohort@1");
    assert_eq!(
        (&found["paired"], &found["tasks_common"]),
        (&Value::from(true), &Value::from(600))
    );
    // Both tools show the same change: a refunded order is not escalated.
    assert_eq!(changed(&found), ["escalate", "refund"]);
    let tools = found["tools"].as_array().expect("tools");
    let refund = tools.iter().find(|it| it["tool"] == "refund").expect("it");
    assert_eq!(
        (&refund["runs_a"], &refund["runs_b"]),
        (&252.into(), &270.into())
    );
    let p = refund["p"].as_f64().expect("p");
    // 22 against 4: twice the first five terms of Pascal's row 26.
    let expected = 2.0 * (1.0 + 26.0 + 325.0 + 2600.0 + 14950.0) / 2_f64.powi(26);
    assert!((p - expected).abs() < 1e-12, "{p}");
    let fork = &found["evidence"][0];
    assert_eq!(
        (&fork["a"], &fork["b"]),
        (&"escalate".into(), &"refund".into())
    );
    assert_eq!(fork["tasks"], 22);
}

#[test]
fn without_pairing_the_same_runs_do_not_show_it() {
    let found = json(&refunds(), &["--pair-by", "none"]);
    assert_eq!(changed(&found), Vec::<&str>::new());
    assert_eq!(found["paired"], false);
}

#[test]
fn a_gate_has_three_outcomes() {
    let code = |options: &[&str]| {
        let out = cohort(&refunds(), &[options, &["--gate"]].concat());
        out.status.code().expect("a code")
    };
    assert_eq!(code(&[]), 1);
    assert_eq!(code(&["--metric", "error"]), 0);
    assert_eq!(code(&["--pair-by", "none"]), 6);
    assert_eq!(code(&["--pair-by", "none", "--inconclusive", "pass"]), 0);
    assert_eq!(code(&["--pair-by", "none", "--inconclusive", "fail"]), 1);
}

#[test]
fn an_expect_rule_defines_the_right_tool_and_names_the_metric() {
    let rule = "when kind:prompt expect tool:get_order";
    let found = json(
        &refunds(),
        &["--expect", rule, "--metric", "wrong_tool_rule"],
    );
    let figure = &found["metrics"][0];
    assert_eq!(figure["name"], "wrong_tool_rule");
    assert_eq!(found["metrics"].as_array().expect("figures").len(), 1);
    let calls = json(
        &refunds(),
        &[
            "--expect",
            "when tool:get_order expect tool:refund",
            "--metric",
            "wrong_tool_rule",
        ],
    );
    assert_eq!(calls["metrics"][0]["verdict"], "changed_size_uncertain");
    assert_eq!(calls["metrics"][0]["direction"], "down");
    let wrong = cohort(&refunds(), &["--expect", "tool:refund"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("when FILTER expect FILTER"));
}

#[test]
fn sides_can_be_the_two_groups_of_any_field() {
    let by = |field: &str| json(&refunds(), &["--by", field]);
    let direct = json(&refunds(), &[]);
    assert_eq!(by("file")["tools"], direct["tools"]);
    let agents = cohort(&refunds(), &["--by", "user"]);
    assert_eq!(agents.status.code(), Some(2));
    assert_eq!(
        cohort(&refunds(), &["--by", "colour"]).status.code(),
        Some(2)
    );
}

#[test]
fn a_metric_is_selected_by_its_name_or_its_words_and_must_exist() {
    let by = |name: &str| json(&refunds(), &["--metric", name])["metrics"].clone();
    assert_eq!(by("runs with an error"), by("error"));
    for wrong in ["succeded", "latency"] {
        let found = cohort(&refunds(), &["--metric", wrong]);
        assert_eq!(found.status.code(), Some(2), "{wrong}");
        let stderr = String::from_utf8_lossy(&found.stderr).into_owned();
        assert!(
            stderr.contains("is not a metric") && stderr.contains("success"),
            "{stderr}"
        );
    }
}

#[test]
fn a_side_whose_runs_are_all_on_the_other_side_is_an_error() {
    let sides = ["--a", "model:claude*", "--b", "model:claude-sonnet-4-6"];
    let found = cohort(&refunds(), &sides);
    let stderr = String::from_utf8_lossy(&found.stderr).into_owned();
    assert_eq!(found.status.code(), Some(2));
    assert!(stderr.contains("600 runs on both sides"), "{stderr}");
}

#[test]
fn files_that_are_no_traces_join_no_cohort() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["model-a.jsonl", "model-b.jsonl"] {
        let path = sample(&format!("refund-cohort/{name}"));
        std::fs::copy(path, folder.path().join(name)).expect("a copy");
    }
    std::fs::write(folder.path().join("SUMMARY.json"), "{\"right\": 18}").expect("a file");
    let found = json(
        folder.path(),
        &["--all-json", "--a", "model:claude-sonnet-4-6"],
    );
    assert_eq!(found["b"]["runs"], 600);
    assert_eq!(found["excluded"][0]["reason"], "of unknown format");
}

#[test]
fn a_cohort_compared_with_itself_shows_no_change() {
    let found = json(&refunds(), &["--aa", "-w", "model:claude-sonnet-4-6"]);
    assert_eq!(found["aa"], true);
    assert_eq!(found["a"]["runs"], 300);
    assert_eq!(changed(&found), Vec::<&str>::new());
}

#[test]
fn a_baseline_replaces_the_runs_it_was_written_from_and_holds_no_prompt() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = folder.path().join("baseline.json");
    let program = |words: &[&str], path: &str| {
        let mut command = Command::cargo_bin("saferun-tui").expect("the program");
        command.arg("baseline").args(words).arg(&kept);
        command.arg(sample(path)).output().expect("it runs")
    };
    let written = program(&["write"], "refund-cohort/model-a.jsonl");
    assert_eq!(written.status.code(), Some(0));
    let text = std::fs::read_to_string(&kept).expect("the baseline");
    assert!(!text.contains("refund order") && !text.contains("qualifies"));
    assert!(text.contains("refund-0001") && text.lines().count() > 600);
    let checked = program(&["check", "--json"], "refund-cohort/model-b.jsonl");
    assert_eq!(checked.status.code(), Some(1));
    let against: Value = serde_json::from_slice(&checked.stdout).expect("one document");
    let direct = json(&refunds(), &[]);
    for part in ["metrics", "tools", "mix", "transitions"] {
        assert_eq!(against[part], direct[part], "{part}");
    }
    let same = program(&["check"], "refund-cohort/model-a.jsonl");
    assert_eq!(same.status.code(), Some(0));
}

#[test]
fn a_filter_as_a_metric_counts_the_runs_with_a_matching_action() {
    let found = json(&refunds(), &["--metric", "tool:refund args.amount>400"]);
    let metric = &found["metrics"][0];
    assert_eq!(metric["name"], "tool:refund args.amount>400");
    assert!(metric["a"].as_f64().is_some_and(|it| it > 0.0));
    assert_eq!(found["metrics"].as_array().map(Vec::len), Some(1));
}

#[test]
fn text_and_markdown_begin_with_the_verdict() {
    for options in [&[][..], &["--md"]] {
        let out = cohort(&refunds(), options);
        let text = String::from_utf8(out.stdout).expect("text");
        harmless(&text);
        assert!(text.contains("different: calls"), "{text}");
        assert!(text.contains("calls refund"), "{text}");
        assert!(text.contains("paired by task: 600 common tasks"), "{text}");
    }
}

#[test]
fn cohorts_that_cannot_be_compared_get_an_error_with_a_way_out() {
    let one = sample("refund-cohort/model-a.jsonl");
    let out = cohort(&one, &[]);
    assert_eq!(out.status.code(), Some(2));
    let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(stderr.contains("only one model"), "{stderr}");
    let out = cohort(&one, &["--a", "model:nobody"]);
    let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(stderr.contains("no run matches model:nobody"), "{stderr}");
}

/// Runs of two models over the same tasks. Each calls `refund` or `escalate`; B refunds `more` of a
/// hundred tasks that A does not, and of the others each side flips some by chance.
fn simulated(tasks: usize, more: u64, seed: u64) -> String {
    let mut random = SplitMix64::new(seed);
    let mut out = String::new();
    for task in 0..tasks {
        let base = random.below(100) < 40;
        let flip = random.below(100) < 5;
        let a = base ^ (flip && random.below(2) == 0);
        let b = base ^ (flip && random.below(2) == 0);
        let b = b || random.below(6000) < more * 100;
        for (model, refunds) in [("m-a", a), ("m-b", b)] {
            let tool = if refunds { "refund" } else { "escalate" };
            writeln!(
                out,
                r#"{{"type":"run_start","run_id":"{model}-{task}","model":"{model}","task":"t{task}"}}
{{"type":"tool_call","run_id":"{model}-{task}","id":"c","tool":"{tool}","args":{{}}}}
{{"type":"tool_result","run_id":"{model}-{task}","call_id":"c","status":"ok","result":1}}
{{"type":"run_end","run_id":"{model}-{task}","status":"ok"}}"#
            )
            .expect("writing to a string cannot fail");
        }
    }
    out
}

/// Of so many simulated comparisons, how many find the change.
fn found(rounds: u64, tasks: usize, more: u64) -> u64 {
    let folder = tempfile::tempdir().expect("a folder");
    (0..rounds)
        .filter(|round| {
            let path = folder.path().join(format!("{round}.jsonl"));
            std::fs::write(&path, simulated(tasks, more, 77 + round)).expect("written");
            let found = json(&path, &["--metric", "tool:refund"]);
            !changed(&found).is_empty()
        })
        .count() as u64
}

#[test]
#[ignore = "slow: a hundred comparisons"]
fn simulated_changes_are_found_as_often_as_the_power_table_predicts() {
    // About 5.4 % of pairs differ, 2.4 by chance and 3 by the change: 470 pairs have 80 % power.
    let seen = found(60, 470, 3);
    assert!((38..=57).contains(&seen), "{seen} of 60");
    let false_alarms = found(60, 470, 0);
    assert!(false_alarms <= 6, "{false_alarms} of 60");
}
