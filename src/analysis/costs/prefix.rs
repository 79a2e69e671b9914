//! Where two requests first differ, in the order in which a provider caches them: tools, system text,
//! conversation.

use serde_json::Value;

use crate::ingest::request::Api;

/// The first part of a request that is not as it was in the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    Tools,
    System,
    /// A message of the history, by its place.
    History(String),
}

impl Difference {
    /// For machine output.
    pub fn word(&self) -> &'static str {
        match self {
            Difference::Tools => "tools",
            Difference::System => "system",
            Difference::History(_) => "history",
        }
    }

    /// For people.
    pub fn about(&self) -> &'static str {
        match self {
            Difference::Tools => "tool definitions",
            Difference::System => "system texts",
            Difference::History(_) => "messages",
        }
    }

    /// The message that differs.
    pub fn path(&self) -> Option<&str> {
        match self {
            Difference::Tools | Difference::System => None,
            Difference::History(path) => Some(path),
        }
    }
}

/// None if the later request begins with the earlier one.
pub(super) fn first_difference(earlier: &Value, later: &Value, api: Api) -> Option<Difference> {
    let members: [(&[&str], Difference); 2] = [
        (&["tools", "functions"], Difference::Tools),
        (&["system", "instructions"], Difference::System),
    ];
    let differs = |name: &&str| plain(earlier.get(name)) != plain(later.get(name));
    for (names, difference) in members {
        if names.iter().any(differs) {
            return Some(difference);
        }
    }
    let name = api.conversation();
    let before = pieces(earlier, name);
    let after = pieces(later, name);
    let mut pairs = before.iter().enumerate();
    let other = pairs.find(|(at, piece)| after.get(*at).is_none_or(|other| !same(piece, other)));
    let (_, piece) = other?;
    if is_system(piece.role) {
        return Some(Difference::System);
    }
    Some(Difference::History(format!("$.{name}[{}]", piece.message)))
}

/// One block of a conversation.
struct Piece<'a> {
    message: usize,
    role: &'a str,
    /// The content, or a block of it, and the members of the message beside it.
    value: Value,
}

fn same(a: &Piece<'_>, b: &Piece<'_>) -> bool {
    a.role == b.role && a.value == b.value
}

fn is_system(role: &str) -> bool {
    matches!(role, "system" | "developer")
}

/// The blocks of all messages: a message may get more of them in a later request.
fn pieces<'a>(body: &'a Value, name: &str) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    let messages = body.get(name).and_then(Value::as_array);
    for (number, message) in messages.into_iter().flatten().enumerate() {
        let role = message
            .get("role")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let mut put = |value: Value| {
            pieces.push(Piece {
                message: number,
                role,
                value,
            });
        };
        match message.get("content") {
            Some(Value::Array(blocks)) => blocks.iter().for_each(|block| put(plain(Some(block)))),
            // A text alone is the same as one block of it.
            Some(Value::String(text)) => put(serde_json::json!({ "type": "text", "text": text })),
            Some(_) | None => put(plain(Some(message))),
        }
        for name in ["tool_calls", "function_call"] {
            if let Some(calls) = message
                .get(name)
                .filter(|_| message.get("content").is_some())
            {
                put(plain(Some(calls)));
            }
        }
    }
    pieces
}

/// Cache markers are not part of the text.
fn plain(value: Option<&Value>) -> Value {
    match value {
        None => Value::Null,
        Some(Value::Array(items)) => items.iter().map(|item| plain(Some(item))).collect(),
        Some(Value::Object(members)) => {
            let kept = members.iter().filter(|(name, _)| *name != "cache_control");
            let kept = kept.map(|(name, value)| (name.clone(), plain(Some(value))));
            Value::Object(kept.collect())
        }
        Some(other) => other.clone(),
    }
}
