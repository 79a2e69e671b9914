//! The `swe-agent` format: trajectories of SWE-agent, one `.traj` document per run.
//!
//! A step has the response, the command and its output. There are no times, and tokens only as a total,
//! where zeros mean that they were not counted. `history` repeats the steps, except in demonstrations,
//! which have nothing else. Source: SWE-agent/SWE-agent, `sweagent/types.py`.

use serde_json::Value;

use super::conversation::{Conversation, known};
use super::messages::{self, Envelope};
use crate::ingest::assemble::{self, Assembler, Builder, From};
use crate::ingest::body::Body;
use crate::ingest::fact::{Echo, Fact, FactKind, FactSink, IMPLIED};
use crate::ingest::format::{Decode, Format, Held, Layout, Open, Recorded, Request};
use crate::ingest::formats::content::string;
use crate::ingest::formats::entry::decode_tree;
use crate::ingest::formats::members;
use crate::ingest::json::{Record, View};
use crate::model::action::{Flags, Status};
use crate::model::quantity::{Tokens, Usage};

#[derive(Debug)]
pub struct SweAgent;

impl Format for SweAgent {
    fn name(&self) -> &'static str {
        "swe-agent"
    }

    fn about(&self) -> &'static str {
        "SWE-agent trajectories (.traj)"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Partly,
            cost: Held::Partly,
            times: Held::No,
            results: Held::Yes,
            approvals: Held::No,
        }
    }
}

impl Decode for SweAgent {
    fn sniff_document(&self, head: &Value) -> u8 {
        let step = |step: &Value| {
            step.get("action").is_some_and(Value::is_string)
                && members::any(step, &["observation", "response", "thought"])
        };
        let is_message = |it: &Value| members::all(it, &["agent", "role"]);
        let most = |key: &str, fits: &dyn Fn(&Value) -> bool| {
            head.get(key).is_some_and(|list| members::most(list, fits))
        };
        match (most("trajectory", &step), most("history", &is_message)) {
            (true, _) => 95,
            (false, true) => 90,
            (false, false) => 0,
        }
    }

    fn lists(&self) -> Option<&'static [&'static str]> {
        Some(&["trajectory", "history"])
    }

    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        let member = record.member;
        decode_tree(record, out, |record, out| match member {
            b"trajectory" if record.is_object() => step(record, out),
            b"history" if record.is_object() => history(record, out),
            b"info" => info(record, out),
            _ => out.push(Fact::new(FactKind::Copy)),
        });
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(Steps {
            inner: Conversation::new("swe-agent"),
            seen: false,
        })
    }
}

impl Layout for SweAgent {}

impl Open for SweAgent {
    fn open(&self, record: &Value, part: u16) -> Body {
        open(record, part)
    }

    fn open_result(&self, record: &Value, part: u16, body: &mut Body) {
        if record.get("role").is_some() {
            messages::open_result(record, part, body);
        } else {
            body.result = record.get("observation").cloned();
        }
    }
}

impl Request for SweAgent {}

/// The steps count; a history after them repeats them.
#[derive(Debug)]
struct Steps {
    inner: Conversation,
    seen: bool,
}

impl Assembler for Steps {
    fn take(&mut self, fact: &Fact, from: &From<'_>, build: &mut Builder) {
        let mut fact = *fact;
        if fact.echo == Echo::History {
            if self.seen {
                fact.kind = FactKind::Copy;
            }
        } else {
            self.seen |= fact.kind == FactKind::ToolCall || fact.kind == FactKind::Response;
        }
        self.inner.take(&fact, from, build);
    }

    fn finish(&mut self, build: &mut Builder) {
        self.inner.finish(build);
    }
}

/// The one call of a step: it gets its result before the next one begins.
const STEP: &[u8] = b"step";
const CALL: u16 = messages::CALLS;

fn step(record: View<'_, '_>, out: &mut FactSink<'_>) {
    let mut text = Fact::new(FactKind::Response);
    text.part = messages::TEXT;
    if !record
        .any(&["thought", "response"])
        .text()
        .trim()
        .is_empty()
    {
        out.push(text);
    }
    let action = record.get("action").text();
    if action.trim().is_empty() {
        // The harness's reply to a step without a command.
        let mut note = Fact::new(FactKind::Prompt);
        note.part = CALL;
        note.flags.set(Flags::META);
        out.push(note);
        return;
    }
    let mut call = Fact::new(FactKind::ToolCall);
    call.part = CALL;
    call.id = out.arena(STEP);
    let named = record.get("tool_calls").items().next();
    let named = named.map(|call| call.get("function").get("name"));
    call.tool = match named.filter(|name| name.is_string()) {
        Some(name) => out.copy(name),
        None => out.arena(first_word(&action).as_bytes()),
    };
    call.hash = assemble::hash(action.as_bytes());
    out.push(call);
    let mut result = Fact::new(FactKind::ToolResult);
    result.call = out.arena(STEP);
    result.part = CALL;
    result.duration = record.get("execution_time").seconds();
    result.status = status_of(&record.get("observation").text());
    if result.status != Status::Unrecorded {
        result.flags.set(Flags::INFERRED);
    }
    out.push(result);
}

/// The status, inferred from the environment's text; no field states it.
fn status_of(observation: &str) -> Status {
    let begin: String = observation.trim_start().chars().take(400).collect();
    let starts = |phrases: &[&str]| phrases.iter().any(|phrase| begin.starts_with(phrase));
    if starts(&["COMMAND TIMED OUT", "EXECUTION TIMED OUT"]) {
        Status::Timeout
    } else if begin.contains("edit has introduced new syntax error") {
        Status::Error
    } else {
        Status::Unrecorded
    }
}

fn first_word(action: &str) -> &str {
    action.split_whitespace().next().unwrap_or_default()
}

fn history(record: View<'_, '_>, out: &mut FactSink<'_>) {
    let mut base = Fact::new(FactKind::Note);
    base.echo = Echo::History;
    messages::decode(record, &Envelope::new(base), out);
}

fn info(record: View<'_, '_>, out: &mut FactSink<'_>) {
    let mut fact = Fact::new(FactKind::RunEnd);
    let stats = record.get("model_stats");
    let count = |key: &str| match stats.get(key).tokens() {
        Tokens(0) => Tokens::NONE,
        count => count,
    };
    let usage = Usage {
        input: count("tokens_sent"),
        output: count("tokens_received"),
        ..Usage::NONE
    };
    out.usage(&mut fact, usage);
    fact.cost = known(stats.get("instance_cost").usd());
    let status = record.get("exit_status");
    fact.status = match status.raw() {
        b"submitted" => Status::Ok,
        b"" => Status::Unrecorded,
        _ => Status::Error,
    };
    out.push(fact);
}

fn open(record: &Value, part: u16) -> Body {
    if record.get("role").is_some() {
        return messages::open(record, part);
    }
    let action = string(record, "action").unwrap_or_default();
    let mut body = Body::default();
    if part & IMPLIED != 0 {
        body.asks = vec![first_word(&action).to_owned()];
    } else if record.get("exit_status").is_some() || record.get("model_stats").is_some() {
        let recorded = ["exit_status", "submission"].iter();
        let recorded: Vec<String> = recorded.filter_map(|key| string(record, key)).collect();
        body.text = Some(recorded.join("\n"));
    } else if part == CALL && action.trim().is_empty() {
        body.text = string(record, "observation");
    } else if part == CALL {
        let call = record.pointer("/tool_calls/0");
        match call {
            Some(call) => messages::open_call(call, &mut body),
            None => body.args = Some(Value::String(action)),
        }
    } else {
        let thought = string(record, "thought").filter(|thought| !thought.trim().is_empty());
        body.text = thought.or_else(|| string(record, "response"));
    }
    body
}
