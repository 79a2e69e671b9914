//! The `kimi` format: the wire files of Kimi Code, one event per line.
//!
//! A prompt is recorded twice, as typed and as sent to the model. A step is one model call, reported part
//! by part, with its tokens at the end. An approval is written before its call, and therefore has a row of
//! its own. Source: sessions of Kimi Code; there is no official description.

use serde_json::Value;

use super::conversation::Conversation;
use super::messages;
use crate::ingest::assemble::{self, Assembler};
use crate::ingest::body::{ApprovalText, Body, ErrorText};
use crate::ingest::fact::{Fact, FactKind, FactSink, IMPLIED, Name};
use crate::ingest::format::{Decode, Format, Held, Layout, Open, Recorded, Request};
use crate::ingest::formats::content::{string, text_of, unpacked};
use crate::ingest::formats::entry::decode_tree;
use crate::ingest::formats::members;
use crate::ingest::json::{Record, View};
use crate::model::action::{Flags, Status, Verdict};
use crate::model::quantity::Usage;

#[derive(Debug)]
pub struct Kimi;

impl Format for Kimi {
    fn name(&self) -> &'static str {
        "kimi"
    }

    fn about(&self) -> &'static str {
        "Kimi Code sessions (wire.jsonl)"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Yes,
            cost: Held::No,
            times: Held::Yes,
            results: Held::Yes,
            approvals: Held::Yes,
        }
    }
}

impl Decode for Kimi {
    fn sniff(&self, record: &Value) -> u8 {
        let has = |key: &str| record.get(key).is_some();
        match members::text(record, "type") {
            "metadata" if has("protocol_version") => 95,
            "context.append_loop_event" if has("event") => 80,
            "context.append_message" if has("message") => 80,
            "turn.prompt" if has("input") => 80,
            "usage.record" if has("usage") && has("usageScope") => 60,
            "config.update" if has("modelAlias") => 60,
            kind => 10 * u8::from(kind.contains('.') && has("time")),
        }
    }

    fn sniff_document(&self, head: &Value) -> u8 {
        // The state of a session, stored beside its wire file.
        let main = head.pointer("/agents/main/homedir");
        if main.is_some() && head.get("workDir").is_some() {
            80
        } else {
            0
        }
    }

    fn lists(&self) -> Option<&'static [&'static str]> {
        Some(&[])
    }

    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        let member = record.member;
        decode_tree(record, out, |record, out| match member {
            b"" | b"[]" => line(record, out),
            _ => {
                let mut fact = Fact::new(FactKind::Setting);
                match member {
                    b"title" => out.copy_name(Name::Title, record),
                    b"createdAt" | b"updatedAt" => fact.time = record.time(),
                    _ => fact.kind = FactKind::Copy,
                }
                out.push(fact);
            }
        });
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(Conversation::new("kimi-code"))
    }
}

impl Layout for Kimi {
    fn folders(&self) -> &'static [&'static str] {
        &[".kimi-code/sessions"]
    }
}

impl Open for Kimi {
    fn open(&self, record: &Value, part: u16) -> Body {
        open(record, part)
    }

    fn open_result(&self, record: &Value, _part: u16, body: &mut Body) {
        let event = record.get("event").unwrap_or(record);
        let Some(result) = event.get("result") else {
            body.text = event.pointer("/part/text").and_then(text_of);
            body.asks.clear();
            return;
        };
        let output = result.get("output").and_then(text_of);
        if result.get("isError").and_then(Value::as_bool) == Some(true) {
            body.error = Some(ErrorText {
                message: output.clone().unwrap_or_default(),
                ..ErrorText::default()
            });
        }
        body.result = output.map(|text| unpacked(&Value::String(text)));
    }

    fn open_attached(&self, record: &Value, _part: u16, body: &mut Body) {
        body.approvals.push(ApprovalText {
            state: record
                .pointer("/result/decision")
                .and_then(Value::as_str)
                .map(str::to_owned),
            reason: string(record, "action"),
            ..ApprovalText::default()
        });
    }
}

impl Request for Kimi {}

fn line(record: View<'_, '_>, out: &mut FactSink<'_>) {
    let mut base = Fact::new(FactKind::Unknown);
    base.time = record.any(&["time", "created_at"]).time();
    base.kind = match record.get("type").raw() {
        b"metadata" => {
            out.copy_name(Name::Release, record.get("app_version"));
            FactKind::Setting
        }
        b"config.update" | b"profile.bind" => {
            base.model = out.copy(record.get("modelAlias"));
            FactKind::Setting
        }
        b"turn.prompt" | b"turn.steer" => {
            if !record.get("origin").get("kind").is("user") {
                base.flags.set(Flags::META);
            }
            FactKind::Prompt
        }
        b"turn.cancel" => {
            base.status = Status::Cancelled;
            FactKind::Note
        }
        b"context.append_loop_event" => {
            event(record.get("event"), base, out);
            return;
        }
        b"permission.record_approval_result" => {
            base.call = out.copy(record.get("toolCallId"));
            base.verdict = match record.get("result").get("decision").raw() {
                b"approved" => Verdict::Approved,
                b"rejected" | b"denied" => Verdict::Denied,
                _ => Verdict::Unrecorded,
            };
            FactKind::Approval
        }
        b"permission.set_mode" | b"context.compaction" | b"context.compacted" => FactKind::Note,
        b"context.append_message"
        | b"llm.request"
        | b"llm.tools_snapshot"
        | b"usage.record"
        | b"tools.set_active_tools"
        | b"turn.ended"
        | b"plugin.session_start"
        | b"runtime.set_binding"
        | b"token_counting.measured"
        | b"token_counting.turn_recorded" => FactKind::Copy,
        _ => FactKind::Unknown,
    };
    out.push(base);
}

fn event(recorded: View<'_, '_>, mut base: Fact, out: &mut FactSink<'_>) {
    out.copy_name(Name::Group, recorded.any(&["stepUuid", "uuid"]));
    base.kind = match recorded.get("type").raw() {
        b"content.part" => match recorded.get("part").get("type").raw() {
            b"think" => FactKind::Reasoning,
            _ => FactKind::Response,
        },
        b"tool.call" => {
            base.id = out.copy(recorded.get("toolCallId"));
            base.tool = out.copy(recorded.get("name"));
            base.hash = assemble::hash(recorded.get("args").bytes());
            FactKind::ToolCall
        }
        b"tool.result" => {
            base.call = out.copy(recorded.get("toolCallId"));
            base.status = match recorded.get("result").get("isError").truth() {
                Some(true) => Status::Error,
                Some(false) | None => Status::Ok,
            };
            FactKind::ToolResult
        }
        b"step.end" => {
            out.usage(&mut base, usage(recorded.get("usage")));
            FactKind::Usage
        }
        b"step.begin" => FactKind::Copy,
        b"error" | b"step.error" => FactKind::Error,
        _ => FactKind::Unknown,
    };
    out.push(base);
}

fn usage(recorded: View<'_, '_>) -> Usage {
    Usage {
        input: recorded.get("inputOther").tokens(),
        output: recorded.get("output").tokens(),
        cache_read: recorded.get("inputCacheRead").tokens(),
        cache_write: recorded.get("inputCacheCreation").tokens(),
        ..Usage::NONE
    }
}

fn open(record: &Value, part: u16) -> Body {
    let event = record.get("event").unwrap_or(record);
    let mut body = Body {
        id: string(event, "uuid"),
        ..Body::default()
    };
    if part & IMPLIED != 0 {
        body.asks = string(event, "name").into_iter().collect();
        return body;
    }
    if string(event, "type").as_deref() == Some("tool.call") {
        messages::open_call(event, &mut body);
        return body;
    }
    let places = [
        "/part/think",
        "/part/text",
        "/input",
        "/message",
        "/mode",
        "/summary",
    ];
    let words = places
        .iter()
        .find_map(|place| event.pointer(place).and_then(text_of));
    body.text = words.or_else(|| string(event, "type"));
    body
}
