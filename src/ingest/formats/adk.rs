//! The `adk` format: sessions and eval sets of Google's Agent Development Kit.
//!
//! Names are in snake case or camel case. Prompt tokens include cached ones, and thinking tokens are counted separately
//! from the answer's. Source: `events/event.py`, `sessions/session.py` and `evaluation/eval_case.py` of
//! google/adk-python.

use serde_json::Value;

use super::content::string;
use super::conversation::Conversation;
use super::members::any;
use super::plain::{Agent, Rows, counted, given, instant, list, tokens, without, word};
use crate::ingest::fact::{FactKind, Name};
use crate::ingest::format::{Held, Recorded};
use crate::model::action::Status;
use crate::model::quantity::{Cost, Usage};

#[derive(Debug)]
pub struct Adk;

impl Agent for Adk {
    fn name(&self) -> &'static str {
        "adk"
    }

    fn about(&self) -> &'static str {
        "Google ADK sessions (.session.json) and eval sets (.evalset.json)"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Yes,
            cost: Held::No,
            times: Held::Yes,
            results: Held::Yes,
            approvals: Held::No,
        }
    }

    fn agent(&self) -> &'static str {
        "adk"
    }

    fn assembler(&self) -> Conversation {
        Conversation::new("adk")
    }

    fn lists(&self) -> Option<&'static [&'static str]> {
        Some(&["events", "eval_cases", "evalCases"])
    }

    fn sniff_document(&self, head: &Value) -> u8 {
        let is_session = any(head, &["app_name", "appName"])
            && any(head, &["user_id", "userId"])
            && head.get("events").is_some();
        let is_set =
            any(head, &["eval_set_id", "evalSetId"]) && any(head, &["eval_cases", "evalCases"]);
        if is_session || is_set { 95 } else { 0 }
    }

    fn sniff(&self, record: &Value) -> u8 {
        let parts = record
            .pointer("/content/parts")
            .is_some_and(Value::is_array);
        let is_event = parts
            && record.get("author").is_some()
            && any(record, &["invocation_id", "invocationId"]);
        if is_event { 80 } else { 0 }
    }

    fn rows(&self, member: &str, record: &Value, out: &mut Rows) {
        match member {
            "" if any(record, &["eval_id", "evalId"]) => case(record, out),
            "" => event(record, out),
            "id" => {
                if let Some(id) = record.as_str() {
                    id.clone_into(&mut out.base.run);
                    out.row(FactKind::Setting);
                }
            }
            "app_name" | "appName" | "user_id" | "userId" => {
                let name = if member.starts_with("app") {
                    Name::Service
                } else {
                    Name::User
                };
                let text = record.as_str().unwrap_or_default().to_owned();
                out.row(FactKind::Setting).name(name, text);
            }
            _ => {}
        }
    }
}

fn event(record: &Value, out: &mut Rows) {
    out.base.fact.time = instant(record, &["timestamp"]);
    out.base.body.id = string(record, "id");
    if given(record, &["partial"]).and_then(Value::as_bool) == Some(true) {
        out.copy();
        return;
    }
    let author = word(record, &["author"]);
    let is_user = author == "user";
    if !is_user {
        out.base.model = word(record, &["model_version", "modelVersion"]);
        out.base.name(Name::Group, word(record, &["id"]));
    }
    parts(record.get("content").unwrap_or(&Value::Null), is_user, out);
    if !is_user {
        let counts = given(record, &["usage_metadata", "usageMetadata"]).unwrap_or(&Value::Null);
        if out
            .entries
            .iter()
            .any(|entry| entry.fact.kind != FactKind::ToolResult)
        {
            out.usage(usage(counts), Cost::NONE);
        }
    }
    let code = word(record, &["error_code", "errorCode"]);
    if !code.is_empty() {
        let message = word(record, &["error_message", "errorMessage"]);
        out.error(if message.is_empty() { code } else { message });
    }
    if out.entries.is_empty() {
        out.copy();
    }
}

fn parts(content: &Value, is_user: bool, out: &mut Rows) {
    for part in list(content, "parts") {
        let call = given(part, &["function_call", "functionCall"]);
        let answer = given(part, &["function_response", "functionResponse"]);
        if let Some(call) = call {
            out.call(
                word(call, &["id"]),
                word(call, &["name"]),
                given(call, &["args"]),
            );
        } else if let Some(answer) = answer {
            let response = answer.get("response").unwrap_or(&Value::Null);
            let error = given(response, &["error"]);
            let status = if error.is_some() {
                Status::Error
            } else {
                Status::Unrecorded
            };
            let entry = out.result(
                word(answer, &["id"]),
                status,
                Some(error.unwrap_or(response).clone()),
            );
            entry.tool = word(answer, &["name"]);
        } else {
            let is_thought = part.get("thought").and_then(Value::as_bool) == Some(true);
            let kind = match (is_user, is_thought) {
                (true, _) => FactKind::Prompt,
                (false, true) => FactKind::Reasoning,
                (false, false) => FactKind::Response,
            };
            out.text_row_if_any(kind, string(part, "text"));
        }
    }
}

fn usage(counts: &Value) -> Usage {
    let cached = tokens(
        counts,
        &["cached_content_token_count", "cachedContentTokenCount"],
    );
    let thoughts = tokens(counts, &["thoughts_token_count", "thoughtsTokenCount"]);
    let prompt = tokens(counts, &["prompt_token_count", "promptTokenCount"]);
    counted(Usage {
        input: without(prompt, &[cached]),
        output: tokens(counts, &["candidates_token_count", "candidatesTokenCount"]) + thoughts,
        cache_read: cached,
        reasoning: thoughts,
        ..Usage::NONE
    })
}

/// A case of an eval set: what a run is expected to do.
fn case(record: &Value, out: &mut Rows) {
    let id = word(record, &["eval_id", "evalId"]);
    out.base.run.clone_from(&id);
    out.row(FactKind::ImpliedStart).name(Name::Task, id);
    for turn in list(record, "conversation") {
        out.base.fact.time = instant(turn, &["creation_timestamp", "creationTimestamp"]);
        parts(
            given(turn, &["user_content", "userContent"]).unwrap_or(&Value::Null),
            true,
            out,
        );
        let between =
            given(turn, &["intermediate_data", "intermediateData"]).unwrap_or(&Value::Null);
        for call in given(between, &["tool_uses", "toolUses"])
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let id = word(call, &["id"]);
            out.call(id.clone(), word(call, &["name"]), given(call, &["args"]));
            out.result(id, Status::Unrecorded, None);
        }
        parts(
            given(turn, &["final_response", "finalResponse"]).unwrap_or(&Value::Null),
            false,
            out,
        );
    }
}
