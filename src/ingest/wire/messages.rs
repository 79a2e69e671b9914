//! Anthropic messages: content blocks, by index.

use std::collections::BTreeMap;

use serde_json::Value;

use super::answer::{Call, Fold, ModelAnswer, Part, add, merge};
use super::json::{items, owned, present, text, unpacked};

#[derive(Debug, Default)]
pub(super) struct Messages {
    answer: ModelAnswer,
    usage: Value,
    blocks: BTreeMap<u64, Block>,
    has_spoken: bool,
}

/// A block as it began, and what was added to it.
#[derive(Debug, Default)]
struct Block {
    start: Value,
    text: String,
    input: String,
}

impl Fold for Messages {
    fn piece(&mut self, name: &str, piece: &Value) {
        let kind = text(piece, "type").unwrap_or(name);
        let index = piece.get("index").and_then(Value::as_u64).unwrap_or(0);
        match kind {
            "message_start" => {
                if let Some(message) = piece.get("message") {
                    self.envelope(message);
                    let blocks = items(message, "content").iter();
                    for (at, block) in blocks.enumerate() {
                        self.blocks.insert(at as u64, Block::new(block));
                    }
                }
            }
            "content_block_start" => {
                if let Some(start) = piece.get("content_block") {
                    self.has_spoken |= text(start, "type") == Some("tool_use");
                    self.blocks.insert(index, Block::new(start));
                }
            }
            "content_block_delta" => {
                if let Some(delta) = piece.get("delta") {
                    let block = self.blocks.entry(index).or_default();
                    self.has_spoken |= block.take(delta);
                }
            }
            "message_delta" => {
                if let Some(delta) = piece.get("delta") {
                    let reason = owned(delta, "stop_reason");
                    self.answer.finish = reason.or(self.answer.finish.take());
                }
                merge(&mut self.usage, piece.get("usage"));
            }
            "message_stop" => self.answer.is_complete = true,
            _ => {}
        }
    }

    fn whole(&mut self, body: &Value) {
        self.envelope(body);
        let blocks = items(body, "content").iter().enumerate();
        self.blocks = blocks
            .map(|(at, block)| (at as u64, Block::new(block)))
            .collect();
        self.answer.is_complete = text(body, "type") != Some("error");
    }

    fn has_spoken(&self) -> bool {
        self.has_spoken
    }

    fn is_over(&self) -> bool {
        self.answer.is_complete
    }

    fn end(&mut self, _is_whole: bool) -> (ModelAnswer, Value) {
        let mut answer = std::mem::take(&mut self.answer);
        for (_, block) in std::mem::take(&mut self.blocks) {
            add(&mut answer.parts, block.part());
        }
        (answer, std::mem::take(&mut self.usage))
    }
}

impl Messages {
    fn envelope(&mut self, message: &Value) {
        self.answer.id = owned(message, "id");
        self.answer.model = owned(message, "model");
        self.answer.finish = owned(message, "stop_reason");
        merge(&mut self.usage, message.get("usage"));
    }
}

impl Block {
    fn new(start: &Value) -> Block {
        Block {
            start: start.clone(),
            ..Block::default()
        }
    }

    /// Whether it was text or part of a tool call.
    fn take(&mut self, delta: &Value) -> bool {
        match text(delta, "type") {
            Some("text_delta") => {
                let more = text(delta, "text").unwrap_or_default();
                self.text.push_str(more);
                !more.is_empty()
            }
            Some("thinking_delta") => {
                self.text
                    .push_str(text(delta, "thinking").unwrap_or_default());
                false
            }
            Some("input_json_delta") => {
                self.input
                    .push_str(text(delta, "partial_json").unwrap_or_default());
                true
            }
            _ => false,
        }
    }

    fn part(self) -> Part {
        let begun = |name: &str| text(&self.start, name).unwrap_or_default();
        let kind = begun("type");
        match kind {
            "thinking" => Part::Reasoning(format!("{}{}", begun("thinking"), self.text)),
            "redacted_thinking" => Part::Reasoning("[redacted]".to_owned()),
            _ if kind.ends_with("tool_use") => Part::Call(Call {
                id: owned(&self.start, "id"),
                tool: begun("name").to_owned(),
                args: match present(&self.start, "input") {
                    Some(whole) if self.input.is_empty() => whole.clone(),
                    _ => unpacked(&self.input),
                },
            }),
            _ if kind.ends_with("tool_result") => Part::Result {
                call: begun("tool_use_id").to_owned(),
                result: self.start.get("content").cloned().unwrap_or_default(),
            },
            _ => Part::Text(format!("{}{}", begun("text"), self.text)),
        }
    }
}
