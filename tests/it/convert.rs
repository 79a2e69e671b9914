//! What `convert` writes opens to the same runs and actions.

use std::path::Path;

use assert_cmd::Command;
use saferun_tui::model::action::Kind;
use saferun_tui::store::Store;
use saferun_tui::store::bodies::{self, Depth};

use crate::support::{convert, load, sample, samples, shared};

/// A run and its actions in words, without what only says where they stand.
fn told(store: &Store) -> Vec<String> {
    let mut out = Vec::new();
    let mut runs: Vec<_> = store.runs().iter().enumerate().collect();
    runs.sort_by_key(|(_, run)| (run.id.clone(), run.started));
    for (ix, run) in runs {
        let mut totals = run.totals;
        (totals.actions, totals.copies) = (0, 0);
        let name = |symbol| store.symbols().name(symbol).to_owned();
        let who = &run.who;
        let named = [
            who.agent,
            who.user,
            who.service,
            who.env,
            who.task,
            who.trial,
            who.release,
        ]
        .map(name);
        let (correct, score, status) = (run.correct, run.score, run.status);
        out.push(format!(
            "run {named:?} {:?} {correct:?} {score:?} {status:?} {totals:?}",
            run.started
        ));
        for row in store.rows().filter(|row| row.run_ix().0 as usize == ix) {
            let kind = match row.kind() {
                // Told by rows of their own.
                Kind::RunStart | Kind::RunEnd => continue,
                // What could not be read is kept, as a record of a type nobody knows.
                Kind::Malformed => Kind::Unknown,
                known => known,
            };
            if kind == Kind::Unknown {
                out.push("unknown".to_owned());
                continue;
            }
            let body = bodies::open(&row, Depth::Full);
            let verdicts: Vec<String> = row
                .attached()
                .map(|it| {
                    format!(
                        "{:?} {:?} {} {}",
                        it.kind,
                        it.verdict,
                        it.shadow,
                        name(it.by)
                    )
                })
                .collect();
            let model = if kind == Kind::Response {
                row.model()
            } else {
                ""
            };
            out.push(format!(
                "{kind:?} {} {} {} {:?} {:?} {:?} {:?} {:?} {verdicts:?} {:?} {:?} {:?} {:?} {:?} {:?}",
                row.turn(),
                row.tool(),
                model,
                row.agent(),
                row.status(),
                row.time(),
                row.duration(),
                (row.cost(), row.usage()),
                body.text.filter(|text| !text.is_empty() && kind != Kind::ToolCall),
                body.args,
                body.result,
                body.error,
                reasons(body.decisions.iter().map(|it| &it.reason)),
                reasons(body.approvals.iter().map(|it| &it.reason)),
            ));
        }
    }
    out
}

/// The reasons that were told.
fn reasons<'a>(all: impl Iterator<Item = &'a Option<String>>) -> Vec<&'a String> {
    all.flatten().collect()
}

/// How what comes back differs first; empty where it is the same.
fn difference(path: &Path) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("converted.jsonl");
    convert(&[], path, &output);
    let (before, after) = (load(&[path.to_owned()]), load(&[output]));
    let (before, after) = (told(&before), told(&after));
    let differs = before
        .iter()
        .zip(&after)
        .find(|(before, after)| before != after);
    match differs {
        Some((before, after)) => format!("{}:\n  {after}\n  {before}\n", path.display()),
        None if before.len() != after.len() => format!("{}: rows are missing\n", path.display()),
        None => String::new(),
    }
}

#[test]
fn every_sample_converts_without_loss() {
    let mut all = String::new();
    for path in samples() {
        all.push_str(&difference(&path));
    }
    all.push_str(&difference(&sample("opencode/storage")));
    assert!(all.is_empty(), "{all}");
}

#[test]
fn real_recordings_convert_without_loss() {
    for path in [
        "openinference/openai_agents/traces.otlp.jsonl",
        "openinference/langgraph_openai/traces.otlp.jsonl",
        "pydantic_ai/v2/traces.otlp.jsonl",
        "vercel_ai/approval/traces.otlp.jsonl",
        "langfuse/sdk/traces.otlp.jsonl",
        "langsmith/langgraph/runs.jsonl",
        "openai_agents_native/chat/traces.jsonl",
    ] {
        if let Some(path) = shared(&format!("data/observability/{path}")) {
            assert_eq!(difference(&path), "");
        }
    }
}

#[test]
fn convert_takes_one_run_of_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("one.jsonl");
    let named = sample("tau-bench/airline-three-trials.json#7/1");
    convert(&[], &named, &output);
    let store = load(&[output]);
    let ids: Vec<&str> = store.runs().iter().map(|run| &*run.id).collect();
    assert_eq!(ids, ["7/1"]);
}

#[test]
fn a_whole_file_and_one_run_of_another_can_be_converted_together() {
    let done = Command::cargo_bin("saferun-tui")
        .expect("the program")
        .args(["--no-config", "convert", "-o", "-"])
        .arg(sample("saferun/refund-agent.jsonl"))
        .arg(sample("saferun/ops-night.jsonl#disk"))
        .output()
        .expect("it runs");
    let text = String::from_utf8(done.stdout).expect("text");
    let mut runs: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .map(|event| event["run_id"].as_str().expect("an id").to_owned())
        .collect();
    runs.dedup();
    runs.sort();
    assert_eq!(runs, ["disk-watch", "refund-8841"]);
    let nothing = Command::cargo_bin("saferun-tui")
        .expect("the program")
        .args([
            "--no-config",
            "convert",
            "-w",
            "run:nobody",
            "--to",
            "atif",
            "-o",
        ])
        .arg("/nowhere/at/all.json")
        .arg(sample("saferun/refund-agent.jsonl"))
        .output()
        .expect("it runs");
    assert_eq!(nothing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&nothing.stderr).contains("no run matches"));
}

#[test]
fn an_existing_file_is_replaced_only_with_force() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("out.jsonl");
    std::fs::write(&output, "mine").expect("a file");
    let run = |more: &[&str]| {
        let done = Command::cargo_bin("saferun-tui")
            .expect("the program")
            .args(["--no-config", "convert", "-o"])
            .arg(&output)
            .args(more)
            .arg(sample("saferun/refund-agent.jsonl"))
            .output();
        done.expect("it runs").status.code()
    };
    assert_eq!(run(&[]), Some(2));
    assert_eq!(std::fs::read_to_string(&output).expect("text"), "mine");
    assert_eq!(run(&["--force"]), Some(0));
    assert!(
        std::fs::read_to_string(&output)
            .expect("text")
            .starts_with("{\"type\"")
    );
    let itself = Command::cargo_bin("saferun-tui")
        .expect("the program")
        .args(["--no-config", "convert", "--force", "-o"])
        .args([&output, &output])
        .output();
    assert_eq!(itself.expect("it runs").status.code(), Some(2));
}
