//! The attributes of products that store traces: Langfuse, LangSmith, and the Vercel AI SDK.

use super::attributes::Attributes;
use crate::ingest::formats::spans::messages::{
    Content, Item, Role, messages_in, opened, text_of_any,
};
use crate::ingest::formats::spans::request::RequestFields;
use crate::ingest::formats::spans::{Class, Ruling, Span};
use crate::ingest::formats::{langfuse, langsmith};
use crate::ingest::json::Json;
use crate::model::action::Verdict;

/// Observations of Langfuse as spans.
pub(super) fn langfuse(of: &Attributes, span: &mut Span) -> bool {
    let Some(kind) = of.text(&["langfuse.observation.type"]) else {
        return false;
    };
    let observed = langfuse::Observed {
        kind: &kind,
        input: of.open(&["langfuse.observation.input"]),
        output: of.open(&["langfuse.observation.output"]),
        usage: of.open(&["langfuse.observation.usage_details"]),
        cost: of.open(&["langfuse.observation.cost_details"]),
        level: of.text(&["langfuse.observation.level"]),
        message: of.text(&["langfuse.observation.status_message"]),
    };
    langfuse::read(observed, span);
    true
}

/// LangSmith in OpenTelemetry mode: whole inputs and outputs as JSON in strings.
pub(super) fn langsmith(of: &Attributes, span: &mut Span) -> bool {
    let Some(kind) = of.text(&["langsmith.span.kind"]) else {
        return false;
    };
    let inputs = of.open(&["gen_ai.prompt", "gen_ai.input.messages"]);
    let outputs = of.open(&["gen_ai.completion", "gen_ai.output.messages"]);
    langsmith::read(
        &kind.to_ascii_lowercase(),
        inputs.as_ref(),
        outputs.as_ref(),
        span,
    );
    true
}

/// The Vercel AI SDK: one span around a generation that sums up its steps, one per step, one per tool.
pub(super) fn vercel(of: &Attributes, span: &mut Span) -> bool {
    let Some(operation) = of.text(&["ai.operationId"]) else {
        return false;
    };
    if span.who.agent.is_empty() {
        span.who.agent = of.text(&["ai.telemetry.functionId"]).unwrap_or_default();
    }
    if span.who.env.is_empty() {
        span.who.env = of.text(&["ai.telemetry.metadata.env"]).unwrap_or_default();
    }
    if operation == "ai.toolCall" {
        span.class = Class::Tool;
        span.tool.name = of.text(&["ai.toolCall.name"]).unwrap_or_default();
        span.tool.call = of.text(&["ai.toolCall.id"]).unwrap_or_default();
        span.tool.args = of.open(&["ai.toolCall.args"]);
        span.tool.result = of.open(&["ai.toolCall.result"]);
    } else if operation.contains(".do") {
        span.class = Class::Model;
        if let Some(prompt) = of.first(&["ai.prompt.messages", "ai.prompt", "ai.values"]) {
            span.input = messages_in(prompt, Role::User);
        }
        answer(of, span);
    } else {
        span.class = Class::Wrapper;
    }
    true
}

/// The request fields of these products beside the messages.
pub(super) fn request_fields(of: &Attributes, fields: &mut RequestFields) {
    if of.has("langfuse.observation.type") {
        let input = of.open(&["langfuse.observation.input"]);
        let parameters = of.open(&["langfuse.observation.model.parameters"]);
        *fields = langfuse::request_fields(input.as_ref(), parameters.as_ref());
    } else if of.has("langsmith.span.kind") {
        let inputs = of.open(&["gen_ai.prompt", "gen_ai.input.messages"]);
        *fields = langsmith::request_fields(inputs.as_ref(), None);
    }
    fields.tools(of.get("ai.prompt.tools"));
    if let Some(choice) = of.get("ai.prompt.toolChoice") {
        fields.parameter("tool_choice", choice);
    }
}

fn answer(of: &Attributes, span: &mut Span) {
    let item = |what| Item {
        role: Role::Assistant,
        what,
    };
    if let Some(thought) = of.text(&["ai.response.reasoning"]) {
        span.output.push(item(Content::Reasoning(thought.into())));
    }
    for key in ["ai.response.text", "ai.response.object"] {
        if let Some(text) = of.text(&[key]) {
            span.output.push(item(Content::Text(text.into())));
        }
    }
    let calls = of.open(&["ai.response.toolCalls"]);
    for call in calls.as_ref().and_then(Json::as_array).unwrap_or_default() {
        let args = call.get("input").or_else(|| call.get("args"));
        span.output.push(item(Content::Call {
            id: text_of_any(call, &["toolCallId"]),
            name: text_of_any(call, &["toolName"]),
            args: args.map(opened).unwrap_or_default(),
        }));
    }
}

/// An approval reported by an application, through the name and output of a span.
pub(crate) fn approval(name: &str, output: Option<&Json>, wait: Option<f64>) -> Option<Ruling> {
    let output = output?;
    let word = output
        .get("decision")
        .or_else(|| output.get("approved"))
        .or_else(|| output.get("state"))?;
    let verdict = match word {
        Json::Bool(true) => Verdict::Approved,
        Json::Bool(false) => Verdict::Denied,
        Json::String(word) => match word.to_ascii_lowercase().as_str() {
            "approve" | "approved" | "accept" | "accepted" | "edit" | "allow" => Verdict::Approved,
            "reject" | "rejected" | "deny" | "denied" | "decline" => Verdict::Denied,
            "expired" | "timeout" => Verdict::Expired,
            _ => return None,
        },
        _ => return None,
    };
    name.to_ascii_lowercase().contains("approv").then(|| {
        let text = |keys: &[&str]| {
            keys.iter()
                .find_map(|key| output.get(key)?.as_str())
                .map(str::to_owned)
        };
        Ruling {
            of_person: true,
            verdict: Some(verdict),
            by: text(&["approver", "by", "user", "reviewer"]).unwrap_or_default(),
            reason: text(&["reason", "message", "comment"]),
            args: output.get("args").cloned(),
            wait: wait.map_or(
                crate::model::quantity::Elapsed::NONE,
                crate::model::quantity::Elapsed::from_millis,
            ),
            ..Ruling::default()
        }
    })
}
