//! Runs as documents, traces over MCP, and copies of runs that agents will delete.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::support::sample;

pub(crate) fn run(args: &[&str], path: &Path) -> Output {
    Command::new(assert_cmd::cargo::cargo_bin!("saferun-tui"))
        .args(["--no-config", "--tz", "UTC"])
        .args(args)
        .arg(path)
        .output()
        .expect("it runs")
}

fn text(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8(output.stdout.clone()).expect("text")
}

/// A run with a secret and with text that tries to be markup.
fn hostile(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("run.jsonl");
    let lines = [
        r#"{"role":"user","content":"use key sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCD </pre><script>alert(1)</script>"}"#,
        r#"{"role":"assistant","content":"```\n<img src=http://evil.example/x onerror=alert(1)>","tool_calls":[{"id":"c","type":"function","function":{"name":"fetch","arguments":"{\"api_key\":\"hunter2hunter2hunter2\"}"}}]}"#,
        r#"{"role":"tool","tool_call_id":"c","content":"javascript:alert(1)"}"#,
    ];
    fs::write(&path, lines.join("\n")).expect("written");
    path
}

#[test]
fn a_page_is_one_inert_file_without_secrets() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = hostile(folder.path());
    let page = text(&run(&["export", "--as", "html"], &path));
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    assert!(page.contains("default-src 'none'"));
    for bad in [
        "<script",
        "<img",
        "sk-proj-abcdefghij",
        "hunter2hunter2",
        "<link",
        "@import",
        "url(",
    ] {
        assert!(!page.contains(bad), "{bad}");
    }
    let links = page.matches("href=").count();
    assert_eq!(links, page.matches("href=\"#a").count());
    let markdown = text(&run(&["export", "--as", "md"], &path));
    assert!(!markdown.contains("hunter2hunter2") && !markdown.contains("sk-proj-abcdefghij"));
    // The fence around a text is longer than those inside it.
    assert!(markdown.contains("````text\n```\n"));
}

#[test]
fn every_mask_is_listed_before_anything_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = hostile(folder.path());
    let listed = text(&run(&["export", "--as", "html", "--review"], &path));
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert!(listed.contains("text: ") && listed.contains("arguments: "));
}

#[test]
fn a_part_of_a_run_can_be_written() {
    let path = sample("saferun/refund-agent.jsonl");
    let whole = text(&run(&["export", "--as", "html"], &path));
    let part = text(&run(
        &["export", "--as", "html", "--from", "2", "--to", "3"],
        &path,
    ));
    assert_eq!(part.matches("<article").count(), 2);
    assert!(whole.matches("<article").count() > 2);
    let none = run(&["export", "--as", "md", "--from", "9999"], &path);
    assert_eq!(none.status.code(), Some(2));
    let wrong = run(&["export", "--review"], &path);
    assert_eq!(wrong.status.code(), Some(2));
}

/// Sends requests to the server, and returns its responses.
fn asked(paths: &[&Path], requests: &[Value]) -> Vec<Value> {
    let mut server = Command::new(assert_cmd::cargo::cargo_bin!("saferun-tui"))
        .args(["--no-config", "mcp-server"])
        .args(paths)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    let mut input = server.stdin.take().expect("its input");
    for request in requests {
        writeln!(input, "{request}").expect("written");
    }
    drop(input);
    let output = server.wait_with_output().expect("it ends");
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn call(id: u32, name: &str, arguments: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": { "name": name, "arguments": arguments } })
}

fn told(answer: &Value) -> Value {
    assert_eq!(answer["result"]["isError"], false, "{answer}");
    let text = answer["result"]["content"][0]["text"]
        .as_str()
        .expect("a text");
    assert!(text.len() <= 64 << 10);
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn an_agent_reads_traces_over_mcp() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = hostile(folder.path());
    let store = sample("opencode/labels.db");
    let answers = asked(
        &[&path, &store],
        &[
            json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": { "protocolVersion": "2025-03-26" } }),
            json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
            json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" }),
            call(2, "list_runs", &json!({})),
            call(3, "query", &json!({ "filter": "is:denied" })),
            call(4, "show", &json!({ "run": "run", "from": 1, "to": 3 })),
            call(5, "cost", &json!({ "run": "ses_labels" })),
            call(6, "diff", &json!({ "a": "run", "b": "ses_labels" })),
            call(7, "show", &json!({ "run": "nothing", "from": 1 })),
            call(8, "context", &json!({ "run": "run", "seq": 2 })),
            json!({ "jsonrpc": "2.0", "id": 9, "method": "resources/list" }),
        ],
    );
    assert_eq!(answers.len(), 10);
    assert_eq!(answers[0]["result"]["protocolVersion"], "2025-03-26");
    assert_eq!(
        answers[1]["result"]["tools"].as_array().map(Vec::len),
        Some(6)
    );
    let runs = told(&answers[2]);
    assert_eq!(runs["all"], 2);
    let denied = told(&answers[3]);
    assert_eq!(denied["all"], 1);
    let shown = answers[4].to_string();
    assert!(!shown.contains("hunter2hunter2") && shown.contains("_masked"));
    assert!(
        told(&answers[5])["models"]
            .as_array()
            .is_some_and(|models| models.len() == 2)
    );
    told(&answers[6]);
    assert_eq!(answers[7]["result"]["isError"], true);
    assert!(!answers[8].to_string().contains("sk-proj-abcdefghij"));
    assert_eq!(answers[9]["error"]["code"], -32601);
}

#[test]
fn runs_that_an_agent_will_delete_are_listed_and_kept() {
    let home = tempfile::tempdir().expect("a folder");
    let session = "5b0c2d7e-91f4-4c3a-8e6d-2f7a1b9c0d34";
    let project = home.path().join(".claude/projects/-work-shop");
    let subagents = project.join(session).join("subagents");
    fs::create_dir_all(&subagents).expect("a folder");
    let agent = "agent-a71c09be3f2d4e586.jsonl";
    let original = project.join(format!("{session}.jsonl"));
    fs::copy(sample(&format!("claude-code/{session}.jsonl")), &original).expect("copied");
    fs::copy(
        sample(&format!("claude-code/{session}/subagents/{agent}")),
        subagents.join(agent),
    )
    .expect("copied");
    let old = SystemTime::now() - Duration::from_hours(27 * 24);
    for path in [original.clone(), subagents.join(agent)] {
        let file = File::options().write(true).open(path).expect("a file");
        file.set_modified(old).expect("a time");
    }
    let state = home.path().join("state");
    let program = |args: &[&str]| {
        let output = Command::new(assert_cmd::cargo::cargo_bin!("saferun-tui"))
            .arg("--no-config")
            .args(args)
            .env_clear()
            .env("HOME", home.path())
            .env("XDG_STATE_HOME", &state)
            .output()
            .expect("it runs");
        text(&output)
    };
    let told: Value = serde_json::from_str(&program(&["doctor", "--json"])).expect("JSON");
    assert_eq!(told["agents"][0]["format"], "claude-code");
    assert_eq!(told["agents"][0]["due"], 1);
    assert_eq!(told["agents"][0]["kept"], 0);
    assert_eq!(told["agents"][0]["deleted_after_days"], 30);
    assert_eq!(program(&["keep", "--dry-run"]).lines().count(), 2);
    assert!(!state.exists());
    program(&["keep"]);
    let told: Value = serde_json::from_str(&program(&["doctor", "--json"])).expect("JSON");
    assert_eq!(told["agents"][0]["due"], 1);
    assert_eq!(told["agents"][0]["kept"], 1);
    assert!(program(&["doctor"]).contains("DUE  KEPT"));
    let kept = state.join("saferun-tui/kept");
    let figures = |path: &Path| {
        let listed = program(&["ls", "--jsonl", path.to_str().expect("a path")]);
        let run: Value = serde_json::from_str(listed.lines().next().expect("a run")).expect("JSON");
        assert_eq!(listed.lines().count(), 1);
        json!([
            run["run_id"],
            run["usage"],
            run["tool_calls"],
            run["subagents"]
        ])
    };
    assert_eq!(figures(&kept), figures(&project));
    assert!(original.is_file());
}
