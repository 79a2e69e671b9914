//! `--json`, `--jsonl`, `--csv`, `--where`, `--sort`, `--limit` and `--columns`: the same for every command.

use serde_json::Value;

use super::{NEW, NIGHT, OLD, REFUND, json, out, refused};

/// Commands that print records: their arguments, the schema, and the list in the document.
const COMMANDS: &[(&[&str], &str, &str)] = &[
    (&["ls", NIGHT], "saferun.tui/runs@1", "runs"),
    (
        &["query", "kind:tool", REFUND],
        "saferun.tui/actions@1",
        "actions",
    ),
    (
        &["show", REFUND, "--turn", "1"],
        "saferun.tui/actions@1",
        "actions",
    ),
    (&["stats", REFUND], "saferun.tui/stats@1", "groups"),
    (
        &["cost", REFUND, "--by", "call"],
        "saferun.tui/cost@1",
        "lines",
    ),
    (
        &["cost", NIGHT, "--by", "run"],
        "saferun.tui/cost@1",
        "lines",
    ),
    (
        &["cost", REFUND, "--by", "kind"],
        "saferun.tui/cost@1",
        "lines",
    ),
    (
        &["cost", REFUND, "--by", "result"],
        "saferun.tui/cost@1",
        "lines",
    ),
    (&["verify", NIGHT, REFUND], "saferun.tui/verify@1", "files"),
    (
        &["cohort", "sample-traces/refund-cohort"],
        "saferun.tui/cohort@1",
        "metrics",
    ),
    (
        &["diff", "-w", "task:refund-0004", OLD, NEW],
        "saferun.tui/diff@1",
        "columns",
    ),
    (&["formats"], "saferun.tui/formats@1", "formats"),
];

#[test]
fn json_lines_and_csv_hold_the_records_of_the_json_document() {
    for (command, schema, list) in COMMANDS {
        let with = |option: &'static str| [*command, &[option]].concat();
        let document = json(&with("--json"));
        assert_eq!(document["schema"], *schema);
        let records = document[list].as_array().expect("a list");
        assert!(!records.is_empty(), "{command:?}");
        let lines = out(&with("--jsonl"), 0);
        let lines = lines
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"));
        let lines: Vec<Value> = lines.collect();
        assert_eq!(&lines, records, "{command:?}");
        let csv = out(&with("--csv"), 0);
        assert_eq!(
            csv.matches("\r\n").count(),
            records.len() + 1,
            "{command:?}: {csv}"
        );
    }
}

#[test]
fn where_narrows_query_as_it_narrows_ls_and_stats() {
    let count = |args: &[&str]| out(&[&["query", "-c"], args].concat(), 0);
    assert_eq!(
        count(&["tool:refund", "-w", "is:blocked", REFUND]),
        count(&["tool:refund is:blocked", REFUND])
    );
    let either = count(&["tool:refund OR tool:get_order", "-w", "is:blocked", REFUND]);
    assert_eq!(
        either,
        count(&["(tool:refund OR tool:get_order) is:blocked", REFUND])
    );
}

#[test]
fn limit_keeps_the_first_rows_after_sorting() {
    let ids = |args: &[&str]| {
        let printed = out(args, 0);
        let rows = printed.lines().map(|line| {
            let record: Value = serde_json::from_str(line).expect("JSON");
            record
        });
        rows.collect::<Vec<Value>>()
    };
    let all = ids(&["query", "kind:model", REFUND, "--sort", "-cost", "--jsonl"]);
    let costs: Vec<f64> = all
        .iter()
        .filter_map(|it| it["cost_usd"].as_f64())
        .collect();
    assert!(
        costs.is_sorted_by(|a, b| a >= b) && costs.len() > 2,
        "{costs:?}"
    );
    let two = ids(&[
        "query",
        "kind:model",
        REFUND,
        "--sort",
        "-cost",
        "--limit",
        "2",
        "--jsonl",
    ]);
    assert_eq!(two, all[..2]);
    let groups = ids(&["stats", REFUND, "--sort", "tool", "--limit", "1", "--jsonl"]);
    let names = ids(&["stats", REFUND, "--jsonl"]);
    let first = names
        .iter()
        .filter_map(|it| it["by"]["tool"].as_str())
        .min();
    assert_eq!(groups[0]["by"]["tool"].as_str(), first);
    assert_eq!(
        json(&["ls", NIGHT, "--limit", "1", "--json"])["runs"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    assert!(refused(&["query", "", REFUND, "--sort", "colour"], 2).contains("known: run, seq"));
}

#[test]
fn columns_select_the_same_values_in_tables_json_and_csv() {
    let columns = [
        "query",
        "tool:refund",
        REFUND,
        "--columns",
        "seq,args.amount,status",
    ];
    let table = out(&columns, 0);
    assert!(
        table
            .lines()
            .any(|line| line.ends_with("4200         blocked")),
        "{table}"
    );
    let csv = out(&[&columns[..], &["--csv"]].concat(), 0);
    assert!(
        csv.starts_with("seq,args.amount,status\r\n") && csv.contains(",4200,blocked\r\n"),
        "{csv}"
    );
    let lines = out(&[&columns[..], &["--jsonl"]].concat(), 0);
    let first: Value = serde_json::from_str(lines.lines().next().expect("a line")).expect("JSON");
    assert_eq!(
        first.as_object().map(serde_json::Map::len),
        Some(3),
        "{first}"
    );

    let runs = out(&["ls", NIGHT, "--columns", "run,cost_source,actions"], 0);
    assert!(
        runs.starts_with("RUN") && runs.contains("cost_source") && runs.contains("estimated"),
        "{runs}"
    );
    let stats = out(
        &[
            "stats",
            REFUND,
            "--by",
            "tool,status",
            "--columns",
            "status,cost,p50",
        ],
        0,
    );
    assert!(stats.starts_with("status"), "{stats}");
    let why = refused(&["ls", NIGHT, "--columns", "run,costs"], 2);
    assert!(
        why.contains("'costs' is not a column · did you mean 'cost'?"),
        "{why}"
    );
}

#[test]
fn stats_group_by_day_like_cohort() {
    let days = json(&["stats", NIGHT, "--by", "day", "--json"]);
    let day = days["groups"][0]["by"]["day"].as_str().expect("a day");
    assert!(day.len() == 10 && day.starts_with("202"), "{day}");
}
