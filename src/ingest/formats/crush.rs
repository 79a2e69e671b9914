//! The `crush` format: the database that Crush keeps in each project.
//!
//! The cost is that of the session, and that of a parent includes its children's. The token columns hold the size of the
//! last request, not a total, so tokens are not recorded. Times are seconds, whatever the schema's comments say. Source:
//! `internal/db` and `internal/message` of charmbracelet/crush.

use serde_json::Value;

use super::content::string;
use super::plain::{Agent, Rows, dollars, flag, given, instant, list, outcome, word};
use crate::ingest::fact::{FactKind, Name};
use crate::ingest::format::{Held, Recorded};
use crate::model::action::{Flags, Status, Verdict};

#[derive(Debug)]
pub struct Crush;

impl Agent for Crush {
    fn name(&self) -> &'static str {
        "crush"
    }

    fn about(&self) -> &'static str {
        "Crush sessions (.crush/crush.db of a project)"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::No,
            cost: Held::Partly,
            times: Held::Yes,
            results: Held::Yes,
            approvals: Held::Partly,
        }
    }

    fn agent(&self) -> &'static str {
        "crush"
    }

    fn sniff(&self, record: &Value) -> u8 {
        let has = |key: &str| record.get(key).is_some();
        let is_message =
            has("session_id") && has("role") && list(record, "parts").iter().any(is_part);
        let is_session = has("message_count") && has("completion_tokens") && has("title");
        if is_message || is_session { 80 } else { 0 }
    }

    fn rows(&self, _member: &str, record: &Value, out: &mut Rows) {
        out.base.fact.time = instant(record, &["created_at"]);
        if record.get("role").is_none() {
            head(record, out);
            return;
        }
        out.base.run = word(record, &["session_id"]);
        out.base.model = word(record, &["model"]);
        out.base.name(Name::Group, word(record, &["id"]));
        let role = word(record, &["role"]);
        let is_summary = given(record, &["is_summary_message"]).and_then(Value::as_i64) == Some(1);
        for part in list(record, "parts") {
            let data = part.get("data").unwrap_or(&Value::Null);
            match word(part, &["type"]).as_str() {
                "text" if is_summary => out.text_row_if_any(FactKind::Note, string(data, "text")),
                "text" if role == "user" => {
                    out.text_row(FactKind::Prompt, word(data, &["text"]));
                }
                "text" => out.text_row_if_any(FactKind::Response, string(data, "text")),
                "reasoning" => out.text_row_if_any(FactKind::Reasoning, string(data, "thinking")),
                "tool_call" => {
                    out.call(
                        word(data, &["id"]),
                        word(data, &["name"]),
                        data.get("input"),
                    );
                }
                "tool_result" => {
                    let status = outcome(flag(data, &["is_error"]));
                    out.result(
                        word(data, &["tool_call_id"]),
                        status,
                        given(data, &["content"]).cloned(),
                    );
                }
                "finish" => finish(data, out),
                "binary" | "image_url" => {
                    let name = word(data, &["Path", "path", "url"]);
                    let entry = out.text_row(FactKind::Note, format!("attachment: {name}"));
                    entry.fact.flags.set(Flags::META);
                }
                _ => {}
            }
        }
        if out.entries.is_empty() {
            out.copy();
        }
    }
}

fn is_part(part: &Value) -> bool {
    part.get("type").is_some() && part.get("data").is_some_and(Value::is_object)
}

fn head(record: &Value, out: &mut Rows) {
    if record.get("title").is_none() {
        return;
    }
    out.base.run = word(record, &["id"]);
    let parent = word(record, &["parent_session_id"]);
    let cost = dollars(record, &["cost"]);
    let start = out.text_row(FactKind::RunStart, word(record, &["title"]));
    start.name(Name::Title, word(record, &["title"]));
    start.name(Name::ParentRun, parent.clone());
    if parent.is_empty() && cost.is_some() {
        out.row(FactKind::Setting).fact.cost = cost;
    }
}

fn finish(data: &Value, out: &mut Rows) {
    let told = string(data, "message").or_else(|| string(data, "details"));
    match word(data, &["reason"]).as_str() {
        "error" => {
            out.error(told.unwrap_or_default());
        }
        "canceled" => {
            out.text_row(FactKind::Note, told.unwrap_or_default())
                .fact
                .status = Status::Cancelled;
        }
        "permission_denied" => out.row(FactKind::Approval).fact.verdict = Verdict::Denied,
        _ => {}
    }
}
