//! The `vscode-chat` format: chat sessions of VS Code (Copilot Chat), documents or journals of changes.
//!
//! A journal sets the session (kind 0), sets a value at a path (1) and appends to a list (2); it is replayed and
//! converted to one line for the session and one per request. How a call was confirmed is recorded. Tokens are those of
//! the last model call of a request, if there are any. Source: `chatModel.ts` and `chatSessionStore.ts` of
//! microsoft/vscode.

use std::path::Path;

use serde_json::{Value, json};

use super::content::{string, text_of};
use super::conversation::Conversation;
use super::members::all;
use super::plain::{Agent, Rows, counted, given, instant, list, millis, tokens, word};
use crate::ingest::body::ApprovalText;
use crate::ingest::fact::{FactKind, Name};
use crate::ingest::format::{Held, Recorded};
use crate::ingest::json;
use crate::ingest::packed::converted::Convert;
use crate::model::action::{Status, Verdict};
use crate::model::quantity::{Cost, Usage};

#[derive(Debug)]
pub struct VscodeChat;

impl Agent for VscodeChat {
    fn name(&self) -> &'static str {
        "vscode-chat"
    }

    fn about(&self) -> &'static str {
        "VS Code chat sessions (Copilot Chat): documents and journals"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Partly,
            cost: Held::No,
            times: Held::Yes,
            results: Held::Partly,
            approvals: Held::Yes,
        }
    }

    fn agent(&self) -> &'static str {
        "copilot-chat"
    }

    fn assembler(&self) -> Conversation {
        Conversation::new("copilot-chat")
    }

    fn folders(&self) -> &'static [&'static str] {
        &[
            ".config/Code/User/globalStorage/emptyWindowChatSessions",
            "Library/Application Support/Code/User/globalStorage/emptyWindowChatSessions",
        ]
    }

    fn lists(&self) -> Option<&'static [&'static str]> {
        Some(&["requests"])
    }

    fn convert(&self, _path: &Path, head: &[u8]) -> Option<Convert> {
        let is_journal = head.starts_with(b"{\"kind\":0,\"v\":{")
            && memchr::memmem::find(head, b"\"sessionId\"").is_some();
        is_journal.then_some(as_lines as Convert)
    }

    fn sniff(&self, record: &Value) -> u8 {
        let is_request = all(record, &["requestId", "message", "response"]);
        if is_request { 80 } else { 0 }
    }

    fn sniff_document(&self, head: &Value) -> u8 {
        let is_session = all(head, &["version", "requests"])
            && head.get("requests").is_some_and(Value::is_array);
        let is_own = head.get("responderUsername").is_some() || head.get("sessionId").is_some();
        if is_session && is_own { 90 } else { 0 }
    }

    fn rows(&self, member: &str, record: &Value, out: &mut Rows) {
        match member {
            "" if record.get("vscode").is_some() => {
                let session = record.get("vscode").unwrap_or(record);
                out.base.run = word(session, &["sessionId"]);
                let start = out.row(FactKind::ImpliedStart);
                start.fact.time = instant(session, &["creationDate"]);
                start.name(Name::Title, word(session, &["customTitle"]));
            }
            "" => request(record, out),
            "sessionId" => {
                if let Some(id) = record.as_str() {
                    id.clone_into(&mut out.base.run);
                    out.row(FactKind::Setting);
                }
            }
            "customTitle" => {
                let title = record.as_str().unwrap_or_default().to_owned();
                out.row(FactKind::Setting).name(Name::Title, title);
            }
            _ => {}
        }
    }
}

fn request(record: &Value, out: &mut Rows) {
    if record.get("message").is_none() {
        return;
    }
    let message = record.get("message").unwrap_or(&Value::Null);
    let result = record.get("result").unwrap_or(&Value::Null);
    let asked = instant(record, &["timestamp"]);
    let id = word(record, &["requestId"]);
    out.base.fact.time = asked;
    let words = text_of(message.get("text").unwrap_or(message));
    out.text_row(FactKind::Prompt, words.unwrap_or_default());
    let model = word(record, &["modelId"]);
    model
        .strip_prefix("copilot/")
        .unwrap_or(&model)
        .clone_into(&mut out.base.model);
    out.base.name(Name::Group, id.clone());
    let mut text = String::new();
    for (at, part) in list(record, "response").iter().enumerate() {
        match word(part, &["kind"]).as_str() {
            "" | "markdownContent" | "markdownVuln" => text.push_str(&markdown(part)),
            "inlineReference" => text.push_str(&reference(part)),
            "thinking" => {
                answer(&mut text, out);
                out.text_row_if_any(
                    FactKind::Reasoning,
                    given(part, &["value"]).and_then(text_of),
                );
            }
            "toolInvocationSerialized" | "toolInvocation" => {
                answer(&mut text, out);
                call(part, (&id, at), result, out);
            }
            "textEditGroup" => {
                answer(&mut text, out);
                let path = part
                    .pointer("/uri/path")
                    .or_else(|| part.pointer("/uri/fsPath"))
                    .cloned();
                let call = format!("{id}.{at}");
                let args = json!({ "path": path, "edits": part.get("edits") });
                out.call(call.clone(), "edit".to_owned(), Some(&args));
                out.result(call, Status::Ok, None);
            }
            "warning" | "confirmation" => {
                answer(&mut text, out);
                out.text_row(FactKind::Note, markdown(part));
            }
            _ => {}
        }
    }
    answer(&mut text, out);
    finish(record, result, out);
}

/// Adds the text so far as an answer.
fn answer(text: &mut String, out: &mut Rows) {
    out.text_row_if_any(FactKind::Response, Some(std::mem::take(text)));
}

fn markdown(part: &Value) -> String {
    let content = given(part, &["value", "content", "message", "title"]).unwrap_or(&Value::Null);
    let inner = content.get("value").unwrap_or(content);
    inner.as_str().unwrap_or_default().to_owned()
}

fn reference(part: &Value) -> String {
    let inner = part.get("inlineReference").unwrap_or(&Value::Null);
    let path = word(inner, &["name", "path", "fsPath"]);
    let path = if path.is_empty() {
        word(
            inner
                .get("location")
                .and_then(|it| it.get("uri"))
                .unwrap_or(inner),
            &["path"],
        )
    } else {
        path
    };
    format!("`{}`", path.rsplit('/').next().unwrap_or(&path))
}

fn call(part: &Value, (request, at): (&str, usize), result: &Value, out: &mut Rows) {
    let recorded = word(part, &["toolCallId"]);
    let id = if recorded.is_empty() {
        format!("{request}.{at}")
    } else {
        recorded.clone()
    };
    let details = part.get("resultDetails").unwrap_or(&Value::Null);
    let asked = asked_for(result, &recorded);
    let terminal = part.pointer("/toolSpecificData/commandLine");
    let line = terminal.and_then(|it| {
        given(it, &["userEdited", "toolEdited", "original"]).or(it.as_str().map(|_| it))
    });
    let args = asked
        .or_else(|| line.map(|line| json!({ "command": line })))
        .or_else(|| part.pointer("/toolSpecificData/rawInput").cloned())
        .or_else(|| details.get("input").cloned())
        .or_else(|| given(part, &["invocationMessage"]).map(|_| json!({ "message": markdown(&json!({ "value": part.get("invocationMessage") })) })));
    out.call(id.clone(), word(part, &["toolId"]), args.as_ref());
    confirmed(part, &id, out);
    let is_denied = out
        .entries
        .last()
        .is_some_and(|entry| entry.fact.verdict == Verdict::Denied);
    let failed = details.get("isError").and_then(Value::as_bool);
    let status = match (
        is_denied,
        part.get("isComplete").and_then(Value::as_bool),
        failed,
    ) {
        (true, ..) => Status::Denied,
        (_, _, Some(true)) => Status::Error,
        (_, Some(true), _) => Status::Ok,
        _ => return,
    };
    let told = result
        .pointer("/metadata/toolCallResults")
        .and_then(|all| all.get(&recorded));
    let text = told
        .and_then(|it| it.get("content"))
        .or_else(|| details.get("output"))
        .and_then(values)
        .or_else(|| string(part.get("pastTenseMessage").unwrap_or(part), "value"));
    out.result(id, status, text.map(Value::String));
}

/// The texts of a result: parts with values.
fn values(content: &Value) -> Option<String> {
    let value = |part: &Value| string(part, "value").or_else(|| text_of(part));
    match content {
        Value::Array(parts) => Some(
            parts
                .iter()
                .filter_map(value)
                .collect::<Vec<_>>()
                .join("\n"),
        ),
        other => text_of(other),
    }
}

/// The arguments of a call, from the rounds of model calls that a result lists. Their ids may be longer.
fn asked_for(result: &Value, id: &str) -> Option<Value> {
    let rounds = result.pointer("/metadata/toolCallRounds")?.as_array()?;
    let calls = rounds.iter().flat_map(|round| list(round, "toolCalls"));
    let mut found = calls.filter(|call| {
        let known = word(call, &["id"]);
        !id.is_empty() && !known.is_empty() && (known.starts_with(id) || id.starts_with(&known))
    });
    found.next()?.get("arguments").cloned()
}

/// How a call was confirmed: 0 refused, 2 and 3 by a setting, 4 by the user.
fn confirmed(part: &Value, call: &str, out: &mut Rows) {
    let told = part.get("isConfirmed").unwrap_or(&Value::Null);
    let kind = told.get("type").and_then(Value::as_i64);
    let (verdict, by) = match (kind, told.as_bool()) {
        (Some(0), _) | (None, Some(false)) => (Verdict::Denied, "user"),
        (Some(2 | 3), _) => (Verdict::Approved, "setting"),
        (Some(4), _) => (Verdict::Approved, "user"),
        _ => return,
    };
    let entry = out.row(FactKind::Approval);
    call.clone_into(&mut entry.call);
    entry.fact.verdict = verdict;
    entry.name(Name::By, by);
    entry.body.approvals.push(ApprovalText::default());
}

fn finish(record: &Value, result: &Value, out: &mut Rows) {
    let meta = result.get("metadata").unwrap_or(&Value::Null);
    let used = result.get("usage").unwrap_or(&Value::Null);
    let count = |keys: &[&str]| {
        let places = [used, meta, record];
        let found = places.iter().map(|place| tokens(place, keys));
        found
            .reduce(|known, next| if known.get().is_some() { known } else { next })
            .unwrap_or_default()
    };
    let usage = counted(Usage {
        input: count(&["promptTokens"]),
        output: count(&["completionTokens", "outputTokens"]),
        ..Usage::NONE
    });
    let has_answer = out
        .entries
        .iter()
        .any(|it| matches!(it.fact.kind, FactKind::Response | FactKind::ToolCall));
    if !has_answer && !usage.is_none() {
        out.text_row(FactKind::Response, "");
    }
    out.usage(usage, Cost::NONE);
    let timings = result.get("timings").unwrap_or(&Value::Null);
    let took = millis(timings, &["totalElapsed"]);
    let last = out
        .entries
        .iter_mut()
        .rev()
        .find(|it| it.fact.kind == FactKind::Response);
    if let Some(entry) = last {
        entry.fact.duration = took;
    }
    if let Some(error) = given(result, &["errorDetails"]) {
        out.error(word(error, &["message"]));
    } else if record.get("isCanceled").and_then(Value::as_bool) == Some(true) {
        out.text_row(FactKind::Note, "canceled").fact.status = Status::Cancelled;
    }
}

/// Replays a journal.
fn as_lines(_path: &Path, text: &[u8]) -> Vec<u8> {
    let mut session = Value::Null;
    for line in text.split(|byte| *byte == b'\n') {
        if let Some(change) = json::value(line) {
            apply(&mut session, &change);
        }
    }
    let requests = session
        .get_mut("requests")
        .map(Value::take)
        .unwrap_or_default();
    let mut told = json!({ "vscode": session }).to_string();
    for request in requests.as_array().into_iter().flatten() {
        told.push('\n');
        told.push_str(&request.to_string());
    }
    told.push('\n');
    told.into_bytes()
}

fn apply(session: &mut Value, change: &Value) {
    let value = change.get("v").cloned().unwrap_or_default();
    let kind = change.get("kind").and_then(Value::as_u64);
    if kind == Some(0) {
        *session = value;
        return;
    }
    let Some(place) = at_path(session, list(change, "k")) else {
        return;
    };
    match (kind, value) {
        (Some(1), value) => *place = value,
        (Some(2), Value::Array(items)) => {
            if !place.is_array() {
                *place = json!([]);
            }
            if let Some(known) = place.as_array_mut() {
                if let Some(keep) = change.get("i").and_then(Value::as_u64) {
                    known.truncate(keep as usize);
                }
                known.extend(items);
            }
        }
        _ => {}
    }
}

/// The value at a path, created if missing; a list grows by at most one.
fn at_path<'a>(root: &'a mut Value, path: &[Value]) -> Option<&'a mut Value> {
    let mut place = root;
    for step in path {
        place = match step {
            Value::String(key) => {
                if !place.is_object() {
                    *place = json!({});
                }
                place
                    .as_object_mut()?
                    .entry(key.clone())
                    .or_insert(Value::Null)
            }
            Value::Number(number) => {
                let at = number.as_u64()? as usize;
                let list = place.as_array_mut()?;
                if at == list.len() {
                    list.push(Value::Null);
                }
                list.get_mut(at)?
            }
            _ => return None,
        };
    }
    Some(place)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_replayed() {
        let journal = r#"{"kind":0,"v":{"version":3,"sessionId":"s","requests":[]}}
{"kind":2,"k":["requests"],"v":[{"requestId":"r1","message":{"text":"a"},"response":[]}]}
{"kind":2,"k":["requests",0,"response"],"v":[{"value":"x"},{"value":"y"}]}
{"kind":2,"k":["requests",0,"response"],"i":1,"v":[{"value":"z"}]}
{"kind":1,"k":["requests",0,"modelId"],"v":"gpt-5"}
{"kind":1,"k":["requests",7,"modelId"],"v":"no such request"}
{"kind":1,"k":["customTitle"],"v":"t"}
"#;
        let told = String::from_utf8(as_lines(Path::new("x"), journal.as_bytes())).expect("text");
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(
            lines,
            [
                r#"{"vscode":{"version":3,"sessionId":"s","requests":null,"customTitle":"t"}}"#,
                r#"{"requestId":"r1","message":{"text":"a"},"response":[{"value":"x"},{"value":"z"}],"modelId":"gpt-5"}"#,
            ]
        );
    }
}
