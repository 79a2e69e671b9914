//! The `helicone` format: requests exported from Helicone, one per line.
//!
//! A session id joins requests into a run; tools are requests too, marked in their body. Source: its types
//! (not tested against a server).

use serde_json::Value;

use crate::ingest::body::ErrorText;
use crate::ingest::format::{Held, Recorded, Sent};
use crate::ingest::formats::members;
use crate::ingest::formats::otel::attributes::{Attributes, instant};
use crate::ingest::formats::spans::messages::{Role, messages, opened, text_of_any, word};
use crate::ingest::formats::spans::product::Product;
use crate::ingest::formats::spans::request::RequestFields;
use crate::ingest::formats::spans::{self, Class, Ran, Ruling, Span};
use crate::ingest::json::Json;
use crate::model::action::Verdict;
use crate::model::quantity::{Elapsed, Usage};

#[derive(Debug)]
pub struct Helicone;

impl Product for Helicone {
    fn name(&self) -> &'static str {
        "helicone"
    }

    fn about(&self) -> &'static str {
        "Helicone requests, one per line (npx @helicone/export)"
    }

    fn sniff(&self, record: &Value) -> u8 {
        let has = |keys: &[&str]| members::any(record, keys);
        let recorded = has(&["response_status", "status"])
            && has(&["request_body", "response_body", "signed_body_url"]);
        // What an access log of any other server does not have.
        let of_model = has(&[
            "request_model",
            "response_model",
            "model",
            "provider",
            "request_user_id",
            "request_properties",
            "prompt_tokens",
            "target_url",
        ]);
        let dated = has(&["request_created_at", "created_at"]);
        if has(&["request_id"]) && recorded && dated && of_model {
            90
        } else {
            0
        }
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Yes,
            cost: Held::Yes,
            times: Held::Yes,
            results: Held::Partly,
            approvals: Held::No,
        }
    }

    fn sent(&self) -> Sent {
        Sent::Bodies
    }

    fn span(&self, record: &Json) -> Span {
        request(record)
    }

    fn request_fields(&self, record: &Json) -> RequestFields {
        let mut fields = RequestFields::default();
        let [body, _] = bodies(&Attributes::of_object(Some(record)));
        if body.is_object() {
            fields.called_with(&body);
        }
        fields
    }
}

/// The status for requests that were blocked because of their content.
const BLOCKED: i64 = -4;

fn request(record: &Json) -> Span {
    let of = Attributes::of_object(Some(record));
    let recorded = |keys: &[&str]| of.text(keys).unwrap_or_default();
    let properties = of.open(&["request_properties", "properties"]);
    let properties = Attributes::of_object(properties.as_ref());
    let mut span = Span {
        id: recorded(&["request_id"]),
        model: recorded(&["response_model", "request_model", "model_override", "model"]),
        name: properties
            .text(&["Helicone-Session-Path"])
            .unwrap_or_default(),
        ..Span::default()
    };
    // Requests without a session have nothing in common.
    span.joins.session = properties
        .text(&["Helicone-Session-Id"])
        .unwrap_or_default();
    if span.joins.session.is_empty() {
        span.trace.clone_from(&span.id);
    }
    span.who.agent = properties
        .text(&["Helicone-Session-Name"])
        .unwrap_or_default();
    span.who.user = recorded(&["request_user_id", "helicone_user", "user_id"]);
    span.who.provider = recorded(&["provider"]);
    span.start = instant(of.first(&["request_created_at", "created_at"]));
    span.duration = of
        .number(&["delay_ms", "latency"])
        .map_or(Elapsed::NONE, Elapsed::from_millis);
    let [body, answer] = bodies(&of);
    let status = of
        .number(&["response_status", "status"])
        .map_or(0, |status| status as i64);
    if status >= 400 || status == -3 {
        let message = answer.pointer("/error/message").and_then(Json::as_str);
        span.error = Some(ErrorText {
            kind: Some(status.to_string()),
            message: message.unwrap_or("the request failed").to_owned(),
            stack: None,
        });
    }
    match word(&body, &["_type"]) {
        Some("tool") => {
            span.class = Class::Tool;
            span.tool.name = text_of_any(&body, &["toolName"]);
            span.tool.args = body.get("input").map(opened);
            span.tool.result = Some(answer).filter(|answer| !answer.is_null());
            span.tool.ran = Ran::Yes;
        }
        Some(kind @ ("vector_db" | "data")) => {
            span.class = Class::Tool;
            let operation = word(&body, &["operation", "name"]).unwrap_or(kind);
            span.tool.name = format!("{kind}.{operation}");
            span.tool.args = Some(body.clone());
            span.tool.result = Some(answer).filter(|answer| !answer.is_null());
            span.tool.ran = Ran::Yes;
        }
        _ => {
            span.class = Class::Model;
            span.input = messages(&body, Role::User);
            if span.error.is_none() {
                let first = answer.pointer("/choices/0").unwrap_or(&answer);
                span.output = messages(first, Role::Assistant);
            }
            tokens(&of, &answer, &mut span);
        }
    }
    if span.class == Class::Tool {
        // The value is `tool:NAME`.
        span.model.clear();
    }
    if status == BLOCKED {
        span.verdicts.push(Ruling {
            verdict: Some(Verdict::Block),
            policy: "moderation".to_owned(),
            ..Ruling::default()
        });
    }
    span
}

/// The bodies of request and response. If they are stored elsewhere, what the server made of them.
fn bodies(of: &Attributes) -> [Json; 2] {
    let schema = of.open(&["llmSchema", "llm_schema"]);
    [("request_body", "request"), ("response_body", "response")].map(|(column, part)| {
        let body = of.open(&[column]);
        let body = body.filter(|body| body.get("helicone_message").is_none());
        body.or_else(|| schema.as_ref()?.get(part).cloned())
            .unwrap_or_default()
    })
}

/// Token and cost columns of the export; costs are calculated by Helicone.
fn tokens(of: &Attributes, answer: &Json, span: &mut Span) {
    span.reply = text_of_any(answer, &["id"]);
    span.usage = Usage {
        input: of.count(&["prompt_tokens"]),
        output: of.count(&["completion_tokens"]),
        cache_read: of.count(&["prompt_cache_read_tokens"]),
        cache_write: of.count(&["prompt_cache_write_tokens"]),
        ..Usage::NONE
    };
    spans::without_cache(&mut span.usage);
    span.cost = of.cost(&["costUSD", "cost", "cost_usd"]);
}
