//! Every file of the reference data is read as its own format, with the counts of independent
//! programs.
//!
//! `files/agents.tsv` and `files/observability.tsv` have one row per file: what we read, and the
//! reason if that differs from `MANIFEST.tsv` (`observability.rs` does the same for `COUNTS.tsv`).
//! A file without a row fails the test, and so does a difference without a reason.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use saferun_tui::ingest::discover;
use saferun_tui::ingest::intake::{self, Options};
use saferun_tui::ingest::prices::PriceTable;
use saferun_tui::model::outcome::AttachedKind;
use saferun_tui::model::quantity::Usage;
use saferun_tui::store::Store;

use crate::support::shared;

const AGENTS: &str = include_str!("files/agents.tsv");
const OBSERVABILITY: &str = include_str!("files/observability.tsv");

/// Files next to the traces: tables, documentation, and raw HTTP captures.
const NOT_TRACES: &[&str] = &["tsv", "md", "txt", "body", "binpb", "py"];

/// The content of a file: format, runs, tool calls, tokens, errors, approvals and denials, unknown
/// rows.
#[derive(Debug, PartialEq)]
struct Read {
    cells: [String; 7],
}

fn read(path: PathBuf) -> Read {
    let inputs = discover::resolve(&[path], discover::Shown::AllJson).inputs;
    let (store, errors) = Store::load(intake::load(inputs, Options::new(PriceTable::built_in())));
    let format = store.sources().first().map(|source| source.format.name());
    let refused = errors.first().map(|error| format!("refused: {error}"));
    let runs = store.runs();
    let sum = |of: fn(&saferun_tui::model::run::Totals) -> u32| {
        runs.iter()
            .map(|run| of(&run.totals))
            .sum::<u32>()
            .to_string()
    };
    let usage = runs
        .iter()
        .fold(Usage::NONE, |sum, run| sum.plus(&run.totals.usage));
    let tokens = usage
        .total()
        .get()
        .map_or("-".to_owned(), |it| it.to_string());
    Read {
        cells: [
            refused.or(format.map(str::to_owned)).unwrap_or_default(),
            runs.len().to_string(),
            sum(|totals| totals.tool_calls),
            tokens,
            sum(|totals| totals.errors),
            approvals(&store).to_string(),
            unknown(&store).to_string(),
        ],
    }
}

fn approvals(store: &Store) -> usize {
    let is_approval = |kind| kind == AttachedKind::Approval;
    store
        .rows()
        .map(|row| row.attached().filter(|it| is_approval(it.kind)).count())
        .sum()
}

fn unknown(store: &Store) -> usize {
    let words = ["unknown", "malformed"];
    store
        .rows()
        .filter(|row| words.contains(&row.kind().word()))
        .count()
}

/// Rows of a table by their first cell.
fn rows(text: &str) -> HashMap<&str, Vec<&str>> {
    let cells = text.lines().skip(1).map(|line| line.split('\t').collect());
    cells.map(|cells: Vec<&str>| (cells[0], cells)).collect()
}

/// The files below a folder, as relative paths.
fn below(folder: &Path) -> Vec<String> {
    let walk = ignore::WalkBuilder::new(folder)
        .standard_filters(false)
        .build();
    let files = walk
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_file());
    let name = |entry: ignore::DirEntry| {
        let path = entry.path().strip_prefix(folder).expect("it is below");
        path.to_string_lossy().into_owned()
    };
    files.map(name).collect()
}

#[track_caller]
fn check(folder: &str, table: &str) {
    let Some(folder) = shared(folder) else {
        return;
    };
    let mut wrong = Vec::new();
    let mut table = rows(table);
    for path in below(&folder) {
        let ending = Path::new(&path).extension().unwrap_or_default();
        if NOT_TRACES.iter().any(|it| ending == *it) || path.ends_with("requests.jsonl") {
            continue;
        }
        let found = read(folder.join(&path));
        let row = table.remove(&*path);
        let why = row.as_ref().map_or("NO ROW", |row| row[8]);
        if row.as_ref().is_none_or(|row| found.cells != row[1..8]) {
            wrong.push(format!("{path}\t{}\t{why}", found.cells.join("\t")));
        }
    }
    wrong.extend(table.into_keys().map(|path| format!("{path} is missing")));
    wrong.sort();
    assert!(
        wrong.is_empty(),
        "these files read differently now:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_agent_file_matches_the_table() {
    check("data/agents", AGENTS);
}

#[test]
fn every_product_file_matches_the_table() {
    check("data/observability", OBSERVABILITY);
}

#[test]
fn every_difference_from_independent_counts_has_a_reason() {
    let Some(manifest) = shared("data/agents/MANIFEST.tsv") else {
        return;
    };
    let manifest = std::fs::read_to_string(manifest).expect("the manifest");
    let table = rows(AGENTS);
    let mut wrong = Vec::new();
    for (path, cells) in rows(&manifest) {
        let Some(row) = table.get(path) else {
            continue;
        };
        let (calls, tokens) = (cells[6], cells[7]);
        let none = |text: &str| if text == "-" { "0" } else { text }.to_owned();
        let same_calls = calls.is_empty() || calls == row[3];
        let same_tokens = tokens.is_empty() || none(tokens) == none(row[4]);
        let same_format = cells[1] == row[1];
        let reason = row[8];
        if !(same_calls && same_tokens && same_format) && reason.is_empty() {
            wrong.push(format!(
                "{path}: {:?} is not {calls} calls, {tokens} tokens",
                &row[1..8]
            ));
        }
    }
    wrong.sort();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
