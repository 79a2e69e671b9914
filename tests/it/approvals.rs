//! The ledger of approvals, from outside.

use std::process::{Command, Output};

use serde_json::Value;

fn run(arguments: &[&str]) -> Output {
    Command::new(assert_cmd::cargo::cargo_bin!("saferun-tui"))
        .args(["--no-config", "approvals"])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("the program runs")
}

#[track_caller]
fn out(arguments: &[&str]) -> String {
    let done = run(arguments);
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(0), "{arguments:?}: {stderr}");
    String::from_utf8(done.stdout).expect("UTF-8")
}

const TRACE: &str = "sample-traces/saferun/refund-agent.jsonl";

#[test]
fn a_table_shows_who_answered_after_how_long() {
    let table = out(&[TRACE]);
    for words in [
        "approved  lead@example.com",
        "denied    lead@example.com",
        "40.2s",
        "1m35s",
        "1 approved · 1 denied · waited 2m15s for 2 answers",
    ] {
        assert!(table.contains(words), "{words}\n{table}");
    }
}

#[test]
fn records_have_the_same_entries_in_every_form() {
    let document: Value = serde_json::from_str(&out(&[TRACE, "--json"])).expect("JSON");
    assert_eq!(document["schema"], "saferun.tui/approvals@1");
    let entries = document["approvals"].as_array().expect("a list");
    let lines = out(&[TRACE, "--jsonl"]);
    let csv = out(&[TRACE, "--csv"]);
    assert!(!entries.is_empty());
    assert_eq!(lines.lines().count(), entries.len());
    assert!(csv.starts_with("run_id,seq,tool,answer,inferred,by"));
    let totals = &document["totals"];
    let answers = ["approved", "denied", "waiting", "not_recorded"];
    let sum: u64 = answers.iter().filter_map(|it| totals[*it].as_u64()).sum();
    assert_eq!(sum, entries.len() as u64);
}

#[test]
fn a_filter_a_limit_and_columns_narrow_the_list() {
    let some = out(&[TRACE, "--columns", "seq,answer", "--limit", "1"]);
    assert!(some.starts_with("SEQ"), "{some}");
    let none = run(&[TRACE, "-w", "wait>5d"]);
    assert_eq!(String::from_utf8_lossy(&none.stdout), "");
    let note = String::from_utf8_lossy(&none.stderr);
    assert!(
        note.contains("none of the 2 approval requests matches the filter"),
        "{note}"
    );
    let long = out(&[TRACE, "-w", "wait>1m"]);
    assert!(
        long.contains("1 denied · waited 1m35s for 1 answer\n"),
        "{long}"
    );
    let wrong = run(&[TRACE, "--columns", "bye"]);
    assert_eq!(wrong.status.code(), Some(2));
}
