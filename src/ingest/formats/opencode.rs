//! The `opencode` format: sessions of OpenCode, as stored in its folder of files, as written by `opencode
//! export` (`{info, messages: [{info, parts}]}`), and as printed by `opencode run --format json`.
//!
//! A session started by another one names it as `parentID`, and the call that started it has the session's
//! id in the metadata of its state. A model message and the parts that end its steps carry the same cost,
//! so only the message counts; if there are several steps, only the steps count, because the message does
//! not sum up their tokens. Reasoning tokens are counted beside output tokens, except in versions whose
//! `total` excludes them. Approvals are not recorded, only refusals. Sources:
//! `packages/opencode/src/session/{message-v2,processor}.ts` and `cli/cmd/run.ts` of sst/opencode.

mod files;
mod open;
mod second;

use std::path::{Path, PathBuf};

use serde_json::Value;

use self::open::{ABORTED, ERROR};
use super::conversation::{Conversation, known};
use crate::ingest::assemble::{self, Assembler};
use crate::ingest::body::Body;
use crate::ingest::fact::{Fact, FactKind, FactSink, Name, Text};
use crate::ingest::format::{Decode, Format, Held, Layout, Open, Recorded, Request};
use crate::ingest::formats::entry::decode_tree;
use crate::ingest::formats::plain;
use crate::ingest::json::{Record, View};
use crate::ingest::packed::scattered::Scattered;
use crate::ingest::relations::Relations;
use crate::model::action::{Flags, Status, Verdict};
use crate::model::quantity::{Time, Tokens, Usage};

#[derive(Debug)]
pub struct OpenCode;

impl Format for OpenCode {
    fn name(&self) -> &'static str {
        "opencode"
    }

    fn about(&self) -> &'static str {
        "OpenCode, Kilo and MiMo Code: database, storage folder, opencode export, run --format json"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Yes,
            cost: Held::Yes,
            times: Held::Yes,
            results: Held::Yes,
            approvals: Held::Partly,
        }
    }
}

impl Decode for OpenCode {
    fn sniff(&self, record: &Value) -> u8 {
        let has = |key: &str| record.get(key).is_some();
        if second::is_one(record) {
            return 90;
        }
        let kind = record.get("type").and_then(Value::as_str);
        let stamped = has("sessionID") && record.get("timestamp").is_some_and(Value::is_number);
        match kind {
            Some(kind) if stamped && (has("part") || has("error")) && is_event(kind) => 95,
            Some(_) if has("messageID") && has("sessionID") && has("id") => 60,
            _ if is_message(record) => 90,
            None if has("role") && has("sessionID") && has("time") => 60,
            None if has("projectID") && has("directory") && has("time") => 60,
            None if has("store") && has("directory") && has("time_created") => 60,
            _ => 0,
        }
    }

    fn sniff_document(&self, head: &Value) -> u8 {
        let messages = head.get("messages").and_then(Value::as_array);
        let info = head.get("info").filter(|info| info.get("id").is_some());
        match (info, messages.map(|all| all.first())) {
            (Some(_), Some(Some(first))) if is_message(first) => 95,
            (Some(info), Some(None)) if info.get("projectID").is_some() => 95,
            _ if head.get(0).is_some_and(is_message) => 90,
            _ => 0,
        }
    }

    fn lists(&self) -> Option<&'static [&'static str]> {
        Some(&["messages", "parts"])
    }

    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        let member = record.member;
        let head = &record.block[record.start..];
        if member.is_empty() && is_second(head) {
            plain::decode(record, out, second::rows);
            return;
        }
        decode_tree(record, out, |record, out| match member {
            b"" | b"[]" | b"messages" | b"parts" => line(record, out),
            // A message in a document of its own.
            b"info" if record.get("role").is_string() => message(record, record.get("parts"), out),
            b"info" => session(record, out),
            _ => out.push(Fact::new(FactKind::Copy)),
        });
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(Conversation::new("opencode").family().forks())
    }
}

impl Layout for OpenCode {
    fn companions(&self, path: &Path, relations: &mut Relations) -> Vec<PathBuf> {
        let mut found = files::companions(path, relations);
        found.extend(plain::stored_companions(path, self.name(), relations));
        found
    }

    fn gather(&self, path: &Path) -> Option<Scattered> {
        files::gather(path)
    }

    fn is_aside(&self, folder: &Path) -> bool {
        files::is_aside(folder)
    }

    fn folders(&self) -> &'static [&'static str] {
        &[".local/share/opencode/storage/session"]
    }

    fn ending(&self) -> &'static str {
        "json"
    }

    fn is_part(&self, path: &Path, relations: &mut Relations) -> bool {
        files::is_part(path, relations) || plain::is_stored_part(path, self.name(), relations)
    }
}

impl Open for OpenCode {
    fn open(&self, record: &Value, part: u16) -> Body {
        if second::is_one(record) {
            return plain::open(record, part, second::rows);
        }
        open::body(record, part)
    }

    fn open_result(&self, record: &Value, part: u16, body: &mut Body) {
        if second::is_one(record) {
            plain::open_result(record, part, body, second::rows);
            return;
        }
        open::result(record, body);
    }

    fn open_attached(&self, record: &Value, _part: u16, body: &mut Body) {
        open::attached(record, body);
    }
}

impl Request for OpenCode {}

/// Whether a record begins like a message of OpenCode 2, with the members that its store writes first.
fn is_second(record: &[u8]) -> bool {
    let head = record.get(..record.len().min(256)).unwrap_or_default();
    let has = |name: &[u8]| memchr::memmem::find(head, name).is_some();
    has(b"\"sessionID\":") && has(b"\"seq\":") && has(b"\"type\":")
}

fn is_event(kind: &str) -> bool {
    matches!(
        kind,
        "text" | "reasoning" | "tool_use" | "step_start" | "step_finish" | "error"
    )
}

/// A message with its parts, as in exported sessions.
fn is_message(record: &Value) -> bool {
    let role = record.pointer("/info/role").is_some_and(Value::is_string);
    role && record.get("parts").is_some_and(Value::is_array)
}

/// A line: a message with its parts, an event, or the contents of one file.
fn line(record: View<'_, '_>, out: &mut FactSink<'_>) {
    if record.get("info").is_some() && record.get("parts").is_array() {
        message(record.get("info"), record.get("parts"), out);
    } else if record.get("timestamp").is_some() && record.get("type").is_string() {
        event(record, out);
    } else if record.get("role").is_string() {
        message(record, record.get("parts"), out);
    } else if record.get("type").is_string() {
        let mut base = Fact::new(FactKind::Unknown);
        base.run = out.copy(record.get("sessionID"));
        let mut reader = MessageReader::new(base, Speaker::Unknown, record.get("messageID"), out);
        reader.part(record, out);
        reader.results(out);
    } else {
        session(record, out);
    }
    if out.count() == 0 {
        out.push(Fact::new(FactKind::Copy));
    }
}

/// The program that keeps its sessions in a store of this name, if it is not OpenCode itself.
fn agent_of(store: &str) -> Option<&'static [u8]> {
    let known: &[(&str, &[u8])] = &[("kilo", b"kilo"), ("mimo", b"mimo-code")];
    let found = known.iter().find(|(name, _)| store.starts_with(name));
    found.map(|(_, agent)| *agent)
}

fn session(info: View<'_, '_>, out: &mut FactSink<'_>) {
    let mut fact = Fact::new(FactKind::RunStart).at(info.range());
    if !info.is_object() || !info.get("id").is_some() {
        fact.kind = FactKind::Unknown;
        out.push(fact);
        return;
    }
    fact.run = out.copy(info.get("id"));
    let created = info.get("time").get("created");
    fact.time = created.or(info.get("time_created")).time();
    if let Some(agent) = agent_of(&info.get("store").text()) {
        fact.agent = out.arena(agent);
    }
    out.copy_name(Name::Title, info.get("title"));
    out.copy_name(Name::Release, info.get("version"));
    out.copy_name(Name::ParentRun, info.any(&["parentID", "parent_id"]));
    out.push(fact);
}

fn message(info: View<'_, '_>, parts: View<'_, '_>, out: &mut FactSink<'_>) {
    let mut base = Fact::new(FactKind::Unknown).at(info.range());
    base.run = out.copy(info.get("sessionID"));
    base.agent = out.copy(info.any(&["agent", "mode"]));
    base.time = info.get("time").get("created").time();
    let role = match info.get("role").raw() {
        b"user" => Speaker::User,
        b"assistant" => Speaker::Assistant,
        _ => Speaker::Unknown,
    };
    if role == Speaker::Assistant {
        base.parent = out.copy(info.get("parentID"));
        base.model = out.copy(info.get("modelID").or(info.get("model").get("modelID")));
    }
    let mut reader = MessageReader::new(base, role, info.get("id"), out);
    reader.steps = parts
        .items()
        .filter(|part| part.get("type").is("step-finish"))
        .count();
    for part in parts.items() {
        reader.part(part, out);
    }
    reader.results(out);
    match role {
        Speaker::User if parts.items().next().is_none() => reader.push(FactKind::Prompt, base, out),
        Speaker::User => {}
        Speaker::Assistant => reader.end(info, out),
        // Its parts are emitted all the same.
        Speaker::Unknown => out.push(base),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Speaker {
    User,
    Assistant,
    Unknown,
}

/// State kept while the parts of a message are read.
struct MessageReader<'t, 'a> {
    /// What all facts of the message share.
    base: Fact,
    role: Speaker,
    id: View<'t, 'a>,
    /// The current model call.
    group: Text,
    /// The number of steps that have ended; each is a model call.
    steps: usize,
    /// The number of the current step.
    step: usize,
    /// There was a prompt, or a response.
    spoke: bool,
    /// The time of the last part that has one; parts without one came after it.
    latest: Time,
    /// Calls whose results are emitted at the end of the step, after whatever ran in the meantime.
    calls: Vec<View<'t, 'a>>,
}

impl<'t, 'a> MessageReader<'t, 'a> {
    fn new(
        base: Fact,
        role: Speaker,
        id: View<'t, 'a>,
        out: &mut FactSink<'_>,
    ) -> MessageReader<'t, 'a> {
        MessageReader {
            base,
            role,
            id,
            group: out.copy(id),
            steps: 0,
            step: 0,
            spoke: false,
            latest: base.time,
            calls: Vec::new(),
        }
    }

    fn when(&mut self, recorded: Time) -> Time {
        self.latest = recorded.or(self.latest);
        self.latest
    }

    fn push(&self, kind: FactKind, mut fact: Fact, out: &mut FactSink<'_>) {
        fact.kind = kind;
        out.name(Name::Group, self.group);
        out.push(fact);
    }

    fn part(&mut self, part: View<'t, 'a>, out: &mut FactSink<'_>) {
        let mut fact = self.base.at(part.range());
        let time = part.get("time");
        let start = time.any(&["start", "created"]).time();
        fact.time = self.when(start);
        fact.duration = time.get("end").time().since(start);
        let kind = match part.get("type").raw() {
            b"text" => {
                self.text(part, fact, out);
                return;
            }
            b"reasoning" => FactKind::Reasoning,
            b"tool" => {
                self.tool(part, fact, out);
                return;
            }
            // The start of a step shows in its parts.
            b"step-start" | b"snapshot" => return,
            b"step-finish" => {
                self.step(part, fact, out);
                return;
            }
            b"file" if self.role == Speaker::User => {
                fact.flags.set(Flags::META);
                FactKind::Prompt
            }
            b"patch" | b"file" | b"agent" | b"subtask" | b"compaction" => FactKind::Note,
            b"retry" => FactKind::Error,
            _ => {
                if !part.is_object() {
                    // A file that is not JSON, as text.
                    fact.flags.set(Flags::INCOMPLETE);
                }
                FactKind::Unknown
            }
        };
        self.spoke |= kind == FactKind::Reasoning;
        self.push(kind, fact, out);
    }

    /// The first text of a person starts a turn; further texts of the message and injected ones do not.
    fn text(&mut self, part: View<'_, '_>, mut fact: Fact, out: &mut FactSink<'_>) {
        let kind = match self.role {
            Speaker::User if part.get("ignored").truth() == Some(true) => FactKind::Note,
            Speaker::User => {
                if part.get("synthetic").truth() == Some(true) || self.spoke {
                    fact.flags.set(Flags::META);
                } else {
                    self.spoke = true;
                    out.name(Name::Record, self.group);
                }
                FactKind::Prompt
            }
            Speaker::Assistant => {
                self.spoke = true;
                FactKind::Response
            }
            Speaker::Unknown => FactKind::Note,
        };
        self.push(kind, fact, out);
    }

    fn tool(&mut self, part: View<'t, 'a>, mut fact: Fact, out: &mut FactSink<'_>) {
        let state = part.get("state");
        let start = state.get("time").get("start").time();
        fact.time = self.when(start);
        fact.tool = out.copy(part.get("tool"));
        fact.id = out.copy(part.get("callID"));
        fact.hash = assemble::hash(state.get("input").bytes());
        // A session started by the call has this id.
        out.copy_name(
            Name::Record,
            state.get("metadata").any(&["sessionId", "sessionID"]),
        );
        self.spoke = true;
        self.push(FactKind::ToolCall, fact, out);
        self.calls.push(part);
    }

    /// The results of the calls so far.
    fn results(&mut self, out: &mut FactSink<'_>) {
        for part in std::mem::take(&mut self.calls) {
            let state = part.get("state");
            let status = state.get("status");
            if matches!(status.raw(), b"pending" | b"running") || !state.is_object() {
                continue;
            }
            let mut fact = self.base.at(part.range());
            fact.kind = FactKind::ToolResult;
            fact.call = out.copy(part.get("callID"));
            fact.time = state.get("time").get("end").time();
            fact.status = outcome(part);
            if fact.status == Status::Denied {
                fact.verdict = Verdict::Denied;
                let by = out.arena(b"user");
                out.name(Name::By, by);
            }
            out.push(fact);
        }
    }

    /// The end of a step. If there are several, each has its own tokens and cost.
    fn step(&mut self, part: View<'_, '_>, mut fact: Fact, out: &mut FactSink<'_>) {
        self.results(out);
        if self.steps < 2 {
            return;
        }
        charge(part, &mut fact, out);
        self.push(FactKind::Usage, fact, out);
        self.step += 1;
        let step = format!("/{}", self.step);
        self.group = out.arena(&[self.id.raw(), step.as_bytes()].concat());
    }

    /// The end of a model message: its tokens and cost, and its error.
    fn end(&mut self, info: View<'_, '_>, out: &mut FactSink<'_>) {
        let base = self.base;
        let error = info.get("error");
        let counted = !usage(info.get("tokens")).is_none();
        // A call that failed before any output is only an error.
        if self.spoke || counted || !error.is_object() {
            if !self.spoke {
                self.push(FactKind::Response, base, out);
            }
            let mut fact = base;
            if self.steps < 2 {
                charge(info, &mut fact, out);
            }
            self.push(FactKind::Usage, fact, out);
        }
        if !error.is_object() {
            return;
        }
        let mut fact = base;
        fact.part = ERROR;
        let completed = info.get("time").get("completed").time();
        fact.time = completed.or(self.latest);
        trouble(error, fact, out);
    }
}

/// The tokens and cost of a message or step.
fn charge(recorded: View<'_, '_>, fact: &mut Fact, out: &mut FactSink<'_>) {
    fact.cost = known(recorded.get("cost").usd());
    out.usage(fact, usage(recorded.get("tokens")));
}

/// The error of a message or session; being cancelled by a person is not one.
fn trouble(error: View<'_, '_>, mut fact: Fact, out: &mut FactSink<'_>) {
    fact.kind = FactKind::Error;
    if error.get("name").is(ABORTED) {
        fact.kind = FactKind::Note;
        fact.status = Status::Cancelled;
    }
    out.push(fact);
}

/// The status of a call, from its state and, on failure, the fixed phrases of the harness. What the model
/// called wrongly is answered by a tool of its own.
fn outcome(part: View<'_, '_>) -> Status {
    let state = part.get("state");
    let invalid = part.get("tool").is("invalid");
    let exit = state.get("metadata").get("exit").number();
    match state.get("status").raw() {
        b"completed" | b"success" if invalid => Status::Error,
        b"completed" | b"success" if exit.is_some_and(|code| code != 0.0) => Status::Error,
        b"completed" | b"success" => Status::Ok,
        b"error" => failure(&state.get("error").opening()),
        _ => Status::Unrecorded,
    }
}

fn failure(begin: &str) -> Status {
    let starts = |phrases: &[&str]| phrases.iter().any(|phrase| begin.starts_with(phrase));
    if starts(&[
        "The user rejected permission",
        "The user dismissed this question",
    ]) {
        Status::Denied
    } else if starts(&["The user has specified a rule which prevents"]) {
        Status::Blocked
    } else if starts(&["Tool execution aborted"]) {
        Status::Cancelled
    } else {
        Status::Error
    }
}

/// `input` excludes cached tokens and `output` excludes reasoning tokens, unless the total says otherwise.
fn usage(recorded: View<'_, '_>) -> Usage {
    let cache = recorded.get("cache");
    let usage = Usage {
        input: recorded.get("input").tokens(),
        output: recorded.get("output").tokens(),
        cache_read: cache.get("read").tokens(),
        cache_write: cache.get("write").tokens(),
        reasoning: recorded.get("reasoning").tokens(),
        ..Usage::NONE
    };
    if usage.total().or_zero() + usage.reasoning.or_zero() == 0 {
        // A message begins with zeros: it was cancelled before tokens were counted.
        return Usage::NONE;
    }
    let total = recorded.get("total").tokens();
    if total != Tokens::NONE && total == usage.total() {
        return usage;
    }
    Usage {
        output: usage.output + usage.reasoning,
        ..usage
    }
}

/// An event: a completed part, at session level.
fn event(record: View<'_, '_>, out: &mut FactSink<'_>) {
    let mut base = Fact::new(FactKind::Unknown);
    base.run = out.copy(record.get("sessionID"));
    base.time = record.get("timestamp").time();
    let part = record.get("part");
    let mut reader = MessageReader::new(base, Speaker::Assistant, part.get("messageID"), out);
    match record.get("type").raw() {
        b"error" => trouble(record.get("error"), base, out),
        b"step_start" => reader.push(FactKind::Copy, base, out),
        b"step_finish" if part.is_object() => {
            let mut fact = base;
            charge(part, &mut fact, out);
            reader.push(FactKind::Usage, fact, out);
        }
        _ if part.is_object() => {
            reader.part(part, out);
            reader.results(out);
        }
        _ => out.push(base),
    }
}

#[cfg(test)]
mod tests;
