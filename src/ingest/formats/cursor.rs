//! The `cursor` format: transcripts of the Cursor agent, one message per line.
//!
//! There are no times, tokens or call ids, and rarely tool results, so a call without a result has no
//! status. Whole chats are in an SQLite store, which is not read. Source: transcripts written by
//! cursor-agent; there is no official description.

use serde_json::Value;

use super::conversation::Conversation;
use super::messages::{self, Envelope};
use crate::ingest::assemble::Assembler;
use crate::ingest::body::Body;
use crate::ingest::fact::{Fact, FactKind, FactSink};
use crate::ingest::format::{Decode, Format, Held, Layout, Open, Recorded, Request};
use crate::ingest::formats::entry::decode_tree;
use crate::ingest::formats::members;
use crate::ingest::json::{Record, View};
use crate::model::action::Status;

#[derive(Debug)]
pub struct Cursor;

impl Format for Cursor {
    fn name(&self) -> &'static str {
        "cursor"
    }

    fn about(&self) -> &'static str {
        "Cursor agent transcripts"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::No,
            cost: Held::No,
            times: Held::No,
            results: Held::Partly,
            approvals: Held::No,
        }
    }
}

impl Decode for Cursor {
    fn sniff(&self, record: &Value) -> u8 {
        let message = record.get("message");
        let content = message.and_then(|message| message.get("content"));
        let typed = |block: &Value| block.get("type").is_some_and(Value::is_string);
        let has_blocks = content.is_some_and(|content| members::most(content, typed));
        let has_role = message.is_some_and(|message| message.get("role").is_some());
        let is_bare = !members::any(record, &["uuid", "type", "id"]);
        match members::text(record, "role") {
            "user" | "assistant" if has_blocks && !has_role && is_bare => 80,
            "user" | "assistant" if content.is_some() && !has_role && is_bare => 10,
            _ if members::text(record, "type") == "turn_ended" => 10,
            _ => 0,
        }
    }

    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        decode_tree(record, out, line);
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(Conversation::new("cursor").without_results())
    }
}

impl Layout for Cursor {
    fn folders(&self) -> &'static [&'static str] {
        &[".cursor/projects"]
    }
}

impl Open for Cursor {
    fn open(&self, record: &Value, part: u16) -> Body {
        messages::open(&message(record), part)
    }

    fn open_result(&self, record: &Value, part: u16, body: &mut Body) {
        messages::open_result(&message(record), part, body);
    }
}

impl Request for Cursor {}

/// The message with its role inside, as in the API.
fn message(record: &Value) -> Value {
    let mut message = record.get("message").cloned().unwrap_or_default();
    if let (Some(message), Some(role)) = (message.as_object_mut(), record.get("role")) {
        message.insert("role".to_owned(), role.clone());
    }
    message
}

/// The status of calls is not recorded.
fn unknown(_: View<'_, '_>) -> Status {
    Status::Unrecorded
}

fn line(record: View<'_, '_>, out: &mut FactSink<'_>) {
    let base = Fact::new(FactKind::Note);
    if record.get("type").is("turn_ended") {
        let mut fact = base;
        fact.kind = FactKind::Copy;
        out.push(fact);
        return;
    }
    let how = Envelope {
        outcome: unknown,
        block_outcome: unknown,
        ..Envelope::new(base)
    };
    messages::decode_as(
        record.get("role"),
        record.get("message"),
        record.range(),
        &how,
        out,
    );
}
