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

/// The sample traces, in which one run is in a loop.
fn samples() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-traces")
}

#[test]
fn rules_that_learn_take_one_line_each() {
    let at = samples();
    let text = check(&at, &["check", "saferun"], 3);
    for line in [
        "learning (--verbose lists each)",
        "  cost-outlier: 5 agents, 0 to 1 of 8 runs",
        "  cost-drift: 5 combinations of agent and model, 0 to 1 of 20 runs",
        "  block-rate: 5 agents, 1 of 8 runs",
        "never fired: errors, stopped-again, context",
    ] {
        assert!(text.lines().any(|it| it == line), "{line}\n{text}");
    }
    let text = check(&at, &["check", "saferun", "--verbose"], 3);
    let line = "  cost-outlier · agent deploy-fix: 1 of 8 runs";
    assert!(text.lines().any(|it| it == line), "{text}");
}

#[test]
fn an_alert_says_how_often_it_fired_and_how_often_at_its_level() {
    let text = check(&samples(), &["check", "saferun"], 3);
    for words in [
        "lane catalog-agent · fired 2 times, 1 at this level",
        "lane catalog-agent · fired 6 times, 3 at this level",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
}

#[test]
fn a_baseline_counts_the_runs_that_it_was_learned_from() {
    let at = samples();
    let text = check(&at, &["check", "saferun", "--json"], 3);
    let found: Value = serde_json::from_str(&text).expect("JSON");
    let from = found["baseline"]["from"].as_array().expect("agents");
    let sum: u64 = from.iter().filter_map(|it| it["runs"].as_u64()).sum();
    assert_eq!(found["baseline"]["runs"], sum);
    assert_eq!((sum, &found["runs"]), (4, &Value::from(5)));
    let text = check(&at, &["check", "saferun/runaway-loop.jsonl"], 3);
    assert!(text.contains("none: every run has an alert"), "{text}");
    let folder = folder();
    let text = check(folder.path(), &["check", "rules.toml", "trip.jsonl"], 3);
    assert!(text.contains("none: no rule compares runs\n"), "{text}");
}

#[test]
fn runs_without_actions_are_named_as_not_checked() {
    let output = run(&samples(), &["check", "openhands/output.jsonl"]);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        errors.contains("1 run without actions: not checked"),
        "{errors}"
    );
}

#[test]
fn a_built_in_rule_is_explained_by_its_place_among_the_rules() {
    let at = samples();
    let text = check(&at, &["check", "saferun", "--json"], 3);
    let found: Value = serde_json::from_str(&text).expect("JSON");
    let alerts = found["alerts"].as_array().expect("alerts");
    let echo = alerts.iter().find(|it| it["rule"] == "echo");
    let id = echo.and_then(|it| it["id"].as_str()).expect("an id");
    let text = check(&at, &["explain", id, "saferun"], 0);
    assert!(text.contains("echo · built in, rule 4 of 10\n"), "{text}");
}
