//! The `qwen` format: sessions of Qwen Code, lines with the envelope of Claude Code and the messages of
//! Gemini.
//!
//! A message may span lines with one `uuid`. Prompt tokens include cached tokens. `ui_telemetry` lines
//! repeat the calls. A rewind leaves discarded lines behind, which are shown all the same. Source:
//! QwenLM/qwen-code, `chatRecordingService.ts`.

use serde_json::Value;

use super::conversation::Conversation;
use super::messages::{BLOCKS, TEXT, without};
use crate::ingest::assemble::{self, Assembler};
use crate::ingest::body::{Body, ErrorText};
use crate::ingest::fact::{Fact, FactKind, FactSink, IMPLIED, Name};
use crate::ingest::format::{Decode, Format, Held, Layout, Open, Recorded, Request};
use crate::ingest::formats::content::{string, text_of, unpacked};
use crate::ingest::formats::entry::decode_tree;
use crate::ingest::json::{Record, View};
use crate::model::action::{Flags, Status, Verdict};
use crate::model::quantity::Usage;

#[derive(Debug)]
pub struct Qwen;

impl Format for Qwen {
    fn name(&self) -> &'static str {
        "qwen"
    }

    fn about(&self) -> &'static str {
        "Qwen Code sessions"
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
}

impl Decode for Qwen {
    fn sniff(&self, record: &Value) -> u8 {
        let has = |key: &str| record.get(key).is_some();
        let envelope = has("uuid") && has("parentUuid") && has("sessionId");
        let parts = record.pointer("/message/parts").is_some();
        let system = record.get("type").and_then(Value::as_str) == Some("system");
        match envelope {
            true if parts => 95,
            true if system && has("systemPayload") => 95,
            _ => 0,
        }
    }

    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        decode_tree(record, out, line);
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(Conversation::new("qwen-code"))
    }
}

impl Layout for Qwen {
    fn folders(&self) -> &'static [&'static str] {
        &[".qwen/projects"]
    }
}

impl Open for Qwen {
    fn open(&self, record: &Value, part: u16) -> Body {
        open(record, part)
    }

    fn open_result(&self, record: &Value, part: u16, body: &mut Body) {
        let Some(response) = part_of(record, part).and_then(|part| part.get("functionResponse"))
        else {
            body.text = texts(record, false);
            body.asks.clear();
            return;
        };
        let response = response.get("response").unwrap_or(response);
        let output = response.get("output").or_else(|| response.get("error"));
        body.result = Some(unpacked(output.unwrap_or(response)));
        let status = record
            .pointer("/toolCallResult/status")
            .and_then(Value::as_str);
        if matches!(status, Some("error" | "cancelled")) {
            body.error = Some(ErrorText {
                message: body.result.as_ref().and_then(text_of).unwrap_or_default(),
                ..ErrorText::default()
            });
        }
    }
}

impl Request for Qwen {}

fn line(record: View<'_, '_>, out: &mut FactSink<'_>) {
    let mut base = Fact::new(FactKind::Unknown);
    base.time = record.get("timestamp").time();
    base.parent = out.tell(record.get("parentUuid"));
    base.model = out.tell(record.get("model"));
    match record.get("type").raw() {
        b"user" => {
            base.kind = FactKind::Prompt;
            if record.get("subtype").is("notification") {
                base.flags.set(Flags::META);
            }
        }
        b"assistant" => {
            model(record, base, out);
            return;
        }
        b"tool_result" => {
            results(record, base, out);
            return;
        }
        b"system" => base.kind = system(record, out),
        _ => {}
    }
    out.tell_name(Name::Record, record.get("uuid"));
    out.push(base);
}

fn system(record: View<'_, '_>, out: &mut FactSink<'_>) -> FactKind {
    let payload = record.get("systemPayload");
    match record.get("subtype").raw() {
        b"ui_telemetry" if payload.get("uiEvent").get("error_message").is_some() => FactKind::Error,
        b"ui_telemetry" => FactKind::Copy,
        b"custom_title" => {
            out.tell_name(Name::Title, payload.get("customTitle"));
            FactKind::Setting
        }
        _ => FactKind::Note,
    }
}

fn model(record: View<'_, '_>, base: Fact, out: &mut FactSink<'_>) {
    let mut usage = usage(record.get("usageMetadata"));
    let parts = record.get("message").get("parts");
    let is_text = |part: &View<'_, '_>| part.get("text").is_string();
    let is_thought = |part: &View<'_, '_>| part.get("thought").truth() == Some(true);
    let id = out.tell(record.get("uuid"));
    let mut push = |mut fact: Fact, kind, part, out: &mut FactSink<'_>| {
        fact.kind = kind;
        fact.part = part;
        out.name(Name::Group, id);
        out.name(Name::Record, id);
        if kind != FactKind::Reasoning {
            out.usage(&mut fact, std::mem::take(&mut usage));
        }
        out.push(fact);
    };
    for (at, _) in parts
        .items()
        .enumerate()
        .filter(|(_, part)| is_thought(part))
    {
        push(base, FactKind::Reasoning, BLOCKS + at as u16, out);
    }
    if parts
        .items()
        .any(|part| is_text(&part) && !is_thought(&part))
    {
        push(base, FactKind::Response, TEXT, out);
    }
    for (at, part) in parts.items().enumerate() {
        let call = part.get("functionCall");
        if call.is_object() {
            let mut fact = base;
            fact.tool = out.tell(call.get("name"));
            fact.id = out.tell(call.get("id"));
            fact.hash = assemble::hash(call.get("args").bytes());
            push(fact, FactKind::ToolCall, BLOCKS + at as u16, out);
        }
    }
}

fn results(record: View<'_, '_>, base: Fact, out: &mut FactSink<'_>) {
    let told = record.get("toolCallResult");
    for (at, part) in record.get("message").get("parts").items().enumerate() {
        let response = part.get("functionResponse");
        if !response.is_object() {
            continue;
        }
        let mut fact = base;
        fact.kind = FactKind::ToolResult;
        fact.part = BLOCKS + at as u16;
        fact.call = out.tell(response.get("id").or(told.get("callId")));
        fact.status = match told.get("status").raw() {
            b"success" => Status::Ok,
            b"error" => Status::Error,
            b"cancelled" => Status::Denied,
            _ => Status::Unrecorded,
        };
        if fact.status == Status::Denied {
            fact.verdict = Verdict::Denied;
        }
        out.push(fact);
    }
}

fn usage(told: View<'_, '_>) -> Usage {
    let cached = told.get("cachedContentTokenCount").tokens();
    let thoughts = told.get("thoughtsTokenCount").tokens();
    Usage {
        input: without(told.get("promptTokenCount").tokens(), cached.or_zero()),
        output: told.get("candidatesTokenCount").tokens() + thoughts,
        cache_read: cached,
        reasoning: thoughts,
        ..Usage::NONE
    }
}

fn part_of(record: &Value, part: u16) -> Option<&Value> {
    record
        .pointer("/message/parts")?
        .get(usize::from((part & !IMPLIED).checked_sub(BLOCKS)?))
}

/// The texts of a message that are reasoning, or those that are not.
fn texts(record: &Value, thought: bool) -> Option<String> {
    let parts = record.pointer("/message/parts")?.as_array()?;
    let is_it = |part: &&Value| {
        part.get("thought")
            .and_then(Value::as_bool)
            .unwrap_or(false)
            == thought
    };
    let texts: Vec<String> = parts
        .iter()
        .filter(is_it)
        .filter_map(|part| string(part, "text"))
        .collect();
    (!texts.is_empty()).then(|| texts.join("\n"))
}

fn open(record: &Value, part: u16) -> Body {
    let mut body = Body {
        id: string(record, "uuid"),
        parent_id: string(record, "parentUuid"),
        labels: ["cwd", "gitBranch", "version"]
            .iter()
            .filter_map(|key| Some(((*key).to_owned(), string(record, key)?)))
            .collect(),
        ..Body::default()
    };
    let payload = record.get("systemPayload");
    if part & IMPLIED != 0 {
        let parts = record.pointer("/message/parts").and_then(Value::as_array);
        let calls = parts.into_iter().flatten();
        body.asks = calls
            .filter_map(|part| string(part.get("functionCall")?, "name"))
            .collect();
    } else if let Some(part) = part_of(record, part) {
        match part.get("functionCall") {
            Some(call) => {
                body.id = string(call, "id");
                body.args = call.get("args").cloned();
            }
            None => body.text = string(part, "text"),
        }
    } else if let Some(message) = payload.and_then(|it| string(it.get("uiEvent")?, "error_message"))
    {
        body.error = Some(ErrorText {
            message,
            ..ErrorText::default()
        });
    } else {
        let shown = payload.and_then(|payload| string(payload, "displayText"));
        body.text = texts(record, false).or(shown).or_else(|| {
            let kind = string(record, "subtype")?;
            Some(payload.map_or(kind.clone(), |payload| format!("{kind}: {payload}")))
        });
    }
    body
}
