//! Snapshots of the samples of every format.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use saferun_tui::ingest::formats;

use crate::support::{load, sample};

#[path = "../../sample-traces/generate.rs"]
mod generate;

/// The samples of a format, as paths relative to the repository.
fn samples(format: &str) -> Vec<PathBuf> {
    let folder = Path::new("sample-traces").join(format);
    let Ok(entries) = std::fs::read_dir(sample(format)) else {
        return Vec::new();
    };
    let names = entries.map(|entry| entry.expect("an entry").path());
    let mut names: Vec<PathBuf> = names
        .filter(|path| path.is_file())
        .map(|path| folder.join(path.file_name().expect("a name")))
        .collect();
    names.sort();
    names
}

fn output_of(args: &[&str], path: &Path) -> String {
    let output = Command::cargo_bin("saferun-tui")
        .expect("the program")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("LC_ALL", "C.UTF-8")
        .args(["--tz", "UTC", "--no-config"])
        .args(args)
        .arg(path)
        .output()
        .expect("it runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("text")
}

/// The run with its totals, then one line per action.
fn golden(path: &Path) -> String {
    let runs = output_of(&["ls", "--jsonl"], path);
    let actions = output_of(&["query", ""], path);
    format!("{runs}\n{actions}")
}

#[test]
fn every_format_has_a_sample_with_a_snapshot() {
    for format in formats::all() {
        let samples = samples(format.name());
        assert!(
            !samples.is_empty(),
            "sample-traces/{}/ is empty",
            format.name()
        );
        for path in samples {
            let name = path.file_stem().expect("a name").to_string_lossy();
            let name = name.get(..name.len().min(20)).unwrap_or(&name).to_owned();
            insta::assert_snapshot!(format!("{}-{name}", format.name()), golden(&path));
        }
    }
}

#[test]
fn a_run_spread_over_files_is_read_whole() {
    let storage = Path::new("sample-traces/opencode/storage");
    insta::assert_snapshot!("opencode-storage", golden(storage));
}

#[test]
fn the_format_of_every_sample_is_detected() {
    for format in formats::all() {
        for path in samples(format.name()) {
            let verdict = output_of(&["verify", "--json"], &path);
            let verdict: serde_json::Value = serde_json::from_str(&verdict).expect("JSON");
            assert_eq!(
                verdict["files"][0]["format"],
                format.name(),
                "{}",
                path.display()
            );
        }
    }
}

/// A subagent's file next to its session is read with it, whichever name sorts first.
#[test]
fn a_subagent_next_to_its_session_is_read_once() {
    let session = |id: &str| {
        let folder = tempfile::tempdir().expect("a folder");
        let line = |kind: &str, uuid: &str, more: &str| {
            format!(
                r#"{{"type":"{kind}","uuid":"{uuid}","sessionId":"{id}","timestamp":"2026-11-17T18:40:03.000Z",{more}}}"#
            )
        };
        let asked = r#""message":{"id":"m1","role":"assistant","model":"claude-sonnet-4-5-20250929","content":[{"type":"tool_use","id":"t1","name":"Task","input":{"prompt":"look"}}]}"#;
        let main = [
            line("user", "u1", r#""message":{"role":"user","content":"go"}"#),
            line("assistant", "u2", asked),
        ];
        let reads = r#""isSidechain":true,"agentId":"a1","message":{"id":"m2","role":"assistant","model":"claude-sonnet-4-5-20250929","content":[{"type":"tool_use","id":"t2","name":"Read","input":{}}]}"#;
        let aside = line("assistant", "u3", reads);
        let write = |name: String, text: String| {
            std::fs::write(folder.path().join(name), text + "\n").expect("a file");
        };
        write(format!("{id}.jsonl"), main.join("\n"));
        write("agent-a1.jsonl".to_owned(), aside);
        let store = load(&[folder.path().to_owned()]);
        let runs = store.runs().len();
        let calls: u32 = store.runs().iter().map(|run| run.totals.tool_calls).sum();
        (runs, calls)
    };
    for id in [
        "0a1b2c3d-0000-4000-8000-000000000000",
        "beef0000-0000-4000-8000-000000000000",
    ] {
        assert_eq!(session(id), (1, 2), "{id}");
    }
}

#[test]
fn the_cohort_sample_contains_its_planted_change() {
    let by_model = output_of(
        &["stats", "--by", "model,tool", "--json"],
        Path::new("sample-traces/refund-cohort"),
    );
    insta::assert_snapshot!("refund-cohort", by_model);
}

#[test]
fn generated_samples_match_the_committed_files() {
    for (path, contents) in generate::files() {
        let committed = std::fs::read_to_string(sample(path)).expect("a sample");
        assert!(
            committed == contents,
            "{path} differs: run `cargo run --example generate-samples`"
        );
    }
}
