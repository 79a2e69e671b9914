//! The `chat-export` format: conversations exported from ChatGPT and claude.ai (`conversations.json`), each a run.
//!
//! A conversation of ChatGPT is a tree: the branch that ends in its current node is the run. Source: exports.

use serde_json::Value;

use super::content::{string, text_of};
use super::conversation::Conversation;
use super::members::all;
use super::plain::{Agent, Rows, given, instant, list, word};
use crate::ingest::fact::{FactKind, Name};
use crate::ingest::format::{Held, Recorded};
use crate::model::action::{Flags, Status};

#[derive(Debug)]
pub struct ChatExport;

impl Agent for ChatExport {
    fn name(&self) -> &'static str {
        "chat-export"
    }

    fn about(&self) -> &'static str {
        "exports of ChatGPT and claude.ai (conversations.json)"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::No,
            cost: Held::No,
            times: Held::Yes,
            results: Held::Partly,
            approvals: Held::No,
        }
    }

    fn agent(&self) -> &'static str {
        "chat"
    }

    fn assembler(&self) -> Conversation {
        Conversation::new("chat").without_results().many()
    }

    fn lists(&self) -> Option<&'static [&'static str]> {
        Some(&["conversations"])
    }

    fn sniff(&self, record: &Value) -> u8 {
        if is_tree(record) || is_list(record) {
            90
        } else {
            0
        }
    }

    fn sniff_document(&self, head: &Value) -> u8 {
        let first = head.get(0).or_else(|| head.pointer("/conversations/0"));
        if first.is_some_and(|it| is_tree(it) || is_list(it)) {
            90
        } else {
            0
        }
    }

    fn rows(&self, member: &str, record: &Value, out: &mut Rows) {
        if !member.is_empty() {
            return;
        }
        out.base.run = word(record, &["conversation_id", "id", "uuid"]);
        let start = out.row(FactKind::ImpliedStart);
        start.fact.time = instant(record, &["create_time", "created_at"]);
        start.name(Name::Title, word(record, &["title", "name"]));
        if is_tree(record) {
            tree(record, out);
        } else {
            for message in list(record, "chat_messages") {
                of_claude(message, out);
            }
        }
    }
}

fn is_tree(record: &Value) -> bool {
    all(record, &["mapping", "current_node"]) && record.get("mapping").is_some_and(Value::is_object)
}

fn is_list(record: &Value) -> bool {
    let messages = list(record, "chat_messages");
    all(record, &["uuid", "chat_messages"])
        && messages.first().is_none_or(|it| it.get("sender").is_some())
}

/// The messages from the root to the current node.
fn tree(record: &Value, out: &mut Rows) {
    let mapping = record.get("mapping").unwrap_or(&Value::Null);
    let mut branch = Vec::new();
    let mut at = word(record, &["current_node"]);
    // Hostile trees may contain cycles.
    let nodes = mapping.as_object().map_or(0, serde_json::Map::len);
    while let Some(node) = mapping.get(&at).filter(|_| branch.len() <= nodes) {
        branch.extend(node.get("message").filter(|it| it.is_object()));
        at = word(node, &["parent"]);
    }
    for message in branch.into_iter().rev() {
        of_chatgpt(message, out);
    }
}

fn of_chatgpt(message: &Value, out: &mut Rows) {
    let author = message.get("author").unwrap_or(&Value::Null);
    let content = message.get("content").unwrap_or(&Value::Null);
    let meta = message.get("metadata").unwrap_or(&Value::Null);
    let id = word(message, &["id"]);
    let part = |it: &Value| text_of(&Value::Array(vec![it.clone()]));
    let parts: Vec<String> = list(content, "parts").iter().filter_map(part).collect();
    let words = if parts.is_empty() {
        given(content, &["text", "result", "content"])
            .and_then(text_of)
            .unwrap_or_default()
    } else {
        parts.join("\n")
    };
    out.base.fact.time = instant(message, &["create_time"]);
    out.base.model = word(meta, &["model_slug"]);
    out.base.names.clear();
    let is_hidden = meta
        .get("is_visually_hidden_from_conversation")
        .and_then(Value::as_bool)
        == Some(true);
    let recipient = word(message, &["recipient"]);
    match word(author, &["role"]).as_str() {
        "user" => {
            out.base.model.clear();
            let entry = out.text_row(FactKind::Prompt, words);
            if is_hidden {
                entry.fact.flags.set(Flags::META);
            }
        }
        "assistant" if !matches!(recipient.as_str(), "" | "all") => {
            out.base.name(Name::Group, id.clone());
            out.call(id, recipient, Some(&Value::String(words)));
        }
        "assistant" => {
            out.base.name(Name::Group, id);
            let is_thought = matches!(
                word(content, &["content_type"]).as_str(),
                "thoughts" | "reasoning_recap"
            );
            let kind = if is_thought {
                FactKind::Reasoning
            } else {
                FactKind::Response
            };
            out.text_row_if_any(kind, Some(words));
        }
        "tool" => {
            out.base.model.clear();
            out.result(
                String::new(),
                Status::Unrecorded,
                Some(Value::String(words)),
            );
        }
        _ => out.text_row_if_any(FactKind::Note, Some(words).filter(|_| !is_hidden)),
    }
}

fn of_claude(message: &Value, out: &mut Rows) {
    out.base.fact.time = instant(message, &["created_at"]);
    out.base.names.clear();
    out.base.name(Name::Group, word(message, &["uuid"]));
    let role = if word(message, &["sender"]) == "human" {
        "user"
    } else {
        "assistant"
    };
    let content = given(message, &["content"])
        .filter(|it| it.as_array().is_some_and(|list| !list.is_empty()));
    let plain = string(message, "text").map(Value::String);
    let content = content.cloned().or(plain).unwrap_or_default();
    out.message(&serde_json::json!({ "role": role, "content": content }));
    for file in list(message, "attachments")
        .iter()
        .chain(list(message, "files"))
    {
        let entry = out.text_row(
            FactKind::Note,
            format!("attachment: {}", word(file, &["file_name"])),
        );
        entry.fact.flags.set(Flags::META);
    }
}
