//! Agents with small records: one function reads a record, both for decoding and for opening it.
//!
//! A reader implements [`Agent`]; [`Plain`] turns it into a format. The part of a fact is its number among the rows of
//! its record.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::content::{string, text_of, unpacked};
use super::conversation::Conversation;
use crate::ingest::assemble::{self, Assembler};
use crate::ingest::body::{Body, ErrorText};
use crate::ingest::fact::{Fact, FactKind, FactSink, IMPLIED};
use crate::ingest::format::{Decode, Format, Layout, Open, Recorded, Request};
use crate::ingest::formats::entry::{Entry, add_attached, add_result};
use crate::ingest::json::{self, Cursor, Record};
use crate::ingest::packed::converted::Convert;
use crate::ingest::packed::sqlite::{self, TIES};
use crate::ingest::relations::Relations;
use crate::ingest::time;
use crate::model::action::Status;
use crate::model::quantity::{Cost, Elapsed, Time, Tokens, Usage};

/// How to read the records of one agent.
pub(super) trait Agent: std::fmt::Debug + Sync {
    fn name(&self) -> &'static str;
    fn about(&self) -> &'static str;
    fn recorded(&self) -> Recorded;

    /// The name that runs get.
    fn agent(&self) -> &'static str;

    /// Adds the contents of a record. `member` is empty for records, and for the others the name of the document's
    /// member.
    fn rows(&self, member: &str, record: &Value, out: &mut Rows);

    fn sniff(&self, record: &Value) -> u8 {
        let _ = record;
        0
    }

    fn sniff_document(&self, head: &Value) -> u8 {
        let _ = head;
        0
    }

    fn lists(&self) -> Option<&'static [&'static str]> {
        None
    }

    fn assembler(&self) -> Conversation {
        Conversation::new(self.agent())
    }

    fn folders(&self) -> &'static [&'static str] {
        &[]
    }

    fn ending(&self) -> &'static str {
        "jsonl"
    }

    /// Whether a file in those folders is a run; other files with that extension may lie beside them.
    fn is_run(&self, path: &Path) -> bool {
        let _ = path;
        true
    }

    /// Whether sessions that were started by others are read together with those.
    fn is_family(&self) -> bool {
        false
    }

    fn convert(&self, path: &Path, head: &[u8]) -> Option<Convert> {
        let _ = (path, head);
        None
    }

    /// Existing files that say more about the run in a file.
    fn companions(&self, path: &Path) -> Vec<PathBuf> {
        let _ = path;
        Vec::new()
    }
}

/// A format made from an [`Agent`].
#[derive(Debug)]
pub(super) struct Plain<A>(pub(super) A);

impl<A: Agent> Format for Plain<A> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn about(&self) -> &'static str {
        self.0.about()
    }

    fn recorded(&self) -> Recorded {
        self.0.recorded()
    }
}

impl<A: Agent> Decode for Plain<A> {
    fn sniff(&self, record: &Value) -> u8 {
        self.0.sniff(record)
    }

    fn sniff_document(&self, head: &Value) -> u8 {
        self.0.sniff_document(head)
    }

    fn lists(&self) -> Option<&'static [&'static str]> {
        self.0.lists()
    }

    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        let is_listed = |list: &&[&str]| list.iter().any(|name| name.as_bytes() == record.member);
        let is_record = matches!(record.member, b"" | b"[]");
        let member = match self.0.lists() {
            Some(lists) if !is_record && !is_listed(&lists) => record.member,
            Some(_) | None => b"",
        };
        let member = String::from_utf8_lossy(member);
        decode(record, out, |found, rows| self.0.rows(&member, found, rows));
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(self.0.assembler())
    }
}

impl<A: Agent> Layout for Plain<A> {
    fn companions(&self, path: &Path, relations: &mut Relations) -> Vec<PathBuf> {
        if self.0.is_family() {
            stored_companions(path, self.name(), relations)
        } else {
            self.0.companions(path)
        }
    }

    fn folders(&self) -> &'static [&'static str] {
        self.0.folders()
    }

    fn ending(&self) -> &'static str {
        self.0.ending()
    }

    fn is_part(&self, path: &Path, relations: &mut Relations) -> bool {
        !self.0.is_run(path) || self.0.is_family() && is_stored_part(path, self.name(), relations)
    }

    fn convert(&self, path: &Path, head: &[u8]) -> Option<Convert> {
        self.0.convert(path, head)
    }
}

impl<A: Agent> Open for Plain<A> {
    fn open(&self, record: &Value, part: u16) -> Body {
        let mut body = open(record, part, |found, rows| self.0.rows("", found, rows));
        // `open_attached` adds them, to a row of their own as well.
        body.approvals.clear();
        body
    }

    fn open_result(&self, record: &Value, part: u16, body: &mut Body) {
        open_result(record, part, body, |found, rows| {
            self.0.rows("", found, rows);
        });
    }

    fn open_attached(&self, record: &Value, part: u16, body: &mut Body) {
        let body_of = open(record, part, |found, rows| self.0.rows("", found, rows));
        add_attached(body_of, body);
    }
}

impl<A: Agent> Request for Plain<A> {}

/// The sessions of the same store that a stored session started.
pub(super) fn stored_companions(
    path: &Path,
    format: &str,
    relations: &mut Relations,
) -> Vec<PathBuf> {
    if sqlite::is_inside(path, format) {
        relations.descendants(path, TIES)
    } else {
        Vec::new()
    }
}

/// Whether a stored session was started by another one of its store.
pub(super) fn is_stored_part(path: &Path, format: &str, relations: &mut Relations) -> bool {
    sqlite::is_inside(path, format) && relations.has_parent(path, TIES)
}

/// Decodes a record with what `tell` reads from it.
pub(super) fn decode(record: Record<'_>, out: &mut FactSink<'_>, fill: impl Fn(&Value, &mut Rows)) {
    let is_line = record.member.is_empty();
    let mut cursor = Cursor::new(record);
    let first = cursor.peek();
    let range = cursor
        .range()
        .and_then(|range| cursor.end().map(|()| range));
    let Some(range) = range.ok().filter(|_| first == b'{' || !is_line) else {
        out.malformed();
        out.note(cursor.notes);
        return;
    };
    let found = json::value(&cursor.bytes()[range.start..range.end]).unwrap_or_default();
    let mut rows = Rows::default();
    fill(&found, &mut rows);
    if rows.entries.is_empty() {
        let is_record = matches!(record.member, b"" | b"[]");
        let kind = if is_record {
            FactKind::Unknown
        } else {
            FactKind::Copy
        };
        out.push(Fact::new(kind));
    }
    // Parts have 15 bits; a record with more rows is not a message.
    for (part, entry) in rows.entries.iter().take(usize::from(IMPLIED)).enumerate() {
        entry.push(part as u16, None, out);
    }
    out.note(cursor.notes);
}

/// Opens a part of a record with what `tell` reads from it.
pub(super) fn open(record: &Value, part: u16, fill: impl Fn(&Value, &mut Rows)) -> Body {
    let mut rows = Rows::default();
    fill(record, &mut rows);
    if part & IMPLIED != 0 {
        let calls = rows.entries.into_iter();
        let calls = calls.filter(|entry| entry.fact.kind == FactKind::ToolCall);
        return Body {
            asks: calls.map(|entry| entry.tool).collect(),
            ..Body::default()
        };
    }
    let entry = rows.entries.into_iter().nth(usize::from(part));
    entry.map_or_else(Body::default, |entry| entry.body)
}

/// Adds the result in part `part` of a record to its call; for a model call, its text.
pub(super) fn open_result(
    record: &Value,
    part: u16,
    body: &mut Body,
    fill: impl Fn(&Value, &mut Rows),
) {
    let mut rows = Rows::default();
    fill(record, &mut rows);
    if let Some(entry) = rows.entries.into_iter().nth(usize::from(part)) {
        if entry.fact.kind == FactKind::Response {
            body.asks.clear();
        }
        add_result(entry.body, body);
    }
}

/// The rows of a record so far.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) entries: Vec<Entry>,
    /// What the following rows share: run, time, model, agent, names.
    pub(super) base: Entry,
}

impl Default for Rows {
    fn default() -> Rows {
        Rows {
            entries: Vec::new(),
            base: Entry::new(FactKind::Unknown),
        }
    }
}

impl Rows {
    /// Adds a row.
    pub(super) fn row(&mut self, kind: FactKind) -> &mut Entry {
        let mut entry = self.base.clone();
        entry.fact.kind = kind;
        self.entries.push(entry);
        let last = self.entries.len() - 1;
        &mut self.entries[last]
    }

    /// Adds a row with a text.
    pub(super) fn text_row(&mut self, kind: FactKind, text: impl Into<String>) -> &mut Entry {
        let entry = self.row(kind);
        entry.body.text = Some(text.into());
        entry
    }

    /// Adds a row with a text, unless that is empty.
    pub(super) fn text_row_if_any(&mut self, kind: FactKind, text: Option<String>) {
        if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
            self.text_row(kind, text);
        }
    }

    pub(super) fn call(&mut self, id: String, tool: String, args: Option<&Value>) -> &mut Entry {
        let entry = self.row(FactKind::ToolCall);
        let args = args.map(unpacked);
        let hashed = args.as_ref().map(Value::to_string).unwrap_or_default();
        entry.fact.hash = assemble::hash(hashed.as_bytes());
        entry.body.id = Some(id.clone());
        entry.body.args = args;
        entry.id = id;
        entry.tool = tool;
        entry
    }

    /// Adds the result of a call. The text of a failure is its error too.
    pub(super) fn result(
        &mut self,
        call: String,
        status: Status,
        result: Option<Value>,
    ) -> &mut Entry {
        let entry = self.row(FactKind::ToolResult);
        entry.call = call;
        entry.fact.status = status;
        if status == Status::Error {
            entry.body.error = result.as_ref().and_then(text_of).map(failure);
        }
        entry.body.result = result.map(|it| unpacked(&it));
        entry
    }

    /// Adds an error.
    pub(super) fn error(&mut self, message: String) -> &mut Entry {
        let entry = self.row(FactKind::Error);
        entry.fact.status = Status::Error;
        entry.body.error = Some(failure(message));
        entry
    }

    /// Tokens and cost of the model call of these rows.
    pub(super) fn usage(&mut self, usage: Usage, cost: Cost) {
        if !usage.is_none() || cost.is_some() {
            let entry = self.row(FactKind::Usage);
            entry.usage = usage;
            entry.fact.cost = cost;
        }
    }

    /// Tokens and cost of all calls of the run together.
    pub(super) fn total(&mut self, usage: Usage, cost: Cost) {
        if !usage.is_none() || cost.is_some() {
            let entry = self.text_row(FactKind::RunTotal, "tokens of all calls");
            entry.usage = usage;
            entry.fact.cost = cost;
        }
    }

    /// A fact that needs no row.
    pub(super) fn copy(&mut self) {
        self.row(FactKind::Copy);
    }

    /// Adds the contents of a message in the form of the model APIs: text, reasoning, calls and results.
    pub(super) fn message(&mut self, message: &Value) {
        let role = string(message, "role").unwrap_or_default();
        let content = message.get("content").unwrap_or(&Value::Null);
        match role.as_str() {
            "tool" | "function" | "toolResult" => {
                let blocks = content.as_array().map(Vec::as_slice).unwrap_or_default();
                if blocks.iter().any(is_result) {
                    for block in blocks {
                        self.block(&role, block);
                    }
                    return;
                }
                let call = word(message, &["tool_call_id", "toolCallId"]);
                let failed = flag(message, &["is_error", "isError"]);
                self.result(call, outcome(failed), Some(content.clone()));
            }
            "user" | "human" | "assistant" | "model" | "ai" | "system" | "developer" => {
                let thought = ["reasoning_content", "reasoning", "reasoning_text"];
                self.text_row_if_any(
                    FactKind::Reasoning,
                    thought.iter().find_map(|key| string(message, key)),
                );
                match content {
                    Value::Array(blocks) => {
                        for block in blocks {
                            self.block(&role, block);
                        }
                    }
                    Value::String(text) => self.text_row_if_any(speech(&role), Some(text.clone())),
                    _ => {}
                }
                for call in list(message, "tool_calls") {
                    let inner = call
                        .get("function")
                        .filter(|it| it.is_object())
                        .unwrap_or(call);
                    let args = given(inner, &["arguments", "input", "args"]);
                    self.call(word(call, &["id"]), word(inner, &["name"]), args);
                }
            }
            _ => {}
        }
    }

    fn block(&mut self, role: &str, block: &Value) {
        match string(block, "type").unwrap_or_default().as_str() {
            "thinking" | "reasoning" | "redacted_thinking" => {
                let text = ["thinking", "text", "reasoning"];
                self.text_row_if_any(
                    FactKind::Reasoning,
                    text.iter().find_map(|key| string(block, key)),
                );
            }
            "tool_use" | "tool-call" | "toolCall" | "tool_call" => {
                let args = given(block, &["input", "args", "arguments"]);
                self.call(
                    word(block, &["id", "toolCallId"]),
                    word(block, &["name", "toolName"]),
                    args,
                );
            }
            "tool_result" | "tool-result" => {
                let failed = flag(block, &["is_error", "isError"]);
                let result = given(block, &["content", "result", "output"]);
                self.result(
                    word(block, &["tool_use_id", "toolCallId"]),
                    outcome(failed),
                    result.cloned(),
                );
            }
            _ => {
                let text = string(block, "text");
                let other = || text_of(&Value::Array(vec![block.clone()]));
                self.text_row_if_any(speech(role), text.or_else(other));
            }
        }
    }
}

fn is_result(block: &Value) -> bool {
    matches!(
        string(block, "type").as_deref(),
        Some("tool_result" | "tool-result")
    )
}

fn speech(role: &str) -> FactKind {
    match role {
        "user" | "human" => FactKind::Prompt,
        "assistant" | "model" | "ai" => FactKind::Response,
        _ => FactKind::Note,
    }
}

fn failure(message: String) -> ErrorText {
    ErrorText {
        message,
        ..ErrorText::default()
    }
}

/// A missing flag does not mean success.
pub(super) fn outcome(failed: Option<bool>) -> Status {
    match failed {
        Some(true) => Status::Error,
        Some(false) => Status::Ok,
        None => Status::Unrecorded,
    }
}

pub(super) fn flag(record: &Value, keys: &[&str]) -> Option<bool> {
    keys.iter().find_map(|key| record.get(key)?.as_bool())
}

/// The first of these members that exists.
pub(super) fn given<'a>(record: &'a Value, keys: &[&str]) -> Option<&'a Value> {
    keys.iter()
        .find_map(|key| record.get(key).filter(|it| !it.is_null()))
}

/// The first of these members that is a string or a number; empty if none is.
pub(super) fn word(record: &Value, keys: &[&str]) -> String {
    match given(record, keys) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

pub(super) fn list<'a>(record: &'a Value, key: &str) -> &'a [Value] {
    let list = record.get(key).and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}

/// An instant, from a text or a number.
pub(super) fn instant(record: &Value, keys: &[&str]) -> Time {
    match given(record, keys) {
        Some(Value::String(text)) => time::from_text(text.as_bytes()),
        Some(value) => value.as_f64().map_or(Time::NONE, time::from_number),
        None => Time::NONE,
    }
}

/// A count of tokens. Negative and fractional ones are not recorded.
pub(super) fn tokens(record: &Value, keys: &[&str]) -> Tokens {
    let number = given(record, keys).and_then(Value::as_f64);
    let whole = number.filter(|it| *it >= 0.0 && it.fract() == 0.0);
    whole.map_or(Tokens::NONE, |count| Tokens::from(count as u64))
}

/// A cost in dollars. 0 is written for an unknown cost.
pub(super) fn dollars(record: &Value, keys: &[&str]) -> Cost {
    let usd = given(record, keys).and_then(Value::as_f64);
    usd.filter(|usd| *usd > 0.0)
        .map_or(Cost::NONE, Cost::from_usd)
}

pub(super) fn millis(record: &Value, keys: &[&str]) -> Elapsed {
    let number = given(record, keys).and_then(Value::as_f64);
    number.map_or(Elapsed::NONE, Elapsed::from_millis)
}

/// Tokens that are all 0 are not recorded.
pub(super) fn counted(usage: Usage) -> Usage {
    let sum = usage.total().or_zero() + usage.reasoning.or_zero();
    if sum == 0 { Usage::NONE } else { usage }
}

/// A count without the parts that are counted separately.
pub(super) fn without(all: Tokens, parts: &[Tokens]) -> Tokens {
    let parts: u64 = parts.iter().map(|part| part.or_zero()).sum();
    all.get()
        .map_or(Tokens::NONE, |all| Tokens::from(all.saturating_sub(parts)))
}
