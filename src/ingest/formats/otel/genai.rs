//! OpenTelemetry's conventions for generative AI, OpenLLMetry before and after it adopted them,
//! pydantic-ai, and the Model Context Protocol.

use super::attributes::Attributes;
use crate::ingest::formats::spans::messages::{Role, flat, messages, messages_in, tool_in, word};
use crate::ingest::formats::spans::request::RequestFields;
use crate::ingest::formats::spans::{Class, Ruling, Span};
use crate::ingest::json::Json;
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
        Class::Model => conversation(of, span),
        Class::Tool => tool(of, span),
        Class::Guardrail => guardrail(of, span),
        Class::Wrapper => deferred(of, span),
        _ => {}
    }
}

fn conversation(of: &Attributes, span: &mut Span) {
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
pub(super) fn request_fields(of: &Attributes, fields: &mut RequestFields) {
    fields.tools(of.get("gen_ai.tool.definitions"));
    // As written by OpenLLMetry until 2025.
    fields.tools(of.tree("llm.request.functions.").as_ref());
    for (name, value) in of.below("gen_ai.request.") {
        let name = match name {
            "choice.count" => "n",
            "is_stream" => "stream",
            name => name,
        };
        fields.parameter(name, value);
    }
}

/// `gen_ai.prompt.0.role`, as written by OpenLLMetry until 2025; whole, as in the convention of 2024.
fn flattened(of: &Attributes, span: &mut Span) {
    let recorded = |name: &str, prefix: &str| of.tree(prefix).or_else(|| of.open(&[name]));
    if let Some(prompt) = recorded("gen_ai.prompt", "gen_ai.prompt.") {
        span.input = messages(&prompt, Role::User);
    }
    if let Some(completion) = recorded("gen_ai.completion", "gen_ai.completion.") {
        span.output = messages(&completion, Role::Assistant);
    }
}

fn tool(of: &Attributes, span: &mut Span) {
    span.tool.name = of
        .text(&["gen_ai.tool.name", "traceloop.entity.name"])
        .unwrap_or_else(|| tool_in(&span.name).to_owned());
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
    let fields = result
        .as_ref()
        .and_then(|it| it.get("approvals"))
        .and_then(Json::as_array);
    for call in fields.unwrap_or_default() {
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
    } else {
        span.class = Class::Wrapper;
    }
    true
}

/// Messages as log events beside their span, as in the convention until 2025, or all of them in one event.
pub(super) fn log(name: &str, of: &Attributes, span: &mut Span) -> bool {
    if name == DETAILS {
        span.class = Class::Model;
        conversation(of, span);
        return true;
    }
    let body = of.get("body").cloned().unwrap_or_default();
    let Some((role, body)) = message(name, body) else {
        return false;
    };
    let text = messages(&body, role);
    if name == CHOICE {
        span.output = text;
    } else {
        span.input = text;
    }
    span.class = Class::Model;
    true
}

/// The event with all content of a model call: on its span, or as a log record.
const DETAILS: &str = "gen_ai.client.inference.operation.details";

const CHOICE: &str = "gen_ai.choice";

/// The message of an event that stands for one, with the role that its name implies.
fn message(event: &str, mut body: Json) -> Option<(Role, Json)> {
    let (role, word) = match event {
        "gen_ai.system.message" => (Role::System, "system"),
        "gen_ai.user.message" => (Role::User, "user"),
        "gen_ai.assistant.message" | CHOICE => (Role::Assistant, "assistant"),
        "gen_ai.tool.message" => (Role::Tool, "tool"),
        _ => return None,
    };
    if body.is_string() {
        body = [("content".into(), body)].into_iter().collect();
    }
    if let Some(members) = body.as_object_mut() {
        if let (Role::Tool, Some(id)) = (role, members.get("id").cloned()) {
            members.insert("tool_call_id", id);
        }
        if event != CHOICE && !members.contains_key("role") {
            members.insert("role", word.into());
        }
    }
    Some((role, body))
}

/// Takes the content of a span's event, unless the span has it as an attribute.
pub(super) fn span_event(name: &str, of: &Attributes, into: &mut Attributes) {
    let content = of.open(&["gen_ai.event.content"]);
    let members = || of.iter().map(|(key, value)| (key.clone(), value.clone()));
    let content = content.unwrap_or_else(|| members().collect());
    if let Some((_, message)) = message(name, content) {
        let list = if name == CHOICE {
            "gen_ai.output.messages"
        } else {
            "gen_ai.input.messages"
        };
        into.append(list, message);
        return;
    }
    for (key, value) in of.iter() {
        if !into.has(key) {
            into.set(key, value.clone());
        }
    }
}
