//! Selection by the engine: of random filters, no run that the filter keeps here is missing among those it returns.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::{Server, clickhouse, fill, run, runs};

const FILTERS: usize = 200;

/// Filters made of values that the readers show, alone and combined; the same ones in every run of the test.
fn random(terms: &[String]) -> Vec<String> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).expect("small")
    };
    let mut filters = Vec::new();
    while filters.len() < FILTERS {
        let mut term = || {
            let term = &terms[next(terms.len())];
            if next(6) == 0 {
                format!("-{term}")
            } else {
                term.clone()
            }
        };
        let (a, b, c) = (term(), term(), term());
        filters.push(match filters.len() % 5 {
            0 => a,
            1 => format!("{a} {b}"),
            2 => format!("{a} or {b}"),
            3 => format!("({a} or {b}) {c}"),
            _ => format!("{a} ({b} or -{c})").replace("--", ""),
        });
    }
    filters
}

/// Terms about values of the actions of a file.
fn terms(home: &Path, file: &str) -> Vec<String> {
    let (_, document, stderr) = run(home, &["query", "", file, "--json"]);
    let actions = document["actions"]
        .as_array()
        .unwrap_or_else(|| panic!("{stderr}"));
    let mut terms: Vec<String> = Vec::new();
    for action in actions.iter().take(400) {
        for field in ["tool", "agent", "model", "user", "service", "env"] {
            if let Some(name) = action[field].as_str() {
                terms.push(format!("{field}:\"{name}\""));
            }
        }
        words(action, &mut terms);
    }
    terms.extend(
        [
            "is:error",
            "kind:tool",
            "cost>0.001",
            "latency>1s",
            "has:approval",
        ]
        .map(str::to_owned),
    );
    terms.sort();
    terms.dedup();
    terms
}

/// Words of the texts in a value.
fn words(value: &Value, terms: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
            let words = words.filter(|word| word.len() > 3).take(6);
            terms.extend(words.map(|word| format!("\"{word}\"")));
        }
        Value::Array(items) => items.iter().for_each(|item| words(item, terms)),
        Value::Object(members) => members.values().for_each(|it| words(it, terms)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn no_run_that_a_random_filter_keeps_is_missing() {
    let Some(server) = clickhouse() else { return };
    let home = server.home.path();
    let many = home.join("many.jsonl");
    let many = many.to_str().expect("a path");
    let sent = format!("http://127.0.0.1:{}/", server.port);
    fill("chdb", "fill_clickhouse.py", &[&sent, super::STORY, many]);
    let url = format!("clickhouse://127.0.0.1:{}/otel", server.port);
    let mut selected = 0;
    for (at, filter) in random(&terms(home, many)).iter().enumerate() {
        let here = runs(Path::new(many), Some(filter), &[]);
        selected += usize::from(check(&server, (&url, at), filter, &here));
    }
    assert!(selected > FILTERS / 3, "{selected}");
}

/// Whether the engine had something to select by.
fn check(
    server: &Server,
    (url, at): (&str, usize),
    filter: &str,
    here: &BTreeMap<String, Value>,
) -> bool {
    let folder = server.home.path().join(format!("random-{at}"));
    let path = folder.to_str().expect("a path");
    let args = [
        "pull",
        url,
        "-o",
        path,
        "--since",
        "2026-11-01",
        "-w",
        filter,
    ];
    let (code, _, stderr) = run(server.home.path(), &args);
    if code == Some(2) && stderr.contains("cannot select runs") {
        return false;
    }
    assert_eq!(code, Some(0), "{filter}: {stderr}");
    let has_records = std::fs::read_dir(&folder).expect("a folder").count() > 3;
    let there = if has_records {
        runs(&folder, Some(filter), &[])
    } else {
        BTreeMap::new()
    };
    assert_eq!(&there, here, "{filter}");
    true
}
