//! The `decisions` format: logs of policy engines, one decision per record: Open Policy Agent and Cedar. If
//! such a log lies beside the traces of a run, its decisions are attached to the calls they refer to.
//!
//! A decision is joined with a run by `trace_id` and `span_id`, otherwise by the call id in its input.
//! Source: OPA's decision log, the responses of Cedar's authorizer.

use serde_json::Value;

use crate::ingest::format::{GLANCE, Held, Recorded, Sent};
use crate::ingest::formats::otel::attributes::instant;
use crate::ingest::formats::spans::messages::word;
use crate::ingest::formats::spans::product::Product;
use crate::ingest::formats::spans::{Class, Ruling, Span};
use crate::ingest::json::Json;
use crate::model::action::Verdict;

#[derive(Debug)]
pub struct Decisions;

impl Product for Decisions {
    fn sent(&self) -> Sent {
        Sent::Nothing
    }

    fn name(&self) -> &'static str {
        "decisions"
    }

    fn about(&self) -> &'static str {
        "decision logs of policy engines: Open Policy Agent, Cedar"
    }

    fn sniff(&self, record: &Value) -> u8 {
        if is_decision(&record.into()) { 90 } else { 0 }
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::No,
            cost: Held::No,
            times: Held::Partly,
            results: Held::No,
            approvals: Held::Yes,
        }
    }

    fn span(&self, record: &Json) -> Span {
        decision(record)
    }

    fn glance(&self) -> usize {
        GLANCE
    }
}

/// Whether a record is a decision of a policy engine.
pub(super) fn is_decision(record: &Json) -> bool {
    let opa = record.get("decision_id").is_some()
        && (record.get("result").is_some() || record.get("input").is_some());
    opa || cedar_of(record).is_some()
}

/// The response of Cedar's authorizer, alone or with its request.
fn cedar_of(record: &Json) -> Option<&Json> {
    let inside = record
        .pointer("/answer/response")
        .or_else(|| record.get("response"));
    let answer = inside.unwrap_or(record);
    let is_answer = answer.get("diagnostics").is_some() && word(answer, &["decision"]).is_some();
    is_answer.then_some(answer)
}

pub(super) fn decision(record: &Json) -> Span {
    match cedar_of(record) {
        Some(answer) => cedar(record, answer),
        None => opa(record),
    }
}

/// The names under which applications pass on what a decision refers to.
fn subject(fields: &Json, span: &mut Span, ruling: &mut Ruling) {
    let field = |keys: &[&str]| word(fields, keys).unwrap_or_default().to_owned();
    ruling.call = field(&["tool_call_id", "call_id"]);
    ruling.tool = field(&["tool", "tool_name"]);
    ruling.args = fields
        .get("args")
        .or_else(|| fields.get("arguments"))
        .cloned();
    if span.trace.is_empty() {
        span.trace = field(&["trace_id", "traceId"]);
    }
    if span.parent.is_empty() {
        span.parent = field(&["span_id", "spanId"]);
    }
    span.joins.session = field(&["session_id", "conversation_id", "run_id"]);
}

fn opa(record: &Json) -> Span {
    let text = |key: &str| word(record, &[key]).unwrap_or_default().to_owned();
    let mut span = Span {
        class: Class::Ruling,
        trace: text("trace_id"),
        parent: text("span_id"),
        id: text("decision_id"),
        name: text("path"),
        start: instant(record.get("timestamp")),
        ..Span::default()
    };
    let result = record.get("result");
    let allow =
        result.and_then(|result| result.as_bool().or_else(|| result.get("allow")?.as_bool()));
    let error = record.get("error").filter(|error| !error.is_null());
    let mut ruling = Ruling {
        verdict: allow.map(|allow| {
            if allow {
                Verdict::Allow
            } else {
                Verdict::Block
            }
        }),
        policy: if span.name.is_empty() {
            text("query")
        } else {
            span.name.clone()
        },
        ..Ruling::default()
    };
    let of_result = |keys: &[&str]| {
        result
            .and_then(|result| word(result, keys))
            .map(str::to_owned)
    };
    ruling.reason = of_result(&["reason", "message"]).or_else(|| {
        // Any other result is shown verbatim.
        error
            .or(result.filter(|_| allow.is_none()))
            .map(ToString::to_string)
    });
    ruling.rule = of_result(&["rule", "policy"]).unwrap_or_default();
    subject(
        record.get("input").unwrap_or(&Json::Null),
        &mut span,
        &mut ruling,
    );
    span.verdicts.push(ruling);
    span
}

fn cedar(record: &Json, answer: &Json) -> Span {
    let fields = record.get("request").unwrap_or(record);
    let id = |key: &str| {
        let entity = fields.get(key);
        let id = entity.and_then(|it| it.as_str().or_else(|| word(it, &["id"])));
        id.unwrap_or_default().to_owned()
    };
    let mut span = Span {
        class: Class::Ruling,
        name: id("action"),
        start: instant(record.get("timestamp").or_else(|| record.get("time"))),
        ..Span::default()
    };
    let allow = word(answer, &["decision"]).map(|it| it.eq_ignore_ascii_case("allow"));
    let list = |path: &str| {
        answer
            .pointer(path)
            .and_then(Json::as_array)
            .unwrap_or_default()
    };
    let reasons: Vec<&str> = list("/diagnostics/reason")
        .iter()
        .filter_map(Json::as_str)
        .collect();
    let errors: Vec<String> = list("/diagnostics/errors").iter().map(failed).collect();
    let mut ruling = Ruling {
        verdict: allow.map(|allow| {
            if allow {
                Verdict::Allow
            } else {
                Verdict::Block
            }
        }),
        policy: "cedar".to_owned(),
        rule: reasons.join(", "),
        ..Ruling::default()
    };
    ruling.reason = if !errors.is_empty() {
        // A failing policy is skipped: a forbid policy that fails lets everything through.
        Some(format!("left out: {}", errors.join("; ")))
    } else if reasons.is_empty() && allow == Some(false) {
        Some("no policy permits it".to_owned())
    } else {
        None
    };
    let context = fields.get("context").cloned().unwrap_or_default();
    subject(&context, &mut span, &mut ruling);
    if ruling.tool.is_empty() {
        ruling.tool = id("action");
    }
    span.labels = ["principal", "action", "resource"]
        .map(|key| (key.into(), Json::from(id(key).as_str())))
        .to_vec();
    span.verdicts.push(ruling);
    span
}

fn failed(error: &Json) -> String {
    let policy = word(error, &["policyId"]).unwrap_or_default();
    let message = error.pointer("/error/message").and_then(Json::as_str);
    match message.or_else(|| error.as_str()) {
        Some(message) => format!("{policy}: {message}"),
        None => error.to_string(),
    }
}
