//! The contents of a request, independent of its API: speakers and texts, calls, results, and the names of its tools.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem::discriminant;

use serde_json::Value;

use crate::analysis::diff::mask::quiet;
use crate::analysis::diff::step;
use crate::analysis::tape::norm::{self, Difference};

#[derive(Debug, Clone, PartialEq)]
pub enum Turn {
    User(String),
    Assistant(String),
    Call {
        id: String,
        name: String,
        arguments: Value,
    },
    Result {
        id: String,
        text: String,
        /// Not every API reports it.
        is_error: Option<bool>,
    },
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct RequestContents {
    pub system: Vec<String>,
    /// One for each block.
    pub turns: Vec<Turn>,
    /// Names; none if the request does not list tools.
    pub tools: Option<BTreeSet<String>>,
}

impl RequestContents {
    /// Reads the body of a request to chat, Responses, Messages or Gemini, recognised by its members.
    pub fn of(body: &Value) -> RequestContents {
        let mut found = RequestContents {
            tools: tools(body),
            ..RequestContents::default()
        };
        let instruction = ["systemInstruction", "system_instruction"];
        let instruction = instruction.iter().find_map(|name| body.get(*name));
        let systems = [body.get("system"), body.get("instructions"), instruction];
        for system in systems.into_iter().flatten() {
            found.system.extend(texts(system));
        }
        if let Some(contents) = body.get("contents").and_then(Value::as_array) {
            for content in contents {
                found.gemini(content);
            }
            return found;
        }
        match body.get("messages").or_else(|| body.get("input")) {
            Some(Value::String(text)) => found.turns.push(Turn::User(text.clone())),
            Some(Value::Array(items)) => items.iter().for_each(|item| found.item(item)),
            Some(_) | None => {}
        }
        found
    }

    /// A message, or an item of the Responses API.
    fn item(&mut self, item: &Value) {
        match string(item, "type").as_str() {
            "function_call" => self.call(item, "call_id", item.get("arguments")),
            "custom_tool_call" => self.call(item, "call_id", item.get("input")),
            "function_call_output" | "custom_tool_call_output" => {
                self.result(string(item, "call_id"), item.get("output"), None);
            }
            "" | "message" => self.message(item),
            _ => {}
        }
    }

    fn message(&mut self, message: &Value) {
        let role = string(message, "role");
        let content = message.get("content").unwrap_or(&Value::Null);
        match role.as_str() {
            "system" | "developer" => self.system.extend(texts(content)),
            "tool" | "function" => {
                self.result(string(message, "tool_call_id"), Some(content), None);
            }
            _ => {
                match content {
                    Value::String(text) => self.say(&role, text.clone()),
                    Value::Array(blocks) => {
                        for block in blocks {
                            self.block(&role, block);
                        }
                    }
                    _ => {}
                }
                let calls = message.get("tool_calls").and_then(Value::as_array);
                for call in calls.into_iter().flatten() {
                    let function = call
                        .get("function")
                        .or_else(|| call.get("custom"))
                        .unwrap_or(call);
                    let arguments = function.get("arguments").or_else(|| function.get("input"));
                    self.turns.push(Turn::Call {
                        id: string(call, "id"),
                        name: string(function, "name"),
                        arguments: opened(arguments),
                    });
                }
            }
        }
    }

    fn block(&mut self, role: &str, block: &Value) {
        match string(block, "type").as_str() {
            "text" | "input_text" | "output_text" => self.say(role, string(block, "text")),
            "tool_use" => self.call(block, "id", block.get("input")),
            "tool_result" => {
                let is_error = block.get("is_error").and_then(Value::as_bool);
                let id = string(block, "tool_use_id");
                self.result(id, block.get("content"), Some(is_error.unwrap_or(false)));
            }
            "thinking" | "redacted_thinking" | "reasoning" => {}
            _ => self.say(role, step::canon(block)),
        }
    }

    fn gemini(&mut self, content: &Value) {
        let role = string(content, "role");
        let parts = content.get("parts").and_then(Value::as_array);
        for part in parts.into_iter().flatten() {
            if let Some(call) = part.get("functionCall") {
                self.call(call, "id", call.get("args"));
            } else if let Some(result) = part.get("functionResponse") {
                self.result(string(result, "id"), result.get("response").map(bare), None);
            } else if part.get("text").is_some() {
                let is_thought = part.get("thought") == Some(&Value::Bool(true));
                if !is_thought {
                    self.say(&role, string(part, "text"));
                }
            } else {
                self.say(&role, step::canon(part));
            }
        }
    }

    fn say(&mut self, role: &str, text: String) {
        self.turns.push(match role {
            "assistant" | "model" => Turn::Assistant(text),
            _ => Turn::User(text),
        });
    }

    fn call(&mut self, call: &Value, id: &str, arguments: Option<&Value>) {
        self.turns.push(Turn::Call {
            id: string(call, id),
            name: string(call, "name"),
            arguments: opened(arguments),
        });
    }

    fn result(&mut self, id: String, content: Option<&Value>, is_error: Option<bool>) {
        let text = content.map(texts).unwrap_or_default().join("\n");
        self.turns.push(Turn::Result { id, text, is_error });
    }

    pub fn has_tools(&self) -> bool {
        self.tools.as_ref().is_some_and(|tools| !tools.is_empty())
    }

    pub fn count_calls(&self) -> usize {
        let is_call = |turn: &&Turn| matches!(turn, Turn::Call { .. });
        self.turns.iter().filter(is_call).count()
    }

    /// The turns with consecutive parts of one speaker merged: APIs and recorders split them differently.
    fn joined(&self) -> Vec<Turn> {
        let mut joined: Vec<Turn> = Vec::new();
        for turn in &self.turns {
            match (joined.last_mut(), turn) {
                (_, Turn::User(text) | Turn::Assistant(text)) if text.trim().is_empty() => {}
                (Some(Turn::User(all)), Turn::User(more))
                | (Some(Turn::Assistant(all)), Turn::Assistant(more)) => {
                    all.push('\n');
                    all.push_str(more);
                }
                _ => joined.push(turn.clone()),
            }
        }
        joined
    }

    /// A hash of all that is compared, which leaves out ids of calls: equal hashes, no difference.
    pub(super) fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.system.hash(&mut hasher);
        self.tools.hash(&mut hasher);
        for turn in &self.turns {
            discriminant(turn).hash(&mut hasher);
            match turn {
                Turn::User(text) | Turn::Assistant(text) | Turn::Result { text, .. } => {
                    text.hash(&mut hasher);
                }
                Turn::Call {
                    name, arguments, ..
                } => (name, arguments.to_string()).hash(&mut hasher),
            }
        }
        hasher.finish()
    }

    /// The first difference in what both contain: roles, texts, calls, results, names of tools.
    pub fn difference(&self, got: &RequestContents, is_quiet: bool) -> Option<Difference> {
        if !self.system.is_empty() {
            let (recorded, asked) = (self.system.join("\n"), got.system.join("\n"));
            if !is_same_text(&recorded, &asked, is_quiet) {
                return Some(Difference::texts("$.system", &recorded, &asked));
            }
        }
        let (recorded, asked) = (self.joined(), got.joined());
        for at in 0..recorded.len().max(asked.len()) {
            let path = format!("$.turns[{at}]");
            match (recorded.get(at), asked.get(at)) {
                (Some(one), Some(other)) => {
                    if let Some(found) = turn(&path, one, other, is_quiet) {
                        return Some(found);
                    }
                }
                (one, other) => {
                    let words = |turn: Option<&Turn>| turn.map(words).unwrap_or_default();
                    return Some(Difference::texts(&path, &words(one), &words(other)));
                }
            }
        }
        let recorded = self.tools.as_ref()?;
        let asked = got.tools.clone().unwrap_or_default();
        (*recorded != asked).then(|| {
            let names = |tools: &BTreeSet<String>, other: &BTreeSet<String>| {
                let only: Vec<&str> = tools.difference(other).map(String::as_str).collect();
                only.join(" ")
            };
            Difference::texts(
                "$.tools",
                &names(recorded, &asked),
                &names(&asked, recorded),
            )
        })
    }

    /// The first difference in what a transcript is certain of: that the user's texts are somewhere in the request, and
    /// that results are the recorded ones.
    pub fn loose_difference(&self, got: &RequestContents, is_quiet: bool) -> Option<Difference> {
        let of_user = |turn: &Turn| match turn {
            Turn::User(text) => Some(squeezed(text, is_quiet)),
            _ => None,
        };
        let asked: Vec<String> = got.turns.iter().filter_map(of_user).collect();
        let asked = asked.join(" ");
        for (at, text) in self.turns.iter().filter_map(of_user).enumerate() {
            if !asked.contains(&text) {
                return Some(Difference::texts(&format!("$.user[{at}]"), &text, &asked));
            }
        }
        let of_tools = |turn: &Turn| match turn {
            Turn::Result { text, .. } => Some(text.clone()),
            _ => None,
        };
        let recorded: Vec<String> = self.turns.iter().filter_map(of_tools).collect();
        let asked: Vec<String> = got.turns.iter().filter_map(of_tools).collect();
        let pairs = recorded.iter().zip(&asked).enumerate();
        let mut differing =
            pairs.filter(|(_, (one, other))| squeezed(one, is_quiet) != squeezed(other, is_quiet));
        let (at, (one, other)) = differing.next()?;
        Some(Difference::texts(&format!("$.results[{at}]"), one, other))
    }

    /// The first text of the user.
    pub fn opening(&self) -> Option<&str> {
        self.turns.iter().find_map(|turn| match turn {
            Turn::User(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// Whether a text occurs in the user's messages.
    pub fn says(&self, text: &str) -> bool {
        let text = squeezed(text, true);
        self.turns.iter().any(|turn| match turn {
            Turn::User(words) => squeezed(words, true).contains(&text),
            _ => false,
        })
    }

    /// How many turns are the same from the beginning.
    pub fn common(&self, other: &RequestContents) -> usize {
        let (one, other) = (self.joined(), other.joined());
        let pairs = one.iter().zip(&other);
        pairs
            .take_while(|(one, other)| turn("", one, other, true).is_none())
            .count()
    }
}

fn turn(path: &str, recorded: &Turn, got: &Turn, is_quiet: bool) -> Option<Difference> {
    match (recorded, got) {
        (Turn::User(one), Turn::User(other)) | (Turn::Assistant(one), Turn::Assistant(other)) => {
            let differs = !is_same_text(one, other, is_quiet);
            differs.then(|| Difference::texts(&format!("{path}.text"), one, other))
        }
        (
            Turn::Call {
                name, arguments, ..
            },
            Turn::Call {
                name: called,
                arguments: given,
                ..
            },
        ) => {
            if name != called {
                return Some(Difference::texts(&format!("{path}.name"), name, called));
            }
            norm::difference(&format!("{path}.arguments"), arguments, given)
        }
        (Turn::Result { text, .. }, Turn::Result { text: returned, .. }) => {
            let differs = !is_same_text(text, returned, is_quiet);
            differs.then(|| Difference::texts(&format!("{path}.result"), text, returned))
        }
        (one, other) => Some(Difference::texts(path, &words(one), &words(other))),
    }
}

fn words(turn: &Turn) -> String {
    match turn {
        Turn::User(text) => format!("user: {text}"),
        Turn::Assistant(text) => format!("assistant: {text}"),
        Turn::Call { name, .. } => format!("call of {name}"),
        Turn::Result { text, .. } => format!("result: {text}"),
    }
}

fn is_same_text(one: &str, other: &str, is_quiet: bool) -> bool {
    one == other || squeezed(one, is_quiet) == squeezed(other, is_quiet)
}

fn squeezed(text: &str, is_quiet: bool) -> String {
    let quieted = if is_quiet {
        norm::dateless(&quiet(text))
    } else {
        text.to_owned()
    };
    quieted.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn string(value: &Value, key: &str) -> String {
    let found = value.get(key).and_then(Value::as_str);
    found.unwrap_or_default().to_owned()
}

/// A result of Gemini must be an object: clients wrap a plain one in a member.
fn bare(response: &Value) -> &Value {
    let members = response.as_object().filter(|members| members.len() == 1);
    let inner = ["result", "output", "content"]
        .iter()
        .find_map(|name| members?.get(*name));
    inner.unwrap_or(response)
}

/// Arguments that are JSON in a string are parsed.
fn opened(arguments: Option<&Value>) -> Value {
    match arguments {
        Some(Value::String(text)) => {
            serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into())
        }
        Some(value) => value.clone(),
        None => Value::Object(serde_json::Map::new()),
    }
}

/// The texts of a content: a string, blocks, parts, or any other JSON as it is.
fn texts(content: &Value) -> Vec<String> {
    match content {
        Value::Null => Vec::new(),
        Value::String(text) => vec![text.clone()],
        Value::Array(blocks) => blocks.iter().flat_map(texts).collect(),
        Value::Object(block) => match (block.get("text"), block.get("parts")) {
            (Some(Value::String(text)), _) => vec![text.clone()],
            (_, Some(parts)) => texts(parts),
            (_, None) => vec![step::canon(content)],
        },
        other => vec![other.to_string()],
    }
}

/// Names of all tools that a request offers: in its list, and in items that add tools to the conversation.
fn tools(body: &Value) -> Option<BTreeSet<String>> {
    let input = body.get("input").and_then(Value::as_array);
    let added = input.into_iter().flatten();
    let added = added.filter(|item| item["type"] == "additional_tools");
    let lists: Vec<&Value> = added
        .chain([body])
        .filter_map(|holder| holder.get("tools"))
        .collect();
    let mut names = BTreeSet::new();
    for list in &lists {
        named(list, &mut names);
    }
    (!lists.is_empty()).then_some(names)
}

/// Tools may be in groups.
fn named(tools: &Value, names: &mut BTreeSet<String>) {
    for tool in tools.as_array().into_iter().flatten() {
        let groups = ["functionDeclarations", "function_declarations", "tools"];
        if let Some(group) = groups.iter().find_map(|name| tool.get(*name)) {
            named(group, names);
            continue;
        }
        let inner = tool
            .get("function")
            .or_else(|| tool.get("custom"))
            .unwrap_or(tool);
        let name = ["name", "type"].iter().map(|key| string(inner, key));
        names.extend(name.into_iter().find(|name| !name.is_empty()));
    }
}
