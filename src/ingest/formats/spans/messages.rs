//! Converts the messages of model calls from all instrumentors into the same few items.
//!
//! Reads the messages of OpenAI (Chat and Responses), Anthropic, Gemini, LangChain, the Vercel AI SDK,
//! pydantic-ai and the OpenTelemetry conventions for generative AI (roles with parts).

use serde_json::Value;

use crate::ingest::formats::content;
use crate::ingest::json::{Json, Text};

/// The speaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    System,
    User,
    Assistant,
    Tool,
}

/// One item of a message.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) role: Role,
    pub(crate) what: Content,
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    Text(Text),
    Reasoning(Text),
    /// A tool call. The id is empty if not recorded.
    Call {
        id: String,
        name: String,
        args: Json,
    },
    Result {
        id: String,
        /// The tool, which some writers name instead of the call id.
        name: String,
        value: Json,
        failed: bool,
        denied: bool,
    },
    /// A question to a person about a call, or the answer.
    Approval {
        id: String,
        answer: Option<bool>,
        reason: Option<String>,
    },
}

/// All items of a value, whatever its shape; `role` is the default.
pub(crate) fn messages(value: &Json, role: Role) -> Vec<Item> {
    let mut out = Vec::new();
    any(value, role, &mut out);
    out
}

/// The same for a text that may be JSON.
pub(crate) fn messages_in(value: &Json, role: Role) -> Vec<Item> {
    messages(&opened(value), role)
}

/// The value of JSON in a string; other strings are returned as is.
pub(crate) fn opened(value: &Json) -> Json {
    let text = value.text();
    let text = text.filter(|text| text.trim_start().starts_with(['{', '[', '"']));
    text.and_then(Json::of_text)
        .unwrap_or_else(|| value.clone())
}

/// The text of a string, or of the text parts of a list of content parts.
fn text_of(content: &Json) -> Option<Text> {
    match content {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        other => match texts(other).as_deref() {
            Some([only]) => Some((*only).clone()),
            Some(several) => Some(Text::from(joined(several))),
            None => content::text_of(&Value::from(other)).map(Text::from),
        },
    }
}

/// The parts of a content, if all of them are text.
fn texts(content: &Json) -> Option<Vec<&Text>> {
    let parts = content.as_array()?.iter();
    parts
        .map(|part| part.text().or_else(|| part.get("text")?.text()))
        .collect()
}

fn joined(texts: &[&Text]) -> String {
    let texts: Vec<&str> = texts.iter().map(|text| text.as_str()).collect();
    texts.join("\n")
}

fn any(value: &Json, role: Role, out: &mut Vec<Item>) {
    match value {
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
        Json::String(text) => say(role, Content::Text(text.clone()), out),
        Json::Array(all) => all.iter().for_each(|one| any(one, role, out)),
        Json::Object(_) => object(value, role, out),
    }
}

fn object(value: &Json, role: Role, out: &mut Vec<Item>) {
    // LangChain wraps its messages: {"lc": 1, "kwargs": …} or {"type": "human", "data": …}.
    if let Some(inner) = value.get("kwargs").or_else(|| value.get("data"))
        && inner.is_object()
    {
        let outer = word(value, &["type"]).filter(|kind| *kind != "constructor");
        let class = value
            .get("id")
            .and_then(Json::as_array)
            .and_then(<[Json]>::last);
        let class = class
            .and_then(Json::as_str)
            .map(|class| class.trim_end_matches("Chunk"));
        let kind = word(inner, &["type"]).or(outer).or(class);
        return message(inner, kind.and_then(role_of).unwrap_or(role), out);
    }
    if let Some(system) = value.get("system").filter(|_| value.get("role").is_none()) {
        any(system, Role::System, out);
    }
    for key in ["messages", "prompt", "contents", "candidates", "choices"] {
        if let Some(inner) = value.get(key).filter(|_| value.get("role").is_none()) {
            return any(inner, role, out);
        }
    }
    if let Some(message) = value.get("message").filter(|message| message.is_object()) {
        return any(message, role, out);
    }
    if let Some(output) = value.get("output").filter(|output| output.is_array()) {
        // A whole response of the Responses API.
        return any(output, Role::Assistant, out);
    }
    if let Some(content) = value
        .get("content")
        .filter(|content| content.get("role").is_some())
    {
        return any(content, role, out);
    }
    let recorded = word(value, &["role"]).and_then(role_of);
    if recorded.is_none() && role == Role::User && value.get("content").is_some() {
        // Some writers put the name of the tool where the role should be.
        if let Some(name) = word(value, &["role"]) {
            return named_result(name, value, out);
        }
    }
    match recorded.or_else(|| word(value, &["type"]).and_then(role_of)) {
        Some(role) => message(value, role, out),
        None => part(value, role, out),
    }
}

fn named_result(name: &str, value: &Json, out: &mut Vec<Item>) {
    let result = value.get("content").map(flat).unwrap_or_default();
    let what = Content::Result {
        id: String::new(),
        name: name.to_owned(),
        denied: is_refusal(&result),
        value: result,
        failed: false,
    };
    say(Role::Tool, what, out);
}

fn role_of(word: &str) -> Option<Role> {
    Some(match word {
        "system" | "developer" | "SystemMessage" => Role::System,
        "user" | "human" | "HumanMessage" => Role::User,
        "assistant" | "ai" | "model" | "AIMessage" | "agent" => Role::Assistant,
        "tool" | "function" | "ToolMessage" => Role::Tool,
        _ => return None,
    })
}

fn message(value: &Json, role: Role, out: &mut Vec<Item>) {
    let id = word(value, &["tool_call_id", "id"]);
    let content = value.get("parts").or_else(|| value.get("content"));
    let is_result = role == Role::Tool && word(value, &["tool_call_id"]).is_some();
    if role == Role::Tool && definition(value).is_some() {
        return;
    }
    if is_result {
        let failed = word(value, &["status"]) == Some("error")
            || value.get("error").is_some_and(Json::is_object);
        let value = content.map(flat).unwrap_or_default();
        let denied = is_refusal(&value);
        let id = id.unwrap_or_default().to_owned();
        return say(
            role,
            Content::Result {
                id,
                name: String::new(),
                value,
                failed,
                denied,
            },
            out,
        );
    }
    for key in ["reasoning_content", "reasoning", "thinking"] {
        if let Some(thought) = value.get(key).and_then(text_of).filter(|it| !it.is_empty()) {
            say(role, Content::Reasoning(thought), out);
            break;
        }
    }
    match content {
        Some(Json::Array(parts)) => parts.iter().for_each(|one| match one {
            Json::String(text) => say(role, Content::Text(text.clone()), out),
            other => part(other, role, out),
        }),
        Some(Json::String(text)) => say(role, Content::Text(text.clone()), out),
        Some(other) if other.is_object() => part(other, role, out),
        _ => {}
    }
    let calls = value.get("tool_calls").or_else(|| value.get("toolCalls"));
    let calls = calls.or_else(|| value.pointer("/additional_kwargs/tool_calls"));
    let before = out.len();
    for call in calls.map(list).unwrap_or_default() {
        // Some writers list each call twice: among the parts and beside them.
        let own = word(call, &["id", "toolCallId"]).unwrap_or_default();
        let is_own = |item: &Item| matches!(&item.what, Content::Call { id, .. } if id == own);
        if own.is_empty() || !out[..before].iter().any(is_own) {
            tool_call(call, role, out);
        }
    }
}

/// A tool definition, which some writers put among the messages.
pub(crate) fn definition(message: &Json) -> Option<&Json> {
    let content = message.get("parts").or_else(|| message.get("content"));
    content.filter(|it| word(it, &["type"]) == Some("function"))
}

fn list(value: &Json) -> &[Json] {
    value.as_array().unwrap_or_default()
}

/// A tool call in any of its spellings.
fn tool_call(call: &Json, role: Role, out: &mut Vec<Item>) {
    let inner = call
        .get("function")
        .filter(|it| it.is_object())
        .unwrap_or(call);
    let id = word(call, &["call_id", "toolCallId", "tool_call_id", "id"]).unwrap_or_default();
    let name = word(inner, &["name", "toolName", "tool_name", "function"]).unwrap_or_default();
    let args = ["arguments", "args", "input"]
        .iter()
        .find_map(|key| inner.get(key));
    let what = Content::Call {
        id: id.to_owned(),
        name: name.to_owned(),
        args: args.map(opened).unwrap_or_default(),
    };
    say(role, what, out);
}

/// A part of a message, or an item of the Responses API.
fn part(value: &Json, role: Role, out: &mut Vec<Item>) {
    let kind = word(value, &["type"]).unwrap_or_default();
    let id = || {
        let keys = ["tool_use_id", "call_id", "toolCallId", "tool_call_id", "id"];
        word(value, &keys).unwrap_or_default().to_owned()
    };
    let of = |keys: &[&str]| keys.iter().find_map(|key| value.get(key)).cloned();
    match kind {
        "reasoning" | "thinking" => {
            let text = of(&["content", "text", "thinking", "reasoning", "summary"])
                .and_then(|it| text_of(&it));
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                say(role, Content::Reasoning(text), out);
            }
        }
        "tool_call" | "tool-call" | "tool_use" | "function_call" | "server_tool_call" => {
            tool_call(value, role, out);
        }
        "tool_call_response" | "tool-result" | "tool_result" | "function_call_output" => {
            let keys = ["response", "result", "output", "content"];
            let result = of(&keys).map(|it| flat(&it)).unwrap_or_default();
            let denied = is_refusal(&result)
                || word(value.get("output").unwrap_or(value), &["type"])
                    == Some("execution-denied");
            let failed = value.get("is_error").and_then(Json::as_bool) == Some(true);
            say(
                Role::Tool,
                Content::Result {
                    id: id(),
                    name: word(value, &["name", "toolName"])
                        .unwrap_or_default()
                        .to_owned(),
                    value: result,
                    failed,
                    denied,
                },
                out,
            );
        }
        "tool-approval-request" => {
            let id =
                word(value.get("toolCall").unwrap_or(value), &["toolCallId"]).unwrap_or_default();
            let id = id.to_owned();
            say(
                role,
                Content::Approval {
                    id,
                    answer: None,
                    reason: None,
                },
                out,
            );
        }
        "tool-approval-response" => {
            let answer = value.get("approved").and_then(Json::as_bool);
            let reason = word(value, &["reason"]).map(str::to_owned);
            say(
                role,
                Content::Approval {
                    id: String::new(),
                    answer,
                    reason,
                },
                out,
            );
        }
        "image" | "image_url" | "input_image" | "blob" | "uri" | "file" | "audio" => {
            if let Some(text) = text_of(&Json::list([value.clone()])) {
                say(role, Content::Text(text), out);
            }
        }
        _ => {
            if let Some(call) = value
                .get("functionCall")
                .or_else(|| value.get("function_call"))
                .filter(|it| it.is_object())
            {
                return tool_call(call, role, out);
            }
            if let Some(text) = of(&["content", "text", "output_text"]).and_then(|it| text_of(&it))
            {
                say(role, Content::Text(text), out);
            }
        }
    }
}

fn say(role: Role, what: Content, out: &mut Vec<Item>) {
    let empty = matches!(&what, Content::Text(text) | Content::Reasoning(text) if text.is_empty());
    if !empty {
        out.push(Item { role, what });
    }
}

/// A tool result, without the wrappers of frameworks.
pub(crate) fn flat(value: &Json) -> Json {
    let value = &opened(value);
    let wrapped = value
        .get("data")
        .or_else(|| value.get("kwargs"))
        .filter(|inner| inner.get("content").is_some());
    if let Some(inner) = wrapped.and_then(|inner| inner.get("content")) {
        return flat(inner);
    }
    // {"type": "json" | "text", "value": …} of the Vercel AI SDK.
    if let (Some("json" | "text" | "error-text" | "error-json"), Some(inner)) =
        (word(value, &["type"]), value.get("value"))
    {
        return inner.clone();
    }
    match value {
        Json::Array(parts)
            if parts
                .iter()
                .all(|part| part.get("text").is_some_and(Json::is_string))
                && !parts.is_empty() =>
        {
            text_of(value).map_or(Json::Null, Json::String)
        }
        other => other.clone(),
    }
}

/// The phrases with which frameworks tell the model that a person refused a call.
fn is_refusal(value: &Json) -> bool {
    const PHRASES: &[&str] = &[
        "Tool execution was not approved",
        "User rejected the tool call",
        "The user doesn't want to proceed with this tool use",
        "Tool call not executed",
    ];
    let text = value.as_str().unwrap_or_default();
    PHRASES.iter().any(|phrase| text.starts_with(phrase))
}

/// The tool in the name of a span, as the conventions for agents and pydantic-ai write it.
pub(crate) fn tool_in(name: &str) -> &str {
    const BEFORE: &[&str] = &["execute_tool ", "running tool: ", "tools/call "];
    let named = BEFORE.iter().find_map(|words| name.strip_prefix(words));
    let named = named.or_else(|| name.strip_suffix(".tool")).map(str::trim);
    named.filter(|named| !named.is_empty()).unwrap_or(name)
}

pub(crate) fn word<'a>(value: &'a Json, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| value.get(key)?.as_str())
}

/// The first of several members that is a text; empty if none is.
pub(crate) fn text_of_any(value: &Json, keys: &[&str]) -> String {
    word(value, keys).unwrap_or_default().to_owned()
}
