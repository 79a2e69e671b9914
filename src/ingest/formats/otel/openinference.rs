//! OpenInference (Arize): kinds of spans, and messages flattened into dotted names.
//!
//! Source: `spec/semantic_conventions.md` of that project, and spans of its instrumentors.

use super::attributes::Attributes;
use crate::ingest::formats::spans::messages::{Role, flat, messages, messages_in, tool_in};
use crate::ingest::formats::spans::request::RequestFields;
use crate::ingest::formats::spans::{Class, Ruling, Span};
use crate::ingest::json::Json;
use crate::model::action::Verdict;

pub(super) fn read(of: &Attributes, span: &mut Span) -> bool {
    let Some(kind) = of.text(&["openinference.span.kind"]) else {
        return false;
    };
    span.class = match kind.as_str() {
        "LLM" | "EMBEDDING" => Class::Model,
        "TOOL" => Class::Tool,
        "GUARDRAIL" => Class::Guardrail,
        _ => Class::Wrapper,
    };
    match span.class {
        Class::Model => conversation(of, span),
        Class::Tool => {
            span.tool.name = of
                .text(&["tool.name", "tool_call.function.name"])
                .unwrap_or_else(|| tool_in(&span.name).to_owned());
            span.tool.call = of.text(&["tool_call.id", "tool.id"]).unwrap_or_default();
            // `tool.parameters` is the schema in some instrumentors and the arguments in others.
            span.tool.args = of.open(&["input.value", "tool_call.function.arguments"]);
            span.tool.result = of.first(&["output.value"]).map(flat);
        }
        _ => tripped(span),
    }
    true
}

fn conversation(of: &Attributes, span: &mut Span) {
    span.input = message_list(of, "llm.input_messages.", Role::User);
    span.output = message_list(of, "llm.output_messages.", Role::Assistant);
    if span.input.is_empty()
        && let Some(input) = of.first(&["llm.prompts.0.prompt.text", "input.value"])
    {
        span.input = messages_in(input, Role::User);
    }
    if span.output.is_empty()
        && span.error.is_none()
        && let Some(output) = of.first(&["output.value"])
    {
        span.output = messages_in(output, Role::Assistant);
    }
}

/// Instrumentors of SDKs record the arguments of the SDK call; those of frameworks only schemas and
/// parameters.
pub(super) fn request_fields(of: &Attributes, fields: &mut RequestFields) {
    if let Some(input) = of.open(&["input.value"]).filter(Json::is_object) {
        fields.called_with(&input);
    }
    fields.parameters(of.open(&["llm.invocation_parameters"]).as_ref());
    let schemas = of.tree("llm.tools.");
    let schemas = schemas.as_ref().and_then(Json::as_array);
    let schema = |tool: &Json| tool.pointer("/tool/json_schema").cloned();
    let schemas = schemas.into_iter().flatten().filter_map(schema);
    fields.tools(Some(&Json::list(schemas)));
}

fn message_list(
    of: &Attributes,
    prefix: &str,
    role: Role,
) -> Vec<crate::ingest::formats::spans::messages::Item> {
    let tree = of.tree(prefix);
    let all = tree.as_ref().and_then(Json::as_array);
    let plain = all.into_iter().flatten().map(plain);
    messages(&Json::list(plain), role)
}

/// A message without the layers of names that flattening adds.
fn plain(one: &Json) -> Json {
    let mut out = one.get("message").unwrap_or(one).clone();
    let Some(members) = out.as_object_mut() else {
        return out;
    };
    let inner = |list: Option<Json>, name: &str| -> Vec<Json> {
        let all = list.as_ref().and_then(Json::as_array).unwrap_or_default();
        let unwrap = |one: &Json| one.get(name).unwrap_or(one).clone();
        all.iter().map(unwrap).collect()
    };
    let mut contents = inner(members.remove("contents"), "message_content");
    let has_calls = members.contains_key("tool_calls");
    // A tool call among the parts has no name.
    let is_call = |part: &Json| part.get("type").and_then(Json::as_str) == Some("tool_use");
    contents.retain(|part| !(has_calls && is_call(part)));
    if !contents.is_empty() {
        members.insert("content", Json::list(contents));
    }
    let calls = inner(members.remove("tool_calls"), "tool_call");
    if !calls.is_empty() {
        members.insert("tool_calls", Json::list(calls));
    }
    out
}

/// The only trace of a guardrail in the OpenAI Agents SDK: the error of the turn that it ended.
pub(crate) fn tripped(span: &mut Span) {
    const WORDS: &str = "Guardrail tripwire triggered";
    let Some(error) = span.error.take_if(|error| error.message.starts_with(WORDS)) else {
        return;
    };
    let name = error
        .message
        .split('\'')
        .nth(3)
        .unwrap_or_default()
        .to_owned();
    span.verdicts.push(Ruling {
        verdict: Some(Verdict::Block),
        policy: name,
        reason: Some(error.message),
        ..Ruling::default()
    });
}
