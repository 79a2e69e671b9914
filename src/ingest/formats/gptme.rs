//! The `gptme` format: conversations of gptme (`conversation.jsonl` in a folder for each).
//!
//! Tools are called in the text of the assistant: as a code block whose language is the tool, or as `@tool(id): {…}`. What
//! a tool returned is the next message of the system; whether it failed is not recorded. Source: `gptme/message.py`,
//! `gptme/tools/base.py` of gptme/gptme.

use std::path::Path;

use serde_json::{Value, json};

use super::content::string;
use super::conversation::Conversation;
use super::members::{any, text};
use super::plain::{Agent, Rows, dollars, given, instant, tokens, word};
use crate::ingest::fact::{FactKind, Name};
use crate::ingest::format::{Held, Recorded};
use crate::ingest::packed::converted::Convert;
use crate::model::action::Status;
use crate::model::quantity::{Elapsed, Usage};

#[derive(Debug)]
pub struct Gptme;

/// The languages of code blocks that are run.
const TOOLS: &[&str] = &[
    "append",
    "bash",
    "browser",
    "gh",
    "ipython",
    "mcp",
    "morph",
    "patch",
    "py",
    "python",
    "read",
    "save",
    "screenshot",
    "sh",
    "shell",
    "subagent",
    "tmux",
    "vision",
];

impl Agent for Gptme {
    fn name(&self) -> &'static str {
        "gptme"
    }

    fn about(&self) -> &'static str {
        "gptme conversations (~/.local/share/gptme/logs)"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Partly,
            cost: Held::Partly,
            times: Held::Yes,
            results: Held::Partly,
            approvals: Held::No,
        }
    }

    fn agent(&self) -> &'static str {
        "gptme"
    }

    fn assembler(&self) -> Conversation {
        Conversation::new("gptme")
    }

    fn folders(&self) -> &'static [&'static str] {
        &[".local/share/gptme/logs"]
    }

    fn is_run(&self, path: &Path) -> bool {
        let branches = path
            .parent()
            .filter(|it| it.file_name().is_some_and(|name| name == "branches"));
        let main = branches.and_then(Path::parent).map(|it| it.join(FILE));
        !main.is_some_and(|main| main.is_file())
    }

    /// A result names its call only by its place, so a message that follows is marked as one.
    fn convert(&self, path: &Path, head: &[u8]) -> Option<Convert> {
        let is_named = path.file_name().is_some_and(|name| name == FILE);
        let first = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let is_own = memchr::memmem::find(first, b"\"role\"").is_some()
            && memchr::memmem::find(first, b"\"timestamp\"").is_some();
        (is_named && is_own).then_some(as_lines as Convert)
    }

    fn sniff(&self, record: &Value) -> u8 {
        let is_message = matches!(text(record, "role"), "system" | "user" | "assistant")
            && record.get("content").is_some_and(Value::is_string)
            && record.get("timestamp").is_some_and(Value::is_string);
        let is_own = any(record, &["pinned", "hide", "file_hashes", "ui_only"])
            || record.pointer("/metadata/usage").is_some();
        match (is_message, is_own) {
            (true, true) => 60,
            (true, false) => 15,
            (false, _) => 0,
        }
    }

    fn rows(&self, _member: &str, record: &Value, out: &mut Rows) {
        if let Some(name) = record.get("gptme") {
            name.as_str()
                .unwrap_or_default()
                .clone_into(&mut out.base.run);
            out.row(FactKind::ImpliedStart);
            return;
        }
        out.base.fact.time = instant(record, &["timestamp"]);
        let words = word(record, &["content"]);
        match text(record, "role") {
            "user" => {
                out.text_row(FactKind::Prompt, words);
            }
            "assistant" => answer(record, &words, out),
            _ => match record.get("result_of").and_then(Value::as_str) {
                Some(call) => {
                    out.result(call.to_owned(), Status::Unrecorded, Some(words.into()));
                }
                None => {
                    out.text_row(FactKind::Note, words);
                }
            },
        }
    }
}

/// The main branch of a conversation; other branches are in a folder beside it.
const FILE: &str = "conversation.jsonl";

fn answer(record: &Value, words: &str, out: &mut Rows) {
    let metadata = record.get("metadata").unwrap_or(&Value::Null);
    out.base.model = word(metadata, &["served_model", "model"]);
    let group = word(record, &["gptme_id"]);
    out.base.name(Name::Group, group.clone());
    let timings = metadata.get("timings").unwrap_or(&Value::Null);
    let phases = ["ttft_ms", "gen_ms"].map(|name| timings.get(name).and_then(Value::as_f64));
    let response = out.text_row(FactKind::Response, words);
    if let [Some(first), Some(rest)] = phases {
        response.fact.duration = Elapsed::from_millis(first + rest);
    }
    for (number, call) in calls(words).into_iter().enumerate() {
        let id = call.id.unwrap_or_else(|| format!("{group}/{number}"));
        out.call(id, call.tool, Some(&call.args));
    }
    let usage = given(metadata, &["usage"]).unwrap_or(metadata);
    out.usage(
        Usage {
            input: tokens(usage, &["input_tokens"]),
            output: tokens(usage, &["output_tokens"]),
            cache_read: tokens(usage, &["cache_read_tokens"]),
            cache_write: tokens(usage, &["cache_creation_tokens"]),
            reasoning: tokens(usage, &["reasoning_tokens"]),
            ..Usage::NONE
        },
        dollars(metadata, &["cost"]),
    );
}

#[derive(Debug, PartialEq)]
struct Call {
    id: Option<String>,
    tool: String,
    args: Value,
}

/// The calls in a text.
fn calls(words: &str) -> Vec<Call> {
    let mut found = Vec::new();
    let mut block: Option<(String, Vec<&str>)> = None;
    for line in words.lines() {
        if let Some((head, lines)) = &mut block {
            if line.trim_end() == "```" {
                found.extend(of_block(head, &lines.join("\n")));
                block = None;
            } else {
                lines.push(line);
            }
        } else if let Some(head) = line.strip_prefix("```") {
            block = Some((head.trim().to_owned(), Vec::new()));
        } else {
            found.extend(of_line(line));
        }
    }
    found
}

fn of_block(head: &str, body: &str) -> Option<Call> {
    let (tool, rest) = head.split_once(' ').unwrap_or((head, ""));
    let args = match rest.trim() {
        "" => json!({ "code": body }),
        path => json!({ "path": path, "content": body }),
    };
    TOOLS.contains(&tool).then(|| Call {
        id: None,
        tool: tool.to_owned(),
        args,
    })
}

/// `@shell(call-1): {"command": "ls"}`.
fn of_line(line: &str) -> Option<Call> {
    let (tool, rest) = line.strip_prefix('@')?.split_once('(')?;
    let (id, args) = rest.split_once("):")?;
    let is_name = |it: &str| {
        !it.is_empty()
            && it
                .chars()
                .all(|c| c.is_alphanumeric() || "-_.:".contains(c))
    };
    let args = crate::ingest::json::value(args.trim().as_bytes())?;
    (is_name(tool) && is_name(id) && args.is_object()).then(|| Call {
        id: Some(id.to_owned()),
        tool: tool.to_owned(),
        args,
    })
}

/// The same lines, after a line with the name of the conversation. Each answer gets a number, and each result the id of
/// its call: the oldest call of the last answer that has no result yet.
fn as_lines(path: &Path, whole: &[u8]) -> Vec<u8> {
    let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
    let mut made = json!({"gptme": folder.to_string_lossy()}).to_string();
    let mut open: Vec<String> = Vec::new();
    for (number, line) in whole.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        made.push('\n');
        let Some(mut record) = crate::ingest::json::value(line).filter(Value::is_object) else {
            made.push_str(&String::from_utf8_lossy(line));
            continue;
        };
        match text(&record, "role") {
            "assistant" => {
                let group = number.to_string();
                let words = string(&record, "content").unwrap_or_default();
                let ids = calls(&words).into_iter().enumerate();
                open = ids
                    .map(|(at, call)| call.id.unwrap_or_else(|| format!("{group}/{at}")))
                    .collect();
                record["gptme_id"] = group.into();
            }
            "system" if !open.is_empty() => {
                let named = string(&record, "call_id");
                let at = named.and_then(|id| open.iter().position(|it| *it == id));
                record["result_of"] = open.remove(at.unwrap_or(0)).into();
            }
            _ => open.clear(),
        }
        made.push_str(&record.to_string());
    }
    made.push('\n');
    made.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_found_in_text_and_other_code_is_not_one() {
        let words = "Look:\n```shell\nls\n```\n```rust\nfn main() {}\n```\n```save a b.py\nx = 1\n```\n@gh(call-7): {\"n\": 1}\nmail@x(y): {}\n";
        let call = |id: Option<&str>, tool: &str, args: Value| Call {
            id: id.map(str::to_owned),
            tool: tool.to_owned(),
            args,
        };
        assert_eq!(
            calls(words),
            [
                call(None, "shell", json!({"code": "ls"})),
                call(None, "save", json!({"path": "a b.py", "content": "x = 1"})),
                call(Some("call-7"), "gh", json!({"n": 1})),
            ]
        );
    }

    #[test]
    fn a_result_belongs_to_the_oldest_open_call_of_the_last_answer() {
        let text = [
            r#"{"role":"system","content":"You are gptme","timestamp":"2026-10-01T10:00:00","pinned":true}"#,
            r#"{"role":"assistant","content":"```shell\nls\n```\n```shell\npwd\n```","timestamp":"2026-10-01T10:00:00"}"#,
            r#"{"role":"system","content":"a.py","timestamp":"2026-10-01T10:00:01"}"#,
            "not json",
            r#"{"role":"system","content":"/w","timestamp":"2026-10-01T10:00:02"}"#,
            r#"{"role":"system","content":"note","timestamp":"2026-10-01T10:00:03"}"#,
        ]
        .join("\n");
        let made = as_lines(Path::new("logs/my-run/conversation.jsonl"), text.as_bytes());
        let made = String::from_utf8(made).expect("text");
        let lines: Vec<Value> = made
            .lines()
            .map(|it| serde_json::from_str(it).unwrap_or_default())
            .collect();
        assert_eq!(lines[0]["gptme"], "my-run");
        let results: Vec<&Value> = lines.iter().map(|it| &it["result_of"]).collect();
        assert_eq!(results[3], "1/0");
        assert_eq!(results[5], "1/1");
        assert!(results[1].is_null() && results[6].is_null());
    }
}
