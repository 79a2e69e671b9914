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
use crate::ingest::format::{Decode, FindArgs, Format, Held, Layout, Open, Recorded, Request};
use crate::ingest::formats::members;
use crate::ingest::json::{Cursor, Record};
use crate::ingest::packed::bare;
use crate::ingest::relations::{ReadTies, Relations, Tie};
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
        let kind = members::text(record, "type");
        let role = record.pointer("/message/role").and_then(Value::as_str);
        let session = record.get("sessionId").is_some();
        let entry = session && members::all(record, &["uuid", "parentUuid"]);
        match kind {
            "user" | "assistant" if role == Some(kind) && session && entry => 90,
            "user" | "assistant" if role == Some(kind) && record.get("uuid").is_some() => 80,
            "user" | "assistant" if role == Some(kind) && record.get("timestamp").is_some() => 60,
            "user" | "assistant" if role.is_none() && session_line(record) => 60,
            "user" | "assistant" if record.pointer("/message/content").is_some() => 10,
            "summary" if record.get("leafUuid").is_some() => 50,
            "file-history-snapshot" if record.get("snapshot").is_some() => 50,
            "system" | "attachment" | "progress" if entry => 50,
            _ if session && is_setting(record, kind) => 45,
            // New kinds of lines come with every release.
            _ if session && !kind.is_empty() => 10,
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
    fn companions(&self, path: &Path, relations: &mut Relations) -> Vec<PathBuf> {
        companions(path, relations)
    }

    fn is_aside(&self, folder: &Path) -> bool {
        // Outputs that were too long for a session, whatever they look like.
        folder.ends_with("tool-results") || folder.ends_with("remote-agents")
    }

    fn folders(&self) -> &'static [&'static str] {
        &[".claude/projects"]
    }

    fn is_part(&self, path: &Path, _relations: &mut Relations) -> bool {
        is_subagent(path)
    }
}

impl Open for ClaudeCode {
    fn finds_args(&self) -> Option<FindArgs> {
        Some(open::args_in)
    }

    fn has_args_of_calls_only(&self) -> bool {
        true
    }

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

/// A line of a transcript whose messages were stripped of their roles: where it ran, or a tool call.
fn session_line(record: &Value) -> bool {
    let content = record.pointer("/message/content");
    let calls = |block: &Value| members::text(block, "type") == "tool_use";
    let blocks = content.and_then(Value::as_array);
    record.get("timestamp").is_some()
        && content.is_some()
        && (record.get("cwd").is_some() || blocks.is_some_and(|all| all.iter().any(calls)))
}

/// Whether a line holds a setting or a name of its session, in the member that this kind of line has.
fn is_setting(record: &Value, kind: &str) -> bool {
    let member = match kind {
        "permission-mode" => "permissionMode",
        "mode" => "mode",
        "custom-title" => "customTitle",
        "ai-title" => "aiTitle",
        "agent-name" => "agentName",
        "last-prompt" => "lastPrompt",
        "queue-operation" => "operation",
        _ => return false,
    };
    record.get(member).is_some()
}

/// `<session>/subagents/**/agent-*.jsonl`, and every `agent-*.jsonl` beside the session that names it.
fn companions(path: &Path, relations: &mut Relations) -> Vec<PathBuf> {
    let session = bare(path);
    let (Some(folder), Some(stem)) = (path.parent(), session.file_stem()) else {
        return Vec::new();
    };
    if is_subagent(path) {
        return Vec::new();
    }
    let below = ignore::WalkBuilder::new(folder.join(stem).join("subagents"))
        .standard_filters(false)
        .build();
    let below = below
        .filter_map(Result::ok)
        .map(ignore::DirEntry::into_path)
        .filter(|path| is_subagent(path));
    let mut found: Vec<PathBuf> = below.chain(relations.descendants(path, BESIDE)).collect();
    found.sort();
    found
}

/// Subagents' files in the same folder as sessions name them. A folder may hold thousands of both, so all
/// are read once.
const BESIDE: ReadTies = ReadTies {
    format: "claude-code",
    read: ties,
};

fn ties(folder: &Path) -> Vec<Tie> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let tie = |entry: std::fs::DirEntry| {
        let path = entry.path();
        let bare = bare(&path);
        let id = bare.file_stem()?.to_string_lossy().into_owned();
        let is_session = bare.extension().is_some_and(|ending| ending == "jsonl");
        let parent = if is_subagent(&path) {
            session_of(&path)
        } else {
            None
        };
        (is_session || parent.is_some()).then(|| Tie {
            name: entry.file_name(),
            id,
            parent,
        })
    };
    entries.filter_map(Result::ok).filter_map(tie).collect()
}

fn is_subagent(path: &Path) -> bool {
    let name = bare(path)
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    name.starts_with("agent-")
        && Path::new(&name)
            .extension()
            .is_some_and(|ending| ending == "jsonl")
}

/// The session that the first line of a subagent's file names.
fn session_of(path: &Path) -> Option<String> {
    let head = Bytes::open(path).ok()?.slice(0, 64 << 10).ok()?;
    let first = head.split(|&byte| byte == b'\n').next()?;
    let record = crate::ingest::json::value_head(first)?;
    Some(record.get("sessionId")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests;
