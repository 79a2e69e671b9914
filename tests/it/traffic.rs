//! Recorded HTTP traffic: its figures equal those counted from the bodies, keys are never shown, and cassettes that are
//! written can be read.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::documents::run;
use crate::exports::{Figures, figures};
use crate::support::{load, sample, skipped};

/// Counts the same from the files, independently of our readers.
const COUNTER: &str = r#"
import base64, gzip, json, sys, yaml
path = sys.argv[1]
if path.endswith(".har"):
    entries = json.load(open(path))["log"]["entries"]
    pairs = [(it["request"]["postData"]["text"], it["response"]["content"]) for it in entries]
    pairs = [(q, base64.b64decode(a["text"]) if a.get("encoding") == "base64" else a["text"].encode()) for q, a in pairs]
else:
    tape = yaml.safe_load(open(path))["interactions"]
    pairs = [(it["request"]["body"], it["response"]["body"]["string"]) for it in tape]
    pairs = [(q, a if isinstance(a, bytes) else a.encode()) for q, a in pairs]
asked, calls, fresh, cached, out, errors = set(), 0, 0, 0, 0, 0
for q, a in pairs:
    q = json.loads(q or "{}")
    for message in q.get("messages") or q.get("input") or []:
        if message.get("role") == "user" and isinstance(message["content"], str):
            asked.add(message["content"])
    a = gzip.decompress(a) if a[:2] == b"\x1f\x8b" else a
    events = [line[6:] for line in a.decode().splitlines() if line.startswith("data: {")] or [a.decode()]
    used = {}
    for event in map(json.loads, events):
        errors += event.get("type") == "error"
        calls += event.get("type") == "content_block_start" and event["content_block"]["type"] == "tool_use"
        for part in event, event.get("message") or {}, event.get("response") or {}:
            used.update(part.get("usage") or {})
        if event.get("type") in (None, "response.completed"):
            calls += sum(it["type"] == "function_call" for it in (event.get("response") or {}).get("output", []))
    kept = (used.get("prompt_tokens_details") or used.get("input_tokens_details") or {}).get("cached_tokens", 0)
    cached += kept
    fresh += used.get("input_tokens", used.get("prompt_tokens", 0)) - kept
    out += used.get("output_tokens", used.get("completion_tokens", 0))
print(1, len(asked), calls, fresh, cached, out, errors)
"#;

#[track_caller]
fn check(name: &str, expected: Figures) {
    let path = sample(name);
    assert_eq!(
        figures(&load(std::slice::from_ref(&path))),
        expected,
        "{name}"
    );
    let counted = Command::new("python3")
        .args(["-c", COUNTER])
        .arg(&path)
        .output();
    let Some(counted) = counted.ok().filter(|it| it.status.success()) else {
        skipped("no python3 with yaml");
        return;
    };
    let (runs, turns, calls, fresh, cached, out, errors, _) = expected;
    let expected = format!("{runs} {turns} {calls} {fresh} {cached} {out} {errors}");
    assert_eq!(
        String::from_utf8_lossy(&counted.stdout).trim(),
        expected,
        "{name}"
    );
}

#[test]
fn recorded_traffic_holds_what_its_bodies_count() {
    check("vcr/workshop-slot.yaml", (1, 2, 1, 913, 0, 77, 1, 0));
    check("vcr/one-word.json", (1, 1, 0, 17, 0, 9, 0, 0));
    check("har/stock.har", (1, 1, 1, 136, 384, 49, 0, 0));
}

#[test]
fn keys_in_headers_and_addresses_are_never_shown() {
    for name in [
        "vcr/workshop-slot.yaml",
        "vcr/one-word.json",
        "har/stock.har",
    ] {
        let ways: [&[&str]; 3] = [
            &["query", "", "--jsonl"],
            &["show", "--seq", "1..40"],
            &["convert", "-o", "-"],
        ];
        for args in ways {
            let shown = run(args, &sample(name));
            let text = String::from_utf8_lossy(&shown.stdout).into_owned();
            assert!(
                !text.is_empty() && !text.contains("NEVER-SHOWN"),
                "{name} {args:?}"
            );
        }
    }
}

#[test]
fn cassettes_are_found_in_folders_and_other_yaml_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("tape.yaml");
    fs::copy(sample("vcr/workshop-slot.yaml"), &copy).expect("copied");
    fs::write(folder.path().join("compose.yaml"), "services: {}\n").expect("written");
    let other = "interactions:\n- request: {method: GET, uri: http://h/x}\n  response: {status: {code: 200}}\n";
    fs::write(folder.path().join("other.yaml"), other).expect("written");
    let store = load(&[folder.path().to_owned()]);
    assert_eq!(store.sources().len(), 1);
}

/// A cassette that is cut or damaged anywhere opens, or says why it does not.
#[test]
fn damaged_traffic_opens_or_says_why() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["vcr/workshop-slot.yaml", "har/stock.har"] {
        let whole = fs::read(sample(name)).expect("a sample");
        let path = folder
            .path()
            .join(Path::new(name).file_name().expect("a name"));
        let mut best = 0;
        for cut in (60..whole.len()).step_by(whole.len() / 40) {
            let mut text = whole[..cut].to_vec();
            fs::write(&path, &text).expect("written");
            let opened = saferun_tui::ingest::discover::open_file(&path);
            let len = opened.and_then(|bytes| {
                bytes
                    .len()
                    .map_err(|source| saferun_tui::ingest::Error::Read {
                        path: String::new(),
                        source,
                    })
            });
            best = best.max(len.unwrap_or(0));
            text[cut / 2] = b'\t';
            text[cut / 3] ^= 0x55;
            fs::write(&path, &text).expect("written");
            let _ = saferun_tui::ingest::discover::open_file(&path);
        }
        assert!(best > 1000, "{name}: what comes before a cut is kept");
    }
}

fn written(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join("written.yaml");
    let output = path.to_str().expect("a name");
    let done = run(
        &["export", "--as", "vcr", "--force", "-o", output],
        &sample(name),
    );
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    path
}

#[test]
fn a_cassette_that_is_written_reads_as_the_run_it_was_made_of() {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["vcr/workshop-slot.yaml", "har/stock.har"] {
        let own = figures(&load(&[sample(name)]));
        let again = figures(&load(&[written(folder.path(), name)]));
        assert_eq!(again, own, "{name}");
    }
}

#[test]
fn a_cassette_is_yaml_that_python_reads_and_holds_no_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let trace = folder.path().join("run.jsonl");
    let lines = [
        r#"{"type":"run_start","run_id":"r","model":"gpt-4o-mini"}"#,
        r#"{"type":"prompt","run_id":"r","role":"user","content":"key sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCD \u2028 \ud83d\ude00"}"#,
        r#"{"type":"response","run_id":"r","model":"gpt-4o-mini","content":"done: yes # no","usage":{"input_tokens":5,"output_tokens":2}}"#,
    ];
    fs::write(&trace, lines.join("\n")).expect("written");
    let path = folder.path().join("tape.yaml");
    let done = run(
        &[
            "export",
            "--as",
            "vcr",
            "-o",
            path.to_str().expect("a name"),
        ],
        &trace,
    );
    assert!(done.status.success());
    let stderr = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(
        stderr.contains("1 secret masked") && stderr.contains("reconstructed"),
        "{stderr}"
    );
    let text = fs::read_to_string(&path).expect("a cassette");
    assert!(!text.contains("sk-proj-abcdefghij"));
    let reader = "import json, sys, yaml\nit = yaml.safe_load(open(sys.argv[1]))['interactions'][0]\nprint(it['request']['uri'], json.loads(it['response']['body']['string'])['choices'][0]['message']['content'], len(json.loads(it['request']['body'])['messages']))";
    let read = Command::new("python3")
        .args(["-c", reader])
        .arg(&path)
        .output();
    let Some(read) = read.ok().filter(|it| it.status.success()) else {
        skipped("no python3 with yaml");
        return;
    };
    assert_eq!(
        String::from_utf8_lossy(&read.stdout).trim(),
        "https://api.openai.com/v1/chat/completions done: yes # no 1"
    );
}
