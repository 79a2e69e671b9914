//! Totals agree however they are computed, and neither unrelated lines nor a different order change
//! them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};
use saferun_tui::model::quantity::{Cost, Tokens, Usage};
use saferun_tui::model::run::Run;
use saferun_tui::store::Store;
use serde_json::Value;

use super::config;
use crate::support::{load, sample};

fn samples() -> Vec<PathBuf> {
    ["saferun", "claude-code", "codex", "refund-cohort"]
        .iter()
        .map(|folder| sample(folder))
        .collect()
}

/// The totals of a run as comparable text.
fn totals(run: &Run) -> String {
    let who = (
        run.started,
        run.ended,
        run.status,
        run.score,
        run.correct,
        &run.parent_run,
    );
    format!("{} {who:?} {:?}", run.id, run.totals)
}

fn per_run(store: &Store) -> Vec<String> {
    let mut runs: Vec<_> = store.runs().iter().map(|run| totals(run)).collect();
    runs.sort();
    runs
}

fn of_actions(store: &Store) -> (Usage, Cost) {
    store
        .rows()
        .fold((Usage::NONE, Cost::NONE), |(usage, cost), row| {
            (usage.plus(&row.usage()), cost + row.cost())
        })
}

#[test]
fn runs_actions_and_printed_lines_have_equal_totals() {
    for path in samples() {
        let store = load(std::slice::from_ref(&path));
        let of_runs = store
            .runs()
            .iter()
            .fold((Usage::NONE, Cost::NONE), |(usage, cost), run| {
                let totals = &run.totals;
                (
                    usage.plus(&totals.usage),
                    cost + totals.recorded_cost + totals.estimated_cost,
                )
            });
        assert_eq!(of_runs, of_actions(&store), "{}", path.display());
        let (usage, cost) = of_runs;
        // Machine output does not say which part of a cache write was for an hour.
        let usage = Usage {
            cache_write_hour: Tokens::NONE,
            web_searches: Tokens::NONE,
            ..usage
        };
        assert_eq!((usage, cost), of_printed_lines(&path), "{}", path.display());
        let counted: u32 = store.runs().iter().map(|run| run.totals.actions).sum();
        let broken = store.rows().filter(|row| row.seq() == 0).count() as u32;
        assert_eq!(counted + broken, store.len(), "{}", path.display());
    }
}

fn of_printed_lines(path: &Path) -> (Usage, Cost) {
    let output = Command::new(assert_cmd::cargo::cargo_bin!("saferun-tui"))
        .args(["query", "", "--jsonl", "--no-config"])
        .arg(path)
        .stdin(Stdio::null())
        .output()
        .expect("the program starts");
    let text = String::from_utf8(output.stdout).expect("output is UTF-8");
    let (mut usage, mut cost) = (Usage::NONE, Cost::NONE);
    for line in text.lines() {
        let action: Value = serde_json::from_str(line).expect("a line is JSON");
        usage = usage.plus(&printed_usage(&action["usage"]));
        if let Some(usd) = action["cost_usd"].as_f64() {
            cost = cost + Cost::from_usd(usd);
        }
    }
    (usage, cost)
}

fn printed_usage(printed: &Value) -> Usage {
    let count = |name: &str| printed[name].as_u64().map_or(Tokens::NONE, Tokens);
    Usage {
        input: count("input_tokens"),
        output: count("output_tokens"),
        cache_read: count("cache_read_tokens"),
        cache_write: count("cache_write_tokens"),
        cache_write_hour: Tokens::NONE,
        web_searches: Tokens::NONE,
        reasoning: count("reasoning_tokens"),
    }
}

fn written(lines: &[&str]) -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("trace.jsonl");
    let text: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
    fs::write(&path, text).expect("it can be written");
    let store = load(&[path]);
    (folder, store)
}

fn text_of(name: &str) -> String {
    fs::read_to_string(sample(name)).expect("the sample is there")
}

fn malformed_line() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("{".to_owned()),
        Just("oops".to_owned()),
        Just("[1,2]".to_owned()),
        Just("{\"type\":\"prompt\",\"run_id\":\"refund-8841\",\"content\":\"cut".to_owned()),
        // Without a closing brace: a whole record behind others is read.
        "[a-z{\\[\\]\":, ]{1,30}".prop_filter("not an object", |line| {
            !line.trim().is_empty() && serde_json::from_str::<Value>(line).is_err()
        }),
    ]
}

proptest! {
    #![proptest_config(config(64))]

    #[test]
    fn a_malformed_line_changes_only_the_count_of_malformed_lines(
        name in prop::sample::select(&["saferun/refund-agent.jsonl", "saferun/ops-night.jsonl", "refund-cohort/model-a.jsonl"][..]),
        broken in malformed_line(),
        at in any::<prop::sample::Index>(),
    ) {
        let text = text_of(name);
        let mut lines: Vec<&str> = text.lines().collect();
        let (_folder, before) = written(&lines);
        lines.insert(at.index(lines.len()), &broken);
        let (_folder, after) = written(&lines);
        let named = |store: &Store| {
            let mut runs = per_run(store);
            // A malformed first line belongs to no named run.
            runs.retain(|run| !run.starts_with(' '));
            runs
        };
        assert_eq!(named(&after), named(&before));
        assert_eq!(of_actions(&after), of_actions(&before));
        assert_eq!(after.len(), before.len() + 1);
    }

    #[test]
    fn interleaving_runs_differently_keeps_their_totals(choices in prop::collection::vec(any::<bool>(), 0..60)) {
        let (a, b) = (text_of("saferun/refund-agent.jsonl"), text_of("saferun/runaway-loop.jsonl"));
        let (mut a, mut b) = (a.lines().peekable(), b.lines().peekable());
        let mut choices = choices.into_iter().cycle();
        let mut mixed = Vec::new();
        while a.peek().is_some() || b.peek().is_some() {
            let from_a = choices.next().unwrap_or(true);
            mixed.extend(if from_a { a.next().or_else(|| b.next()) } else { b.next().or_else(|| a.next()) });
        }
        let (_folder, store) = written(&mixed);
        let paths = ["saferun/refund-agent.jsonl", "saferun/runaway-loop.jsonl"].map(sample);
        assert_eq!(per_run(&store), per_run(&load(&paths)));
    }
}
