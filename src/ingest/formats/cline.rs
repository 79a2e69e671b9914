//! The `cline` format: task folders of Cline and its forks (Roo Code, Kilo Code before 2026), and the message files of
//! Cline's command line.
//!
//! A task is in two files: what was sent to the model, and what was shown. They are joined ([`join`]) and converted to
//! lines of JSON: messages come from the first, times, tokens, cost and approvals from the second. `ask` rows are
//! approval requests; the next row shows when they were answered at the latest. Source: `src/core/storage` and
//! `src/shared/ExtensionMessage.ts` of cline/cline.

mod join;

use std::path::Path;

use serde_json::Value;

use super::members::{all, text};
use super::plain::{Agent, Rows, counted, dollars, given, instant, list, tokens, word};
use crate::ingest::body::ApprovalText;
use crate::ingest::fact::{FactKind, Name};
use crate::ingest::format::{Held, Recorded};
use crate::ingest::formats::entry::Entry;
use crate::ingest::packed::converted::Convert;
use crate::model::action::{Flags, Status, Verdict};
use crate::model::quantity::Usage;

#[derive(Debug)]
pub struct Cline;

/// What was sent to the model, and what was shown.
pub(crate) const SENT: &str = "api_conversation_history.json";
pub(crate) const SHOWN: &str = "ui_messages.json";

/// Whether a file is read along with the other file of its task.
pub(crate) fn is_shadowed(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == SHOWN) && path.with_file_name(SENT).is_file()
}

impl Agent for Cline {
    fn name(&self) -> &'static str {
        "cline"
    }

    fn about(&self) -> &'static str {
        "Cline, Roo Code and Kilo Code tasks (their two files joined), and Cline's command line"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Yes,
            cost: Held::Yes,
            times: Held::Yes,
            results: Held::Yes,
            approvals: Held::Yes,
        }
    }

    fn agent(&self) -> &'static str {
        "cline"
    }

    fn folders(&self) -> &'static [&'static str] {
        &[
            ".config/Code/User/globalStorage/saoudrizwan.claude-dev/tasks",
            ".config/Code/User/globalStorage/rooveterinaryinc.roo-cline/tasks",
            ".config/Code/User/globalStorage/kilocode.kilo-code/tasks",
            "Library/Application Support/Code/User/globalStorage/saoudrizwan.claude-dev/tasks",
            "Library/Application Support/Code/User/globalStorage/rooveterinaryinc.roo-cline/tasks",
            ".cline/data/tasks",
        ]
    }

    fn ending(&self) -> &'static str {
        "json"
    }

    fn is_run(&self, path: &Path) -> bool {
        path.file_name().is_some_and(|name| name == SENT) || !path.with_file_name(SENT).is_file()
    }

    fn convert(&self, path: &Path, head: &[u8]) -> Option<Convert> {
        let name = path.file_name()?.to_str()?;
        let is_list = head.trim_ascii_start().starts_with(b"[");
        let is_cli = || {
            let has = |word: &[u8]| memchr::memmem::find(head, word).is_some();
            name.ends_with(".messages.json") && has(b"\"messages\"") && has(b"\"role\"")
        };
        match name {
            SENT if is_list => Some(join::task as Convert),
            SHOWN if is_list && !is_shadowed(path) => Some(join::shown_alone as Convert),
            _ if is_cli() => Some(join::of_cli as Convert),
            _ => None,
        }
    }

    fn sniff(&self, record: &Value) -> u8 {
        90 * u8::from(all(record, &["cline"]))
    }

    fn rows(&self, _member: &str, record: &Value, out: &mut Rows) {
        out.base.fact.time = instant(record, &["ts"]);
        match text(record, "cline") {
            "task" => {
                out.base.run = word(record, &["id"]);
                out.base.agent = word(record, &["program"]);
                let start = out.row(FactKind::ImpliedStart);
                start.name(Name::Title, word(record, &["title"]));
            }
            "message" => message(record, out),
            "usage" => {
                out.usage(usage(record), dollars(record, &["cost"]));
            }
            "ask" => ask(record, out),
            "error" => {
                out.error(word(record, &["text"]));
            }
            "note" => out.text_row_if_any(FactKind::Note, Some(word(record, &["text"]))),
            _ => {}
        }
    }
}

fn message(record: &Value, out: &mut Rows) {
    let is_answer = text(record, "role") == "assistant";
    if is_answer {
        out.base.model = word(record, &["model"]);
    }
    out.base.name(Name::Group, word(record, &["group"]));
    out.message(record);
    let is_injected = |words: &str| {
        [
            "<environment_details>",
            "# task_progress",
            "[TASK RESUMPTION]",
        ]
        .iter()
        .any(|it| words.starts_with(it))
    };
    let answers = out
        .entries
        .iter()
        .any(|entry| entry.fact.kind == FactKind::ToolResult);
    for entry in &mut out.entries {
        let words = entry.body.text.as_deref().unwrap_or_default();
        if entry.fact.kind == FactKind::Prompt && (answers || is_injected(words)) {
            entry.fact.flags.set(Flags::META);
        }
        if entry.fact.kind == FactKind::ToolResult && is_denial(entry.body.result.as_ref()) {
            entry.fact.status = Status::Denied;
        }
    }
    if is_answer {
        answer_last(out);
        if out.entries.is_empty() {
            out.text_row(FactKind::Response, "");
        }
        out.usage(usage(record), dollars(record, &["cost"]));
    } else if out.entries.is_empty() {
        out.copy();
    }
}

/// The XML tool that ends a task never gets a result.
fn answer_last(out: &mut Rows) {
    let is_end = |it: &&Entry| it.tool == "attempt_completion" && it.id.contains('.');
    let ends = out.entries.iter().filter(is_end).map(|it| it.id.clone());
    for id in ends.collect::<Vec<_>>() {
        out.result(id, Status::Unrecorded, None);
    }
}

/// How the result of a call begins that the user refused.
fn is_denial(result: Option<&Value>) -> bool {
    let words = result.and_then(super::content::text_of).unwrap_or_default();
    [
        "The user denied this operation",
        "The user rejected this operation",
    ]
    .iter()
    .any(|it| words.starts_with(it))
}

fn usage(record: &Value) -> Usage {
    counted(Usage {
        input: tokens(record, &["input"]),
        output: tokens(record, &["output"]),
        cache_read: tokens(record, &["cache_read"]),
        cache_write: tokens(record, &["cache_write"]),
        ..Usage::NONE
    })
}

fn ask(record: &Value, out: &mut Rows) {
    let verdict = match text(record, "answer") {
        "denied" => Verdict::Denied,
        "approved" => Verdict::Approved,
        _ => Verdict::Unrecorded,
    };
    let asked = instant(record, &["ts"]);
    let answered = instant(record, &["answered"]);
    let entry = out.row(FactKind::Approval);
    entry.call = word(record, &["call"]);
    entry.fact.verdict = verdict;
    entry.fact.duration = answered.since(asked);
    entry.name(Name::By, "user");
    entry.body.approvals.push(ApprovalText {
        state: Some(word(record, &["answer"])),
        args: given(record, &["args"]).cloned(),
        ..ApprovalText::default()
    });
}

/// The rows of a list in a JSON file.
fn elements(text: &[u8]) -> Vec<Value> {
    let whole = crate::ingest::json::value_head(text);
    match whole {
        Some(Value::Array(elements)) => elements,
        Some(other) => list(&other, "messages").to_vec(),
        None => Vec::new(),
    }
}
