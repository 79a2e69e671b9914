//! Pulling from servers that answer as the products do, and fail as they do.

mod engine;
mod faults;
mod products;
mod selected;
mod server;
mod superset;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use products::{INPUT, KEY, OUTPUT, SESSIONS, SINCE, SPANS, UNTIL};
use server::{Answer, Fault, Received, Server};

use crate::support::skipped;

const LANGFUSE: &[(&str, &str)] = &[
    ("LANGFUSE_PUBLIC_KEY", "pk-lf-desk"),
    ("LANGFUSE_SECRET_KEY", KEY),
];
const LANGSMITH: &[(&str, &str)] = &[("LANGSMITH_API_KEY", KEY)];
const HELICONE: &[(&str, &str)] = &[("HELICONE_API_KEY", KEY)];

/// A product, its server and its URL.
struct Product {
    server: Server,
    url: String,
    keys: &'static [(&'static str, &'static str)],
    spans: usize,
}

fn product(
    answers: fn(&Received) -> Answer,
    scheme: &str,
    project: &str,
    keys: &'static [(&'static str, &'static str)],
) -> Product {
    let server = Server::start(answers);
    Product {
        url: format!("{scheme}://127.0.0.1:{}/{project}", server.port),
        server,
        keys,
        spans: SPANS,
    }
}

fn langfuse() -> Product {
    product(products::langfuse, "langfuse", "desk", LANGFUSE)
}

fn langsmith() -> Product {
    product(products::langsmith, "langsmith", "bot", LANGSMITH)
}

fn helicone() -> Product {
    Product {
        spans: SPANS / 4 * 3,
        ..product(products::helicone, "helicone", "", HELICONE)
    }
}

fn command(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("saferun-tui"));
    command
        .args(args)
        .env_clear()
        .envs([("LC_ALL", "C.UTF-8"), ("TZ", "UTC")])
        .env("HOME", home)
        .stdin(Stdio::null());
    command
}

impl Product {
    fn run(&self, home: &Path, args: &[&str]) -> Output {
        let mut command = command(home, args);
        command.envs(self.keys.iter().copied());
        command.output().expect("the program runs")
    }

    /// Pulls the whole story into a folder, and returns the output of `--json`.
    fn pull(&self, folder: &Path) -> Value {
        let output = self.run(folder, &self.args(folder));
        let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{stderr}");
        serde_json::from_str(stdout).expect("JSON")
    }

    fn args<'a>(&'a self, folder: &'a Path) -> Vec<&'a str> {
        let folder = folder.to_str().expect("a path");
        let rate = "100000/min";
        vec![
            "pull", &self.url, "-o", folder, "--since", SINCE, "--until", UNTIL, "--rate", rate,
            "--json",
        ]
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

/// The traces in a folder.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let files = entries.map(|entry| {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        (name, std::fs::read_to_string(path).expect("text"))
    });
    files
        .filter(|(name, _)| Path::new(name).extension() == Some("jsonl".as_ref()))
        .collect()
}

fn runs(folder: &Path) -> Vec<Value> {
    let output = command(folder, &["ls", folder.to_str().expect("a path"), "--json"]);
    let output = { output }.output().expect("the program runs");
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    document["runs"].as_array().expect("runs").clone()
}

#[track_caller]
fn is_the_story(folder: &Path) {
    let runs = runs(folder);
    assert_eq!(runs.len(), SESSIONS);
    for run in &runs {
        let name = run["run_id"].as_str().expect("an id");
        assert!(name.starts_with("chat-"), "{run}");
        assert_eq!(run["usage"]["input_tokens"], json!(INPUT), "{run}");
        assert_eq!(run["usage"]["output_tokens"], json!(OUTPUT), "{run}");
        assert_eq!(run["tool_calls"], json!(2), "{run}");
        assert_eq!(run["models"], json!(["gpt-5-mini"]), "{run}");
    }
}

#[test]
fn each_product_is_pulled_whole_and_only_once() {
    let old = [
        product(products::old_langfuse, "langfuse", "", LANGFUSE),
        product(products::old_langsmith, "langsmith", "bot", LANGSMITH),
    ];
    for product in [langfuse(), langsmith(), helicone()].iter().chain(&old) {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("pulled");
        let pulled = product.pull(&folder);
        let is_old_langfuse = product.url.starts_with("langfuse") && product.url.ends_with('/');
        let traces = if is_old_langfuse { SPANS / 4 } else { 0 };
        assert_eq!(
            pulled["records"],
            json!(product.spans + traces),
            "{}",
            product.url
        );
        is_the_story(&folder);
        let before = files(&folder);
        product.server.asked();
        let again = product.pull(&folder);
        assert_eq!(again["records"], json!(0), "{}", product.url);
        assert_eq!(files(&folder), before);
        // An old Langfuse is asked for the new API first, then for traces.
        let more =
            usize::from(product.url.starts_with("langsmith")) + 2 * usize::from(is_old_langfuse);
        assert!(product.server.asked().len() <= 2 + more);
    }
}

#[test]
fn traces_of_jaeger_and_tempo_are_pulled_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let jaeger = product(products::jaeger, "jaeger", "weather", &[]);
    let pulled = folder.path().join("jaeger");
    assert_eq!(jaeger.pull(&pulled)["records"], json!(24));
    let sample = runs_of("sample-traces/jaeger");
    let all = runs(&pulled);
    let sum = |runs: &[Value], name: &str| {
        runs.iter()
            .map(|run| run[name].as_u64().expect("a number"))
            .sum::<u64>()
    };
    assert_eq!(sum(&all, "tool_calls"), 24 * sum(&sample, "tool_calls"));
    assert_eq!(sum(&all, "actions"), 24 * sum(&sample, "actions"));
    let tempo = product(products::tempo, "tempo", "library", &[]);
    let pulled = folder.path().join("tempo");
    assert_eq!(tempo.pull(&pulled)["records"], json!(2));
    let (mut all, mut sample) = (runs(&pulled), runs_of("sample-traces/otlp"));
    for run in all.iter_mut().chain(&mut sample) {
        run["path"] = Value::Null;
    }
    assert_eq!(all, sample);
}

fn runs_of(sample: &str) -> Vec<Value> {
    runs(&Path::new(env!("CARGO_MANIFEST_DIR")).join(sample))
}

#[test]
fn both_versions_of_an_api_give_the_same_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let compared = |answers: fn(&Received) -> Answer, name: &str| {
        let folder = folder.path().join(name);
        product(answers, "langsmith", "bot", LANGSMITH).pull(&folder);
        let mut runs = runs(&folder);
        for run in &mut runs {
            run["path"] = Value::Null;
        }
        runs
    };
    assert_eq!(
        compared(products::langsmith, "new"),
        compared(products::old_langsmith, "old")
    );
}

/// What a server may do before it answers properly, with no effect on the files written.
fn passing() -> Vec<Fault> {
    vec![
        Fault::Instead(Answer::status(429).with("retry-after", "0")),
        Fault::Instead(Answer::status(503).with("retry-after", "Fri, 20 Nov 2026 00:00:00 GMT")),
        Fault::Instead(Answer::status(429).with(
            "x-ratelimit-reset",
            "Sat Nov 21 2026 10:00:05 GMT+0000 (Coordinated Universal Time)",
        )),
        Fault::Instead(Answer::status(408)),
        Fault::Instead(Answer::status(500)),
        Fault::Instead(Answer::status(502)),
        Fault::Instead(Answer::status(504)),
        Fault::Instead(Answer::status(422)),
        Fault::Instead(Answer::status(524)),
        Fault::Cut,
        Fault::Half,
    ]
}

/// The products, and a part of the path of what is faulty.
fn faulty() -> Vec<(Product, &'static str)> {
    vec![
        (langfuse(), "observations"),
        (
            product(products::old_langfuse, "langfuse", "", LANGFUSE),
            "traces",
        ),
        (langsmith(), "runs/query"),
        (
            product(products::old_langsmith, "langsmith", "bot", LANGSMITH),
            "runs/query",
        ),
        (helicone(), "query-clickhouse"),
        (
            product(products::jaeger, "jaeger", "weather", &[]),
            "traces",
        ),
        (
            product(products::tempo, "tempo", "library", &[]),
            "api/v2/traces",
        ),
    ]
}

/// The lines of all files of a folder, in order.
fn records(folder: &Path) -> Vec<String> {
    let files = files(folder);
    let lines = files.values().flat_map(|it| it.lines());
    let mut lines: Vec<String> = lines.map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn passing_faults_change_nothing() {
    // Most of the time is spent waiting for the next attempt.
    thread::scope(|all| {
        for (product, path) in faulty() {
            all.spawn(move || survives_faults(&product, path));
        }
    });
}

fn survives_faults(product: &Product, path: &'static str) {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = folder.path().join("whole");
    product.pull(&whole);
    for (at, fault) in passing().into_iter().enumerate() {
        if path == "query-clickhouse" && fault.is_too_much() {
            // Its first request is for a single row.
            continue;
        }
        let folder = folder.path().join(at.to_string());
        product.server.fault(path, fault.clone());
        product.pull(&folder);
        assert!(!product.server.has_faults());
        assert_eq!(
            records(&folder),
            records(&whole),
            "{} {fault:?}",
            product.url
        );
    }
}

/// A page that names itself as the next one would be read for ever.
#[test]
fn a_repeated_cursor_ends_the_pull() {
    let page = |answer: Value| Answer::json(&answer);
    let cases = [
        (
            langfuse(),
            "v2/observations",
            page(json!({"data": [], "meta": {"cursor": "c0"}})),
        ),
        (
            langsmith(),
            "runs/query",
            page(json!({"items": [], "next_cursor": "c0"})),
        ),
        (
            product(products::old_langsmith, "langsmith", "bot", LANGSMITH),
            "runs/query",
            page(json!({"runs": [], "cursors": {"next": "c0"}})),
        ),
    ];
    for (product, path, answer) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path().join("pulled");
        for _ in 0..2 {
            product.server.fault(path, Fault::Instead(answer.clone()));
        }
        ends(&product, &folder, "repeats a cursor");
        product.pull(&folder);
        is_the_story(&folder);
    }
}

#[track_caller]
fn ends(product: &Product, folder: &Path, because: &str) -> String {
    let output = product.run(folder, &product.args(folder));
    let said = text(&output.stderr).to_owned();
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains(because), "{said}");
    said
}

#[test]
fn what_cannot_be_trusted_ends_the_pull_and_loses_nothing() {
    let html = Answer {
        body: "<html>sign in</html>".to_owned(),
        ..Answer::status(200).with("content-type", "text/html; charset=utf-8")
    };
    let elsewhere = Answer::status(302).with("location", "https://elsewhere.example/");
    let cases: [(Vec<Answer>, &str); 3] = [
        (vec![html; 5], "its answer is text/html, not JSON"),
        (vec![elsewhere], "the key is not sent there"),
        (
            vec![Answer::status(429).with("retry-after", "0"); 8],
            "answered 429",
        ),
    ];
    thread::scope(|all| {
        for (answers, because) in cases {
            all.spawn(move || {
                let product = langfuse();
                let folder = tempfile::tempdir().expect("a folder");
                let folder = folder.path().join("pulled");
                for answer in answers {
                    product
                        .server
                        .fault("v2/observations", Fault::Instead(answer));
                }
                ends(&product, &folder, because);
                product.pull(&folder);
                is_the_story(&folder);
            });
        }
    });
}

#[test]
fn a_key_that_expires_midway_leaves_what_was_fetched() {
    let product = langfuse();
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().join("pulled");
    let most = "10KB";
    let mut args = product.args(&folder);
    args.extend(["--max-bytes", most]);
    let output = product.run(&folder, &args);
    assert_eq!(output.status.code(), Some(4));
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(document["bytes"].as_u64().expect("a size") >= 10_000);
    product
        .server
        .fault("v2/observations", Fault::Instead(Answer::status(401)));
    let said = ends(&product, &folder, "LANGFUSE_SECRET_KEY");
    assert!(!said.contains(KEY));
    product.pull(&folder);
    is_the_story(&folder);
}

#[test]
fn without_a_key_or_with_a_wrong_one_nothing_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path();
    for (product, name) in [
        (langfuse(), "LANGFUSE_SECRET_KEY"),
        (langsmith(), "LANGSMITH_API_KEY"),
        (helicone(), "HELICONE_API_KEY"),
    ] {
        let pulled = home.join("pulled");
        let args = product.args(&pulled);
        let mut missing = command(home, &args);
        missing.envs([("LANGFUSE_PUBLIC_KEY", "pk-lf-desk")]);
        let output = missing.output().expect("the program runs");
        assert_eq!(output.status.code(), Some(4));
        assert!(
            text(&output.stderr).contains(name),
            "{}",
            text(&output.stderr)
        );
        let mut wrong = command(home, &args);
        wrong.envs(
            product
                .keys
                .iter()
                .map(|(name, _)| (*name, "sk-wrong-but-secret")),
        );
        let output = wrong.output().expect("the program runs");
        assert_eq!(output.status.code(), Some(4));
        assert!(
            text(&output.stderr).contains("answered 401"),
            "{}",
            text(&output.stderr)
        );
        let base = products::base64("sk-wrong-but-secret:sk-wrong-but-secret");
        assert!(!text(&output.stderr).contains(&base));
        assert!(
            !text(&output.stderr).contains("sk-wrong-but-secret"),
            "{}",
            text(&output.stderr)
        );
        assert!(!pulled.exists());
    }
}

/// Every byte below a folder.
fn all_bytes(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            bytes.extend(all_bytes(&path));
        } else {
            bytes.extend(std::fs::read(path).expect("bytes"));
        }
    }
    bytes
}

#[test]
fn no_key_and_no_signed_link_is_in_any_output() {
    thread::scope(|all| {
        for product in [langfuse(), langsmith(), helicone()] {
            all.spawn(move || keeps_its_secrets(&product));
        }
    });
}

fn keeps_its_secrets(product: &Product) {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("pulled");
    let mut outputs = Vec::new();
    let mut keep = |output: &Output| outputs.extend([output.stdout.clone(), output.stderr.clone()]);
    for fault in [401, 403, 404, 500] {
        let quoted = Answer {
            body: format!("bad key {KEY}\u{1b}[31m"),
            ..Answer::status(fault)
        };
        for path in ["observations", "runs/query", "query-clickhouse"] {
            product.server.fault(path, Fault::Instead(quoted.clone()));
        }
        keep(&product.run(home.path(), &product.args(&folder)));
    }
    keep(&product.run(home.path(), &product.args(&folder)));
    let with_cache = format!("{}?since=2026-11-19", product.url);
    for args in [
        vec!["pull", &product.url, "--dry-run", "--json"],
        vec!["ls", &with_cache, "--verbose"],
        vec!["ls", &with_cache, "--json"],
        vec!["config"],
    ] {
        keep(&product.run(home.path(), &args));
    }
    outputs.push(all_bytes(home.path()));
    let base = products::base64(&format!("pk-lf-desk:{KEY}"));
    for secret in [KEY, &base, "X-Amz-Signature", "secret-share"] {
        for output in &outputs {
            let found = output
                .windows(secret.len())
                .any(|it| it == secret.as_bytes());
            assert!(!found, "{secret} of {}", product.url);
        }
    }
    assert!(outputs.iter().all(|output| !output.contains(&0x1b)));
}

#[test]
fn a_killed_pull_resumes_to_the_same_bytes() {
    let product = langfuse();
    let folder = tempfile::tempdir().expect("a folder");
    let whole = folder.path().join("whole");
    product.pull(&whole);
    for milliseconds in [30, 60, 90, 120, 200, 300] {
        let killed = folder.path().join(milliseconds.to_string());
        let mut child = command(&killed, &product.args(&killed));
        child
            .envs(product.keys.iter().copied())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut child = child.spawn().expect("the program runs");
        thread::sleep(Duration::from_millis(milliseconds));
        child.kill().expect("killed");
        child.wait().expect("it ends");
        product.pull(&killed);
        assert_eq!(files(&killed), files(&whole), "after {milliseconds} ms");
    }
}

#[test]
fn a_key_may_come_from_a_command() {
    let product = langsmith();
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config.toml");
    std::fs::write(
        &config,
        format!("[pull.langsmith]\nkey-cmd = [\"printf\", \"{KEY}\"]\n"),
    )
    .expect("written");
    let pulled = folder.path().join("pulled");
    let mut args = product.args(&pulled);
    args.extend(["--config", config.to_str().expect("a path")]);
    let output = command(folder.path(), &args)
        .output()
        .expect("the program runs");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    is_the_story(&pulled);
}

#[test]
fn commands_read_urls_and_runs_in_them() {
    let product = helicone();
    let home = tempfile::tempdir().expect("a folder");
    let url = format!("{}?since=2026-11-19", product.url);
    let output = product.run(home.path(), &["stats", &url, "--by", "kind", "--json"]);
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let of = |kind: &str| {
        let groups = document["groups"].as_array().expect("groups").clone();
        let found = groups.into_iter().find(|group| group["by"]["kind"] == kind);
        found.expect("a group")["actions"].clone()
    };
    assert_eq!(of("tool_call"), json!(SESSIONS * 2));
    assert_eq!(of("response"), json!(SESSIONS * 4));
    let one = format!("{url}#chat-7");
    let output = product.run(home.path(), &["ls", &one, "--json"]);
    let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["runs"].as_array().map(Vec::len), Some(1));
}

#[test]
fn mistakes_in_a_url_are_usage_errors() {
    let home = tempfile::tempdir().expect("a folder");
    for (args, because) in [
        (
            vec!["pull", "langfuse://pk:sk-secret@cloud.langfuse.com/x"],
            "no password",
        ),
        (
            vec!["ls", "langfuse://pk:sk-secret@cloud.langfuse.com/x"],
            "no password",
        ),
        (
            vec!["show", "phoenix://host/x?key=1"],
            "is not an option of a URL",
        ),
        (vec!["pull", "nope://host/x"], "is not a URL of traces"),
        (
            vec!["pull", "phoenix://host/x", "--since", "yesterday"],
            "not a unit",
        ),
    ] {
        let output = command(home.path(), &args)
            .output()
            .expect("the program runs");
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert!(!said.contains("sk-secret"), "{said}");
        assert!(
            said.contains(because) || args.contains(&"--since"),
            "{said}"
        );
    }
}

/// What a script with a vendor's own SDK reads from a server here. `SAFERUN_REMOTE` names a folder in which `sdk` is a
/// virtual environment with `langfuse` and `langsmith`.
fn read_by_sdk(script: &str, args: &[&str]) -> Option<String> {
    let folder = std::env::var_os("SAFERUN_REMOTE").map(std::path::PathBuf::from);
    let python = folder.map(|folder| folder.join("sdk/bin/python"));
    let Some(python) = python.filter(|path| path.exists()) else {
        skipped("no sdk in SAFERUN_REMOTE");
        return None;
    };
    let output = Command::new(python)
        .arg(format!(
            "{}/tests/clients/{script}",
            env!("CARGO_MANIFEST_DIR")
        ))
        .args(args)
        .output()
        .expect("it runs");
    assert!(output.status.success(), "{}", text(&output.stderr));
    Some(text(&output.stdout).trim().to_owned())
}

#[test]
fn the_sdks_of_the_vendors_read_our_servers() {
    let times = ["2026-11-19T00:00:00+00:00", "2026-11-25T00:00:00+00:00"];
    let want = format!("{SPANS} {}", INPUT * SESSIONS as u64);
    let product = langfuse();
    let base = format!("http://127.0.0.1:{}", product.server.port);
    let args = [&base, "pk-lf-desk", KEY, times[0], times[1]];
    if let Some(read) = read_by_sdk("langfuse_reads.py", &args) {
        assert_eq!(read, want);
    }
    for answers in [products::langsmith, products::old_langsmith] {
        let product = product_of_langsmith(answers);
        let base = format!("http://127.0.0.1:{}", product.server.port);
        if let Some(read) = read_by_sdk("langsmith_reads.py", &[&base, KEY, times[0], times[1]]) {
            assert_eq!(read, want);
        }
    }
}

/// If a filter keeps a run, its spans must meet the conditions derived from the filter. Filters are made from what
/// readers show, over all samples of spans.
#[test]
fn evidence_is_in_the_spans_of_every_run_that_a_filter_keeps() {
    use saferun_tui::base::cancel::CancelFlag;
    use saferun_tui::query::{Context, evidence, parse, runs};
    let (mut tested, mut worth) = (0, 0);
    for folder in [
        "otlp",
        "phoenix",
        "langfuse",
        "langsmith",
        "helicone",
        "jaeger",
    ] {
        for entry in std::fs::read_dir(crate::support::sample(folder)).expect("samples") {
            let path = entry.expect("an entry").path();
            let raw = std::fs::read_to_string(&path).expect("text");
            let store = crate::support::load(std::slice::from_ref(&path));
            let alone = filters(&path);
            for filter in alone.iter().chain(&combined(&alone)) {
                let Ok(expr) = parse(filter) else { continue };
                let (context, cancel) = (Context::default(), CancelFlag::new());
                if runs::runs(&store, &expr, &context, &cancel).is_empty() {
                    continue;
                }
                tested += 1;
                let evidence = evidence::of(&expr, &context);
                worth += usize::from(evidence != evidence::Evidence::Anything);
                assert!(
                    holds(&evidence, &raw),
                    "{}: {filter} → {evidence}",
                    path.display()
                );
            }
        }
    }
    assert!(tested > 200 && worth > 120, "{worth} of {tested}");
}

/// Some of the filters in pairs: both, either, and one without the other.
fn combined(filters: &[String]) -> Vec<String> {
    let others = filters.iter().cycle().skip(filters.len() / 3 + 1);
    let pairs = filters.iter().zip(others).step_by(2);
    let each = pairs.flat_map(|(a, b)| {
        [
            format!("{a} {b}"),
            format!("{a} or {b}"),
            format!("{a} -{b}"),
        ]
    });
    each.collect()
}

/// Filters of values that the readers show of the actions in a file.
fn filters(path: &Path) -> Vec<String> {
    let output = command(
        path,
        &["query", "", path.to_str().expect("a path"), "--jsonl"],
    );
    let output = { output }.output().expect("the program runs");
    let mut filters = Vec::new();
    for line in text(&output.stdout).lines() {
        let action: Value = serde_json::from_str(line).expect("JSON");
        for (name, value) in action.as_object().expect("an action") {
            collect(name, value, &mut filters);
        }
    }
    filters.push("is:error".to_owned());
    filters.sort();
    filters.dedup();
    filters
}

fn collect(name: &str, value: &Value, filters: &mut Vec<String>) {
    match value {
        Value::String(said) => {
            let said = said.replace(['"', '\\'], " ");
            let short: String = said.chars().take(60).collect();
            for field in [
                "tool", "agent", "model", "user", "policy", "rule", "env", "service", "release",
                "provider",
            ] {
                if name == field {
                    filters.push(format!("{field}:\"{said}\""));
                }
            }
            filters.push(format!("\"{}\"", short.trim()));
            filters.extend(said.split_whitespace().map(|word| format!("\"{word}\"")));
            filters.push(format!("error:\"{}\"", short.trim()));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(name, item, filters)),
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            if let Value::String(said) = value {
                filters.push(format!(
                    "args.{name}:\"{}\"",
                    said.replace(['"', '\\'], " ")
                ));
            }
            collect(name, value, filters);
        }),
        Value::Number(number) => filters.push(format!("args.{name}:{number}")),
        Value::Null | Value::Bool(_) => {}
    }
}

fn holds(evidence: &saferun_tui::query::evidence::Evidence, raw: &str) -> bool {
    use saferun_tui::query::evidence::{Evidence, Fact};
    match evidence {
        Evidence::All(parts) => parts.iter().all(|part| holds(part, raw)),
        Evidence::Any(parts) => parts.iter().any(|part| holds(part, raw)),
        Evidence::Fact(Fact::Text { text, any_case, .. }) => match any_case {
            true => raw
                .to_ascii_lowercase()
                .contains(&text.to_ascii_lowercase()),
            false => raw.contains(text.as_str()),
        },
        // Not texts.
        Evidence::Anything | Evidence::Fact(Fact::Failure | Fact::Run { .. } | Fact::Since(_)) => {
            true
        }
    }
}

fn product_of_langsmith(answers: fn(&Received) -> Answer) -> Product {
    product(answers, "langsmith", "bot", LANGSMITH)
}

#[test]
fn a_bucket_gives_what_is_new_or_has_changed() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    let has_changed = Arc::new(AtomicBool::new(false));
    let changed = Arc::clone(&has_changed);
    let server = Server::start(move |asked| {
        let is_changed = changed.load(Ordering::Relaxed);
        let text = if is_changed {
            products::THIRD
        } else {
            products::SECOND
        };
        products::bucket(asked, text)
    });
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("pulled");
    let path = folder.to_str().expect("a path");
    let endpoint = format!("http://127.0.0.1:{}", server.port);
    let run = |args: &[&str]| {
        let mut command = command(home.path(), args);
        command.envs([
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_ACCESS_KEY_ID", "AKIADESK"),
            ("AWS_SECRET_ACCESS_KEY", KEY),
            ("AWS_REGION", "eu-1"),
        ]);
        let output = command.output().expect("the program runs");
        assert!(!text(&output.stderr).contains(KEY));
        (
            output.status.code(),
            text(&output.stdout).to_owned(),
            text(&output.stderr).to_owned(),
        )
    };
    let pull = |faults: &[Fault]| {
        for fault in faults {
            server.fault("a%20b", fault.clone());
        }
        let args = [
            "pull",
            "s3://traces/bot/",
            "-o",
            path,
            "--since",
            SINCE,
            "--json",
        ];
        let (code, document, said) = run(&args);
        assert_eq!(code, Some(0), "{said}");
        let document: Value = serde_json::from_str(&document).expect("JSON");
        document["records"].as_u64().expect("a count")
    };
    let cut = [
        Fault::Cut,
        Fault::Instead(Answer::status(503).with("retry-after", "0")),
    ];
    assert_eq!(pull(&cut), 2);
    assert_eq!(pull(&[]), 0);
    has_changed.store(true, Ordering::Relaxed);
    assert_eq!(pull(&[]), 1);
    let names: Vec<Value> = runs(&folder)
        .iter()
        .map(|run| run["run_id"].clone())
        .collect();
    assert_eq!(names.len(), 2);
    assert!(names.contains(&json!("one")) && names.contains(&json!("three")));
    let (code, _, said) = run(&["pull", "s3://traces/other", "-o", path]);
    assert_eq!(code, Some(2), "{said}");
    server.fault("a%20b", Fault::Half);
    let again = home.path().join("again");
    let again = again.to_str().expect("a path");
    let args = ["pull", "s3://traces/bot/", "-o", again, "--since", SINCE];
    let (code, _, said) = run(&args);
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("another length"), "{said}");
    let (code, out, said) = run(&["ls", "s3://traces/bot/?since=2026-11-19", "--json"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(out.contains("three"));
}

/// A server on `https://localhost`. Only clients that are given the file of its certificate trust it.
#[cfg(feature = "capture")]
fn with_certificate(answers: fn(&Received) -> Answer) -> Server {
    use std::sync::Arc;
    use tokio_rustls::rustls::crypto::ring;
    use tokio_rustls::rustls::pki_types::pem::PemObject as _;
    use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};
    let certificate = include_bytes!("../../src/act/net/client/localhost.cert.pem");
    let certificate = CertificateDer::from_pem_slice(certificate).expect("a certificate");
    let key = include_bytes!("../../src/act/net/client/localhost.key.pem");
    let key = PrivateKeyDer::from_pem_slice(key).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a server");
    let config = Arc::new(config);
    Server::over(
        move |stream| {
            let connection = ServerConnection::new(Arc::clone(&config)).ok()?;
            Some(StreamOwned::new(connection, stream))
        },
        answers,
    )
}

#[cfg(feature = "capture")]
const CERTIFICATE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/src/act/net/client/localhost.cert.pem"
);

#[cfg(feature = "capture")]
#[test]
fn a_certificate_is_trusted_only_by_its_file() {
    let server = with_certificate(products::langfuse);
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("pulled");
    let run = |more: &[&str]| {
        let path = folder.to_str().expect("a path");
        let args = [
            &[
                "pull",
                "langfuse:///desk",
                "-o",
                path,
                "--since",
                SINCE,
                "--until",
                UNTIL,
            ][..],
            more,
        ];
        let mut command = command(home.path(), &args.concat());
        let base = format!("https://localhost:{}", server.port);
        command
            .envs(LANGFUSE.iter().copied())
            .env("LANGFUSE_BASE_URL", base);
        let output = command.output().expect("the program runs");
        (output.status.code(), text(&output.stderr).to_owned())
    };
    let (code, said) = run(&[]);
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("certificate"), "{said}");
    let wrong = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let (code, said) = run(&["--cacert", wrong]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("holds no certificate"), "{said}");
    assert!(server.asked().is_empty() && !folder.exists());
    let (code, said) = run(&["--cacert", CERTIFICATE, "--rate", "100000/min"]);
    assert_eq!(code, Some(0), "{said}");
    is_the_story(&folder);
    assert!(
        server
            .asked()
            .iter()
            .all(|it| it.header("authorization").is_some())
    );
}
