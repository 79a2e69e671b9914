//! What a record added to a request to a model, as far as a trace records it.

use serde_json::Value;

/// The API that a request is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// `POST /v1/chat/completions` of `OpenAI` and many others.
    Chat,
    /// `POST /v1/responses` of `OpenAI`.
    Responses,
    /// `POST /v1/messages` of Anthropic.
    Messages,
    /// `POST /v1beta/models/MODEL:generateContent` of Google, whose bodies do not name the model.
    Gemini,
}

impl Api {
    pub fn word(self) -> &'static str {
        match self {
            Api::Chat => "openai chat",
            Api::Responses => "openai responses",
            Api::Messages => "anthropic messages",
            Api::Gemini => "gemini",
        }
    }

    /// The API of a recorded request body, recognized by members that only it has.
    pub fn of_request(body: &Value) -> Api {
        if body.get("messages").is_none() {
            if body.get("input").is_some() {
                return Api::Responses;
            }
            if body.get("contents").is_some() {
                return Api::Gemini;
            }
        }
        let function = |tool: &Value| tool.get("function").is_some();
        let tools = body.get("tools").and_then(Value::as_array);
        let of_messages = body.get("system").is_some()
            || tools
                .is_some_and(|tools| tools.iter().any(|tool| tool.get("input_schema").is_some()));
        if of_messages && !tools.is_some_and(|tools| tools.iter().any(function)) {
            Api::Messages
        } else {
            Api::Chat
        }
    }

    /// The API usually used for models of this name, if nothing else is known.
    pub fn of_model(model: &str) -> Api {
        let name = model.rsplit('/').next().unwrap_or(model);
        if name.starts_with("claude") {
            Api::Messages
        } else {
            Api::Chat
        }
    }

    /// The member that holds the conversation.
    pub fn conversation(self) -> &'static str {
        match self {
            Api::Chat | Api::Messages => "messages",
            Api::Responses => "input",
            Api::Gemini => "contents",
        }
    }
}

/// The speaker of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    System,
    Developer,
    User,
    Assistant,
    /// The result of a call.
    Tool,
}

impl Role {
    pub fn word(self) -> &'static str {
        match self {
            Role::System => "system",
            Role::Developer => "developer",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
        }
    }

    pub fn from_word(word: &str) -> Option<Role> {
        let all = [
            Role::System,
            Role::Developer,
            Role::User,
            Role::Assistant,
            Role::Tool,
        ];
        all.into_iter().find(|role| role.word() == word)
    }
}

/// One part of the requests to a model, as recorded.
///
/// Blocks are content blocks of the Messages API, whatever API the run used, except in formats that record
/// items of the Responses API, which are kept as they are.
#[derive(Debug, Clone, PartialEq)]
pub enum RequestPart {
    /// The whole body of a request, as sent.
    Request(Value),
    /// A member beside the conversation (`system`, `tools`, `temperature`). It applies until it is set
    /// again; if the record of a call has it, it applies to the request of that call only.
    Member {
        name: String,
        value: Value,
    },
    Block(ContextBlock),
    /// The whole conversation of a request, from the record of its call. It is not the body that was sent,
    /// but needs no earlier records.
    History(Vec<ContextBlock>),
    /// Replaces everything before it (a compaction).
    Compacted {
        by: Vec<ContextBlock>,
        words: String,
    },
    /// Something that the agent may have sent to the model, the words of which are not recorded.
    NotRecorded(String),
}

#[derive(Debug, Clone, PartialEq)]
pub struct ContextBlock {
    pub role: Role,
    pub block: Value,
    /// The message that the block belongs to, if several records share one.
    pub message: Option<String>,
    /// Whether the block is recorded as sent; otherwise it was rebuilt from what is recorded.
    pub is_recorded: bool,
}

impl ContextBlock {
    pub fn recorded(role: Role, block: Value) -> ContextBlock {
        ContextBlock {
            role,
            block,
            message: None,
            is_recorded: true,
        }
    }

    pub fn rebuilt(role: Role, block: Value) -> ContextBlock {
        ContextBlock {
            is_recorded: false,
            ..ContextBlock::recorded(role, block)
        }
    }
}

/// `{"type":"text","text":…}`.
pub fn text_block(text: &str) -> Value {
    serde_json::json!({ "type": "text", "text": text })
}

/// The blocks of a content that is a string or a list of blocks.
pub fn blocks(content: &Value) -> Vec<Value> {
    match content {
        Value::Null => Vec::new(),
        Value::String(text) if text.is_empty() => Vec::new(),
        Value::String(text) => vec![text_block(text)],
        Value::Array(parts) => parts
            .iter()
            .map(|part| part.as_str().map_or_else(|| part.clone(), text_block))
            .collect(),
        other => vec![text_block(&other.to_string())],
    }
}
