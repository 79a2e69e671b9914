//! What a request sends to a model, message by message, so that only what is new since the last request is recorded.

use serde_json::{Value, json};

use super::Api;
use super::json::{items, owned, present, text, words};
use crate::base::hash::fixed_hash;

/// A request, in any API.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelRequest {
    pub model: Option<String>,
    /// Instructions outside the messages.
    pub system: Option<Value>,
    pub has_tools: bool,
    pub messages: Vec<Message>,
    /// The answer that this request continues, where the host keeps the conversation.
    pub previous: Option<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Of the message without its cache markers, which move.
    pub hash: u64,
    pub parts: Vec<Content>,
}

/// What part of a message holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    Prompt {
        role: &'static str,
        content: Value,
    },
    /// Text that the host sends in the user's name.
    Injected(Value),
    Result(Answered),
    /// An earlier answer of the model.
    FromModel,
}

/// The result of a tool call, as the model sees it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answered {
    /// Not every API has one.
    pub call: Option<String>,
    pub tool: Option<String>,
    pub result: Value,
    /// Not every API reports it.
    pub is_error: Option<bool>,
}

impl Answered {
    /// The fields of the event that records it as the result of `call`.
    pub fn fields(&self, call: &str, agent: Option<&str>) -> Value {
        let word = |is_error| if is_error { "error" } else { "ok" };
        json!({
            "call_id": call,
            "agent": agent,
            "status": self.is_error.map(word),
            "result": self.result,
        })
    }
}

impl ModelRequest {
    pub fn read(api: Api, body: &Value) -> ModelRequest {
        let list = match api {
            Api::Chat | Api::Messages | Api::Ollama => items(body, "messages"),
            Api::Responses => items(body, "input"),
            Api::Gemini => items(request(body), "contents"),
        };
        let mut messages: Vec<Message> = list.iter().map(|it| Message::read(api, it)).collect();
        let alone = match api {
            Api::Responses => text(body, "input"),
            Api::Ollama => text(body, "prompt"),
            Api::Chat | Api::Messages | Api::Gemini => None,
        };
        messages.extend(alone.map(|it| Message::prompt(&Value::from(it))));
        let system = [
            "system",
            "instructions",
            "systemInstruction",
            "system_instruction",
        ];
        let body = request(body);
        let mut systems = system.iter().filter_map(|name| present(body, name));
        ModelRequest {
            model: owned(body, "model"),
            system: systems.next().cloned(),
            has_tools: ["tools", "functions"]
                .iter()
                .any(|name| !items(body, name).is_empty())
                || list.iter().any(|it| text(it, "type") == Some(TOOLS)),
            messages,
            previous: owned(body, "previous_response_id"),
        }
    }
}

/// Where Codex lists its tools, among the messages.
const TOOLS: &str = "additional_tools";

/// Code Assist wraps the request.
fn request(body: &Value) -> &Value {
    match body.get("request") {
        Some(inner) if inner.get("contents").is_some() => inner,
        Some(_) | None => body,
    }
}

impl Message {
    fn read(api: Api, raw: &Value) -> Message {
        Message {
            hash: hash(raw),
            parts: match api {
                Api::Chat | Api::Ollama => chat(raw),
                Api::Messages => message(raw),
                Api::Responses => item(raw),
                Api::Gemini => contents(raw),
            },
        }
    }

    fn prompt(content: &Value) -> Message {
        Message {
            hash: hash(content),
            parts: vec![prompt("user", Some(content))],
        }
    }

    pub fn is_from_model(&self) -> bool {
        self.parts.contains(&Content::FromModel)
    }
}

/// How the texts that hosts add in the user's name begin.
const HOSTS: &[&str] = &[
    "<system-reminder>",
    "<environment_context>",
    "<user_instructions>",
    "# AGENTS.md instructions",
];

fn is_of_host(content: &Value) -> bool {
    let words = words(content);
    HOSTS.iter().any(|it| words.trim_start().starts_with(it))
}

fn prompt(role: &'static str, content: Option<&Value>) -> Content {
    if role == "user" && content.is_some_and(is_of_host) {
        return Content::Injected(content.cloned().unwrap_or_default());
    }
    Content::Prompt {
        role,
        content: content.cloned().unwrap_or_default(),
    }
}

/// The same in two, where the host put texts of its own beside the user's.
fn prompts(role: &'static str, content: Option<&Value>) -> Vec<Content> {
    let Some(Value::Array(parts)) = content else {
        return vec![prompt(role, content)];
    };
    let (own, rest): (Vec<Value>, Vec<Value>) = parts.iter().cloned().partition(is_of_host);
    let mut found = Vec::new();
    if !own.is_empty() {
        found.push(Content::Injected(Value::Array(own)));
    }
    if !rest.is_empty() {
        found.push(prompt(role, Some(&Value::Array(rest))));
    }
    found
}

fn chat(raw: &Value) -> Vec<Content> {
    let content = raw.get("content");
    vec![match text(raw, "role").unwrap_or_default() {
        "assistant" | "model" => Content::FromModel,
        "system" => prompt("system", content),
        "developer" => prompt("developer", content),
        "tool" | "function" => Content::Result(Answered {
            call: owned(raw, "tool_call_id"),
            tool: owned(raw, "name").or_else(|| owned(raw, "tool_name")),
            result: content.map(shown).unwrap_or_default(),
            is_error: None,
        }),
        _ => return prompts("user", content),
    }]
}

fn message(raw: &Value) -> Vec<Content> {
    if text(raw, "role") == Some("assistant") {
        return vec![Content::FromModel];
    }
    let role = if text(raw, "role") == Some("system") {
        "system"
    } else {
        "user"
    };
    let Some(Value::Array(blocks)) = raw.get("content") else {
        return vec![prompt(role, raw.get("content"))];
    };
    let is_result =
        |it: &&Value| text(it, "type").is_some_and(|kind| kind.ends_with("tool_result"));
    let mut found: Vec<Content> = blocks.iter().filter(is_result).map(result_block).collect();
    let rest = blocks.iter().filter(|it| !is_result(it)).cloned();
    found.extend(prompts(role, Some(&rest.collect::<Value>())));
    found
}

/// An unmarked result is not an error: that is the default of the API.
fn result_block(block: &Value) -> Content {
    let is_error = block.get("is_error").and_then(Value::as_bool);
    Content::Result(Answered {
        call: owned(block, "tool_use_id"),
        tool: None,
        result: block.get("content").map(shown).unwrap_or_default(),
        is_error: Some(is_error.unwrap_or(false)),
    })
}

fn item(raw: &Value) -> Vec<Content> {
    let kind = text(raw, "type").unwrap_or("message");
    let role = text(raw, "role").unwrap_or_default();
    vec![match (kind, role) {
        ("message", "assistant") => Content::FromModel,
        ("message", "system") => prompt("system", raw.get("content")),
        ("message", "developer") => prompt("developer", raw.get("content")),
        ("message", _) => return prompts("user", raw.get("content")),
        (kind, _) if kind.ends_with("_output") => Content::Result(Answered {
            call: owned(raw, "call_id").or_else(|| owned(raw, "id")),
            tool: None,
            result: raw.get("output").map(shown).unwrap_or_default(),
            is_error: None,
        }),
        // Reasoning and calls come back as the model sent them.
        ("reasoning" | "compaction" | "item_reference", _) => Content::FromModel,
        (kind, _) if kind.ends_with("_call") => Content::FromModel,
        // Settings: Codex lists its tools here.
        _ => return Vec::new(),
    }]
}

fn contents(raw: &Value) -> Vec<Content> {
    if text(raw, "role") == Some("model") {
        return vec![Content::FromModel];
    }
    let parts = items(raw, "parts");
    let answer = |part: &Value| {
        let response = part.get("functionResponse")?;
        Some(Content::Result(Answered {
            call: owned(response, "id"),
            tool: owned(response, "name"),
            result: response.get("response").cloned().unwrap_or_default(),
            is_error: None,
        }))
    };
    let mut found: Vec<Content> = parts.iter().filter_map(answer).collect();
    let is_rest = |it: &&Value| it.get("functionResponse").is_none();
    let rest: Vec<Value> = parts.iter().filter(is_rest).cloned().collect();
    found.extend(prompts("user", Some(&Value::Array(rest))));
    found
}

/// Contents that are only text, as text.
pub(super) fn shown(content: &Value) -> Value {
    let is_text = |it: &Value| it.get("text").is_some_and(Value::is_string);
    match content {
        Value::Array(parts) if parts.iter().all(is_text) => {
            let texts: Vec<String> = parts.iter().map(words).collect();
            Value::from(texts.join("\n"))
        }
        other => other.clone(),
    }
}

fn hash(message: &Value) -> u64 {
    let mut message = message.clone();
    unmark(&mut message);
    fixed_hash(message.to_string().as_bytes())
}

fn unmark(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.shift_remove("cache_control");
            members.values_mut().for_each(unmark);
        }
        Value::Array(items) => items.iter_mut().for_each(unmark),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
