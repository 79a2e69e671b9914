//! What forked sessions copy counts once, in any order of the files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use saferun_tui::model::action::{Flags, Kind};
use saferun_tui::store::Store;
use serde_json::{Value, json};

use crate::support::load;

fn write(folder: &Path, name: &str, lines: &[Value]) -> PathBuf {
    let path = folder.join(name);
    let lines: Vec<String> = lines.iter().map(Value::to_string).collect();
    let text = lines.join("\n") + "\n";
    std::fs::write(&path, text).expect("a session");
    path
}

/// Answers of Claude Code, each with a call and its result.
fn claude(session: &str, turns: std::ops::Range<u64>) -> Vec<Value> {
    let line = |turn: u64, part: &str, message: Value| {
        json!({
            "type": message["role"], "uuid": format!("{part}{turn}"), "sessionId": session,
            "requestId": format!("req_{turn}"), "message": message,
            "timestamp": format!("2026-10-05T09:{turn:02}:00Z"),
        })
    };
    let turn = |turn: u64| {
        let call = json!({"type": "tool_use", "id": format!("t{turn}"), "name": "Read", "input": {"n": turn}});
        let result =
            json!({"type": "tool_result", "tool_use_id": format!("t{turn}"), "content": "text"});
        [
            line(
                turn,
                "p",
                json!({"role": "user", "content": format!("prompt {turn}")}),
            ),
            line(
                turn,
                "a",
                json!({
                    "role": "assistant", "id": format!("msg_{turn}"), "model": "claude-sonnet-4-6",
                    "content": [call], "usage": {"input_tokens": 100 * turn, "output_tokens": turn},
                }),
            ),
            line(turn, "r", json!({"role": "user", "content": [result]})),
        ]
    };
    turns.flat_map(turn).collect()
}

/// A rollout of Codex; a fork says whom it forked, and repeats that one's first line.
fn codex(id: &str, parent: Option<&str>, turns: std::ops::Range<u64>) -> Vec<Value> {
    let line = |kind: &str, payload: Value| json!({"timestamp": format!("2026-10-05T10:00:0{}Z", id.len()), "type": kind, "payload": payload});
    let mut lines = vec![line(
        "session_meta",
        json!({"id": id, "forked_from_id": parent}),
    )];
    lines.extend(parent.map(|parent| line("session_meta", json!({"id": parent}))));
    lines.push(line("turn_context", json!({"model": "gpt-5.1-codex"})));
    for turn in turns {
        let call = format!("k{turn}");
        let total = json!({"input_tokens": 1000 * turn, "output_tokens": 10 * turn});
        lines.extend([
            line("event_msg", json!({"type": "user_message", "message": format!("prompt {turn}")})),
            line("response_item", json!({"type": "function_call", "name": "shell", "arguments": "{}", "call_id": call})),
            line("response_item", json!({"type": "function_call_output", "call_id": call, "output": "Exit code: 1\nOutput:\n"})),
            line("event_msg", json!({"type": "token_count", "info": {"total_token_usage": total}})),
        ]);
    }
    lines
}

/// Output tokens, tool calls and errors of all runs.
fn totals(store: &Store) -> (u64, u32, u32) {
    let runs = store.runs().iter().map(|run| &run.totals);
    runs.fold((0, 0, 0), |sum, totals| {
        let output = totals.usage.output.get().unwrap_or_default();
        (
            sum.0 + output,
            sum.1 + totals.tool_calls,
            sum.2 + totals.errors,
        )
    })
}

#[track_caller]
fn check(files: &[PathBuf], expected: (u64, u32, u32)) {
    let mut files = files.to_vec();
    for _ in 0..2 {
        let store = load(&files);
        assert_eq!(totals(&store), expected);
        let own = |row: &saferun_tui::store::row::Row<'_>| !row.flags().has(Flags::COPIED);
        let calls = store.rows().filter(|row| row.kind() == Kind::ToolCall);
        assert_eq!(calls.filter(own).count(), expected.1 as usize);
        files.reverse();
    }
}

#[test]
fn calls_of_a_forked_transcript_count_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = [
        write(folder.path(), "one.jsonl", &claude("one", 1..4)),
        write(folder.path(), "two.jsonl", &claude("two", 1..6)),
        write(folder.path(), "three.jsonl", &claude("three", 1..3)),
    ];
    // An independent count: each message of each request once.
    let mut unique = HashMap::new();
    for line in claude("one", 1..4).iter().chain(&claude("two", 1..6)) {
        if let Some(output) = line["message"]["usage"]["output_tokens"].as_u64() {
            let key = format!("{}/{}", line["message"]["id"], line["requestId"]);
            unique.insert(key, output);
        }
    }
    check(&files, (unique.values().sum(), unique.len() as u32, 0));
}

#[test]
fn a_fork_shows_its_whole_history_and_names_its_origin() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = [
        write(folder.path(), "one.jsonl", &claude("one", 1..4)),
        write(folder.path(), "two.jsonl", &claude("two", 1..6)),
    ];
    let store = load(&files);
    let fork = store.runs().iter().find(|run| &*run.id == "two");
    let fork = fork.expect("the fork");
    let inherited = fork.inherited.as_ref().expect("a history");
    assert_eq!(&*inherited.from, "one");
    assert_eq!(
        (fork.totals.tool_calls, inherited.totals.tool_calls),
        (2, 3)
    );
    assert_eq!((fork.totals.turns, fork.totals.actions), (5, 15));
    let copied = store.rows().filter(|row| row.copied_from() == Some("one"));
    assert_eq!(copied.count(), 9);
}

#[test]
fn calls_of_a_forked_rollout_count_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = [
        write(folder.path(), "rollout-1.jsonl", &codex("a", None, 1..3)),
        write(
            folder.path(),
            "rollout-2.jsonl",
            &codex("bb", Some("a"), 1..5),
        ),
    ];
    check(&files, (40, 4, 4));
}

#[test]
fn sessions_that_only_look_alike_are_their_own() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = [
        write(folder.path(), "rollout-1.jsonl", &codex("a", None, 1..3)),
        write(folder.path(), "rollout-2.jsonl", &codex("bb", None, 1..3)),
    ];
    check(&files, (40, 4, 4));
}
