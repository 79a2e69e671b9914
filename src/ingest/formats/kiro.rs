//! The `kiro` format: sessions of the Kiro command line (formerly Amazon Q), one message a line.
//!
//! Only prompts have times; credits are counted, not tokens. Source: sessions of Kiro; there is no official description.

use serde_json::{Value, json};

use super::content::text_of;
use super::members::text;
use super::plain::{Agent, Rows, given, instant, list, word};
use crate::ingest::fact::{FactKind, Name};
use crate::ingest::format::{Held, Recorded};
use crate::model::action::Status;

#[derive(Debug)]
pub struct Kiro;

impl Agent for Kiro {
    fn name(&self) -> &'static str {
        "kiro"
    }

    fn about(&self) -> &'static str {
        "Kiro command line sessions (.kiro/sessions/cli)"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::No,
            cost: Held::No,
            times: Held::Partly,
            results: Held::Yes,
            approvals: Held::No,
        }
    }

    fn agent(&self) -> &'static str {
        "kiro"
    }

    fn folders(&self) -> &'static [&'static str] {
        &[".kiro/sessions/cli"]
    }

    fn sniff(&self, record: &Value) -> u8 {
        let is_known = matches!(
            text(record, "kind"),
            "Prompt" | "AssistantMessage" | "ToolResults" | "Compaction"
        );
        let data = record.get("data").unwrap_or(record);
        if is_known
            && list(data, "content")
                .iter()
                .all(|it| it.get("kind").is_some())
            && data.get("content").is_some()
        {
            90
        } else {
            0
        }
    }

    fn rows(&self, _member: &str, record: &Value, out: &mut Rows) {
        let data = record.get("data").unwrap_or(record);
        let meta = data.get("meta").unwrap_or(&Value::Null);
        out.base.fact.time = instant(meta, &["timestamp"]).or(instant(data, &["timestamp"]));
        out.base.name(Name::Group, word(data, &["message_id"]));
        let speech = match text(record, "kind") {
            "Prompt" => FactKind::Prompt,
            "AssistantMessage" => FactKind::Response,
            _ => FactKind::Note,
        };
        for block in list(data, "content") {
            let inner = block.get("data").unwrap_or(&Value::Null);
            match text(block, "kind") {
                "text" => out.text_row_if_any(speech, text_of(inner)),
                "thinking" => out.text_row_if_any(
                    FactKind::Reasoning,
                    given(inner, &["text"]).and_then(text_of),
                ),
                "toolUse" => {
                    out.call(
                        word(inner, &["toolUseId"]),
                        word(inner, &["name"]),
                        given(inner, &["input"]),
                    );
                }
                "toolResult" => result(inner, out),
                _ => {}
            }
        }
        if out.entries.is_empty() {
            out.copy();
        }
    }
}

fn result(inner: &Value, out: &mut Rows) {
    let parts: Vec<Value> = match inner.get("content") {
        Some(Value::Array(parts)) => parts
            .iter()
            .map(|it| it.get("data").unwrap_or(it).clone())
            .collect(),
        Some(other) => vec![other.clone()],
        None => Vec::new(),
    };
    let exit = parts
        .iter()
        .find_map(|part| part.get("exit_status")?.as_str());
    let status = match text(inner, "status") {
        "success" if exit.is_some_and(|it| !it.ends_with(": 0") && it != "0") => Status::Error,
        "success" => Status::Ok,
        "error" => Status::Error,
        _ => Status::Unrecorded,
    };
    let whole = match parts.as_slice() {
        [only] => only.clone(),
        parts => json!(parts),
    };
    out.result(word(inner, &["toolUseId"]), status, Some(whole));
}
