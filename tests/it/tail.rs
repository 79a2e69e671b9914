//! Following a trace prints what opening it afterwards shows.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// Longer than any of this takes on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running `tail`, and the lines that it prints.
struct Tail {
    child: Child,
    lines: Receiver<Value>,
    notices: Receiver<Value>,
}

impl Drop for Tail {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("saferun-tui"));
    command
        .args(args)
        .arg("--no-config")
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

fn json_lines(from: impl std::io::Read + Send + 'static) -> Receiver<Value> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let value = serde_json::from_str(&line).expect("a line of JSON");
            if sender.send(value).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Starts to follow, and waits until it does.
fn follow(path: &Path, args: &[&str]) -> Tail {
    let path = path.to_str().expect("a plain path");
    let mut child = command(&[&["tail", path], args].concat())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let lines = json_lines(child.stdout.take().expect("a pipe"));
    let notices = json_lines(child.stderr.take().expect("a pipe"));
    let first = notices
        .recv_timeout(PATIENCE)
        .expect("a word that it began");
    assert!(first["notice"] == "watching" || first["notice"] == "polling");
    Tail {
        child,
        lines,
        notices,
    }
}

/// What opening the file prints, by run and number; calls that were never answered are not complete.
fn opened(path: &Path) -> BTreeMap<(String, u64), Value> {
    let path = path.to_str().expect("a plain path");
    let output = command(&["query", "", path, "--jsonl"])
        .output()
        .expect("it runs");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let lines = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"));
    lines
        .filter(|line: &Value| line["status"] != "pending")
        .map(|line| (key(&line), line))
        .collect()
}

fn key(line: &Value) -> (String, u64) {
    let run = line["run_id"].as_str().unwrap_or_default().to_owned();
    (
        run,
        line["seq"]
            .as_u64()
            .unwrap_or_else(|| line["line"].as_u64().unwrap_or(0)),
    )
}

#[track_caller]
fn check_same(sample: &str, args: &[&str]) {
    let text = std::fs::read(Path::new("sample-traces").join(sample)).expect("a sample");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("live.jsonl");
    File::create(&path).expect("a file");
    let tail = follow(&path, args);
    let mut writer = OpenOptions::new()
        .append(true)
        .open(&path)
        .expect("it can be written");
    for piece in text.chunks(1009) {
        writer.write_all(piece).expect("written");
    }
    let mut expected = opened(&path);
    while !expected.is_empty() {
        let line = tail.lines.recv_timeout(PATIENCE).expect("another action");
        let known = expected.remove(&key(&line));
        assert_eq!(Some(line), known, "of {sample}");
    }
}

#[test]
fn following_a_trace_prints_the_same_actions_as_reading_it_afterwards() {
    check_same("saferun/refund-agent.jsonl", &[]);
    check_same("saferun/ops-night.jsonl", &["--poll"]);
    // Their tokens, durations and decisions come after the records that they belong to.
    check_same(
        "codex/rollout-2026-11-17T18-40-03-019a9d3e-5c41-7b02-9f6e-3d2c8a417e55.jsonl",
        &[],
    );
    check_same("kimi/wire.jsonl", &[]);
    check_same("opencode/list.run.jsonl", &[]);
    check_same("gemini/rewound-2026-11-18.jsonl", &[]);
}

#[test]
fn a_session_is_followed_together_with_its_subagents() {
    let session = "sample-traces/claude-code/5b0c2d7e-91f4-4c3a-8e6d-2f7a1b9c0d34.jsonl";
    let mut expected = opened(Path::new(session));
    let tail = follow(Path::new(session), &["--from-start"]);
    while !expected.is_empty() {
        let line = tail.lines.recv_timeout(PATIENCE).expect("another action");
        assert!(expected.remove(&key(&line)).is_some(), "{line}");
    }
}

#[test]
fn only_matching_actions_are_printed_and_only_when_complete() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("live.jsonl");
    let event = |more: &str| format!("{{\"run_id\":\"r1\",{more}}}\n");
    let call = event(r#""type":"tool_call","id":"c1","tool":"refund","args":{"amount":9}"#);
    std::fs::write(&path, event(r#""type":"note","id":"n0""#)).expect("written");
    let tail = follow(&path, &["-w", "kind:tool", "--from-start"]);
    let mut writer = OpenOptions::new()
        .append(true)
        .open(&path)
        .expect("it can be written");
    writer.write_all(call.as_bytes()).expect("written");
    let result = event(r#""type":"tool_result","call_id":"c1","status":"blocked""#);
    writer.write_all(result.as_bytes()).expect("written");
    let line = tail.lines.recv_timeout(PATIENCE).expect("the call");
    assert_eq!(
        (&line["id"], &line["status"]),
        (&"c1".into(), &"blocked".into())
    );
}

#[test]
fn a_truncated_file_is_reported_and_followed_on() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("live.jsonl");
    let note = |id: &str| format!("{{\"run_id\":\"r1\",\"type\":\"note\",\"id\":\"{id}\"}}\n");
    std::fs::write(&path, note("a")).expect("written");
    let tail = follow(&path, &["--from-start"]);
    assert_eq!(
        tail.lines.recv_timeout(PATIENCE).expect("a line")["id"],
        "a"
    );
    std::fs::write(&path, note("b")).expect("written anew");
    assert_eq!(
        tail.lines.recv_timeout(PATIENCE).expect("a line")["id"],
        "b"
    );
    let notice = tail.notices.recv_timeout(PATIENCE).expect("a notice");
    assert!(
        notice["notice"] == "replaced" || notice["notice"] == "truncated",
        "{notice}"
    );
    assert_eq!(notice["may_miss"], true);
}

#[test]
fn a_pipe_is_followed_to_its_end() {
    let mut child = command(&["tail", "-", "--from-start", "-w", "kind:tool"])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    let lines = json_lines(child.stdout.take().expect("a pipe"));
    let text = std::fs::read("sample-traces/saferun/refund-agent.jsonl").expect("a sample");
    let (head, rest) = text.split_at(text.len() / 2);
    pipe.write_all(head).expect("written");
    let first = lines.recv_timeout(PATIENCE).expect("a call");
    assert_eq!(first["tool"], "get_order");
    pipe.write_all(rest.trim_ascii_end()).expect("written");
    drop(pipe);
    // Lines end when the program does.
    assert_eq!(lines.iter().count(), 9);
    assert!(child.wait().expect("it ends").success());
}

#[test]
fn a_call_that_was_never_answered_is_printed_when_its_pipe_ends() {
    let mut child = command(&["tail", "-", "--from-start"])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    let call = br#"{"run_id":"r1","type":"tool_call","id":"c1","tool":"deploy","args":{}}"#;
    pipe.write_all(call).expect("written");
    drop(pipe);
    let lines: Vec<Value> = json_lines(child.stdout.take().expect("a pipe"))
        .iter()
        .collect();
    assert!(child.wait().expect("it ends").success());
    assert_eq!(lines.len(), 1);
    assert_eq!(
        (&lines[0]["tool"], &lines[0]["status"]),
        (&"deploy".into(), &"pending".into())
    );
}

#[test]
fn an_incomplete_line_is_reported_and_printed_once_complete() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("live.jsonl");
    let note = "{\"run_id\":\"r1\",\"type\":\"note\",\"id\":\"a\"}\n";
    let (half, rest) = note.split_at(20);
    std::fs::write(&path, half).expect("written");
    let tail = follow(&path, &["--from-start"]);
    let notice = tail.notices.recv_timeout(PATIENCE).expect("a notice");
    assert_eq!(
        (&notice["notice"], &notice["at"]),
        (&"partial".into(), &20.into())
    );
    let file = OpenOptions::new().append(true).open(&path);
    let mut file = file.expect("it can be written");
    file.write_all(rest.as_bytes()).expect("written");
    let line = tail.lines.recv_timeout(PATIENCE).expect("the line");
    assert_eq!(line["id"], "a");
}
