//! The `anthropic-messages` format: conversations in the form of the Anthropic messages API.
//!
//! Messages whose content is a list of blocks: text, thinking, `tool_use`, `tool_result`. One document or
//! JSON lines, read like `chat-messages` except that a result without `is_error` succeeded. Source:
//! Anthropic messages reference.

use serde_json::Value;

use super::chat;
use super::conversation::Conversation;
use super::messages;
use crate::ingest::assemble::Assembler;
use crate::ingest::body::Body;
use crate::ingest::fact::FactSink;
use crate::ingest::format::{Decode, Format, Held, Layout, Open, Recorded, Request, Sent};
use crate::ingest::json::Record;

#[derive(Debug)]
pub struct Anthropic;

impl Format for Anthropic {
    fn name(&self) -> &'static str {
        "anthropic-messages"
    }

    fn about(&self) -> &'static str {
        "Anthropic messages: conversations and request logs"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Partly,
            cost: Held::No,
            times: Held::No,
            results: Held::Yes,
            approvals: Held::No,
        }
    }
}

impl Decode for Anthropic {
    fn sniff(&self, record: &Value) -> u8 {
        let list = record.get("messages").and_then(Value::as_array);
        if has_blocks(record) || list.is_some_and(|list| list.iter().any(has_blocks)) {
            45
        } else {
            0
        }
    }

    fn sniff_document(&self, head: &Value) -> u8 {
        let list = head.as_array().or_else(|| head.get("messages")?.as_array());
        if list.is_some_and(|list| list.iter().any(has_blocks)) {
            45
        } else {
            0
        }
    }

    fn lists(&self) -> Option<&'static [&'static str]> {
        chat::Chat.lists()
    }

    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        chat::decode_with(record, messages::flagged_or_ok, out);
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(Conversation::new("assistant"))
    }
}

impl Layout for Anthropic {}

impl Open for Anthropic {
    fn open(&self, record: &Value, part: u16) -> Body {
        chat::open(record, part)
    }

    fn open_result(&self, record: &Value, part: u16, body: &mut Body) {
        messages::open_result(record, part, body);
    }
}

impl Request for Anthropic {
    fn sent(&self) -> Sent {
        Sent::Messages
    }
}

/// A message with a block type that no other API has.
fn has_blocks(message: &Value) -> bool {
    let blocks = message.get("content").and_then(Value::as_array);
    let role = message.get("role").and_then(Value::as_str);
    let kinds = [
        "tool_use",
        "tool_result",
        "thinking",
        "redacted_thinking",
        "server_tool_use",
    ];
    let is_own = |block: &Value| {
        let kind = block.get("type").and_then(Value::as_str);
        kind.is_some_and(|kind| kinds.contains(&kind))
    };
    matches!(role, Some("user" | "assistant")) && blocks.is_some_and(|list| list.iter().any(is_own))
}
