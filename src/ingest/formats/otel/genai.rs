//! OpenTelemetry's conventions for generative AI, OpenLLMetry before and after it adopted them,
//! pydantic-ai, and the Model Context Protocol.

use serde_json::Value;

use super::attributes::Attributes;
use crate::ingest::formats::spans::messages::{Role, flat, messages, messages_in, word};
use crate::ingest::formats::spans::request::RequestFields;
use crate::ingest::formats::spans::{Class, Ruling, Span};
use crate::model::action::Verdict;

/// Spans with `gen_ai.operation.name`.
pub(super) fn read(of: &Attributes, span: &mut Span) -> bool {
    let Some(operation) = of.text(&["gen_ai.operation.name"]) else {
        return false;
    };
    span.class = match operation.as_str() {
        "chat" | "generate_content" | "text_completion" | "embeddings" => Class::Model,
        "execute_tool" => Class::Tool,
        "apply_guardrail" => Class::Guardrail,
        "execute_task" if traceloop(of, span) => return true,
        _ => Class::Wrapper,
    };
    // OpenLLMetry and LangSmith use operation names of their own; those of tools are recognizable.
    if span.class == Class::Wrapper && of.text(&["traceloop.span.kind"]).as_deref() == Some("tool")
    {
        span.class = Class::Tool;
    }
    content(of, span);
    true
}

fn content(of: &Attributes, span: &mut Span) {
    match span.class {
        Class::Model => said(of, span),
        Class::Tool => tool(of, span),
        Class::Guardrail => guardrail(of, span),
        Class::Wrapper => deferred(of, span),
        _ => {}
    }
}

fn said(of: &Attributes, span: &mut Span) {
    if let Some(system) = of.first(&["gen_ai.system_instructions"]) {
        span.input.extend(messages_in(system, Role::System));
    }
    if let Some(input) = of.first(&["gen_ai.input.messages"]) {
        span.input.extend(messages_in(input, Role::User));
    }
    if let Some(output) = of.first(&["gen_ai.output.messages"]) {
        span.output = messages_in(output, Role::Assistant);
    }
    if span.input.is_empty() && span.output.is_empty() {
        flattened(of, span);
    }
}

/// Tool schemas, and parameters under the names of the convention.
pub(super) fn asked(of: &Attributes, asked: &mut RequestFields) {
    asked.tools(of.get("gen_ai.tool.definitions"));
    // As written by OpenLLMetry until 2025.
    asked.tools(of.tree("llm.request.functions.").as_ref());
    for (name, value) in of.below("gen_ai.request.") {
        let name = match name {
            "choice.count" => "n",
            "is_stream" => "stream",
            name => name,
        };
        asked.parameter(name, value);
    }
}

/// `gen_ai.prompt.0.role`, as written by OpenLLMetry until 2025.
fn flattened(of: &Attributes, span: &mut Span) {
    if let Some(prompt) = of.tree("gen_ai.prompt.") {
        span.input = messages(&prompt, Role::User);
    }
    if let Some(completion) = of.tree("gen_ai.completion.") {
        span.output = messages(&completion, Role::Assistant);
    }
}

fn tool(of: &Attributes, span: &mut Span) {
    let named = span
        .name
        .strip_suffix(".tool")
        .or_else(|| span.name.strip_prefix("execute_tool "));
    let named = named.unwrap_or(&span.name).to_owned();
    span.tool.name = of
        .text(&["gen_ai.tool.name", "traceloop.entity.name"])
        .unwrap_or(named);
    span.tool.call = of.text(&["gen_ai.tool.call.id"]).unwrap_or_default();
    span.tool.args = of.open(&[
        "gen_ai.tool.call.arguments",
        "tool_arguments",
        "traceloop.entity.input",
    ]);
    span.tool.result = of
        .first(&[
            "gen_ai.tool.call.result",
            "tool_response",
            "traceloop.entity.output",
        ])
        .map(flat);
}

fn guardrail(of: &Attributes, span: &mut Span) {
    span.verdicts.push(Ruling {
        verdict: of
            .text(&["gen_ai.guardrail.result.value"])
            .and_then(|word| Verdict::from_word(&word)),
        policy: of
            .text(&[
                "gen_ai.guardrail.policy.id",
                "gen_ai.guardrail.component.name",
            ])
            .unwrap_or_default(),
        reason: of.text(&["gen_ai.guardrail.result.reason"]),
        ..Ruling::default()
    });
}

/// Calls that pydantic-ai defers to a person end the run: they are its result.
fn deferred(of: &Attributes, span: &mut Span) {
    let result = of.open(&["final_result"]);
    let asked = result
        .as_ref()
        .and_then(|it| it.get("approvals"))
        .and_then(Value::as_array);
    for call in asked.map(Vec::as_slice).unwrap_or_default() {
        span.verdicts.push(Ruling {
            of_person: true,
            verdict: Some(Verdict::Requested),
            call: word(call, &["tool_call_id"]).unwrap_or_default().to_owned(),
            ..Ruling::default()
        });
    }
}

/// OpenLLMetry's own spans, around those of the model calls.
pub(super) fn traceloop(of: &Attributes, span: &mut Span) -> bool {
    let Some(kind) = of.text(&["traceloop.span.kind"]) else {
        return false;
    };
    span.class = if kind == "tool" {
        Class::Tool
    } else {
        Class::Wrapper
    };
    if span.who.agent.is_empty() && kind == "agent" {
        span.who.agent = of.text(&["traceloop.entity.name"]).unwrap_or_default();
    }
    content(of, span);
    true
}

/// Model calls of OpenLLMetry from before the convention.
pub(super) fn legacy(of: &Attributes, span: &mut Span) -> bool {
    let is_call = of.has("llm.request.type")
        || of.has("gen_ai.prompt.0.role")
        || of.has("gen_ai.request.model");
    if is_call {
        span.class = Class::Model;
        content(of, span);
    }
    is_call
}

/// Tool calls on a Model Context Protocol server.
pub(super) fn mcp(of: &Attributes, span: &mut Span) -> bool {
    let Some(method) = of.text(&["mcp.method.name"]) else {
        return false;
    };
    if method == "tools/call" {
        span.class = Class::Tool;
        tool(of, span);
        if let Some(name) = span.tool.name.strip_prefix("tools/call ") {
            span.tool.name = name.to_owned();
        }
    } else {
        span.class = Class::Wrapper;
    }
    true
}

/// Messages as log events beside their span, as in the convention until 2025.
pub(super) fn log(name: &str, of: &Attributes, span: &mut Span) -> bool {
    let Some(event) = name.strip_prefix("gen_ai.") else {
        return false;
    };
    let role = match event {
        "system.message" => Role::System,
        "user.message" => Role::User,
        "assistant.message" | "choice" => Role::Assistant,
        "tool.message" => Role::Tool,
        _ => return false,
    };
    let mut body = of.get("body").cloned().unwrap_or_default();
    if role == Role::Tool
        && let (Some(id), Value::Object(members)) = (body.get("id").cloned(), &mut body)
    {
        members.insert("tool_call_id".to_owned(), id);
    }
    if let Value::Object(members) = &mut body
        && !members.contains_key("role")
        && event != "choice"
    {
        let word = match role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
        };
        members.insert("role".to_owned(), word.into());
    }
    let said = messages(&body, role);
    if event == "choice" {
        span.output = said;
    } else {
        span.input = said;
    }
    span.class = Class::Model;
    true
}
