//! What the products answer: their shapes, pages and cursors, made from one story.

use serde_json::{Value, json};

use super::server::{Answer, Received};

/// The key that every server here requires, and that may appear nowhere.
pub(crate) const KEY: &str = "sk-planted-4f9a77c1d2e3";

/// Conversations of two turns: each turn is a trace with an agent, two model calls and a tool.
pub(crate) const SESSIONS: usize = 40;
const TURNS: usize = 2;
pub(crate) const SPANS: usize = SESSIONS * TURNS * 4;
/// Of each conversation.
pub(crate) const INPUT: u64 = 2 * (100 + 120);
pub(crate) const OUTPUT: u64 = 2 * (10 + 12);

/// Microseconds since the Unix epoch: 2026-11-20 00:00 UTC.
const START: i64 = 1_795_132_800_000_000;
pub(crate) const SINCE: &str = "2026-11-19";
pub(crate) const UNTIL: &str = "2026-11-25";

/// A span of the story.
#[derive(Debug, Clone)]
pub(crate) struct Span {
    session: String,
    trace: String,
    id: String,
    parent: Option<String>,
    kind: &'static str,
    name: &'static str,
    began: i64,
    ended: i64,
    tokens: Option<(u64, u64)>,
}

pub(crate) fn story() -> Vec<Span> {
    let mut spans = Vec::new();
    for session in 0..SESSIONS {
        for turn in 0..TURNS {
            // The second turn of a conversation comes hours later, among the turns of others.
            let second = turn as i64 * 7 * 3_600_000_000 + 1_000_000;
            let began = START + session as i64 * 29 * 60_000_000 + second;
            let trace = format!("{session:08x}0000400080000000{turn:08x}");
            let id = |part: u32| format!("{session:08x}-{turn:04x}-4000-8000-{part:012x}");
            let part = |part: u32, kind, name, tokens| Span {
                session: format!("chat-{session}"),
                trace: trace.clone(),
                id: id(part),
                parent: (part > 0).then(|| id(0)),
                kind,
                name,
                began: began + i64::from(part) * 1_000_000,
                ended: began
                    + i64::from(part) * 1_000_000
                    + if part == 0 { 9_000_000 } else { 800_000 },
                tokens,
            };
            spans.push(part(0, "agent", "desk", None));
            spans.push(part(1, "llm", "ask", Some((100, 10))));
            spans.push(part(2, "tool", "look_up", None));
            spans.push(part(3, "llm", "answer", Some((120, 12))));
        }
    }
    spans.sort_by_key(|span| span.began);
    spans
}

pub(crate) fn time(micros: i64) -> String {
    let time = jiff::Timestamp::from_microsecond(micros).expect("a time");
    format!("{time:.3}")
}

pub(crate) fn micros(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>()
        .expect("a time")
        .as_microsecond()
}

/// Those that began in a window.
fn within(spans: &[Span], from: Option<&str>, until: Option<&str>) -> Vec<Span> {
    let from = from.map_or(i64::MIN, micros);
    let until = until.map_or(i64::MAX, micros);
    let found = spans
        .iter()
        .filter(|span| (from..until).contains(&span.began));
    found.cloned().collect()
}

/// A page of a list, and the cursor of the next one: how many were given so far.
pub(crate) fn cut<T: Clone>(
    list: &[T],
    limit: usize,
    cursor: Option<&str>,
) -> (Vec<T>, Option<String>) {
    let from = cursor.map_or(0, |cursor| {
        cursor.trim_start_matches('c').parse().expect("our cursor")
    });
    let page: Vec<T> = list.iter().skip(from).take(limit).cloned().collect();
    let end = from + page.len();
    (page, (end < list.len()).then(|| format!("c{end}")))
}

fn unauthorized(asked: &Received) -> Answer {
    // A careless proxy quotes the request.
    let quoted = asked.header("authorization").or(asked.header("x-api-key"));
    let body = format!("no such key: {}", quoted.unwrap_or_default());
    Answer {
        body,
        ..Answer::status(401)
    }
}

const PUBLIC: &str = "pk-lf-desk";

pub(crate) fn langfuse(asked: &Received) -> Answer {
    langfuse_at(asked, true)
}

/// A server before version 4.
pub(crate) fn old_langfuse(asked: &Received) -> Answer {
    langfuse_at(asked, false)
}

fn langfuse_at(asked: &Received, is_new: bool) -> Answer {
    let want = format!("Basic {}", base64(&format!("{PUBLIC}:{KEY}")));
    if asked.header("authorization") != Some(want.as_str()) {
        return unauthorized(asked);
    }
    let mut found = within(
        &story(),
        asked.query("fromStartTime"),
        asked.query("toStartTime"),
    );
    if let Some(trace) = asked.query("traceId") {
        found.retain(|span| span.trace == trace);
    }
    let limit = asked
        .query("limit")
        .map_or(50, |it| it.parse().expect("a number"));
    match asked.path.as_str() {
        "/api/public/projects" => Answer::json(
            &json!({"data": [{"id": "p1", "name": "desk", "metadata": {}, "organization": {"id": "o1", "name": "o"}}]}),
        ),
        "/api/public/v2/observations" if is_new => {
            found.reverse();
            let (page, next) = cut(&found, limit, asked.query("cursor"));
            let data: Vec<Value> = page.iter().map(|span| observation(span, true)).collect();
            Answer::json(&json!({"data": data, "meta": {"cursor": next}}))
        }
        "/api/public/observations" if !is_new => {
            found.reverse();
            let (data, meta) = numbered(asked, &found, limit);
            let data: Vec<Value> = data.iter().map(|span| observation(span, false)).collect();
            Answer::json(&json!({"data": data, "meta": meta}))
        }
        "/api/public/traces" if !is_new => {
            let mut found = within(
                &story(),
                asked.query("fromTimestamp"),
                asked.query("toTimestamp"),
            );
            found.retain(|span| span.parent.is_none());
            let (data, meta) = numbered(asked, &found, limit);
            let data: Vec<Value> = data.iter().map(trace).collect();
            Answer::json(&json!({"data": data, "meta": meta}))
        }
        _ => Answer::status(404),
    }
}

fn numbered(asked: &Received, found: &[Span], limit: usize) -> (Vec<Span>, Value) {
    let page: usize = asked
        .query("page")
        .map_or(1, |it| it.parse().expect("a number"));
    let data = found
        .iter()
        .skip((page - 1) * limit)
        .take(limit)
        .cloned()
        .collect();
    let meta = json!({"page": page, "limit": limit, "totalItems": found.len(), "totalPages": found.len().div_ceil(limit)});
    (data, meta)
}

fn observation(span: &Span, is_new: bool) -> Value {
    let kind = match span.kind {
        "llm" => "GENERATION",
        "tool" => "TOOL",
        _ => "AGENT",
    };
    let usage = span
        .tokens
        .map(|(input, output)| json!({"input": input, "output": output, "total": input + output}));
    let mut value = json!({
        "id": span.id, "traceId": span.trace, "projectId": "p1", "type": kind, "name": span.name,
        "startTime": time(span.began), "endTime": time(span.ended), "level": "DEFAULT",
        "parentObservationId": span.parent, "environment": "default",
        "usageDetails": usage.unwrap_or_else(|| json!({})), "costDetails": {},
        "input": if span.kind == "tool" { "{\"q\":\"loan\"}" } else { "[{\"role\":\"user\",\"content\":\"Where is my loan?\"}]" },
        "output": if span.kind == "llm" { "{\"role\":\"assistant\",\"content\":\"I looked.\"}" } else { "\"found\"" },
        "metadata": {},
    });
    if span.kind == "llm" {
        value[if is_new { "providedModelName" } else { "model" }] = json!("gpt-5-mini");
    }
    if is_new {
        value["sessionId"] = json!(span.session);
        value["userId"] = json!("reader-1");
    }
    value
}

fn trace(span: &Span) -> Value {
    json!({
        "id": span.trace, "timestamp": time(span.began), "name": "desk", "projectId": "p1",
        "sessionId": span.session, "userId": "reader-1", "environment": "default", "tags": [],
        "bookmarked": false, "public": false, "observations": ["x"], "scores": [], "htmlPath": "/x",
        "createdAt": time(span.began), "updatedAt": time(span.began), "latency": 9.0, "totalCost": 0.0,
    })
}

pub(crate) fn langsmith(asked: &Received) -> Answer {
    langsmith_at(asked, true)
}

pub(crate) fn old_langsmith(asked: &Received) -> Answer {
    langsmith_at(asked, false)
}

const PROJECT: &str = "00000000-0000-4000-8000-00000000aaaa";

fn langsmith_at(asked: &Received, is_new: bool) -> Answer {
    let path = asked
        .path
        .trim_start_matches("/api/v1")
        .trim_start_matches("/api");
    if path == "/info" {
        return Answer::json(
            &json!({"version": "0.16.0", "instance_flags": {"sdb_query_enabled": is_new}}),
        );
    }
    if asked.header("x-api-key") != Some(KEY) {
        return unauthorized(asked);
    }
    let text = |name: &str| asked.body.get(name).and_then(Value::as_str);
    let limit = |name: &str| asked.body.get(name).and_then(Value::as_u64).unwrap_or(100) as usize;
    match path {
        "/sessions" if asked.query("name") == Some("bot") => Answer::json(
            &json!([{"id": PROJECT, "name": "bot", "tenant_id": PROJECT, "start_time": time(START), "reference_dataset_id": null}]),
        ),
        "/sessions" => Answer::json(&json!([])),
        "/v2/runs/query" if is_new => {
            if asked.body["project_ids"] != json!([PROJECT]) || asked.body["selects"].is_null() {
                return Answer::status(400);
            }
            let mut found = within(&story(), text("min_start_time"), text("max_start_time"));
            if let Some(trace) = text("trace_id") {
                found.retain(|span| uuid(&span.trace) == trace);
            }
            found.reverse();
            let (page, next) = cut(&found, limit("page_size"), text("cursor"));
            let items: Vec<Value> = page.iter().map(second).collect();
            Answer::json(&json!({"items": items, "next_cursor": next}))
        }
        "/runs/query" if !is_new => {
            if limit("limit") > 100 {
                return Answer::status(400);
            }
            let mut found = within(&story(), text("start_time"), text("end_time"));
            if let Some(trace) = text("trace") {
                found.retain(|span| uuid(&span.trace) == trace);
            }
            found.reverse();
            let (page, next) = cut(&found, limit("limit"), text("cursor"));
            let runs: Vec<Value> = page.iter().map(first).collect();
            Answer::json(&json!({"runs": runs, "cursors": {"next": next}}))
        }
        _ => Answer::status(404),
    }
}

pub(crate) fn uuid(hex: &str) -> String {
    let part = |range: std::ops::Range<usize>| hex.get(range).expect("hexadecimal digits");
    format!(
        "{}-{}-{}-{}-{}",
        part(0..8),
        part(8..12),
        part(12..16),
        part(16..20),
        part(20..32)
    )
}

fn first(span: &Span) -> Value {
    let stamp = |micros: i64| {
        let time = jiff::Timestamp::from_microsecond(micros).expect("a time");
        time.strftime("%Y%m%dT%H%M%S%6fZ").to_string()
    };
    let root = stamp(
        span.began
            - if span.parent.is_some() {
                span.began % 100
            } else {
                0
            },
    );
    let order = match &span.parent {
        Some(parent) => format!("{root}{parent}.{}{}", stamp(span.began), span.id),
        None => format!("{root}{}", span.id),
    };
    let kind = match span.kind {
        "agent" => "chain",
        kind => kind,
    };
    let (input, output) = span.tokens.unzip();
    json!({
        "id": span.id, "trace_id": uuid(&span.trace), "parent_run_id": span.parent, "session_id": PROJECT,
        "dotted_order": order, "name": span.name, "run_type": kind, "status": "success", "error": null,
        "start_time": time(span.began).trim_end_matches('Z'), "end_time": time(span.ended).trim_end_matches('Z'),
        "inputs": {"messages": [{"role": "user", "content": "Where is my loan?"}]},
        "outputs": {"content": "found"},
        "prompt_tokens": input, "completion_tokens": output, "total_tokens": input.zip(output).map(|(a, b)| a + b),
        "extra": {"metadata": {"thread_id": span.session, "ls_model_name": "gpt-5-mini"}},
        "share_url": "https://smith.example/public/secret-share", "tags": [],
    })
}

fn second(span: &Span) -> Value {
    let mut run = first(span);
    let members = run.as_object_mut().expect("an object");
    members.remove("parent_run_id");
    members.remove("session_id");
    members.insert("project_id".to_owned(), json!(PROJECT));
    members.insert(
        "parent_run_ids".to_owned(),
        json!(span.parent.iter().collect::<Vec<_>>()),
    );
    let kind = members["run_type"].as_str().expect("a kind").to_uppercase();
    members.insert("run_type".to_owned(), json!(kind));
    run
}

/// `port` is the server's own, where it keeps bodies.
pub(crate) fn helicone(asked: &Received) -> Answer {
    if let Some(id) = asked.path.strip_prefix("/bodies/") {
        if asked.header("authorization").is_some() {
            return Answer::status(400);
        }
        let span = story().into_iter().find(|span| span.id == id);
        return Answer::json(&bodies(&span.expect("a request")));
    }
    if asked.header("authorization") != Some(&format!("Bearer {KEY}")) {
        return unauthorized(asked);
    }
    if asked.path != "/v1/request/query-clickhouse" {
        return Answer::status(404);
    }
    let mut found = story();
    found.retain(|span| span.kind != "agent" && matches(&asked.body["filter"], span));
    let offset = asked.body["offset"].as_u64().unwrap_or(0) as usize;
    let limit = asked.body["limit"].as_u64().unwrap_or(10) as usize;
    let host = asked.header("host").unwrap_or_default();
    let page = found.iter().skip(offset).take(limit);
    let data: Vec<Value> = page.map(|span| request(span, host)).collect();
    Answer::json(&json!({"data": data, "error": null}))
}

fn matches(filter: &Value, span: &Span) -> bool {
    if filter == "all" {
        return true;
    }
    if let Some(operator) = filter.get("operator").and_then(Value::as_str) {
        let [left, right] = ["left", "right"].map(|side| matches(&filter[side], span));
        return if operator == "and" {
            left && right
        } else {
            left || right
        };
    }
    let columns = &filter["request_response_rmt"];
    let id = columns
        .pointer("/request_id/equals")
        .and_then(Value::as_str);
    let test = |name: &str| {
        columns
            .pointer(&format!("/request_created_at/{name}"))
            .and_then(Value::as_str)
    };
    id.is_none_or(|id| id == span.id)
        && test("gte").is_none_or(|from| span.began >= micros(from))
        && test("lt").is_none_or(|until| span.began < micros(until))
}

fn request(span: &Span, host: &str) -> Value {
    let (input, output) = span.tokens.unzip();
    let mut value = json!({
        "request_id": span.id, "request_created_at": time(span.began), "response_status": 200,
        "request_model": if span.kind == "llm" { "gpt-5-mini" } else { "tool:look_up" },
        "request_user_id": "reader-1", "prompt_tokens": input, "completion_tokens": output,
        "delay_ms": (span.ended - span.began) / 1000,
        "request_properties": {"Helicone-Session-Id": span.session, "Helicone-Session-Path": "/desk"},
    });
    // Bodies of tools are stored elsewhere.
    if span.kind == "tool" {
        value["request_body"] = json!({"helicone_message": "stored elsewhere"});
        value["response_body"] = json!({"helicone_message": "stored elsewhere"});
        value["signed_body_url"] = json!(format!(
            "http://{host}/bodies/{}?X-Amz-Signature=abcdef",
            span.id
        ));
    } else {
        let bodies = bodies(span);
        value["request_body"] = bodies["request"].clone();
        value["response_body"] = bodies["response"].clone();
        value["signed_body_url"] = Value::Null;
    }
    value
}

fn bodies(span: &Span) -> Value {
    if span.kind == "tool" {
        return json!({"request": {"_type": "tool", "toolName": "look_up", "input": {"q": "loan"}}, "response": {"found": true}});
    }
    json!({
        "request": {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "Where is my loan?"}]},
        "response": {"id": format!("r-{}", span.id), "choices": [{"message": {"role": "assistant", "content": "I looked."}}]},
    })
}

/// Traces of the sample of Jaeger, once an hour.
pub(crate) fn jaeger(asked: &Received) -> Answer {
    let text = std::fs::read_to_string("sample-traces/jaeger/weather.json").expect("a sample");
    let sample: Value = serde_json::from_str(&text).expect("JSON");
    if asked.path == "/api/services" {
        return Answer::json(&json!({"data": ["other", "weather"], "errors": null}));
    }
    let number = |name: &str| {
        asked
            .query(name)
            .map(|it| it.parse::<i64>().expect("a number"))
    };
    let (from, until) = (
        number("start").unwrap_or(0),
        number("end").unwrap_or(i64::MAX),
    );
    let traces = (0..24_i64).map(|hour| shifted(&sample["data"][0], hour));
    let traces = traces.filter(|trace| {
        let starts = trace["spans"].as_array().expect("spans").iter();
        let starts = starts.map(|span| span["startTime"].as_i64().expect("a time"));
        (from..=until).contains(&starts.min().expect("a span"))
    });
    let traces: Vec<Value> = traces.collect();
    Answer::json(&json!({"data": traces, "total": 0, "limit": 0, "offset": 0, "errors": null}))
}

/// A copy of a trace that began hours later, with another id.
fn shifted(trace: &Value, hours: i64) -> Value {
    let id = trace["traceID"].as_str().expect("an id");
    let text = trace
        .to_string()
        .replace(id, &format!("{}{hours:04x}", id.get(..28).expect("an id")));
    let mut copy: Value = serde_json::from_str(&text).expect("JSON");
    for span in copy["spans"].as_array_mut().expect("spans") {
        span["startTime"] =
            json!(span["startTime"].as_i64().expect("a time") + hours * 3_600_000_000);
    }
    copy
}

/// The story of the OTLP sample, by search and by id.
pub(crate) fn tempo(asked: &Received) -> Answer {
    let text =
        std::fs::read_to_string("sample-traces/otlp/library-desk.otlp.jsonl").expect("a sample");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let trace_of = |line: &Value| {
        let id = line.pointer("/resourceSpans/0/scopeSpans/0/spans/0/traceId");
        id.and_then(Value::as_str).expect("an id").to_owned()
    };
    if asked.header("x-scope-orgid") != Some("library") {
        return Answer::status(401);
    }
    if let Some(id) = asked.path.strip_prefix("/api/v2/traces/") {
        let spans = lines.iter().filter(|line| trace_of(line) == id);
        let spans: Vec<Value> = spans.map(|line| line["resourceSpans"][0].clone()).collect();
        return Answer::json(&json!({"trace": {"resourceSpans": spans}, "status": "COMPLETE"}));
    }
    let number = |name: &str| {
        asked
            .query(name)
            .map_or(0, |it| it.parse::<i64>().expect("a number"))
    };
    let began = 1_795_360_000;
    let found = (number("start")..number("end")).contains(&began);
    let mut ids: Vec<String> = lines.iter().filter(|_| found).map(trace_of).collect();
    ids.sort();
    ids.dedup();
    let traces: Vec<Value> = ids.iter().map(|id| json!({"traceID": id})).collect();
    Answer::json(&json!({"traces": traces, "metrics": {}}))
}

pub(crate) fn base64(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits = chunk
            .iter()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for at in 0..4 {
            out.push(if at <= chunk.len() {
                char::from(LETTERS[(bits >> (18 - 6 * at) & 63) as usize])
            } else {
                '='
            });
        }
    }
    out
}

/// A bucket with two files below `bot/`, one of them as `changed` says, and a folder.
pub(crate) fn bucket(asked: &Received, changed: &str) -> Answer {
    let signed = asked.header("authorization").unwrap_or_default();
    let is_signed = signed.starts_with("AWS4-HMAC-SHA256 Credential=AKIADESK/")
        && signed.contains("/eu-1/s3/aws4_request,SignedHeaders=host;")
        && asked.header("x-amz-date").is_some();
    if !is_signed {
        return Answer::status(403);
    }
    let files = [("bot/a%20b.jsonl", FIRST), ("bot/2026/c.jsonl", changed)];
    if asked.path == "/traces/" {
        let first = asked.query("continuation-token").is_none();
        return listing(&files[usize::from(!first)..][..1], first);
    }
    let path = asked.path.trim_start_matches("/traces/");
    let Some((_, text)) = files.iter().find(|(name, _)| *name == path) else {
        return Answer::status(404);
    };
    let range = asked
        .header("range")
        .and_then(|it| it.strip_prefix("bytes="));
    let (from, to) = range.and_then(|it| it.split_once('-')).expect("a range");
    let (from, to): (usize, usize) = (
        from.parse().expect("a number"),
        to.parse().expect("a number"),
    );
    Answer {
        body: text.get(from..=to).expect("within the file").to_owned(),
        ..Answer::status(206)
    }
}

const FIRST: &str =
    "{\"type\":\"run_start\",\"run_id\":\"one\",\"ts\":\"2026-11-20T01:00:00Z\",\"v\":1}\n";
pub(crate) const SECOND: &str =
    "{\"type\":\"run_start\",\"run_id\":\"two\",\"ts\":\"2026-11-20T02:00:00Z\",\"v\":1}\n";
pub(crate) const THIRD: &str =
    "{\"type\":\"run_start\",\"run_id\":\"three\",\"ts\":\"2026-11-20T03:00:00Z\",\"v\":1}\n";

fn listing(files: &[(&str, &str)], is_cut: bool) -> Answer {
    let contents = files.iter().map(|(name, text)| {
        let (tag, size) = (base64(text), text.len());
        format!(
            "<Contents><Key>{name}</Key><LastModified>2026-11-20T04:00:00.000Z</LastModified>\
             <ETag>&quot;{tag}&quot;</ETag><Size>{size}</Size></Contents>"
        )
    });
    let contents: String = contents.collect();
    let next = if is_cut {
        "<NextContinuationToken>n/1=</NextContinuationToken>"
    } else {
        ""
    };
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult><Name>traces</Name>\
         <IsTruncated>{is_cut}</IsTruncated>{next}{contents}</ListBucketResult>"
    );
    Answer {
        body,
        ..Answer::status(200).with("content-type", "application/xml")
    }
}
