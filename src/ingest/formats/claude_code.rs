//! The `claude-code` format: session transcripts of Claude Code, one line per event or per block of a
//! message, with the transcripts of subagents in separate files.
//!
//! A message spans several lines that share `message.id` and `requestId`; only the usage of the last one is
//! right. `progress` lines repeat what subagent files report. Refusals by a person are recorded, approvals
//! never.

mod assembler;
mod line;
mod open;
mod refusal;
mod request;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::ingest::assemble::Assembler;
use crate::ingest::body::Body;
use crate::ingest::bytes::Bytes;
use crate::ingest::fact::FactSink;
use crate::ingest::format::{Decode, Format, Held, Layout, Open, Recorded, Request};
use crate::ingest::json::{Cursor, Record};
use crate::ingest::kin::Kin;
use crate::ingest::request::{Api, RequestPart};
use crate::model::action::Status;

#[derive(Debug)]
pub struct ClaudeCode;

impl Format for ClaudeCode {
    fn name(&self) -> &'static str {
        "claude-code"
    }

    fn about(&self) -> &'static str {
        "Claude Code session transcripts, with the subagents' files beside them"
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

impl Decode for ClaudeCode {
    fn sniff(&self, record: &Value) -> u8 {
        let text = |key: &str| record.get(key).and_then(Value::as_str);
        let message = record.get("message").is_some_and(Value::is_object);
        match text("type") {
            Some("user" | "assistant")
                if message && record.get("sessionId").is_some() && record.get("uuid").is_some() =>
            {
                90
            }
            Some("user" | "assistant") if message && record.get("timestamp").is_some() => 60,
            Some("summary") if record.get("leafUuid").is_some() => 50,
            Some(_) if record.get("sessionId").is_some() => 40,
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
        Box::new(assembler::ClaudeAssembler::default())
    }
}

impl Layout for ClaudeCode {
    fn companions(&self, path: &Path, _kin: &mut Kin) -> Vec<PathBuf> {
        companions(path)
    }

    fn folders(&self) -> &'static [&'static str] {
        &[".claude/projects"]
    }

    fn is_part(&self, path: &Path, _kin: &mut Kin) -> bool {
        is_subagent(path)
    }
}

impl Open for ClaudeCode {
    fn open(&self, record: &Value, part: u16) -> Body {
        open::body(record, part)
    }

    fn open_result(&self, record: &Value, part: u16, body: &mut Body) {
        open::result(record, part, body);
    }

    fn open_attached(&self, record: &Value, part: u16, body: &mut Body) {
        open::attached(record, part, body);
    }
}

impl Request for ClaudeCode {
    fn context(&self, record: &Value, part: u16) -> Option<Vec<RequestPart>> {
        Some(request::pieces(record, part))
    }

    fn api(&self) -> Option<Api> {
        Some(Api::Messages)
    }

    fn rewinds(&self) -> bool {
        true
    }
}

/// The status of a failed call, from the fixed phrases of the harness.
pub(super) fn failure(begin: &str) -> Status {
    refusal::failure(b"", begin)
}

/// `<session>/subagents/**/agent-*.jsonl`, and every `agent-*.jsonl` beside the session that names it.
fn companions(path: &Path) -> Vec<PathBuf> {
    let (Some(folder), Some(stem)) = (path.parent(), path.file_stem()) else {
        return Vec::new();
    };
    if is_subagent(path) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let below = ignore::WalkBuilder::new(folder.join(stem).join("subagents"))
        .standard_filters(false)
        .build();
    found.extend(
        below
            .filter_map(Result::ok)
            .map(ignore::DirEntry::into_path)
            .filter(|path| is_subagent(path)),
    );
    let session = stem.to_string_lossy();
    let beside = std::fs::read_dir(if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    });
    let beside = beside
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| entry.path());
    found.extend(beside.filter(|path| is_subagent(path) && names_session(path, &session)));
    found.sort();
    found
}

fn is_subagent(path: &Path) -> bool {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    name.starts_with("agent-")
        && Path::new(&name)
            .extension()
            .is_some_and(|ending| ending == "jsonl")
}

/// Whether the first line of a subagent's file names this session.
fn names_session(path: &Path, session: &str) -> bool {
    let Ok(bytes) = Bytes::open(path) else {
        return false;
    };
    let head = bytes.slice(0, 64 << 10).unwrap_or_default();
    let first = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let record = crate::ingest::json::value_head(first);
    record.is_some_and(|record| record.get("sessionId").and_then(Value::as_str) == Some(session))
}

#[cfg(test)]
mod tests;
