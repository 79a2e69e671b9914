//! Rows of ours in the engine: the figures over 12,000 runs are those that are computed here.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{Server, clickhouse, run};

const SAMPLE: &str = "sample-traces/saferun";
const RUNS: usize = 12_000;

/// How much of each run of the sample is copied.
const LINES: usize = 14;

/// Copies of the beginnings of the sample's runs with other ids, times, releases and figures, until there are enough.
fn many(folder: &Path) -> PathBuf {
    let files = std::fs::read_dir(SAMPLE).expect("a folder");
    let files = files.map(|file| file.expect("an entry").path());
    let mut files: Vec<PathBuf> = files.collect();
    files.sort();
    let texts = files
        .iter()
        .map(|file| std::fs::read_to_string(file).expect("text"));
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut lines: Vec<Value> = Vec::new();
    for text in texts {
        let of_file = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        lines.extend(of_file.filter(|line: &Value| {
            let count = line["run_id"]
                .as_str()
                .map(|id| counts.entry(id.to_owned()).or_default());
            count.is_some_and(|count| {
                *count += 1;
                *count <= LINES
            })
        }));
    }
    let mut ids: Vec<&str> = lines
        .iter()
        .filter_map(|line| line["run_id"].as_str())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    let mut text = String::new();
    for copy in 0..RUNS.div_ceil(ids.len()) {
        for line in &lines {
            writeln!(text, "{}", moved(line, copy as u64)).expect("text");
        }
    }
    let path = folder.join("many.jsonl");
    std::fs::write(&path, text).expect("written");
    path
}

fn moved(line: &Value, copy: u64) -> Value {
    let mut line = line.clone();
    let id = line["run_id"].as_str().expect("an id").to_owned();
    line["run_id"] = json!(format!("{id}-{copy}"));
    if let Some(time) = line["ts"].as_str() {
        let time: jiff::Timestamp = time.parse().expect("a time");
        let back = jiff::SignedDuration::from_mins(i64::try_from(copy).expect("small"));
        line["ts"] = json!((time - back).to_string());
    }
    for name in ["duration_ms", "cost_usd"] {
        if let Some(number) = line[name].as_f64() {
            line[name] = json!(number * (1.0 + (copy % 13) as f64 / 10.0));
        }
    }
    if line["type"] == "run_start" {
        line["release"] = json!(format!("1.{}", copy % 2));
        line["task"] = json!(format!("{id}-{}", copy / 2));
    }
    line
}

/// The document that a command prints for a path, without what depends on where it was read.
fn document(server: &Server, args: &[&str], path: &str) -> Value {
    let args = [args, &[path]].concat();
    let (code, mut document, stderr) = run(server.home.path(), &args);
    assert!(document.is_object(), "{args:?} {code:?} {stderr}");
    for name in ["files", "malformed"] {
        document.as_object_mut().expect("an object").remove(name);
    }
    document
}

fn runs_by_id(document: &Value) -> Vec<Value> {
    let mut runs = document["runs"].as_array().expect("runs").clone();
    runs.sort_by_key(|run| run["run_id"].as_str().expect("an id").to_owned());
    runs
}

#[test]
fn figures_over_rows_are_those_of_the_traces() {
    let Some(server) = clickhouse() else { return };
    let many = many(server.home.path());
    let many = many.to_str().expect("a path");
    let to = format!("clickhouse://127.0.0.1:{}/default", server.port);
    let rows = format!("{to}/saferun_runs");
    let (code, _, stderr) = run(server.home.path(), &["load", many, "--to", &to, "--create"]);
    assert_eq!(code, Some(2), "{stderr}");
    let (code, _, stderr) = run(
        server.home.path(),
        &["load", many, "--to", &to, "--create", "--yes"],
    );
    assert_eq!(code, Some(0), "{stderr}");
    let same = |args: &[&str]| {
        let (there, here) = (
            document(&server, args, &rows),
            document(&server, args, many),
        );
        assert!(there == here, "{args:?}\n{there}\n{here}");
        here
    };
    let all = document(&server, &["ls", "--json"], many);
    assert!(all["runs"].as_array().expect("runs").len() >= RUNS);
    let there = document(&server, &["ls", "--json"], &rows);
    assert_eq!(runs_by_id(&there), runs_by_id(&all));
    let costly = [
        "ls",
        "--json",
        "--sort",
        "-cost",
        "--limit",
        "50",
        "--columns",
        "cost",
    ];
    same(&costly);
    for by in [
        "tool",
        "model",
        "kind,status",
        "tool,model",
        "release,agent",
        "day",
        "user",
    ] {
        same(&["stats", "--json", "--by", by]);
    }
    for filter in [
        "is:error",
        "tool:(shell|health) -is:error",
        "cost>0.01",
        "release:1.1 kind:tool",
        "latency>2s or is:retry",
        "has:policy",
        "tokens.cache>0",
        "decision:approved",
    ] {
        same(&["stats", "--json", "--by", "tool", "-w", filter]);
        let here = document(&server, &["ls", "--json", "-w", filter], many);
        let there = document(&server, &["ls", "--json", "-w", filter], &rows);
        assert_eq!(runs_by_id(&there), runs_by_id(&here), "{filter}");
    }
    same(&[
        "cohort",
        "--json",
        "--a",
        "release:1.0",
        "--b",
        "release:1.1",
    ]);
    same(&[
        "cohort",
        "--json",
        "--by",
        "model",
        "-w",
        "agent:refund-agent or agent:deploy-fix",
    ]);
    same(&[
        "cohort",
        "--json",
        "--a",
        "is:error",
        "--metric",
        "tool:shell is:error",
    ]);
}

#[test]
fn a_run_that_is_loaded_again_counts_once() {
    let Some(server) = clickhouse() else { return };
    let home = server.home.path();
    let to = format!("clickhouse://127.0.0.1:{}/default", server.port);
    let rows = format!("{to}/saferun_runs");
    for _ in 0..2 {
        let (code, _, stderr) = run(
            home,
            &["load", "sample-traces", "--to", &to, "--create", "--yes"],
        );
        assert!(matches!(code, Some(0 | 4)), "{stderr}");
    }
    for args in [
        &["stats", "--json", "--by", "tool"][..],
        &["stats", "--json", "--by", "format,kind"],
    ] {
        let there = document(&server, args, &rows);
        assert_eq!(there, document(&server, args, "sample-traces"), "{args:?}");
    }
    let there = document(&server, &["ls", "--json"], &rows);
    let here = document(&server, &["ls", "--json"], "sample-traces");
    assert_eq!(runs_by_id(&there).len(), runs_by_id(&here).len());
}

#[test]
fn rows_of_several_versions_are_reported() {
    let Some(server) = clickhouse() else { return };
    let home = server.home.path();
    let to = format!("clickhouse://127.0.0.1:{}/default", server.port);
    let rows = format!("{to}/saferun_runs");
    let sample = "sample-traces/saferun/refund-agent.jsonl";
    let (code, _, stderr) = run(home, &["load", sample, "--to", &to, "--create", "--yes"]);
    assert_eq!(code, Some(0), "{stderr}");
    let (_, _, stderr) = run(home, &["ls", &rows, "--json"]);
    assert!(!stderr.contains("several versions"), "{stderr}");
    server.post(
        "INSERT INTO saferun_runs SELECT * REPLACE ('other' AS run_key, '0.0.1' AS program) FROM saferun_runs",
    );
    let (_, _, stderr) = run(home, &["ls", &rows, "--json"]);
    assert!(stderr.contains("several versions (0.0.1, "), "{stderr}");
}
