//! Pulling with a filter must lose no run: of random stories and filters, what `pull -w` brings and the filter keeps is
//! what it keeps of everything, with the same figures. The servers select as the products document it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use proptest::prelude::{Strategy, any, prop};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::products::{KEY, base64, cut, micros, time, uuid};
use super::server::{Answer, Received, Server};
use super::{HELICONE, LANGFUSE, LANGSMITH, command, text};
use crate::properties::config;

/// 2026-11-20 00:00 UTC, in microseconds.
const BEGAN: i64 = 1_795_132_800_000_000;
const HOUR: i64 = 3_600_000_000;

/// Values with what comparisons change: capitals, letters that fold to others, what has to be quoted, numbers.
const USERS: &[&str] = &["Maria", "maria", "reader-88", "o'neil", "17", "Skipper K"];
const ENVIRONMENTS: &[&str] = &["prod", "dev"];
const TOOLS: &[&str] = &["renew_loan", "web-search"];

/// Options that pull all of a story, without waiting.
pub(super) const TIMES: [&str; 6] = [
    "--since",
    "2026-11-19",
    "--until",
    "2026-11-25",
    "--rate",
    "100000/min",
];

#[derive(Debug, Clone)]
pub(super) struct Story {
    runs: Vec<Run>,
}

/// A run: its traces, of which only the first may name the user.
#[derive(Debug, Clone)]
struct Run {
    has_session: bool,
    traces: usize,
    user: &'static str,
    names_user_once: bool,
    environment: &'static str,
    tool: &'static str,
    is_failed: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Span {
    session: Option<String>,
    user: Option<&'static str>,
    environment: &'static str,
    trace: String,
    id: String,
    parent: Option<String>,
    kind: &'static str,
    name: String,
    began: i64,
    is_failed: bool,
}

fn story() -> impl Strategy<Value = Story> {
    let name = |all: &'static [&'static str]| prop::sample::select(all);
    let words = (name(USERS), name(ENVIRONMENTS), name(TOOLS));
    let run = (any::<[bool; 3]>(), 1..4_usize, words);
    let run = run.prop_map(|(marks, traces, (user, environment, tool))| Run {
        has_session: marks[0],
        traces: if marks[0] { traces } else { 1 },
        user,
        names_user_once: marks[1],
        environment,
        tool,
        is_failed: marks[2],
    });
    prop::collection::vec(run, 2..7).prop_map(|runs| Story { runs })
}

/// Thirty runs of three traces; every third is Maria's.
pub(super) fn large() -> Story {
    let run = |at: usize| Run {
        has_session: !at.is_multiple_of(4),
        traces: if at.is_multiple_of(4) { 1 } else { 3 },
        user: if at.is_multiple_of(3) {
            "Maria"
        } else {
            "reader-88"
        },
        names_user_once: at.is_multiple_of(2),
        environment: "prod",
        tool: "renew_loan",
        is_failed: at.is_multiple_of(5),
    };
    Story {
        runs: (0..30).map(run).collect(),
    }
}

fn session(run: usize) -> String {
    format!("Chat-{run}")
}

fn trace(run: usize, at: usize) -> String {
    format!("{run:08x}0000400080000000{at:08x}")
}

fn term() -> impl Strategy<Value = String> {
    let user = prop::sample::select(USERS);
    let users = (user, any::<[bool; 2]>()).prop_map(|(user, [is_exact, is_lower])| {
        let shown = if is_lower {
            user.to_lowercase()
        } else {
            user.to_owned()
        };
        format!("user{}\"{shown}\"", if is_exact { '=' } else { ':' })
    });
    let runs = (0..7_usize, 0..4_usize).prop_map(|(run, how)| match how {
        0 => format!("run:{}", session(run)),
        1 => format!("run={}", session(run)),
        2 => format!("run:{}", session(run).to_lowercase()),
        _ => format!("run={}", trace(run, 0)),
    });
    let others = prop::sample::select(&[
        "env:prod",
        "env=dev",
        "tool:renew_loan",
        "tool:web*",
        "is:error",
        "\"found it\"",
        "kind:tool",
        "user:Mar*",
    ]);
    proptest::prop_oneof![3 => users, 2 => runs, 2 => others.prop_map(str::to_owned)]
}

fn filter() -> impl Strategy<Value = String> {
    let term = (term(), 0..6).prop_map(|(term, not)| match not {
        0 => format!("-{term}"),
        _ => term,
    });
    let term = term.boxed();
    (term.clone(), term, 0..4).prop_map(|(a, b, how)| match how {
        0 | 1 => a,
        2 => format!("{a} {b}"),
        _ => format!("({a} OR {b})"),
    })
}

impl Story {
    pub(super) fn spans(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        for (number, run) in self.runs.iter().enumerate() {
            for at in 0..run.traces {
                let began = BEGAN + number as i64 * HOUR + at as i64 * 9 * HOUR;
                let names_user = at == 0 || !run.names_user_once;
                let id = |part: usize| format!("{number:08x}-{at:04x}-4000-8000-{part:012x}");
                for (part, kind) in ["agent", "llm", "tool"].into_iter().enumerate() {
                    let name = if kind == "tool" { run.tool } else { "desk" };
                    spans.push(Span {
                        session: run.has_session.then(|| session(number)),
                        user: names_user.then_some(run.user),
                        environment: run.environment,
                        trace: trace(number, at),
                        id: id(part),
                        parent: (part > 0).then(|| id(0)),
                        kind,
                        name: name.to_owned(),
                        began: began + part as i64 * 1_000_000,
                        is_failed: run.is_failed && kind == "tool",
                    });
                }
            }
        }
        spans.sort_by_key(|span| span.began);
        spans
    }
}

impl Span {
    fn ended(&self) -> i64 {
        self.began
            + if self.parent.is_none() {
                9_000_000
            } else {
                800_000
            }
    }

    fn is_within(&self, from: Option<&str>, until: Option<&str>) -> bool {
        from.is_none_or(|it| self.began >= micros(it))
            && until.is_none_or(|it| self.began < micros(it))
    }

    /// 16 hexadecimal digits.
    fn short_id(&self) -> String {
        short(&self.id)
    }
}

fn short(id: &str) -> String {
    let hex = id.replace('-', "");
    format!(
        "{}{}",
        hex.get(4..12).expect("hex"),
        hex.get(24..32).expect("hex")
    )
}

fn langfuse(spans: &[Span], asked: &Received) -> Answer {
    if asked.path.ends_with("/projects") {
        return Answer::json(&json!({"data": [{"id": "p1", "name": "desk"}]}));
    }
    if !asked.path.ends_with("/v2/observations") {
        return Answer::status(404);
    }
    let is = |name: &str, own: Option<&str>| asked.query(name).is_none_or(|it| own == Some(it));
    let mut found: Vec<&Span> = spans.iter().collect();
    found.retain(|span| {
        // The only filter of metadata: there is no thread.
        asked.query("filter").is_none()
            && span.is_within(asked.query("fromStartTime"), asked.query("toStartTime"))
            && is("userId", span.user)
            && is("environment", Some(span.environment))
            && is("sessionId", span.session.as_deref())
            && is("traceId", Some(&span.trace))
    });
    found.reverse();
    let (page, next) = cut(&found, 50, asked.query("cursor"));
    let data: Vec<Value> = page.into_iter().map(observation).collect();
    Answer::json(&json!({"data": data, "meta": {"cursor": next}}))
}

fn observation(span: &Span) -> Value {
    let kind = match span.kind {
        "llm" => "GENERATION",
        "tool" => "TOOL",
        _ => "AGENT",
    };
    json!({
        "id": span.id, "traceId": span.trace, "projectId": "p1", "type": kind, "name": span.name,
        "startTime": time(span.began), "endTime": time(span.ended()), "parentObservationId": span.parent,
        "level": if span.is_failed { "ERROR" } else { "DEFAULT" }, "environment": span.environment,
        "userId": span.user, "sessionId": span.session, "metadata": {}, "input": "{\"q\":\"loan\"}", "output": "\"found it\"",
        "providedModelName": (span.kind == "llm").then_some("gpt-5-mini"),
    })
}

fn langsmith(spans: &[Span], asked: &Received) -> Answer {
    match asked.path.as_str() {
        "/info" => return Answer::json(&json!({"instance_flags": {"sdb_query_enabled": true}})),
        "/api/v1/sessions" => return Answer::json(&json!([{"id": "p1"}])),
        _ => {}
    }
    let said = |name: &str| asked.body.get(name).and_then(Value::as_str);
    let mut found: Vec<&Span> = spans.iter().collect();
    found.retain(|span| {
        span.is_within(said("min_start_time"), said("max_start_time"))
            && said("trace_id").is_none_or(|id| uuid(&span.trace) == id)
            && said("filter").is_none_or(|filter| passes_expression(filter, span))
    });
    found.reverse();
    let (page, next) = cut(&found, 100, said("cursor"));
    let items: Vec<Value> = page.into_iter().map(run).collect();
    Answer::json(&json!({"items": items, "next_cursor": next}))
}

/// `and(eq(metadata_key, "user_id"), eq(metadata_value, "Maria"))`, `eq(trace_id, "…")`.
fn passes_expression(filter: &str, span: &Span) -> bool {
    let texts: Vec<&str> = filter.split('"').collect();
    if filter.starts_with("eq(trace_id") {
        return uuid(&span.trace) == texts[1];
    }
    let metadata = metadata(span);
    metadata.get(texts[1]).and_then(Value::as_str) == Some(texts[3])
}

/// Threads are named by outermost runs alone.
fn metadata(span: &Span) -> Value {
    let thread = span.session.as_ref().filter(|_| span.parent.is_none());
    let mut metadata = json!({});
    if let Some(thread) = thread {
        metadata["thread_id"] = json!(thread);
    }
    if let Some(user) = span.user {
        metadata["user_id"] = json!(user);
    }
    metadata
}

fn run(span: &Span) -> Value {
    let kind = match span.kind {
        "agent" => "CHAIN",
        "llm" => "LLM",
        _ => "TOOL",
    };
    json!({
        "id": span.id, "trace_id": uuid(&span.trace), "parent_run_ids": span.parent.iter().collect::<Vec<_>>(),
        "project_id": "p1", "name": span.name, "run_type": kind, "status": "success",
        "error": span.is_failed.then_some("ValueError('no')"), "start_time": time(span.began), "end_time": time(span.ended()),
        "inputs": {"q": "loan"}, "outputs": {"content": "found it"}, "extra": {"metadata": metadata(span)},
    })
}

fn helicone(spans: &[Span], asked: &Received) -> Answer {
    let mut found: Vec<&Span> = spans.iter().filter(|span| span.kind != "agent").collect();
    found.retain(|span| passes_node(&asked.body["filter"], span));
    let number = |name: &str| asked.body[name].as_u64().expect("a number") as usize;
    let page = found
        .into_iter()
        .skip(number("offset"))
        .take(number("limit"));
    let data: Vec<Value> = page.map(request).collect();
    Answer::json(&json!({"data": data, "error": null}))
}

fn passes_node(filter: &Value, span: &Span) -> bool {
    if filter == "all" {
        return true;
    }
    if let Some(operator) = filter.get("operator") {
        let [left, right] = ["left", "right"].map(|side| passes_node(&filter[side], span));
        return if operator == "and" {
            left && right
        } else {
            left || right
        };
    }
    let columns = &filter["request_response_rmt"];
    let at = |test: &str| {
        columns
            .pointer(&format!("/request_created_at/{test}"))
            .and_then(Value::as_str)
    };
    let is = |pointer: &str, own: Option<&str>| {
        columns
            .pointer(pointer)
            .is_none_or(|test| compares(test, own))
    };
    span.is_within(at("gte"), at("lt"))
        && is("/user_id", span.user)
        && is("/request_id", Some(&span.id))
        && is("/properties/Helicone-Session-Id", span.session.as_deref())
}

fn compares(test: &Value, own: Option<&str>) -> bool {
    let own = own.unwrap_or_default();
    match (test.get("equals"), test.get("ilike")) {
        (Some(value), _) => value == own,
        (_, Some(pattern)) => is_like(pattern.as_str().expect("a pattern"), own),
        (None, None) => panic!("no operator in {test}"),
    }
}

/// `ILIKE`.
fn is_like(pattern: &str, text: &str) -> bool {
    let letter = |c: char| match c {
        '%' => ".*".to_owned(),
        '_' => ".".to_owned(),
        c => regex::escape(&c.to_string()),
    };
    let pattern: String = pattern.chars().map(letter).collect();
    let pattern = regex::Regex::new(&format!("(?is)^{pattern}$")).expect("a pattern");
    pattern.is_match(text)
}

fn request(span: &Span) -> Value {
    let mut properties = json!({});
    if let Some(session) = &span.session {
        properties["Helicone-Session-Id"] = json!(session);
    }
    let body = if span.kind == "tool" {
        json!({"_type": "tool", "toolName": span.name, "input": {"q": "loan"}})
    } else {
        json!({"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Where is my loan?"}]})
    };
    json!({
        "request_id": span.id, "request_created_at": time(span.began), "request_user_id": span.user,
        "response_status": if span.is_failed { 500 } else { 200 }, "request_model": "gpt-5-mini", "delay_ms": 800,
        "request_properties": properties, "request_body": body, "response_body": {"found it": true}, "signed_body_url": null,
    })
}

pub(super) fn phoenix(spans: &[Span], asked: &Received) -> Answer {
    let named = |name: &str| {
        asked
            .query
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .collect::<Vec<_>>()
    };
    let traces = named("trace_id");
    let rows = spans.iter().enumerate();
    let mut found: Vec<(usize, &Span)> = rows.collect();
    found.retain(|(_, span)| {
        let own = attributes(span);
        span.is_within(asked.query("start_time"), asked.query("end_time"))
            && (traces.is_empty() || traces.contains(&span.trace.as_str()))
            && named("attribute")
                .iter()
                .all(|test| has_attribute(&own, test))
    });
    found.reverse();
    let (page, next) = cut(&found, 40, asked.query("cursor"));
    let data: Vec<Value> = page.into_iter().map(row).collect();
    Answer::json(&json!({"data": data, "next_cursor": next}))
}

/// `name:value`, the value as JSON or as a text.
fn has_attribute(own: &Value, test: &str) -> bool {
    let (name, value) = test.split_once(':').expect("a value");
    let value = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
    own.get(name) == Some(&value)
}

fn attributes(span: &Span) -> Value {
    let mut all = json!({
        "openinference.span.kind": span.kind.to_uppercase(), "output.value": "found it", "llm.model_name": "gpt-5-mini",
    });
    if span.kind == "tool" {
        all["tool.name"] = json!(span.name);
    }
    if let (Some(session), None) = (&span.session, &span.parent) {
        all["session.id"] = json!(session);
    }
    if let Some(user) = span.user {
        all["user.id"] = json!(user);
    }
    all
}

fn row((at, span): (usize, &Span)) -> Value {
    json!({
        "id": base64(&format!("Span:{}", at + 1)), "name": span.name, "span_kind": span.kind.to_uppercase(),
        "context": {"trace_id": span.trace, "span_id": span.short_id()}, "parent_id": span.parent.as_deref().map(short),
        "start_time": time(span.began), "end_time": time(span.ended()), "status_message": "no",
        "status_code": if span.is_failed { "ERROR" } else { "OK" }, "attributes": attributes(span), "events": [],
    })
}

fn mlflow(spans: &[Span], asked: &Received) -> Answer {
    if asked.path.ends_with("/get-by-name") {
        return Answer::json(&json!({"experiment": {"experiment_id": "1"}}));
    }
    let of = |id: &str| -> Vec<&Span> {
        spans
            .iter()
            .filter(|span| id == format!("tr-{}", span.trace))
            .collect()
    };
    if asked.path.ends_with("/batchGet") {
        let ids = asked.query.iter().filter(|(name, _)| name == "trace_ids");
        let traces: Vec<Value> = ids.map(|(_, id)| whole(&of(id))).collect();
        return Answer::json(&json!({ "traces": traces }));
    }
    let filter = asked.body["filter"].as_str().expect("a filter");
    let roots = spans.iter().filter(|span| span.parent.is_none());
    let ids: Vec<String> = roots.map(|span| format!("tr-{}", span.trace)).collect();
    let mut found: Vec<&String> = ids.iter().collect();
    found.retain(|id| {
        filter
            .split(" AND ")
            .all(|test| passes_comparison(test, &of(id)))
    });
    let from = asked.body.get("page_token").and_then(Value::as_str);
    let (page, next) = cut(&found, 3, from);
    let traces: Vec<Value> = page.iter().map(|id| json!({ "trace_id": id })).collect();
    Answer::json(&json!({"traces": traces, "next_page_token": next}))
}

fn passes_comparison(test: &str, of: &[&Span]) -> bool {
    let (left, operator, right) = {
        let mut words = test.splitn(3, ' ');
        let mut word = || words.next().expect("a comparison");
        (word(), word(), word())
    };
    let began = of[0].began / 1_000;
    let number = || right.parse::<i64>().expect("a number");
    let trace = whole(of);
    let info = &trace["trace_info"];
    let pattern = right.trim_matches('\'');
    let of_info = |list: &str| {
        let name = left.split('`').nth(1).expect("a name");
        info[list][name]
            .as_str()
            .is_some_and(|it| operator == "ILIKE" && is_like(pattern, it))
    };
    match (left, operator) {
        ("timestamp_ms", ">=") => began >= number(),
        ("timestamp_ms", _) => began < number(),
        ("span.content", _) => {
            let contents = whole(of)["spans"].as_array().expect("spans").clone();
            contents
                .iter()
                .any(|span| is_like(pattern, &span.to_string()))
        }
        ("attributes.request_id", _) => is_like(pattern, &format!("tr-{}", of[0].trace)),
        // All spans are in its own store.
        ("tags.`mlflow.trace.spansLocation`", _) => false,
        (left, _) if left.starts_with("tags.") => of_info("tags"),
        (left, _) if left.starts_with("metadata.") => of_info("trace_metadata"),
        _ => panic!("not a comparison: {test}"),
    }
}

fn whole(of: &[&Span]) -> Value {
    let list = |all: Vec<(&str, String)>| -> Value {
        let each = all.into_iter();
        each.map(|(key, value)| json!({"key": key, "value": {"string_value": value}}))
            .collect()
    };
    let spans = of.iter().map(|span| {
        let operation = match span.kind {
            "agent" => "invoke_agent",
            "llm" => "chat",
            _ => "execute_tool",
        };
        let mut own = vec![
            ("gen_ai.operation.name", operation.to_owned()),
            ("gen_ai.request.model", "gpt-5-mini".to_owned()),
            ("gen_ai.tool.call.result", "found it".to_owned()),
        ];
        if span.kind == "tool" {
            own.push(("gen_ai.tool.name", span.name.clone()));
        }
        json!({
            "trace_id": span.trace, "span_id": span.short_id(), "parent_span_id": span.parent.as_deref().map(short),
            "name": span.name, "start_time_unix_nano": span.began * 1_000, "end_time_unix_nano": span.ended() * 1_000,
            "attributes": list(own), "status": {"code": if span.is_failed { "STATUS_CODE_ERROR" } else { "STATUS_CODE_OK" }},
        })
    });
    let first = of[0];
    let mut metadata = json!({});
    if let Some(session) = &first.session {
        metadata["mlflow.trace.session"] = json!(session);
    }
    if let Some(user) = first.user {
        metadata["mlflow.trace.user"] = json!(user);
    }
    json!({
        "trace_info": {"trace_metadata": metadata, "tags": {"deployment.environment.name": first.environment}},
        "spans": spans.collect::<Vec<Value>>(),
    })
}

/// How a product answers, its URL and its keys.
pub(super) type Product = (
    fn(&[Span], &Received) -> Answer,
    &'static str,
    &'static [(&'static str, &'static str)],
);

pub(super) const PRODUCTS: &[Product] = &[
    (langfuse, "langfuse://HOST/desk", LANGFUSE),
    (langsmith, "langsmith://HOST/bot", LANGSMITH),
    (helicone, "helicone://HOST/", HELICONE),
    (phoenix, "phoenix://HOST/desk", &[("PHOENIX_API_KEY", KEY)]),
    (
        mlflow,
        "mlflow://HOST/desk",
        &[("MLFLOW_TRACKING_TOKEN", KEY)],
    ),
];

#[test]
fn no_run_that_a_filter_keeps_is_lost_by_what_a_product_selects() {
    thread::scope(|all| {
        for product in PRODUCTS {
            all.spawn(move || loses_no_run(product));
        }
    });
}

fn loses_no_run((answers, url, keys): &Product) {
    let cases = (story(), prop::collection::vec(filter(), 4));
    let selected = std::cell::Cell::new(0);
    let mut runner = TestRunner::new(config(3));
    let tested = runner.run(&cases, |(story, filters)| {
        let (spans, answers) = (Arc::new(story.spans()), *answers);
        let server = Server::start(move |asked| answers(&spans, asked));
        let home = tempfile::tempdir().expect("a folder");
        let url = url.replace("HOST", &format!("127.0.0.1:{}", server.port));
        let pull = |name: &str, more: &[&str]| {
            let folder = home.path().join(name);
            let path = folder.to_str().expect("a path");
            let args = [&["pull", &url, "-o", path][..], &TIMES, more];
            let output = { command(home.path(), &args.concat()) }
                .envs(keys.iter().copied())
                .output()
                .expect("the program runs");
            (
                output.status.code(),
                text(&output.stderr).to_owned(),
                folder,
            )
        };
        let (code, said, whole) = pull("whole", &[]);
        assert_eq!(code, Some(0), "{url}: {said}");
        for (at, filter) in filters.iter().enumerate() {
            let (code, said, some) = pull(&at.to_string(), &["-w", filter]);
            if code == Some(2) && said.contains("cannot select runs") {
                continue;
            }
            assert_eq!(code, Some(0), "{url} {filter}: {said}");
            selected.set(selected.get() + 1);
            assert_eq!(kept(&some, filter), kept(&whole, filter), "{url} {filter}");
        }
        Ok(())
    });
    if let Err(error) = tested {
        panic!("{error}");
    }
    assert!(selected.get() > 0, "{url}: no filter selected anything");
}

/// The runs in a folder that a filter keeps, by id.
fn kept(folder: &Path, filter: &str) -> BTreeMap<String, Value> {
    let path = folder.to_str().expect("a path");
    let output = { command(folder, &["ls", path, "--json", "-w", filter]) }
        .output()
        .expect("the program runs");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let runs = document["runs"].as_array().cloned().unwrap_or_default();
    let by_id = runs.into_iter().map(|mut run| {
        run.as_object_mut().expect("a run").remove("path");
        (run["run_id"].as_str().expect("an id").to_owned(), run)
    });
    by_id.collect()
}

#[test]
fn a_product_is_asked_for_runs_and_their_sessions_not_for_everything() {
    let run = |user, has_session, traces| Run {
        has_session,
        traces,
        user,
        names_user_once: true,
        environment: "prod",
        tool: "renew_loan",
        is_failed: false,
    };
    let story = Story {
        runs: vec![
            run("Maria", true, 2),
            run("reader-88", true, 3),
            run("17", false, 1),
        ],
    };
    for (answers, url, keys) in PRODUCTS {
        let (spans, answers) = (Arc::new(story.spans()), *answers);
        let server = Server::start(move |asked| answers(&spans, asked));
        let home = tempfile::tempdir().expect("a folder");
        let folder = home.path().join("pulled");
        let path = folder.to_str().expect("a path");
        let url = url.replace("HOST", &format!("127.0.0.1:{}", server.port));
        let selected = ["-w", "user=Maria"];
        let args = [&["pull", &url, "-o", path][..], &TIMES, &selected].concat();
        for _ in 0..2 {
            let output = { command(home.path(), &args) }
                .envs(keys.iter().copied())
                .output()
                .expect("the program runs");
            assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
            let runs: Vec<String> = kept(&folder, "kind:tool").into_keys().collect();
            assert_eq!(runs, [session(0)], "{url}: {}", text(&output.stderr));
        }
    }
}
