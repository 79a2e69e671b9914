//! Shapes the collected pieces into a request body, and lists its parts.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::collect::{Collected, Entry};
use super::{Origin, Part, text, tools};
use crate::ingest::request::{Api, Role};
use crate::model::action::ActionIx;

/// A request body and its parts.
#[derive(Debug)]
pub(super) struct Shaped {
    pub(super) request: Value,
    pub(super) parts: Vec<Part>,
}

/// `model` is the name given in the response.
pub(super) fn shape(api: Api, collected: &Collected, model: &str) -> Shaped {
    let mut body = Map::new();
    let mut parts = Vec::new();
    if !model.is_empty() && !collected.members.iter().any(|(name, _)| name == "model") {
        body.insert("model".to_owned(), model.into());
        parts.push(Part {
            note: format!("{model} (as named in the response)"),
            ..member("model", &model.into(), Origin::Reconstructed)
        });
    }
    let mut systems: Vec<Value> = Vec::new();
    for (name, value) in &collected.members {
        if name == "system" && api != Api::Messages {
            systems.push(value.clone());
            continue;
        }
        let written = if name == "tools" {
            tools::of(api, value)
        } else {
            value.clone()
        };
        let origin = if written == *value {
            Origin::Recorded
        } else {
            Origin::Reconstructed
        };
        parts.push(member(name, &written, origin));
        body.insert(name.clone(), written);
    }
    let systems = systems.as_slice();
    let entries = with_systems((&collected.entries, systems), api, &mut body, &mut parts);
    let conversation = match api {
        Api::Messages => messages(&entries),
        Api::Chat => chat(systems, &entries),
        Api::Responses => items(systems, &entries),
        Api::Gemini => contents(&entries),
    };
    let name = api.conversation();
    for (at, piece) in conversation.pieces {
        parts.push(message_part(name, &at, &piece, collected.before));
    }
    body.insert(name.to_owned(), Value::Array(conversation.messages));
    Shaped {
        request: Value::Object(body),
        parts,
    }
}

/// The Messages API and Gemini take the system prompt outside the conversation.
fn with_systems<'a>(
    (entries, systems): (&'a [Entry], &[Value]),
    api: Api,
    body: &mut Map<String, Value>,
    parts: &mut Vec<Part>,
) -> Vec<&'a Entry> {
    let is_system = |entry: &&Entry| matches!(entry.part.role, Role::System | Role::Developer);
    let blocks = entries
        .iter()
        .filter(is_system)
        .map(|entry| entry.part.block.clone());
    let (name, value) = match api {
        Api::Chat | Api::Responses => return entries.iter().collect(),
        Api::Messages => ("system", blocks.collect::<Vec<Value>>()),
        Api::Gemini => {
            let all = systems.iter().cloned().chain(blocks);
            ("systemInstruction", all.map(|it| part_of(&it)).collect())
        }
    };
    if !value.is_empty() {
        let value = match api {
            Api::Gemini => json!({ "parts": value }),
            _ => Value::Array(value),
        };
        parts.push(member(name, &value, Origin::Reconstructed));
        body.insert(name.to_owned(), value);
    }
    entries.iter().filter(|entry| !is_system(entry)).collect()
}

/// A text as a part of Gemini.
fn part_of(part: &Value) -> Value {
    json!({ "text": text(part) })
}

/// Messages, and for each entry its position: message and block.
#[derive(Default)]
struct Conversation<'a> {
    messages: Vec<Value>,
    pieces: Vec<(At, Piece<'a>)>,
}

#[derive(Debug, Clone, Copy)]
struct At {
    message: usize,
    block: Option<usize>,
}

struct Piece<'a> {
    role: Role,
    origin: Origin,
    action: Option<ActionIx>,
    value: &'a Value,
}

impl<'a> Piece<'a> {
    fn of(entry: &'a Entry, origin: Origin) -> Piece<'a> {
        Piece {
            role: entry.part.role,
            origin,
            action: Some(entry.action),
            value: &entry.part.block,
        }
    }

    fn system(value: &'a Value) -> Piece<'a> {
        Piece {
            role: Role::System,
            origin: Origin::Recorded,
            action: None,
            value,
        }
    }
}

fn origin(entry: &Entry) -> Origin {
    if entry.part.is_recorded {
        Origin::Recorded
    } else {
        Origin::Reconstructed
    }
}

/// Roles alternate between user and assistant. Blocks of one message stay together, even if results
/// of its first calls arrived in between.
fn messages<'a>(entries: &[&'a Entry]) -> Conversation<'a> {
    struct Message<'a> {
        role: &'static str,
        id: Option<&'a str>,
        entries: Vec<&'a Entry>,
    }
    let mut all: Vec<Message<'_>> = Vec::new();
    for entry in entries {
        let role = match entry.part.role {
            Role::Assistant => "assistant",
            _ => "user",
        };
        let id = entry.part.message.as_deref();
        let same = |message: &Message<'_>| message.id.is_some() && message.id == id;
        let known = all.iter().rposition(same).filter(|_| id.is_some());
        let at = known.or_else(|| all.len().checked_sub(1).filter(|at| all[*at].role == role));
        match at {
            Some(at) => all[at].entries.push(entry),
            None => all.push(Message {
                role,
                id,
                entries: vec![entry],
            }),
        }
    }
    let mut conversation = Conversation::default();
    for (number, message) in all.iter().enumerate() {
        let blocks: Vec<&Value> = message
            .entries
            .iter()
            .map(|entry| &entry.part.block)
            .collect();
        for (block, entry) in message.entries.iter().enumerate() {
            let at = At {
                message: number,
                block: Some(block),
            };
            conversation
                .pieces
                .push((at, Piece::of(entry, origin(entry))));
        }
        let message = json!({ "role": message.role, "content": blocks });
        conversation.messages.push(message);
    }
    conversation
}

/// One message per speaker. Calls go into the assistant's message, and results are messages of
/// their own.
fn chat<'a>(systems: &'a [Value], entries: &[&'a Entry]) -> Conversation<'a> {
    let mut conversation = Conversation::default();
    for system in systems {
        let at = conversation.push(json!({ "role": "system", "content": system }));
        conversation.pieces.push((at, Piece::system(system)));
    }
    for entry in entries {
        let block = &entry.part.block;
        let text = |key: &str| block.get(key).and_then(Value::as_str).unwrap_or_default();
        let at = match text("type") {
            // This API does not take reasoning back.
            "thinking" | "redacted_thinking" => continue,
            "tool_use" => conversation.call(json!({
                "id": text("id"),
                "type": "function",
                "function": { "name": text("name"), "arguments": arguments(block) },
            })),
            "tool_result" => conversation.push(json!({
                "role": "tool",
                "tool_call_id": text("tool_use_id"),
                "content": plain(block.get("content").unwrap_or(&Value::Null)),
            })),
            "text" => conversation.say(entry.part.role, text("text")),
            _ => conversation.push(json!({ "role": entry.part.role.word(), "content": [block] })),
        };
        let origin = match text("type") {
            "text" => origin(entry),
            _ => Origin::Reconstructed,
        };
        conversation.pieces.push((at, Piece::of(entry, origin)));
    }
    conversation
}

impl Conversation<'_> {
    fn push(&mut self, message: Value) -> At {
        self.messages.push(message);
        At {
            message: self.messages.len() - 1,
            block: None,
        }
    }

    fn last_assistant(&mut self) -> Option<&mut Value> {
        let last = self.messages.last_mut()?;
        (last["role"] == "assistant").then_some(last)
    }

    fn say(&mut self, role: Role, text: &str) -> At {
        let message = json!({ "role": role.word(), "content": text });
        self.push(message)
    }

    /// Calls belong to the message that requested them.
    fn call(&mut self, call: Value) -> At {
        if self.last_assistant().is_none() {
            self.push(json!({ "role": "assistant", "content": null }));
        }
        let at = self.messages.len() - 1;
        if let Some(message) = self.last_assistant() {
            match message.get_mut("tool_calls").and_then(Value::as_array_mut) {
                Some(calls) => calls.push(call),
                None => message["tool_calls"] = json!([call]),
            }
        }
        At {
            message: at,
            block: None,
        }
    }
}

/// Function arguments are JSON in a string. A string that is not JSON stays as it is.
fn arguments(block: &Value) -> String {
    match block.get("input") {
        Some(Value::String(text)) => text.clone(),
        Some(input) => input.to_string(),
        None => "{}".to_owned(),
    }
}

/// Joins content that consists of text blocks into one string.
fn plain(content: &Value) -> Value {
    let Some(blocks) = content.as_array() else {
        return content.clone();
    };
    let texts: Option<Vec<&str>> = blocks
        .iter()
        .map(|block| block.get("text")?.as_str())
        .collect();
    texts.map_or_else(|| content.clone(), |texts| texts.join("\n").into())
}

/// A flat list of items. Blocks of the Messages API become items.
fn items<'a>(systems: &'a [Value], entries: &[&'a Entry]) -> Conversation<'a> {
    let mut conversation = Conversation::default();
    for system in systems {
        let at = conversation.push(json!({ "role": "system", "content": system }));
        conversation.pieces.push((at, Piece::system(system)));
    }
    for entry in entries {
        let at = conversation.push(item(entry));
        conversation
            .pieces
            .push((at, Piece::of(entry, origin(entry))));
    }
    conversation
}

fn item(entry: &Entry) -> Value {
    let block = &entry.part.block;
    let text = |key: &str| block.get(key).and_then(Value::as_str).unwrap_or_default();
    match text("type") {
        "text" => json!({ "role": entry.part.role.word(), "content": text("text") }),
        "tool_use" => json!({
            "type": "function_call",
            "call_id": text("id"),
            "name": text("name"),
            "arguments": arguments(block),
        }),
        "tool_result" => json!({
            "type": "function_call_output",
            "call_id": text("tool_use_id"),
            "output": plain(block.get("content").unwrap_or(&Value::Null)),
        }),
        _ => block.clone(),
    }
}

/// Contents of Gemini: each speaker's parts together. Its results name the tool, not only the call.
fn contents<'a>(entries: &[&'a Entry]) -> Conversation<'a> {
    let mut conversation = Conversation::default();
    let mut tools: HashMap<&str, &str> = HashMap::new();
    for entry in entries {
        let block = &entry.part.block;
        let word = |key: &str| block.get(key).and_then(Value::as_str).unwrap_or_default();
        let part = match word("type") {
            "thinking" | "redacted_thinking" => continue,
            "tool_use" => {
                tools.insert(word("id"), word("name"));
                json!({ "functionCall": { "id": word("id"), "name": word("name"), "args": block["input"] } })
            }
            "tool_result" => {
                let id = word("tool_use_id");
                let output = plain(block.get("content").unwrap_or(&Value::Null));
                let name = tools.get(id).copied().unwrap_or_default();
                json!({ "functionResponse": { "id": id, "name": name, "response": { "output": output } } })
            }
            _ => part_of(block),
        };
        let role = match entry.part.role {
            Role::Assistant => "model",
            _ => "user",
        };
        match conversation.messages.last_mut() {
            Some(last) if last["role"] == role => {
                if let Some(parts) = last["parts"].as_array_mut() {
                    parts.push(part);
                }
            }
            _ => conversation
                .messages
                .push(json!({ "role": role, "parts": [part] })),
        }
        let at = At {
            message: conversation.messages.len() - 1,
            block: None,
        };
        conversation
            .pieces
            .push((at, Piece::of(entry, Origin::Reconstructed)));
    }
    conversation
}

/// The parts of a recorded body. A part is new if the previous body differs at the same position.
pub(super) fn parts_of(api: Api, body: &Value, before: Option<&Value>) -> Vec<Part> {
    let name = api.conversation();
    let Some(members) = body.as_object() else {
        return Vec::new();
    };
    let was = |name: &str| before.and_then(|before| before.get(name));
    let mut parts: Vec<Part> = members
        .iter()
        .filter(|(key, _)| *key != name)
        .map(|(key, value)| Part {
            is_new: before.is_some() && was(key) != Some(value),
            ..member(key, value, Origin::Recorded)
        })
        .collect();
    let messages = body.get(name).and_then(Value::as_array);
    let earlier = was(name).and_then(Value::as_array);
    for (number, message) in messages.into_iter().flatten().enumerate() {
        let is_new =
            before.is_some() && earlier.and_then(|earlier| earlier.get(number)) != Some(message);
        let role = message.get("role").and_then(Value::as_str);
        parts.push(Part {
            path: format!("$.{name}[{number}]"),
            pointer: format!("/{name}/{number}"),
            origin: Origin::Recorded,
            note: String::new(),
            role: role.and_then(|role| match role {
                "model" => Some(Role::Assistant),
                "function" => Some(Role::Tool),
                word => Role::from_word(word),
            }),
            action: None,
            is_new,
            estimate: estimate(message),
        });
    }
    parts
}

fn member(name: &str, value: &Value, origin: Origin) -> Part {
    let note = match (name, value.as_array()) {
        ("tools", Some(tools)) => format!("{} schemas", tools.len()),
        _ => String::new(),
    };
    Part {
        path: format!("$.{name}"),
        pointer: format!("/{}", name.replace('~', "~0").replace('/', "~1")),
        origin,
        note,
        role: None,
        action: None,
        is_new: false,
        estimate: estimate(value),
    }
}

fn message_part(name: &str, at: &At, piece: &Piece<'_>, before: Option<ActionIx>) -> Part {
    let number = at.message;
    let (path, pointer) = match at.block {
        Some(block) => (
            format!("$.{name}[{number}].content[{block}]"),
            format!("/{name}/{number}/content/{block}"),
        ),
        None => (format!("$.{name}[{number}]"), format!("/{name}/{number}")),
    };
    Part {
        path,
        pointer,
        origin: piece.origin,
        note: String::new(),
        role: Some(piece.role),
        action: piece.action,
        is_new: before.is_some_and(|before| piece.action.is_some_and(|action| action >= before)),
        estimate: estimate(piece.value),
    }
}

/// A rough average for text and JSON.
const BYTES_PER_TOKEN: u64 = 4;

/// The estimated size in tokens. `None` if the value contains an image or a file.
pub(super) fn estimate(value: &Value) -> Option<u64> {
    let mut bytes = 0;
    weigh(value, &mut bytes)?;
    Some(u64::div_ceil(bytes, BYTES_PER_TOKEN))
}

fn weigh(value: &Value, bytes: &mut u64) -> Option<()> {
    match value {
        Value::Null | Value::Bool(_) => *bytes += 4,
        Value::Number(number) => *bytes += number.to_string().len() as u64,
        Value::String(text) => *bytes += text.len() as u64,
        Value::Array(items) => {
            for item in items {
                weigh(item, bytes)?;
            }
        }
        Value::Object(members) => {
            let kind = members.get("type").and_then(Value::as_str);
            if matches!(
                kind,
                Some("image" | "image_url" | "input_image" | "document" | "input_file" | "base64")
            ) {
                return None;
            }
            for (name, value) in members {
                *bytes += name.len() as u64;
                weigh(value, bytes)?;
            }
        }
    }
    Some(())
}
