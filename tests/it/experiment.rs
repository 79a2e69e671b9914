//! `diff --experiment` with a vendor on a plain socket.

use std::fs;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::serve::{program, vendor_that, written};

/// A run whose model, told `system`, calls `tool`.
fn run(folder: &Path, name: &str, (model, system, tool): (&str, &str, &str)) -> String {
    let request = json!({"model": model, "temperature": 0, "messages": [
        {"role": "system", "content": system}, {"role": "user", "content": "weather?"}]});
    let lines = [
        json!({"type": "run_start", "run_id": name, "agent": "a"}),
        json!({"type": "prompt", "run_id": name, "role": "user", "content": "weather?"}),
        json!({"type": "response", "run_id": name, "id": "e1", "model": model, "content": "I see.", "usage": {"input_tokens": 30, "output_tokens": 5}, "request": request}),
        json!({"type": "tool_call", "run_id": name, "id": "c1", "parent_id": "e1", "tool": tool, "args": {"at": 1}}),
        json!({"type": "tool_result", "run_id": name, "call_id": "c1", "status": "ok", "result": "rain"}),
        json!({"type": "run_end", "run_id": name, "status": "ok"}),
    ];
    let path = written(folder, &format!("{name}.jsonl"), &lines);
    path.to_str().expect("UTF-8").to_owned()
}

/// A vendor whose models look, unless the prompt wants them to ask.
fn answer(request: &str) -> Value {
    let tool = if request.contains("Ask first.") {
        "ask"
    } else {
        "look"
    };
    let call = json!({"id": "x", "type": "function", "function": {"name": tool, "arguments": "{\"at\":1}"}});
    json!({"model": "gpt-4o", "choices": [{"message": {"role": "assistant", "content": null, "tool_calls": [call]}, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 40, "completion_tokens": 9}})
}

fn experiment(folder: &Path, paths: [&str; 2], options: &[&str]) -> Output {
    program()
        .arg("diff")
        .args(paths)
        .arg("--experiment")
        .args(options)
        .env("OPENAI_API_KEY", "sk-test")
        .env("HOME", folder)
        .env_remove("XDG_STATE_HOME")
        .env_remove("OPENAI_BASE_URL")
        .stdin(Stdio::null())
        .output()
        .expect("it runs")
}

#[test]
fn the_ingredient_that_leads_to_the_other_branch_is_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let a = run(folder.path(), "a", ("gpt-4o", "Be brief.", "look"));
    let b = run(folder.path(), "b", ("gpt-4o-mini", "Ask first.", "ask"));
    let (base, requests) = vendor_that(answer);
    let of = |options: &[&str]| {
        let all = [&["--base-url", &base, "-n", "8"], options].concat();
        experiment(folder.path(), [&a, &b], &all)
    };
    for (options, code) in [
        (&["--dry-run"][..], 0),
        (&[], 2),
        (&["--allow-net"], 2),
        (&["--allow-net", "--yes"], 2),
    ] {
        let done = of(options);
        let stderr = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(code), "{options:?}: {stderr}");
        if options == ["--dry-run"] {
            for words in [
                "A then   look",
                "B then   ask",
                "model gpt-4o → gpt-4o-mini",
                "system prompt +1 −1 lines",
                "32 requests",
            ] {
                assert!(stderr.contains(words), "{words}: {stderr}");
            }
        }
    }
    assert!(requests.try_recv().is_err(), "nothing may be sent");
    let done = of(&["--allow-net", "--yes", "--max-usd", "1", "--json"]);
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(0), "{stderr}");
    let found: Value = serde_json::from_slice(&done.stdout).expect("JSON");
    let trials = found["trials"].as_array().expect("a list");
    let rows: Vec<(&str, u64, &str)> = trials
        .iter()
        .map(|it| {
            let text = |name: &str| it[name].as_str().expect("a text");
            (
                text("changed"),
                it["branch_b"].as_u64().expect("a count"),
                text("verdict"),
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("nothing: A's request", 0, "cannot tell"),
            ("model gpt-4o → gpt-4o-mini", 0, "cannot tell"),
            ("system prompt +1 −1 lines", 8, "leads to B's branch"),
            ("everything: B's request", 8, "leads to B's branch"),
        ]
    );
    let sent: Vec<String> = requests.try_iter().collect();
    assert_eq!(sent.len(), 32);
    // One thing at a time: the exchanged prompt goes to A's model.
    let swapped = sent
        .iter()
        .filter(|it| it.contains("Ask first.") && it.contains("\"gpt-4o\""));
    assert_eq!(swapped.count(), 8);
    let kept = fs::read_dir(folder.path().join(".local/state/saferun-tui/reruns")).expect("kept");
    assert_eq!(kept.count(), 1);
}

#[test]
fn too_few_answers_are_inconclusive() {
    let folder = tempfile::tempdir().expect("a folder");
    let a = run(folder.path(), "a", ("gpt-4o", "Be brief.", "look"));
    let b = run(folder.path(), "b", ("gpt-4o", "Ask first.", "ask"));
    let (base, _requests) = vendor_that(answer);
    let options = [
        "--base-url",
        &base,
        "-n",
        "2",
        "--allow-net",
        "--yes",
        "--max-usd",
        "1",
    ];
    let done = experiment(folder.path(), [&a, &b], &options);
    let table = String::from_utf8_lossy(&done.stdout);
    assert!(
        table.contains("B's branch 2 of 2") && table.contains("cannot tell: too few answers"),
        "{table}"
    );
}

#[test]
fn runs_with_the_same_choices_leave_nothing_to_try() {
    let folder = tempfile::tempdir().expect("a folder");
    let a = run(folder.path(), "a", ("gpt-4o", "Be brief.", "look"));
    let done = experiment(
        folder.path(),
        [&a, &a],
        &["--dry-run", "--base-url", "http://127.0.0.1:9"],
    );
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.code() == Some(2) && stderr.contains("nothing to try"),
        "{stderr}"
    );
}
