//! The `codex` format: rollouts of the Codex CLI, one `{timestamp, type, payload}` per line.
//!
//! Responses are recorded twice, as an item and as an event. Token counts are running totals that are
//! written twice and restart after a resume. Prompt tokens include cache reads. Of approvals only the
//! outcome is recorded.

mod assembler;
mod history;
mod limits;
mod line;
mod open;
mod request;

use serde_json::Value;

use crate::ingest::assemble::Assembler;
use crate::ingest::body::Body;
use crate::ingest::fact::FactSink;
use crate::ingest::format::{Decode, Format, Held, Layout, Open, Recorded, Request};
use crate::ingest::formats::members;
use crate::ingest::json::{Cursor, Record};
use crate::ingest::limit::Limit;
use crate::ingest::request::{Api, RequestPart};

#[derive(Debug)]
pub struct Codex;

impl Format for Codex {
    fn name(&self) -> &'static str {
        "codex"
    }

    fn about(&self) -> &'static str {
        "Codex CLI rollouts"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Yes,
            cost: Held::No,
            times: Held::Yes,
            results: Held::Yes,
            approvals: Held::Partly,
        }
    }
}

impl Decode for Codex {
    fn sniff(&self, record: &Value) -> u8 {
        let payload = record.get("payload").filter(|payload| payload.is_object());
        let Some(payload) = payload else {
            return bare_item(record);
        };
        let known = match members::text(record, "type") {
            "session_meta" => members::any(payload, &["id", "cwd", "originator", "meta"]),
            "response_item" | "event_msg" => payload.get("type").is_some(),
            "turn_context" => members::any(payload, &["cwd", "model", "approval_policy"]),
            "compacted" => members::any(payload, &["message", "replacement_history"]),
            "world_state" | "token_usage_record" | "inter_agent_communication" => true,
            "" => return 0,
            _ => false,
        };
        // New kinds of records come with every release.
        if known { 90 } else { 10 }
    }

    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        let mut cursor = Cursor::new(record);
        if line::read(&mut cursor, out).is_err() {
            out.malformed();
        }
        out.note(cursor.notes);
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(assembler::CodexAssembler::default())
    }
}

/// The first rollouts had no envelope: a line about the session, then bare items of the Responses API.
fn bare_item(record: &Value) -> u8 {
    let id = members::text(record, "id");
    let is_uuid = id.len() == 36 && id.split('-').count() == 5;
    let session = is_uuid && members::all(record, &["instructions", "timestamp"]);
    let dated = record.get("created_at").is_some();
    match members::text(record, "type") {
        "" if session => 60,
        "" if record.get("record_type").is_some() => 10,
        "" if dated && record.get("role").is_some() => 10,
        "function_call" | "function_result" if dated => 10,
        "function_call" | "function_call_output" if record.get("call_id").is_some() => 10,
        "message" if record.get("role").is_some() => 10,
        "reasoning" if record.get("summary").is_some() => 10,
        _ => 0,
    }
}

impl Layout for Codex {
    fn folders(&self) -> &'static [&'static str] {
        &[".codex/sessions", ".codex/archived_sessions"]
    }
}

impl Open for Codex {
    fn open(&self, record: &Value, part: u16) -> Body {
        open::body(record, part)
    }

    fn open_result(&self, record: &Value, _part: u16, body: &mut Body) {
        open::result(record, body);
    }

    fn open_attached(&self, record: &Value, _part: u16, body: &mut Body) {
        open::attached(record, body);
    }
}

impl Request for Codex {
    fn context(&self, record: &Value, part: u16) -> Option<Vec<RequestPart>> {
        Some(request::pieces(record, part))
    }

    fn api(&self) -> Option<Api> {
        Some(Api::Responses)
    }

    fn settings(&self) -> Option<&'static str> {
        Some("\"turn_context\"")
    }

    fn limits_mark(&self) -> Option<&'static str> {
        Some("\"rate_limits\"")
    }

    fn limits(&self, record: &Value) -> Vec<Limit> {
        limits::limits(record)
    }
}

#[cfg(test)]
mod tests;
