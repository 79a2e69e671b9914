//! The commands, from outside.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::sample;

fn run(arguments: &[&str]) -> Output {
    Command::new(assert_cmd::cargo::cargo_bin!("saferun-tui"))
        .args(["--no-config", "policy"])
        .args(arguments)
        .env("HOME", "/nonexistent")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("the program runs")
}

#[track_caller]
fn out(arguments: &[&str], code: i32) -> String {
    let done = run(arguments);
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(code), "{arguments:?}: {stderr}");
    String::from_utf8(done.stdout).expect("UTF-8")
}

#[track_caller]
fn json(arguments: &[&str], code: i32) -> Value {
    let text = out(&[arguments, &["--json"]].concat(), code);
    serde_json::from_str(&text).expect("JSON")
}

#[track_caller]
fn error(arguments: &[&str]) -> String {
    let done = run(arguments);
    assert_eq!(done.status.code(), Some(2), "{arguments:?}");
    String::from_utf8(done.stderr).expect("UTF-8")
}

const POLICY: &str = "sample-traces/policy/policy.toml";
const SETTINGS: &str = "sample-traces/policy/settings.json";
const TRACES: &str = "sample-traces/saferun";
const SESSION: &str = "sample-traces/claude-code";

#[test]
fn a_report_says_what_would_have_happened() {
    insta::assert_snapshot!(out(&["eval", POLICY, TRACES], 0));
    insta::assert_snapshot!(out(&["eval", SETTINGS, SESSION], 0));
    insta::assert_snapshot!(out(&["eval", POLICY, TRACES, "--md"], 0));
}

#[test]
fn a_new_question_is_counted_although_no_call_is_newly_stopped() {
    let night = "sample-traces/saferun/ops-night.jsonl";
    let report = out(&["eval", POLICY, night], 0);
    for words in [
        "no call would be newly stopped",
        "recorded 0 · 1 newly, 0 no longer",
    ] {
        assert!(report.contains(words), "{words}\n{report}");
    }
    let same = out(&["eval", POLICY, night, "--against", POLICY], 0);
    assert!(same.contains("no call would be newly stopped"), "{same}");
}

#[test]
fn a_request_that_was_denied_counts_as_asked() {
    let trace = "sample-traces/saferun/refund-agent.jsonl";
    let report = json(&["eval", POLICY, trace], 0);
    let asks = &report["asks"];
    assert_eq!(
        (&asks["before"], &asks["newly"], &asks["no_longer"]),
        (&json!(2), &json!(0), &json!(1))
    );
    out(&["eval", POLICY, trace, "--fail-on", "newly-asked"], 0);
}

#[test]
fn the_table_adds_up_to_all_tool_calls_whatever_the_policy() {
    for policy in [POLICY, SETTINGS] {
        let report = json(&["eval", policy, "sample-traces"], 0);
        let table = report["table"].as_object().expect("a table");
        let sum: u64 = table.values().filter_map(Value::as_u64).sum();
        assert_eq!(json!(sum), report["calls"]);
        let hits = report["hits"].as_object().expect("hits");
        let sum: u64 = hits.values().filter_map(Value::as_u64).sum();
        assert_eq!(json!(sum), report["calls"]);
        assert_eq!(report["schema"], "saferun.tui/policy@1");
    }
}

#[test]
fn a_policy_against_itself_changes_nothing() {
    for policy in [POLICY, SETTINGS] {
        let report = json(&["eval", policy, "sample-traces", "--against", policy], 0);
        assert_eq!(report["first"], json!([]));
        assert_eq!(report["changes"], json!([]));
        assert_eq!(report["behind_first"], 0);
    }
}

#[test]
fn two_policies_differ_in_calls_and_both_rules_are_named() {
    let report = json(&["eval", POLICY, TRACES, "--against", SETTINGS], 0);
    let changes = report["changes"].as_array().expect("changes");
    let refund = changes
        .iter()
        .find(|it| it["rule"] == "refund-cap")
        .expect("the capped refund");
    assert_eq!(
        (&refund["was"], &refund["now"]),
        (&json!("ask"), &json!("deny"))
    );
}

#[test]
fn ci_fails_by_what_it_names() {
    assert!(
        out(&["eval", POLICY, TRACES, "--fail-on", "newly-denied"], 1).contains("going-in-circles")
    );
    out(&["eval", POLICY, TRACES, "--fail-on", "error"], 0);
    out(
        &[
            "eval",
            POLICY,
            TRACES,
            "-w",
            "tool:refund",
            "--fail-on",
            "newly-denied",
        ],
        0,
    );
    let junit = out(
        &[
            "eval",
            POLICY,
            TRACES,
            "--junit",
            "--fail-on",
            "newly-denied",
        ],
        1,
    );
    assert!(
        junit.contains("<testcase classname=\"policy\" name=\"going-in-circles\">"),
        "{junit}"
    );
    assert!(
        junit.contains("<testcase classname=\"policy\" name=\"refund-cap\"/>"),
        "{junit}"
    );
}

#[test]
fn one_call_is_explained_rule_by_rule() {
    let trace = "sample-traces/saferun/refund-agent.jsonl";
    insta::assert_snapshot!(out(&["explain", trace, "--seq", "9", POLICY], 0));
    let explained = json(&["explain", trace, "--seq", "9", POLICY], 0);
    assert_eq!(
        (&explained["effect"], &explained["rule"]),
        (&json!("deny"), &json!("refund-cap"))
    );
    assert!(error(&["explain", trace, "--seq", "1", POLICY]).contains("not a tool call"));
}

#[test]
fn cases_pass_or_tell_why_not() {
    let passed = out(&["test", POLICY, "sample-traces/policy/cases.toml"], 0);
    assert_eq!(
        passed,
        "6 rules match their examples; 4 cases: 4 pass, 0 fail\n"
    );
    let folder = tempfile::tempdir().expect("a folder");
    let cases = folder.path().join("cases.toml");
    let case = |text: &str| std::fs::write(&cases, text).expect("written");
    let path = cases.to_str().expect("UTF-8");
    case("[[case]]\ntool = \"refund\"\nargs = { amount = 900 }\nexpect = \"allow\"\n");
    assert!(out(&["test", POLICY, path], 1).contains("refund is deny by refund-cap, not allow"));
    case(
        "[[case]]\ntool = \"search_catalog\"\nhistory = [{tool=\"a\"},{tool=\"a\"},{tool=\"a\"},{tool=\"a\"},{tool=\"a\"},{tool=\"a\"},{tool=\"a\"},{tool=\"a\"},{tool=\"a\"},{tool=\"a\"}]\nexpect = \"deny\"\n",
    );
    out(&["test", POLICY, path], 0);
    case("[[case]]\ntool = \"x\"\nexpect = \"denny\"\n");
    assert!(error(&["test", POLICY, path]).contains("did you mean 'deny'?"));
}

#[test]
fn rules_that_mislead_are_linted() {
    insta::assert_snapshot!(out(&["lint", SETTINGS, SESSION], 1));
    let found = json(&["lint", SETTINGS], 1);
    let ids: Vec<&Value> = found["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .map(|it| &it["id"])
        .collect();
    assert!(
        ids.contains(&&json!("never-consulted")) && ids.contains(&&json!("ways-around")),
        "{ids:?}"
    );
}

#[test]
fn rules_are_suggested_for_what_was_asked() {
    let found = json(&["suggest", SESSION, "--least", "2"], 0);
    let rules: Vec<&Value> = found["rules"]
        .as_array()
        .expect("rules")
        .iter()
        .map(|it| &it["rule"])
        .collect();
    assert!(rules.contains(&&json!("Bash(cargo test *)")), "{rules:?}");
    let folder = tempfile::tempdir().expect("a folder");
    for (kind, name) in [
        ("claude-code", "settings.json"),
        ("native", "policy.toml"),
        ("codex", "default.rules"),
        ("gemini", "rules.toml"),
    ] {
        let policy = folder.path().join(name);
        std::fs::write(&policy, out(&["suggest", SESSION, "--as", kind], 0)).expect("written");
        let path = policy.to_str().expect("UTF-8");
        out(&["eval", path, SESSION], 0);
    }
}

#[test]
fn an_import_uses_the_files_and_is_judged_like_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let policy = folder.path().join("policy.toml");
    let path = policy.to_str().expect("UTF-8");
    out(&["import", SETTINGS, "-o", path], 0);
    let text = std::fs::read_to_string(&policy).expect("written");
    assert!(text.contains("#   deny   Bash(git push *)"), "{text}");
    let (direct, imported) = (
        json(&["eval", SETTINGS, SESSION], 0),
        json(&["eval", path, SESSION], 0),
    );
    assert_eq!(direct["table"], imported["table"]);
    assert!(error(&["import", SETTINGS, "-o", path]).contains("already exists"));
}

#[test]
fn another_engine_decides_about_the_inputs() {
    let inputs = out(&["inputs", TRACES, "-w", "tool:refund"], 0);
    let first: Value = serde_json::from_str(inputs.lines().next().expect("a line")).expect("JSON");
    assert_eq!(
        (&first["tool"], &first["args"]["amount"]),
        (&json!("refund"), &json!(4200))
    );
    let opa: Value = serde_json::from_str(
        out(&["inputs", TRACES, "--as", "opa"], 0)
            .lines()
            .next()
            .expect("a line"),
    )
    .expect("JSON");
    assert!(opa["input"]["call_id"].is_string());
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("decided.jsonl");
    let decided = inputs.lines().map(|line| {
        let input: Value = serde_json::from_str(line).expect("JSON");
        let is_high = input["args"]["amount"].as_f64() > Some(400.0);
        json!({"input": input, "result": {"allow": !is_high, "rule": "cap"}}).to_string()
    });
    let decided: Vec<String> = decided.collect();
    std::fs::write(&file, decided.join("\n")).expect("written");
    let report = json(
        &[
            "eval",
            "--decisions",
            file.to_str().expect("UTF-8"),
            TRACES,
            "-w",
            "tool:refund",
        ],
        0,
    );
    assert_eq!(report["hits"]["cap"], 3);
}

#[test]
fn broken_policies_and_missing_traces_have_their_exit_codes() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| -> String {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path.to_string_lossy().into_owned()
    };
    let settings = write(
        "settings.json",
        "{\"permissions\": {\"deny\": [\"Bash(rm *\"]}}",
    );
    let printed = error(&["eval", &settings, TRACES]);
    assert!(
        printed.contains("settings.json:1:27:") && printed.contains('^'),
        "{printed}"
    );
    let broken = write("settings.json", "{\"permissions\": ");
    assert!(error(&["eval", &broken, TRACES]).contains("settings.json:1:"));
    let toml = write(
        "policy.toml",
        "[[rule]]\nid = \"a\"\neffect = \"deny\"\nwhen = \"status:error\"\n",
    );
    assert!(error(&["eval", &toml, TRACES]).contains("'status' is not known before a call runs"));
    let using = write("policy.toml", "[[use]]\nfile = \"missing.json\"\n");
    assert!(error(&["eval", &using, TRACES]).contains("policy.toml:2:8:"));
    let other = write("notes.txt", "hello");
    assert!(error(&["eval", &other, TRACES]).contains("no known kind of policy"));
    assert!(error(&["eval", "claude:", TRACES]).contains("no policy is in force here"));
    out(&["eval", POLICY, "missing.jsonl"], 4);
}

#[test]
fn the_allows_of_a_project_need_its_trust() {
    let folder = tempfile::tempdir().expect("a folder");
    let project = folder.path().join(".claude");
    std::fs::create_dir(&project).expect("made");
    let path = project.join("settings.json");
    std::fs::copy(sample("policy/settings.json"), &path).expect("copied");
    let path = path.to_str().expect("UTF-8");
    let count = |report: &Value| report["hits"]["Bash(cargo test *)"].as_u64();
    let untrusted = json(&["eval", path, SESSION], 0);
    assert_eq!(count(&untrusted), None);
    assert_eq!(untrusted["dead"][0]["why"], "not in force");
    let trusted = json(&["eval", path, SESSION, "--trusted"], 0);
    assert_eq!(count(&trusted), Some(2));
}

#[test]
fn filters_test_the_verdicts_of_a_policy() {
    let program = |arguments: &[&str]| {
        Command::new(assert_cmd::cargo::cargo_bin!("saferun-tui"))
            .args(["--no-config"])
            .args(arguments)
            .env("HOME", "/nonexistent")
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .expect("the program runs")
    };
    let report = json(&["eval", POLICY, TRACES], 0);
    let count = |filter: &str| -> u64 {
        let done = program(&["query", filter, TRACES, "--policy", POLICY, "--count"]);
        let text = String::from_utf8(done.stdout).expect("UTF-8");
        text.trim().parse().expect("a number")
    };
    // The figures of the table, by the verdict that is new.
    for verdict in ["allow", "ask", "deny", "error", "unknown"] {
        let table = report["table"].as_object().expect("a table");
        let of = table
            .iter()
            .filter(|(cell, _)| cell.ends_with(&format!(">{verdict}")));
        let calls: u64 = of.filter_map(|(_, calls)| calls.as_u64()).sum();
        assert_eq!(count(&format!("would:{verdict}")), calls, "{verdict}");
    }
    assert_eq!(json!(count("has:would")), report["calls"]);
    assert!(count("would:deny") > 0);
    assert_eq!(
        count("would!=deny"),
        count("has:would") - count("would:deny")
    );
    let with = |arguments: &[&str]| {
        let done = program(&[&["query", "has:would", TRACES][..], arguments].concat());
        String::from_utf8(done.stdout).expect("UTF-8")
    };
    let over = ["--policy", POLICY, "--columns", "tool,would"];
    let table = with(&over);
    assert!(table.starts_with("TOOL"), "{table}");
    let denied = table.lines().filter(|line| line.ends_with("deny")).count();
    assert_eq!(denied as u64, count("would:deny"), "{table}");
    let csv = with(&[&over[..], &["--csv"]].concat());
    assert!(csv.starts_with("tool,would\r\n"), "{csv}");
    let records: Value =
        serde_json::from_str(&with(&["--policy", POLICY, "--json"])).expect("JSON");
    let actions = records["actions"].as_array().expect("actions");
    assert!(actions.iter().all(|action| action["would"].is_string()));
    let done = program(&["query", "", TRACES, "--columns", "tool,would"]);
    assert_eq!(done.status.code(), Some(2));
    let told = String::from_utf8_lossy(&done.stderr);
    assert!(told.contains("needs a policy (--policy FILE)"), "{told}");
    let ls = |filter: &str| {
        let done = program(&["ls", TRACES, "-w", filter, "--policy", POLICY, "--json"]);
        let document: Value = serde_json::from_slice(&done.stdout).expect("JSON");
        document["runs"].as_array().expect("runs").len()
    };
    let all = ls("");
    assert!(ls("would:deny") > 0 && ls("would:deny") < all);
    assert_eq!(ls("-would:deny"), all - ls("would:deny"));
    for arguments in [
        &["query", "would:deny", TRACES][..],
        &["ls", TRACES, "-w", "would:deny"],
        &["stats", TRACES, "-w", "would:deny"],
        &["policy", "eval", POLICY, TRACES, "-w", "would:deny"],
    ] {
        let done = program(arguments);
        let printed = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(2), "{arguments:?}: {printed}");
        assert!(
            printed.contains("query, ls and the explorer take --policy FILE")
                && printed.contains("^^^^^"),
            "{printed}"
        );
    }
    let done = program(&["query", "would:deny", TRACES, "--policy", "missing.toml"]);
    assert_eq!(done.status.code(), Some(2));
}

#[test]
fn a_permission_without_a_tool_is_linted_at_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("opencode.json");
    std::fs::write(&path, "{\"permission\": {\n  \"web_fetch\": \"deny\"\n}}").expect("written");
    let path = path.to_str().expect("UTF-8");
    let printed = out(&["lint", path, "--strict"], 1);
    assert!(
        printed.contains("opencode.json:2:3: warning: deny web_fetch: OpenCode has no permission"),
        "{printed}"
    );
    assert!(printed.contains("did you mean 'webfetch'?"), "{printed}");
    out(&["lint", path], 0);
}
