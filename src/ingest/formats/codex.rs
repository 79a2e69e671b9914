//! The `codex` format: rollouts of the Codex CLI, one `{timestamp, type, payload}` per line.
//!
//! Responses are recorded twice, as an item and as an event. Token counts are running totals that are
//! written twice and restart after a resume. Prompt tokens include cache reads. Of approvals only the
//! outcome is recorded.

mod assembler;
mod history;
mod line;
mod open;
mod request;

use serde_json::Value;

use crate::ingest::assemble::Assembler;
use crate::ingest::body::Body;
use crate::ingest::fact::FactSink;
use crate::ingest::format::{Decode, Format, Held, Layout, Open, Recorded, Request};
use crate::ingest::json::{Cursor, Record};
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
        let kind = record.get("type").and_then(Value::as_str);
        let payload = record.get("payload").is_some_and(Value::is_object);
        match kind {
            Some(
                "session_meta"
                | "response_item"
                | "turn_context"
                | "event_msg"
                | "compacted"
                | "world_state"
                | "token_usage_record"
                | "inter_agent_communication",
            ) if payload => 90,
            // The first rollouts had no envelope: a meta line, then bare items.
            None if record.get("instructions").is_some() && record.get("id").is_some() => 60,
            Some("function_call" | "function_call_output") if record.get("call_id").is_some() => 30,
            _ => 0,
        }
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

impl Layout for Codex {
    fn folders(&self) -> &'static [&'static str] {
        &[".codex/sessions"]
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
}

#[cfg(test)]
mod tests;
