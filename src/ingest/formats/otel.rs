//! Span attributes by convention: OpenTelemetry's own for generative AI (new and old), OpenInference,
//! OpenLLMetry, the Vercel AI SDK, pydantic-ai, Langfuse, LangSmith, Claude Code and Codex. Shared by all
//! formats whose spans have attributes.
//!
//! Source: the semantic conventions of OpenTelemetry and OpenInference, and spans as sent.

pub(crate) mod attributes;
pub(crate) mod common;
pub(crate) mod evidence;
mod genai;
mod mlflow;
pub(crate) mod openinference;
pub(crate) mod products;
mod programs;

use self::attributes::Attributes;
use crate::ingest::formats::spans::request::RequestFields;
use crate::ingest::formats::spans::{Class, Span};

/// Reads the attributes of a span whose own fields have been read. The first convention that recognizes it
/// wins: a span may carry several.
pub(crate) fn read(of: &Attributes, resource: &Attributes, span: &mut Span) {
    common::who(of, resource, span);
    let known: &[fn(&Attributes, &mut Span) -> bool] = &[
        openinference::read,
        products::langfuse,
        products::langsmith,
        mlflow::read,
        programs::claude_code,
        products::vercel,
        genai::read,
        genai::traceloop,
        genai::legacy,
        genai::mcp,
        programs::codex,
    ];
    if !known.iter().any(|read| read(of, span)) && span.scope.starts_with("codex") {
        span.class = Class::Noise;
    }
    common::interrupts(of, span);
}

/// The request fields in the attributes of a model call, beside the messages.
pub(crate) fn request_fields(of: &Attributes) -> RequestFields {
    let mut fields = RequestFields::default();
    openinference::request_fields(of, &mut fields);
    products::request_fields(of, &mut fields);
    mlflow::request_fields(of, &mut fields);
    genai::request_fields(of, &mut fields);
    fields
}

/// Takes the messages in an event of a span: one each, or all in one event.
pub(crate) fn messages_event(name: &str, of: &Attributes, into: &mut Attributes) {
    genai::span_event(name, of, into);
}

/// A span event as an attribute, if a program stores a result in it.
pub(crate) fn programs_event(
    name: &str,
    of: &Attributes,
) -> Option<(String, crate::ingest::json::Json)> {
    programs::event(name, of)
}

/// Reads a log record, whose body is among its attributes.
pub(crate) fn read_log(name: &str, of: &Attributes, resource: &Attributes, span: &mut Span) {
    common::who(of, resource, span);
    if !(programs::claude_code_log(name, of, span)
        || programs::codex_log(name, of, span)
        || genai::log(name, of, span))
    {
        let inner = span.scope.starts_with("codex") || span.who.service.starts_with("codex");
        span.class = if inner { Class::Noise } else { Class::Other };
    }
}
