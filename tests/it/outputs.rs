//! What leaves the program as a document holds no secrets and no characters that another program obeys.

use std::path::Path;

use assert_cmd::Command;
use serde_json::{Value, json};

/// The standard output of a command that succeeds.
fn out(args: &[&str]) -> String {
    let output = Command::cargo_bin("saferun-tui")
        .expect("the program")
        .arg("--no-config")
        .args(args)
        .output()
        .expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{args:?}: {stderr}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// A trace of one call with these arguments.
fn write(path: &Path, run: &str, args: &Value) {
    let event = |mut event: Value| {
        event["run_id"] = run.into();
        event.to_string()
    };
    let lines = [
        event(json!({"type": "run_start", "agent": "a"})),
        event(json!({"type": "prompt", "content": "go"})),
        event(json!({"type": "tool_call", "call_id": "c1", "tool": "send", "args": args})),
        event(json!({"type": "tool_result", "call_id": "c1", "result": "done"})),
        event(json!({"type": "run_end", "status": "ok"})),
    ];
    std::fs::write(path, lines.join("\n") + "\n").expect("a trace");
}

fn pair(a: &Value, b: &Value) -> (tempfile::TempDir, [String; 2]) {
    let folder = tempfile::tempdir().expect("a directory");
    let paths = ["a.jsonl", "b.jsonl"].map(|name| folder.path().join(name));
    write(&paths[0], "a", a);
    write(&paths[1], "b", b);
    let names = paths.map(|path| path.to_string_lossy().into_owned());
    (folder, names)
}

#[test]
fn a_trajectory_holds_no_character_that_a_terminal_obeys() {
    let hostile = "x\u{9b}31m\u{7f}\u{202e}\u{e0041}\u{200b}y";
    let (_folder, [path, _]) = pair(&json!({"text": hostile}), &json!({}));
    for to in ["atif", "saferun"] {
        let written = out(&["convert", "--to", to, "-o", "-", &path]);
        let odd = written
            .chars()
            .find(|char| *char != '\n' && !(' '..='~').contains(char));
        assert_eq!(odd, None, "{written}");
        assert!(written.contains("\\u009b31m"), "{written}");
    }
}

#[test]
fn a_key_of_an_argument_cannot_end_its_cell() {
    let key = "a` | <img src=http://x.example/p.png> | [b](http://x.example) `";
    let (_folder, [a, b]) = pair(&json!({key: 1}), &json!({key: 2}));
    let document = out(&["diff", &a, &b, "--format", "md"]);
    let row = document.lines().find(|line| line.contains("img src"));
    let row = row.expect("the difference is listed");
    let difference = row
        .split("<br>")
        .nth(1)
        .expect("the summary and the difference");
    let code = difference.split('`').nth(1).expect("the path is code");
    assert!(code.contains("<img src") && code.contains("[b]"), "{row}");
    let bars = row.replace("\\|", "").matches('|').count();
    assert_eq!(bars, 5, "{row}");
}

#[test]
fn the_documents_of_a_comparison_mask_secrets() {
    let secret = |end: &str| ["hun", "ter2-Zq8w", end].concat();
    let key = |end: &str| ["gh", "p_", &"a1B2".repeat(9), end].concat();
    let args = |end: &str| json!({"password": secret(end), "note": format!("with {}", key(end)), "to": end});
    let (_folder, [a, b]) = pair(&args("x"), &args("y"));
    for how in [&["--format", "md"][..], &["--json"]] {
        let document = out(&[&["diff", &a, &b][..], how].concat());
        assert!(
            !document.contains("ter2-Zq8w") && !document.contains("a1B2a1B2"),
            "{document}"
        );
        assert!(document.contains("masked"), "{document}");
    }
    // The screen and the terminal show what is in the file.
    assert!(out(&["diff", &a, &b]).contains("ter2-Zq8w"));
}

#[test]
fn a_fork_stays_a_trace_when_secrets_are_masked() {
    let secret = ["hun", "ter2-Zq8w"].concat();
    let (folder, [path, _]) = pair(
        &json!({"env": format!("DB_PASSWORD={secret}\nHOME=/root"), "pin": 48_215, "headers": [["Authorization", secret]]}),
        &json!({}),
    );
    let fork = folder.path().join("fork.jsonl");
    let fork = fork.to_string_lossy();
    out(&["fork", &path, "--at", "3", "-o", &fork]);
    let text = std::fs::read_to_string(&*fork).expect("a fork");
    assert!(!text.contains(&secret) && !text.contains("48215"), "{text}");
    assert!(
        text.lines()
            .all(|line| serde_json::from_str::<Value>(line).is_ok())
    );
    assert!(out(&["show", &fork]).contains("send"));
}
