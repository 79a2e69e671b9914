//! `PATH#RUN` and `PATH#RUN:SEQ` for every command that takes a path, and paths that do not exist.

use std::path::Path;

use serde_json::Value;

use super::{NEW, NIGHT, OLD, REFUND, json, out, refused, run, text};

fn lines(args: &[&str]) -> Vec<Value> {
    let printed = out(args, 0);
    let lines = printed.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

const RUN: &str = "sample-traces/saferun/ops-night.jsonl#deploy";
const ACTION: &str = "sample-traces/saferun/ops-night.jsonl#deploy:2";

#[test]
fn a_run_narrows_what_ls_query_and_stats_print() {
    let runs = json(&["ls", RUN, "--json"]);
    assert_eq!(runs["runs"].as_array().expect("runs").len(), 1);
    assert_eq!(runs["runs"][0]["run_id"], "deploy-fix");
    assert_eq!(runs, json(&["ls", ACTION, "--json"]));
    assert_eq!(runs, json(&[RUN, "--json"]));

    let actions = lines(&["query", "", RUN, "--jsonl"]);
    assert_eq!(
        Some(actions.len() as u64),
        runs["runs"][0]["actions"].as_u64()
    );
    assert!(actions.iter().all(|it| it["run_id"] == "deploy-fix"));
    let one = lines(&["query", "", ACTION, "--jsonl"]);
    assert_eq!((one.len(), &one[0]), (1, &actions[1]));

    let stats = json(&["stats", ACTION, "--by", "run", "--json"]);
    assert_eq!(stats["groups"][0]["by"]["run"], "deploy-fix");
    assert_eq!(stats["groups"][0]["actions"], 1);
}

#[test]
fn a_whole_file_and_a_run_of_another_are_read_together() {
    let runs = json(&["ls", REFUND, RUN, "--json"]);
    let ids = runs["runs"].as_array().expect("runs").iter();
    let mut ids: Vec<&str> = ids.filter_map(|run| run["run_id"].as_str()).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["deploy-fix", "refund-8841"]);
    let several = ["query", "-c", "", RUN, ACTION];
    assert_eq!(out(&several, 0), out(&["query", "-c", "", RUN], 0));
}

#[test]
fn an_action_can_be_named_to_every_command_about_one_run() {
    let named = format!("{REFUND}#:9");
    assert_eq!(
        out(&["show", &named], 0),
        out(&["show", REFUND, "--seq", "9"], 0)
    );
    assert_eq!(
        out(&["export", &named], 0),
        out(&["export", REFUND, "--seq", "9"], 0)
    );
    assert_eq!(
        out(&["fork", &named], 0),
        out(&["fork", REFUND, "--at", "9"], 0)
    );
    assert!(refused(&["fork", REFUND], 2).contains("--at N or PATH#RUN:N"));
    // Two whole runs are compared, whichever actions are named.
    let (a, b) = (format!("{OLD}#a-0004"), format!("{NEW}#b-0004"));
    let (a_action, b_action) = (format!("{a}:2"), format!("{b}:3"));
    assert_eq!(
        out(&["diff", &a_action, &b_action], 0),
        out(&["diff", &a, &b], 0)
    );
}

#[test]
fn verify_convert_cohort_and_baseline_take_runs_too() {
    assert_eq!(
        json(&["verify", RUN, "--json"]),
        json(&["verify", NIGHT, "--json"])
    );
    let converted = out(&["convert", ACTION, "-o", "-"], 0);
    let of_run = |id: &str| converted.matches(&format!("\"run_id\":\"{id}\"")).count();
    assert!(
        of_run("deploy-fix") > 0 && of_run("disk-watch") == 0,
        "{converted}"
    );
    let (a, b) = (format!("{OLD}#a-0004"), format!("{NEW}#b-0004"));
    let found = json(&["cohort", &a, &b, "--json"]);
    assert_eq!(
        (&found["a"]["runs"], &found["b"]["runs"]),
        (&1.into(), &1.into())
    );
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("baseline.json");
    let file = file.to_str().expect("UTF-8");
    let output = run(&["baseline", "write", file, &a]);
    assert!(text(&output.stderr).contains("1 run"), "{output:?}");
    let checked = json(&[
        "baseline",
        "check",
        file,
        &a,
        "--json",
        "--inconclusive",
        "pass",
    ]);
    assert_eq!(checked["b"]["runs"], 1);
}

#[test]
fn the_explorer_opens_at_the_named_run_and_action() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let draw = |path: &str, name: &str| {
        let file = folder.path().join(name);
        let file = file.to_str().expect("UTF-8");
        out(&[path, "--screenshot", file], 0);
        std::fs::read_to_string(file).expect("the picture")
    };
    let whole = draw(NIGHT, "whole.svg");
    let named = draw(RUN, "run.svg");
    assert!(whole.contains("disk-watch") && !named.contains("disk-watch"));
    let action = draw(ACTION, "action.svg");
    assert_ne!(named, action);
    let missing = draw(&format!("{NIGHT}#nosuch"), "missing.svg");
    assert!(missing.contains("no single run is named"), "{missing}");
}

#[test]
fn tail_follows_one_run_of_a_file() {
    let mut child = super::command(&["tail", ACTION, "--from-start", "--jsonl", "--poll"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("standard output");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).expect("a line");
    child.kill().expect("it can be stopped");
    child.wait().expect("it ends");
    let action: Value = serde_json::from_str(&line).expect("a line of JSON");
    assert_eq!(
        (&action["run_id"], &action["seq"]),
        (&"deploy-fix".into(), &2.into())
    );
}

#[test]
fn files_and_runs_whose_names_contain_a_hash_are_found() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("a#b.jsonl");
    let line =
        |id: &str| format!("{{\"type\":\"prompt\",\"run_id\":\"{id}\",\"content\":\"hello\"}}\n");
    std::fs::write(&path, line("job#1") + &line("job#2") + &line("task:7")).expect("written");
    let path = path.to_str().expect("UTF-8");
    let ids = |named: &str| {
        let listed = lines(&["ls", named, "--jsonl"]);
        let ids = listed.iter().filter_map(|run| run["run_id"].as_str());
        ids.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(ids(path).len(), 3);
    assert_eq!(ids(&format!("{path}#job#2")), ["job#2"]);
    assert_eq!(ids(&format!("{path}#task:7")), ["task:7"]);
    assert_eq!(
        lines(&["query", "", &format!("{path}#job#1:1"), "--jsonl"]).len(),
        1
    );
    let why = refused(&["ls", &format!("{path}#job")], 2);
    assert!(why.contains("2 run ids begin with that"), "{why}");
    let why = refused(&["query", "", &format!("{path}#none")], 2);
    assert!(why.contains("no run id begins with 'none'"), "{why}");
}

#[test]
fn a_missing_path_sets_the_exit_code_of_every_command() {
    let missing = "no-such.jsonl";
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (picture, converted, baseline) = (file("a.svg"), file("b.jsonl"), file("c.json"));
    let cohort = "sample-traces/refund-cohort";
    let commands: &[&[&str]] = &[
        &[missing, REFUND],
        &[REFUND, missing, "--screenshot", &picture],
        &["ls", missing, REFUND],
        &["query", "kind:tool", REFUND, missing],
        &["query", "-c", "kind:tool", REFUND, missing],
        &["stats", missing, REFUND],
        &["verify", missing, REFUND],
        &["cohort", cohort, missing],
        &["cohort", cohort, missing, "--gate", "--metric", "error"],
        &["convert", REFUND, missing, "-o", &converted],
        &["baseline", "write", &baseline, cohort, missing],
        &["show", missing],
        &["export", missing],
        &["fork", missing, "--at", "1"],
        &["diff", REFUND, missing],
        &["diff", missing, REFUND],
    ];
    for command in commands {
        let output = run(command);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{command:?}: {stderr}");
        assert!(stderr.contains("no-such.jsonl: No such file"), "{stderr}");
    }
    assert!(Path::new(&picture).exists() && Path::new(&converted).exists());
    assert!(out(&["ls", missing, REFUND], 4).contains("refund-8841"));
}
