//! The `pi` format: sessions of pi and of agents built with it (OpenClaw).
//!
//! Every model call has its tokens and its actual cost. A branched session begins with copies of another
//! file's messages, which count there. An aborted call is an empty message. Source:
//! `packages/coding-agent/src/core/session-manager.ts` of badlogic/pi-mono.

use serde_json::Value;

use super::conversation::Conversation;
use super::messages::{self, Envelope};
use crate::ingest::assemble::Assembler;
use crate::ingest::body::{Body, ErrorText};
use crate::ingest::fact::{Fact, FactKind, FactSink, Name};
use crate::ingest::format::{Decode, Format, Held, Layout, Open, Recorded, Request};
use crate::ingest::formats::content::string;
use crate::ingest::formats::entry::decode_tree;
use crate::ingest::formats::members;
use crate::ingest::json::{Record, View};
use crate::model::action::Status;
use crate::model::quantity::Usage;

#[derive(Debug)]
pub struct Pi;

impl Format for Pi {
    fn name(&self) -> &'static str {
        "pi"
    }

    fn about(&self) -> &'static str {
        "pi and OpenClaw sessions"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Yes,
            cost: Held::Yes,
            times: Held::Yes,
            results: Held::Yes,
            approvals: Held::No,
        }
    }
}

impl Decode for Pi {
    fn sniff(&self, record: &Value) -> u8 {
        let message = record.get("message").unwrap_or(&Value::Null);
        let model = members::any(message, &["api", "provider", "stopReason"]);
        let entry = members::all(record, &["id", "parentId", "timestamp"]);
        match members::text(record, "type") {
            "session" if members::all(record, &["id", "cwd", "timestamp"]) => 95,
            "message" => match members::text(message, "role") {
                "toolResult" | "bashExecution" => 70,
                "assistant" if model => 70,
                "user" | "assistant" => 10,
                _ => 10 * u8::from(entry),
            },
            "model_change" if members::all(record, &["provider", "modelId"]) => 40,
            "thinking_level_change" if record.get("thinkingLevel").is_some() => 40,
            "" => 0,
            _ => 10 * u8::from(entry),
        }
    }

    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        decode_tree(record, out, line);
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(Conversation::new("pi").forks())
    }
}

impl Layout for Pi {
    fn folders(&self) -> &'static [&'static str] {
        &[".pi/agent/sessions", ".openclaw/agents"]
    }
}

impl Open for Pi {
    fn open(&self, record: &Value, part: u16) -> Body {
        let Some(message) = record.get("message").filter(|it| it.is_object()) else {
            return open_other(record);
        };
        let mut body = messages::open(message, part);
        if let Some(command) = string(message, "command") {
            body.text = Some(format!(
                "$ {command}\n{}",
                string(message, "output").unwrap_or_default()
            ));
        }
        if let Some(error) = string(message, "errorMessage") {
            body.error = Some(ErrorText {
                kind: string(message, "stopReason"),
                message: error,
                stack: None,
            });
        }
        body
    }

    fn open_result(&self, record: &Value, part: u16, body: &mut Body) {
        if let Some(message) = record.get("message") {
            messages::open_result(message, part, body);
        }
    }
}

impl Request for Pi {}

fn open_other(record: &Value) -> Body {
    let kind = string(record, "type").unwrap_or_default();
    let keys = [
        "summary",
        "modelId",
        "thinkingLevel",
        "customType",
        "cwd",
        "name",
    ];
    let text = keys.iter().find_map(|key| string(record, key));
    Body {
        id: string(record, "id"),
        parent_id: string(record, "parentId"),
        text: Some(text.map_or(kind.clone(), |text| format!("{kind}: {text}"))),
        ..Body::default()
    }
}

fn line(record: View<'_, '_>, out: &mut FactSink<'_>) {
    let mut base = Fact::new(FactKind::Unknown);
    base.time = record.get("timestamp").time();
    base.parent = out.copy(record.get("parentId"));
    match record.get("type").raw() {
        b"session" => {
            base.kind = FactKind::RunStart;
            base.run = out.copy(record.get("id"));
            base.model = out.copy(record.get("modelId"));
            out.copy_name(Name::Provider, record.get("provider"));
            out.copy_name(
                Name::ParentRun,
                record.any(&["branchedFrom", "parentSession"]),
            );
        }
        b"model_change" => {
            base.kind = FactKind::Setting;
            base.model = out.copy(record.get("modelId"));
        }
        b"session_info" => {
            base.kind = FactKind::Setting;
            out.copy_name(Name::Title, record.get("name"));
        }
        b"thinking_level_change" | b"label" => base.kind = FactKind::Copy,
        b"compaction" | b"branch_summary" | b"custom" | b"custom_message" => {
            base.kind = FactKind::Note;
        }
        b"message" if record.get("message").is_object() => {
            message(record, base, out);
            return;
        }
        _ => {}
    }
    out.copy_name(Name::Record, record.get("id"));
    out.push(base);
}

fn message(record: View<'_, '_>, base: Fact, out: &mut FactSink<'_>) {
    let message = record.get("message");
    let recorded = message.get("usage");
    let mut how = Envelope {
        usage: usage(recorded),
        cost: recorded.get("cost").get("total").usd(),
        ..Envelope::new(base)
    };
    how.base.model = out.copy(message.get("model"));
    how.record = out.copy(record.get("id"));
    match (message.get("role").raw(), message.get("stopReason").raw()) {
        (b"bashExecution", _) => {
            let mut fact = base;
            fact.kind = FactKind::Note;
            out.push(fact);
        }
        (b"assistant", b"aborted" | b"error") => {
            how.status = if message.get("stopReason").is("aborted") {
                Status::Cancelled
            } else {
                Status::Error
            };
            messages::decode_as(message.get("role"), message, record.range(), &how, out);
        }
        _ => messages::decode_as(message.get("role"), message, record.range(), &how, out),
    }
}

fn usage(recorded: View<'_, '_>) -> Usage {
    Usage {
        input: recorded.get("input").tokens(),
        output: recorded.get("output").tokens(),
        cache_read: recorded.get("cacheRead").tokens(),
        cache_write: recorded.get("cacheWrite").tokens(),
        ..Usage::NONE
    }
}
