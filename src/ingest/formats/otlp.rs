//! The `otlp` format: spans and log records of OpenTelemetry in JSON encoding, one export request per line
//! (the file exporter of the Collector) or as a document.
//!
//! Reading is lenient: writers differ in case, in how they write ids, enums and numbers, and in what they
//! omit. Source: the OTLP specification 1.5 and the output of real exporters.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::base::escape;
use crate::ingest::assemble::Assembler;
use crate::ingest::body::{Body, ErrorText};
use crate::ingest::fact::{Fact, FactKind, FactSink};
use crate::ingest::format::{Decode, Format, Held, Layout, Open, Recorded, Request, Sent};
use crate::ingest::formats::decisions;
use crate::ingest::formats::entry::{add_attached, add_result, shared};
use crate::ingest::formats::otel::attributes::{Attributes, any_value, nanos};
use crate::ingest::formats::otel::{self, messages_event, programs_event};
use crate::ingest::formats::spans::{self, Class, Span};
use crate::ingest::json::{Cursor, Json, Object, Range, Record};
use crate::ingest::relations::Relations;
use crate::ingest::request::RequestPart;
use crate::model::action::Flags;

#[derive(Debug)]
pub struct Otlp;

impl Otlp {
    /// Whether a record is an export request, or one resource of it.
    fn claims(record: &Json) -> bool {
        let has = |keys: &[&str]| {
            keys.iter()
                .any(|key| record.get(key).is_some_and(Json::is_array))
        };
        [SPANS, LOGS, METRICS, SCOPES].into_iter().any(has)
    }
}

const SPANS: &[&str] = &["resourceSpans", "resource_spans"];
const LOGS: &[&str] = &["resourceLogs", "resource_logs"];
const SCOPES: &[&str] = &[
    "scopeSpans",
    "scope_spans",
    "instrumentationLibrarySpans",
    "scopeLogs",
    "scope_logs",
];
const METRICS: &[&str] = &["resourceMetrics", "resource_metrics", "scopeMetrics"];

impl Format for Otlp {
    fn name(&self) -> &'static str {
        "otlp"
    }

    fn about(&self) -> &'static str {
        "OpenTelemetry traces and logs (OTLP JSON): GenAI, OpenInference, OpenLLMetry, Vercel AI, Langfuse, LangSmith …"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Yes,
            cost: Held::Partly,
            times: Held::Yes,
            results: Held::Partly,
            approvals: Held::Partly,
        }
    }
}

impl Decode for Otlp {
    fn sniff(&self, record: &Value) -> u8 {
        if Otlp::claims(&record.into()) { 95 } else { 0 }
    }

    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        let mut cursor = Cursor::new(record);
        match shared(&mut cursor) {
            // Too deep to open: kept verbatim.
            Ok(_) if cursor.notes.has(Flags::TOO_DEEP) => out.push(Fact::new(FactKind::Unknown)),
            Ok((range, record)) => request(&record, range, out),
            Err(_) => out.malformed(),
        }
        out.note(cursor.notes);
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        spans::assembler()
    }
}

impl Layout for Otlp {
    /// The files beside the traces of a run: `traces.otlp.jsonl` goes with `logs.otlp.jsonl` and with the
    /// policy decisions in `decisions.otlp.jsonl`.
    fn companions(&self, path: &Path, _relations: &mut Relations) -> Vec<PathBuf> {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        let Some(rest) = name.as_deref().and_then(|name| name.strip_prefix("traces")) else {
            return Vec::new();
        };
        let beside = ["logs", "decisions"].map(|name| path.with_file_name(format!("{name}{rest}")));
        beside.into_iter().filter(|path| path.is_file()).collect()
    }

    fn is_part(&self, path: &Path, _relations: &mut Relations) -> bool {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let rest = ["logs", "decisions"]
            .iter()
            .find_map(|kind| name.strip_prefix(kind));
        rest.is_some_and(|rest| path.with_file_name(format!("traces{rest}")).is_file())
    }
}

impl Open for Otlp {
    fn glance(&self) -> usize {
        spans::GLANCE
    }

    fn open(&self, record: &Value, part: u16) -> Body {
        if record.get("resourceSpans").is_some() {
            return Body {
                text: Some("an export request without spans".to_owned()),
                ..Body::default()
            };
        }
        Body {
            decisions: Vec::new(),
            approvals: Vec::new(),
            ..span_of(&record.into()).body(part)
        }
    }

    fn open_result(&self, record: &Value, part: u16, body: &mut Body) {
        add_result(span_of(&record.into()).body(part), body);
    }

    fn open_attached(&self, record: &Value, part: u16, body: &mut Body) {
        add_attached(span_of(&record.into()).body(part), body);
    }
}

impl Request for Otlp {
    fn sent(&self) -> Sent {
        Sent::Conversations
    }

    fn context(&self, record: &Value, part: u16) -> Option<Vec<RequestPart>> {
        let record = Json::from(record);
        let span = span_of(&record);
        span.pieces(part, || {
            let mut of = Attributes::of_list(field(&record, &["attributes"]));
            events(&record, &mut of, &mut Span::default());
            otel::request_fields(&of)
        })
    }
}

/// The span of the record that a row was made from.
fn span_of(record: &Json) -> Span {
    let none = Attributes::default();
    if decisions::is_decision(record) {
        decisions::decision(record)
    } else if is_log(record) {
        log(record, &none, "")
    } else {
        span(record, &none, "")
    }
}

/// Spans have names and kinds, log records have bodies and severities.
fn is_log(record: &Json) -> bool {
    let has = |keys: &[&str]| keys.iter().any(|key| record.get(key).is_some());
    has(&[
        "body",
        "severityNumber",
        "severity_number",
        "observedTimeUnixNano",
        "eventName",
    ]) && !has(&["startTimeUnixNano", "start_time_unix_nano"])
}

/// One export request, or one of its resources as an element of a document.
fn request(record: &Json, whole: Range, out: &mut FactSink<'_>) {
    let before = out.count();
    let mut resources = record.elements(&[SPANS, LOGS].concat());
    if resources.is_empty() {
        resources.push(record);
    }
    for found in resources {
        let scopes = found.elements(SCOPES);
        if scopes.is_empty() {
            continue;
        }
        let resource = found.get("resource").and_then(|it| it.get("attributes"));
        let resource = Attributes::of_list(resource);
        for found in scopes {
            scope(found, &resource, out);
        }
    }
    if out.count() == before {
        other(record, whole, out);
    }
}

/// A record without spans or logs: a policy decision, or nothing to show (metrics).
fn other(record: &Json, range: Range, out: &mut FactSink<'_>) {
    if decisions::is_decision(record) {
        decisions::decision(record).emit(Some(range), out);
    } else if !Otlp::claims(record) {
        out.push(Fact::new(FactKind::Unknown));
    }
}

/// The writer of the spans in a scope.
const WRITER: &[&str] = &["scope", "instrumentationLibrary"];
const RECORDS: &[&str] = &["spans"];
const LOG_RECORDS: &[&str] = &["logRecords", "log_records"];

fn scope(found: &Json, resource: &Attributes, out: &mut FactSink<'_>) {
    let writer = found.elements(WRITER);
    let name = writer.last().map(|writer| text(writer, &["name"]));
    let name = name.unwrap_or_default();
    let members = found.as_object().map(Object::iter);
    for (member, held) in members.into_iter().flatten() {
        let is_span = RECORDS.contains(&member.as_str());
        if !is_span && !LOG_RECORDS.contains(&member.as_str()) {
            continue;
        }
        held.flat(&mut |record| {
            let recorded = if is_span {
                span(record, resource, &name)
            } else {
                log(record, resource, &name)
            };
            recorded.emit(record.range(), out);
        });
    }
}

fn field<'a>(record: &'a Json, keys: &[&str]) -> Option<&'a Json> {
    keys.iter()
        .find_map(|key| record.get(key))
        .filter(|value| !value.is_null())
}

fn text(record: &Json, keys: &[&str]) -> String {
    field(record, keys)
        .and_then(Json::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// An id in lower-case hexadecimal; some writers use base64. All zeros means no id.
fn id(record: &Json, keys: &[&str], bytes: usize) -> String {
    use base64::Engine;
    let id = text(record, keys);
    let is_hex = id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = if is_hex {
        id.to_ascii_lowercase()
    } else {
        let decoded = base64::engine::general_purpose::STANDARD
            .decode(&id)
            .unwrap_or_default();
        if decoded.len() == bytes {
            escape::hex(&decoded)
        } else {
            id
        }
    };
    if id.bytes().all(|byte| byte == b'0') {
        String::new()
    } else {
        id
    }
}

fn base(record: &Json, scope: &str) -> Span {
    Span {
        trace: id(record, &["traceId", "trace_id"], 16),
        id: id(record, &["spanId", "span_id"], 8),
        parent: id(record, &["parentSpanId", "parent_span_id"], 8),
        name: text(record, &["name"]),
        scope: scope.to_owned(),
        ..Span::default()
    }
}

fn span(record: &Json, resource: &Attributes, scope: &str) -> Span {
    let mut span = base(record, scope);
    span.times(
        nanos(field(
            record,
            &["startTimeUnixNano", "start_time_unix_nano"],
        )),
        nanos(field(record, &["endTimeUnixNano", "end_time_unix_nano"])),
    );
    let mut attributes = Attributes::of_list(field(record, &["attributes"]));
    let status = field(record, &["status"]);
    let code = status.and_then(|status| status.get("code"));
    let failed = code.is_some_and(|code| {
        code.as_u64() == Some(2)
            || code
                .as_str()
                .is_some_and(|code| code == "2" || code.ends_with("ERROR"))
    });
    let message = status
        .map(|status| text(status, &["message"]))
        .unwrap_or_default();
    events(record, &mut attributes, &mut span);
    if failed && span.error.is_none() {
        let kind = attributes.text(&["error.type"]);
        span.error = Some(ErrorText {
            kind,
            message,
            stack: None,
        });
    }
    let interrupted = |error: &ErrorText| {
        error
            .kind
            .as_deref()
            .is_some_and(|kind| kind.ends_with("GraphInterrupt"))
    };
    if !failed && !span.error.as_ref().is_some_and(interrupted) {
        // An exception that was caught and did not fail the span.
        span.error = None;
    }
    otel::read(&attributes, resource, &mut span);
    span
}

fn events(record: &Json, attributes: &mut Attributes, span: &mut Span) {
    let all = field(record, &["events"]).and_then(Json::as_array);
    for event in all.unwrap_or_default() {
        let name = text(event, &["name"]);
        let of = Attributes::of_list(field(event, &["attributes"]));
        if name == "exception" {
            span.error = Some(ErrorText {
                kind: of.text(&["exception.type"]),
                message: of.text(&["exception.message"]).unwrap_or_default(),
                stack: of.text(&["exception.stacktrace"]),
            });
        } else if let Some((key, value)) = programs_event(&name, &of) {
            attributes.set(&key, value);
        } else if name.starts_with("gen_ai.") {
            messages_event(&name, &of, attributes);
        }
    }
}

fn log(record: &Json, resource: &Attributes, scope: &str) -> Span {
    let mut span = base(record, scope);
    let mut attributes = Attributes::of_list(field(record, &["attributes"]));
    let time = nanos(field(record, &["timeUnixNano", "time_unix_nano"]));
    let observed = nanos(field(
        record,
        &["observedTimeUnixNano", "observed_time_unix_nano"],
    ));
    span.start = if time.is_some() { time } else { observed };
    let body = field(record, &["body"]).map(any_value).unwrap_or_default();
    let body_text = body.as_str().unwrap_or_default();
    let named = text(record, &["eventName", "event_name"]);
    let event = attributes.text(&["event.name"]).unwrap_or_default();
    // Claude Code names the event with its prefix in the body, and without it in the attribute; the names
    // that Codex gives its records are source locations.
    let dotted = |name: &String| name.contains('.') && !name.contains('/');
    let name = [event, named].into_iter().find(dotted);
    let name = name.unwrap_or_else(|| body_text.to_owned());
    span.name.clone_from(&name);
    attributes.set("body", body.clone());
    otel::read_log(&name, &attributes, resource, &mut span);
    if name.starts_with("gen_ai.") && span.class == Class::Model {
        span.is_inside = true;
    } else {
        // The span that the record was written in is its parent, not the record itself.
        span.parent = std::mem::take(&mut span.id);
        if span.class == Class::Other {
            span.text = Some(if body_text.is_empty() {
                name.into()
            } else {
                body_text.into()
            });
        }
    }
    span
}

#[cfg(test)]
mod tests;
