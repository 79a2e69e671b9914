//! Tool calls, tokens and costs of real transcripts match the counts of independent programs.

use std::collections::HashMap;
use std::path::Path;

use saferun_tui::model::quantity::{Cost, Usage};
use saferun_tui::store::Store;

use crate::support::{load, shared};

struct Row {
    tool: String,
    path: String,
    cells: HashMap<String, String>,
}

impl Row {
    fn number(&self, column: &str) -> Option<u64> {
        let cell = self.cells.get(column)?;
        (!cell.is_empty()).then(|| cell.parse().expect("a number"))
    }
}

fn rows() -> Vec<Row> {
    let Some(path) = shared("data/agents/ORACLE.tsv") else {
        return Vec::new();
    };
    let text = std::fs::read_to_string(path).expect("the oracle table");
    let mut lines = text
        .lines()
        .map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>());
    let head = lines.next().expect("a head");
    lines
        .map(|cells| Row {
            tool: cells[0].clone(),
            path: cells[1].clone(),
            cells: head.iter().cloned().zip(cells).collect(),
        })
        .filter(|row| row.path.starts_with("claude-code/") || row.path.starts_with("codex/"))
        .filter(|row| !row.path.ends_with(".meta.json"))
        .collect()
}

/// Totals of the main lane: what a program sees that reads only this file.
struct Main {
    usage: Usage,
    tool_calls: u64,
}

fn main_lane(store: &Store, path: &Path) -> Main {
    let source = store
        .sources()
        .iter()
        .position(|source| source.path == path)
        .expect("the source");
    let mut usage = Usage::NONE;
    let mut tool_calls = 0;
    for row in store
        .rows()
        .filter(|row| row.source_ix().0 as usize == source)
    {
        usage = usage.plus(&row.usage());
        tool_calls += u64::from(row.kind().word() == "tool_call");
    }
    Main { usage, tool_calls }
}

fn check(row: &Row, rights: &HashMap<&str, u64>, errors: &mut Vec<String>) {
    let Some(path) = shared(&format!("data/agents/{}", row.path)) else {
        return;
    };
    let store = load(std::slice::from_ref(&path));
    let whole = row.tool.starts_with("ccusage");
    let total = store
        .runs()
        .iter()
        .fold(Usage::NONE, |sum, run| sum.plus(&run.totals.usage));
    let main = main_lane(&store, &path);
    let usage = if whole { total } else { main.usage };
    let mut equal = |what: &str, found: u64| {
        if let Some(expected) = row.number(what)
            && found != expected
        {
            errors.push(format!(
                "{} {}: {what} {found}, expected {expected}",
                row.tool, row.path
            ));
        }
    };
    if row.tool.contains("WRONG") {
        let right = rights.get(row.path.as_str()).copied();
        let found = Some(usage.total().or_zero());
        if row.number("total_tokens") == found && right != found {
            errors.push(format!("{} {}: equals a wrong count", row.tool, row.path));
        }
        return;
    }
    if row.tool.starts_with("atif-make") {
        return;
    }
    equal("input_tokens", usage.input.or_zero());
    equal("output_tokens", usage.output.or_zero());
    equal("cache_write", usage.cache_write.or_zero());
    equal("cache_read", usage.cache_read.or_zero());
    equal("total_tokens", usage.total().or_zero());
    equal("tool_calls", main.tool_calls);
    if let Some(expected) = row
        .cells
        .get("cost_usd")
        .and_then(|cell| cell.parse::<f64>().ok())
    {
        let cost = store.runs().iter().fold(Cost::NONE, |sum, run| {
            run.cost().map_or(sum, |(cost, _)| sum + cost)
        });
        let found = cost.usd().unwrap_or(0.0);
        if (found - expected).abs() > expected * 0.01 {
            errors.push(format!(
                "{} {}: cost {found}, expected {expected}",
                row.tool, row.path
            ));
        }
    }
}

#[test]
fn counts_match_independent_programs() {
    let mut errors = Vec::new();
    let rows = rows();
    let right = rows.iter().filter(|row| row.tool.contains("RIGHT"));
    let rights: HashMap<&str, u64> = right
        .filter_map(|row| Some((row.path.as_str(), row.number("total_tokens")?)))
        .collect();
    for row in &rows {
        check(row, &rights, &mut errors);
    }
    assert!(errors.is_empty(), "{}", errors.join("\n"));
}
