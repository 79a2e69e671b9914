//! What an engine is asked before and while it reads, and what `check-filter` reports about each product.

use serde_json::{Value, json};

use super::server::{Answer, Received, Server};
use super::{command, text};

/// A table of spans in an engine that refuses to read many rows.
fn engine(asked: &Received) -> Answer {
    let most = asked.query("max_rows_to_read").expect("a limit");
    if most.parse::<f64>().expect("a number") < 1e10 {
        return Answer {
            body: "Code: 158. DB::Exception: Limit for rows exceeded".to_owned(),
            ..Answer::status(500).with("x-clickhouse-exception-code", "158")
        };
    }
    Answer::json(&json!({ "data": [] }))
}

#[test]
fn the_rows_that_an_engine_reads_are_limited() {
    let server = Server::start(engine);
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("pulled");
    let path = folder.to_str().expect("a path");
    let url = format!("clickhouse://127.0.0.1:{}/otel", server.port);
    let run = |args: &[&str]| {
        let output = { command(home.path(), args) }
            .output()
            .expect("the program runs");
        (output.status.code(), text(&output.stderr).to_owned())
    };
    for (args, most) in [
        (vec!["pull", &url, "-o", path], "2000000000"),
        (
            vec!["pull", &url, "-o", path, "--max-scan", "5e9"],
            "5000000000",
        ),
    ] {
        let (code, said) = run(&args);
        assert_eq!(code, Some(4), "{said}");
        assert!(
            said.contains("more rows than allowed") && said.contains("--max-scan"),
            "{said}"
        );
        let asked = server.asked();
        // It is not tried again, and not in smaller windows.
        assert_eq!(asked.len(), 1);
        assert_eq!(asked[0].query("max_rows_to_read"), Some(most));
    }
    // The option means the same wherever a URL is read.
    let rows = format!("{url}/saferun_runs");
    for command in ["ls", "stats", "query"] {
        let (path, first) = match command {
            "stats" => (&rows, vec!["stats", "--by", "tool"]),
            "query" => (&url, vec!["query", "tool:refund"]),
            other => (&rows, vec![other]),
        };
        let args = [&first[..], &[path.as_str(), "--max-scan", "7e9"]].concat();
        let (code, said) = run(&args);
        assert_eq!(code, Some(4), "{args:?}: {said}");
        assert!(said.contains("--max-scan"), "{said}");
        assert_eq!(
            server.asked()[0].query("max_rows_to_read"),
            Some("7000000000")
        );
    }
    let (code, said) = run(&["pull", "phoenix://localhost:1/x", "--max-scan", "5e9"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("only clickhouse://"), "{said}");
    let (code, said) = run(&["pull", &url, "--max-scan", "many"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("not a number of rows"), "{said}");
}

/// A table of spans whose engine says that a query would read 5e9 rows.
fn large_table(asked: &Received) -> Answer {
    let columns = [
        "Timestamp",
        "TraceId",
        "SpanId",
        "ParentSpanId",
        "SpanName",
        "ServiceName",
        "ResourceAttributes",
        "ScopeName",
        "SpanAttributes",
        "Duration",
        "StatusCode",
        "StatusMessage",
        "Events.Timestamp",
        "Events.Name",
        "Events.Attributes",
    ];
    let rows: Vec<Value> = match asked.text.as_str() {
        text if text.contains("otel_logs") => {
            return Answer {
                body: "Code: 60. DB::Exception: Table otel.otel_logs does not exist".to_owned(),
                ..Answer::status(404)
            };
        }
        text if text.starts_with("DESCRIBE") => columns
            .iter()
            .map(|name| json!({"name": name, "type": "Map(String, String)"}))
            .collect(),
        text if text.contains("EXPLAIN ESTIMATE") => vec![json!({"rows": 5_000_000_000_u64})],
        _ => Vec::new(),
    };
    Answer::json(&json!({ "data": rows }))
}

#[test]
fn a_pull_that_would_read_more_rows_than_allowed_asks_first() {
    let server = Server::start(large_table);
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("pulled");
    let path = folder.to_str().expect("a path");
    let url = format!("clickhouse://127.0.0.1:{}/otel", server.port);
    let pull = |more: &[&str]| {
        let args = [&["pull", &url, "-o", path, "-w", "tool:refund"][..], more].concat();
        let output = { command(home.path(), &args) }
            .output()
            .expect("the program runs");
        (output.status.code(), text(&output.stderr).to_owned())
    };
    let selects = |asked: &[Received]| {
        let read = asked
            .iter()
            .filter(|it| it.text.contains("SpanName, ServiceName"));
        read.count()
    };
    let (code, said) = pull(&[]);
    assert_eq!(code, Some(4), "{said}");
    assert!(
        said.contains("5,000,000,000 rows") && said.contains("--yes"),
        "{said}"
    );
    // Nothing was read, and nothing written.
    assert_eq!(selects(&server.asked()), 0);
    assert!(!folder.exists());
    for (more, most) in [
        (&["--yes"][..], None),
        (&["--max-scan", "6e9"][..], Some("6000000000")),
    ] {
        let (code, said) = pull(more);
        assert_eq!(code, Some(0), "{said}");
        let asked = server.asked();
        assert!(selects(&asked) > 0);
        assert!(asked.iter().all(|it| it.query("max_rows_to_read") == most));
    }
}

#[test]
fn check_filter_says_what_each_product_is_asked() {
    let home = tempfile::tempdir().expect("a folder");
    let check = |product: &str| {
        let args = ["check-filter", "user=Maria tool:refund", "--for", product];
        let output = { command(home.path(), &args) }
            .output()
            .expect("the program runs");
        text(&output.stdout).to_owned()
    };
    for (product, asked, here) in [
        (
            "clickhouse",
            "a span with \"Maria\" and a span with \"refund\"",
            None,
        ),
        ("langfuse", "userId=Maria", Some("tool:refund")),
        (
            "langsmith",
            "eq(metadata_value, \"Maria\")",
            Some("tool:refund"),
        ),
        (
            "phoenix",
            "attribute=user.id:\"Maria\"",
            Some("tool:refund"),
        ),
        (
            "helicone",
            "{\"user_id\":{\"equals\":\"Maria\"}}",
            Some("tool:refund"),
        ),
        (
            "mlflow",
            "metadata.`mlflow.trace.user` ILIKE '%Maria%'",
            Some("tool:refund"),
        ),
    ] {
        let said = check(product);
        assert!(
            said.contains(&format!("conditions for {product}: ")),
            "{said}"
        );
        assert!(said.contains(asked), "{said}");
        let line = said
            .lines()
            .find(|line| line.starts_with("only decided here"));
        assert_eq!(
            line.map(|line| line.contains(here.unwrap_or("?"))),
            here.map(|_| true),
            "{said}"
        );
    }
}

/// An engine whose profile fixes all settings, with whole numbers that are not quoted.
fn strict_engine(asked: &Received) -> Answer {
    if asked.query.iter().any(|(name, _)| name == "readonly") {
        return Answer {
            body: "Code: 164. DB::Exception: Cannot modify 'readonly' setting in readonly mode"
                .to_owned(),
            ..Answer::status(500).with("x-clickhouse-exception-code", "164")
        };
    }
    let answer = large_table(asked);
    if !asked.text.contains("SpanName, ServiceName") {
        return answer;
    }
    let row = json!({
        "began": 1_795_360_095_000_000_000_u64, "Trace": "7c1d2e3f405162738495a6b7c8d9eafb", "Span": "b2000000000000ff",
        "took": 1_000_000_000, "ParentSpanId": "", "SpanName": "desk", "ServiceName": "desk", "ResourceAttributes": {},
        "ScopeName": "", "SpanAttributes": {"gen_ai.operation.name": "invoke_agent"}, "StatusCode": "Ok", "StatusMessage": "",
        "event_times": [], "event_names": [], "event_attributes": [],
    });
    let is_in_window = |name: &str| {
        asked
            .query(name)
            .map(|it| it.parse::<i64>().expect("a number"))
    };
    let (from, until) = (is_in_window("param_from"), is_in_window("param_until"));
    let at = 1_795_360_095_000_000_000;
    let rows = from.is_some_and(|it| it <= at) && until.is_some_and(|it| it > at);
    Answer::json(&json!({"data": if rows { vec![row] } else { Vec::new() }}))
}

#[test]
fn an_engine_that_forbids_settings_is_asked_without_them() {
    let server = Server::start(strict_engine);
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("pulled");
    let path = folder.to_str().expect("a path");
    let url = format!("clickhouse://127.0.0.1:{}/otel", server.port);
    let args = [
        "pull",
        &url,
        "-o",
        path,
        "--since",
        "2026-11-20",
        "--until",
        "2026-11-25",
        "--max-scan",
        "1e10",
    ];
    let output = { command(home.path(), &args) }
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let runs = super::runs(&folder);
    assert_eq!(runs.len(), 1);
    let began = runs[0]["started_at"].as_str().expect("a time");
    assert!(began.starts_with("2026-11-22T15:08:15"), "{began}");
    // The settings are sent once; after the refusal, no longer.
    let refused = server
        .asked()
        .into_iter()
        .filter(|it| it.query("readonly").is_some());
    assert_eq!(refused.count(), 1);
}

#[test]
fn a_refusal_of_an_engine_is_shown_and_its_query_is_not_repeated() {
    let server = Server::start(|_: &Received| Answer {
        body: "Code: 516. DB::Exception: reader: Authentication failed".to_owned(),
        ..Answer::status(500).with("x-clickhouse-exception-code", "516")
    });
    let home = tempfile::tempdir().expect("a folder");
    let url = format!("clickhouse://127.0.0.1:{}/otel", server.port);
    let output = { command(home.path(), &["pull", &url]) }
        .output()
        .expect("the program runs");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(
        said.contains("Authentication failed") && !said.contains("this large"),
        "{said}"
    );
    assert_eq!(server.asked().len(), 1);
}
