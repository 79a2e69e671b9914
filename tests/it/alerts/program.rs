//! `alert check` and `test`: exit codes and machine-readable output.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

/// Steps with the same call and result; with `times` 5, enough to trip.
fn trace(times: u32) -> String {
    (0..times).fold(String::new(), |mut text, at| {
        let _ = writeln!(
            text,
            r#"{{"type":"response","run_id":"r","agent":"a<b","content":"on it"}}
{{"type":"tool_call","run_id":"r","agent":"a<b","id":"c{at}","tool":"t","args":{{}}}}
{{"type":"tool_result","run_id":"r","call_id":"c{at}","status":"ok","result":"x"}}"#
        );
        text
    })
}

fn run(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_saferun-tui"))
        .current_dir(folder)
        .args(["--no-config", "alert"])
        .args(args)
        .output()
        .expect("the program")
}

#[track_caller]
fn check(folder: &Path, args: &[&str], code: i32) -> String {
    let output = run(folder, args);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(
        output.status.code(),
        Some(code),
        "{args:?}\n{text}\n{errors}"
    );
    text
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).expect("a file");
    };
    write("warn.jsonl", &trace(3));
    write("trip.jsonl", &trace(6));
    write(
        "rules.toml",
        "[[rule]]\nid = \"x\"\ndetector = \"repeat\"\n",
    );
    write(
        "wrong.toml",
        "[[rule]]\nid = \"x\"\ndetector = \"repeet\"\n",
    );
    write(
        "drift.toml",
        "[[rule]]\nid = \"x\"\ndetector = \"rate\"\nevent = \"is:retry\"\nof = \"kind:tool\"\n",
    );
    folder
}

#[test]
fn the_exit_code_reports_the_result() {
    let folder = folder();
    let at = folder.path();
    check(at, &["check", "warn.jsonl"], 0);
    check(at, &["check", "warn.jsonl", "--fail-on", "warn"], 3);
    check(at, &["check", "trip.jsonl"], 3);
    check(at, &["check", "rules.toml", "trip.jsonl"], 3);
    check(at, &["check", "trip.jsonl", "--fail-on", "never"], 0);
    check(at, &["check", "wrong.toml", "trip.jsonl"], 2);
    check(at, &["check", "gone.jsonl"], 4);
    check(at, &["check", "drift.toml", "warn.jsonl"], 0);
    let strict = [
        "check",
        "drift.toml",
        "warn.jsonl",
        "--inconclusive",
        "fail",
    ];
    check(at, &strict, 6);
    let output = run(at, &["check", "wrong.toml", "trip.jsonl"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("wrong.toml:3:12"), "{errors}");
    assert!(errors.contains("did you mean 'repeat'?"), "{errors}");
}

#[test]
fn machine_formats_report_place_and_reason() {
    let folder = folder();
    let at = folder.path();
    let text = check(at, &["check", "rules.toml", "trip.jsonl", "--json"], 3);
    let found: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(found["schema"], "saferun.tui/alerts@1");
    let alert = &found["alerts"][0];
    assert_eq!(
        (&alert["rule"], &alert["level"]),
        (&Value::from("x"), &Value::from("trip"))
    );
    assert_eq!(alert["evidence"][0]["line"], 2);
    assert_eq!(alert["scope"]["lane"], "a<b");
    let id = alert["id"].as_str().expect("an id");

    let text = check(
        at,
        &[
            "explain",
            id.get(..8).expect("an id"),
            "trip.jsonl",
            "--rules",
            "rules.toml",
        ],
        0,
    );
    assert!(text.contains("5 steps in a row"), "{text}");

    let text = check(
        at,
        &["check", "rules.toml", "trip.jsonl", "--format", "sarif"],
        3,
    );
    let found: Value = serde_json::from_str(&text).expect("JSON");
    let result = &found["runs"][0]["results"][0];
    assert_eq!(found["version"], "2.1.0");
    assert_eq!(
        (&result["ruleId"], &result["level"]),
        (&Value::from("x"), &Value::from("error"))
    );
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "trip.jsonl");
    assert_eq!(
        result["partialFingerprints"]["saferun"],
        format!("saferun/x/{id}")
    );

    let text = check(
        at,
        &["check", "rules.toml", "trip.jsonl", "--format", "junit"],
        3,
    );
    assert!(
        text.contains("failures=\"1\"") && text.contains("a&lt;b"),
        "{text}"
    );
    let text = check(
        at,
        &["check", "rules.toml", "trip.jsonl", "--format", "github"],
        3,
    );
    assert!(
        text.starts_with("::error file=trip.jsonl,line=14,title=x%3A repeat::"),
        "{text}"
    );
}

#[test]
fn a_test_of_a_rule_tries_several_limits() {
    let folder = folder();
    let sweep = [
        "test",
        "repeat",
        "trip.jsonl",
        "warn.jsonl",
        "--sweep",
        "trip=4,5,9",
        "--level",
        "trip",
        "--json",
    ];
    let text = check(folder.path(), &sweep, 0);
    let rows: Value = serde_json::from_str(&text).expect("JSON");
    let fired: Vec<_> = rows
        .as_array()
        .expect("rows")
        .iter()
        .map(|row| row["fired"].as_u64())
        .collect();
    assert_eq!(fired, [Some(1), Some(1), Some(0)]);
    check(folder.path(), &["test", "no-such-rule", "trip.jsonl"], 2);
}
