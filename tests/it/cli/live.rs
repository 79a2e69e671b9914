//! `live`: what the agents of a machine are doing.

use std::fs;

use serde_json::Value;

use super::{command, json, out};

const RUN: &str = r#"{"type":"prompt","run_id":"r1","ts":T0,"id":"p","content":"ship it","labels":{"cwd":"/work/shop","branch":"main"}}
{"type":"tool_call","run_id":"r1","ts":T1,"id":"c","tool":"escalate","args":{"tier":2}}
{"type":"approval","run_id":"r1","ts":T2,"call_id":"c","state":"requested"}
{"type":"run_start","run_id":"r2","ts":T3,"agent":"till"}
{"type":"prompt","run_id":"r2","ts":T4,"id":"q","content":"count"}
{"type":"run_end","run_id":"r2","ts":T5,"status":"ok"}
"#;

/// The trace as if its actions were of the last minute.
fn recent() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.expect("a time").as_secs();
    let mut trace = RUN.to_owned();
    for number in 0..6 {
        let time = (now - 30 + number).to_string();
        trace = trace.replace(&format!("T{number}"), &time);
    }
    trace
}

#[test]
fn each_run_says_where_it_works_what_it_does_and_how_it_stands() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::write(folder.path().join("runs.jsonl"), recent()).expect("written");
    let path = folder.path().to_str().expect("a path");
    let document = json(&["live", path, "--json"]);
    assert_eq!(document["schema"], "saferun.tui/live@1");
    let agents = document["agents"].as_array().expect("a list");
    let told = |agent: &Value, names: &[&str]| -> Vec<String> {
        let told = names.iter().map(|name| agent[name].to_string());
        told.collect()
    };
    assert_eq!(
        told(&agents[0], &["run_id", "state", "doing", "project"]),
        ["\"r2\"", "\"ended\"", "\"\\\"count\\\"\"", "null"]
    );
    let waiting = &agents[1];
    assert_eq!(
        (&waiting["state"], &waiting["project"], &waiting["branch"]),
        (&"waiting".into(), &"/work/shop".into(), &"main".into())
    );
    let doing = waiting["doing"].as_str().unwrap_or_default();
    assert!(doing.starts_with("escalate tier=2"), "{doing}");
    assert_eq!(waiting["title"], "ship it");
    let table = out(&["live", path], 0);
    assert!(
        table.contains("DOING NOW") && table.contains("waiting"),
        "{table}"
    );
}

#[test]
fn a_machine_without_runs_is_an_answer_and_old_files_are_left_out() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let output = command(&["live", "--jsonl"])
        .env("HOME", home.path())
        .output();
    let output = output.expect("it ran");
    assert!(
        output.status.success() && output.stdout.is_empty(),
        "{output:?}"
    );
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("runs.jsonl");
    fs::write(&file, recent()).expect("written");
    let old = fs::File::open(&file).expect("opened");
    let day = std::time::Duration::from_hours(72);
    let then = std::time::SystemTime::now() - day;
    old.set_modified(then).expect("set");
    let path = folder.path().to_str().expect("a path");
    assert!(out(&["live", path, "--jsonl"], 0).is_empty());
    assert_eq!(
        out(&["live", path, "--jsonl", "--since", "7d"], 0)
            .lines()
            .count(),
        2
    );
}
