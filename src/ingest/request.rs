//! What a record puts before a model: the pieces of a request, as far as a trace tells them.

use serde_json::Value;

/// The interface that a request is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// `POST /v1/chat/completions` of `OpenAI` and of many others.
    Chat,
    /// `POST /v1/responses` of `OpenAI`.
    Responses,
    /// `POST /v1/messages` of Anthropic.
    Messages,
}

impl Api {
    pub fn word(self) -> &'static str {
        match self {
            Api::Chat => "openai chat",
            Api::Responses => "openai responses",
            Api::Messages => "anthropic messages",
        }
    }

    /// The interface that a recorded body was sent to, by the members that only it has.
    pub fn of_request(body: &Value) -> Api {
        if body.get("messages").is_none() && body.get("input").is_some() {
            return Api::Responses;
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

    /// The interface that models of this name are asked through, where nothing else tells.
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
        }
    }
}

/// Who speaks.
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

/// One thing that a record tells about requests to the model.
///
/// What is said is a content block of the Messages interface, whatever the interface of the run, but
/// for formats that record items of the Responses interface: those stay as they are.
#[derive(Debug, Clone, PartialEq)]
pub enum RequestPart {
    /// The whole body of a request, as it was sent.
    Request(Value),
    /// A member beside the conversation (`system`, `tools`, `temperature`); it holds until it is set
    /// again, but where the record of a call tells it, for the request of that call alone.
    Member {
        name: String,
        value: Value,
    },
    Block(ContextBlock),
    /// The whole conversation of a request, as the record of its call tells it. It is not the body
    /// that was sent, but nothing of it has to be put together from the records before.
    History(Vec<ContextBlock>),
    /// All that was said before was replaced by this (a compaction).
    Compacted {
        by: Vec<ContextBlock>,
        words: String,
    },
    /// Something that the agent may have put before the model in words that are not recorded.
    NotRecorded(String),
}

#[derive(Debug, Clone, PartialEq)]
pub struct ContextBlock {
    pub role: Role,
    pub block: Value,
    /// The message that the block is a part of, where several records share one.
    pub message: Option<String>,
    /// The block stands in the trace as it was sent; else it was made from what is recorded.
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
