//! The `tau2-bench` format: results of tau2-bench, one JSON object with all simulations of an agent, or a
//! folder with a file for each.
//!
//! The user is simulated by a model too, with tokens and cost on its messages and tools of its own. Call
//! ids are reused within a run. Some harnesses write the same made-up times for every run. Source:
//! sierra-research/tau2-bench, `data_model/simulation.py`.

mod folder;
mod ticks;

use std::path::Path;

use serde_json::Value;

use super::conversation::{Conversation, known};
use super::messages::{self, Envelope};
use super::tau_bench::{ending, grade, name, says_error};
use crate::ingest::assemble::Assembler;
use crate::ingest::body::Body;
use crate::ingest::fact::{Fact, FactKind, FactSink, Name, Text};
use crate::ingest::format::{Decode, Format, Held, Layout, Open, Recorded, Request, Sent};
use crate::ingest::formats::content::string;
use crate::ingest::formats::entry::decode_tree;
use crate::ingest::json::{Record, View};
use crate::ingest::packed::scattered::Scattered;
use crate::model::action::Status;
use crate::model::quantity::Time;

#[derive(Debug)]
pub struct Tau2Bench;

impl Format for Tau2Bench {
    fn name(&self) -> &'static str {
        "tau2-bench"
    }

    fn about(&self) -> &'static str {
        "tau2-bench results, one run per task and trial"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Partly,
            cost: Held::Partly,
            times: Held::Partly,
            results: Held::Yes,
            approvals: Held::No,
        }
    }
}

impl Decode for Tau2Bench {
    fn sniff_document(&self, head: &Value) -> u8 {
        let info = head
            .get("info")
            .is_some_and(|info| info.get("agent_info").is_some());
        match (info, head.get("simulations")) {
            (true, Some(_)) => 95,
            // Policy and tasks may be longer than what was read.
            (true, None) => 70,
            (false, _) => 0,
        }
    }

    fn lists(&self) -> Option<&'static [&'static str]> {
        Some(&["simulations", "tasks", "simulation_index"])
    }

    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        let member = record.member;
        decode_tree(record, out, |record, out| match member {
            b"info" => setting(record, out),
            b"simulations" if record.is_object() => run(record, out),
            // A file of a folder.
            b"" if record.get("info").get("agent_info").is_object() => {
                setting(record.get("info"), out);
            }
            b"" if record.get("task_id").is_some() => run(record, out),
            _ => out.push(Fact::new(FactKind::Copy)),
        });
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(Conversation::new("tau2-bench").many())
    }
}

impl Layout for Tau2Bench {
    fn gather(&self, path: &Path) -> Option<Scattered> {
        folder::gather(path)
    }

    fn is_aside(&self, folder: &Path) -> bool {
        folder::is_aside(folder)
    }
}

impl Open for Tau2Bench {
    fn open(&self, record: &Value, part: u16) -> Body {
        if record.get("role").is_some() {
            return messages::open(record, part);
        }
        if let Some(args) = record.get("arguments") {
            return Body {
                id: string(record, "id"),
                args: Some(args.clone()),
                ..Body::default()
            };
        }
        let checks = record.get("reward_info").unwrap_or(record);
        Body {
            text: serde_json::to_string_pretty(checks).ok(),
            ..Body::default()
        }
    }

    fn open_result(&self, record: &Value, part: u16, body: &mut Body) {
        messages::open_result(record, part, body);
        if record.get("error").and_then(Value::as_bool) == Some(false) {
            body.error = None;
        }
    }
}

impl Request for Tau2Bench {
    fn sent(&self) -> Sent {
        Sent::Messages
    }
}

/// Settings of all runs in the file.
fn setting(info: View<'_, '_>, out: &mut FactSink<'_>) {
    let mut fact = Fact::new(FactKind::Setting);
    fact.model = out.copy(info.get("agent_info").get("llm"));
    out.copy_name(Name::Env, info.get("environment_info").get("domain_name"));
    out.copy_name(Name::Service, info.get("agent_info").get("implementation"));
    out.push(fact);
}

fn run(record: View<'_, '_>, out: &mut FactSink<'_>) {
    let id = name(record, out);
    let [task, trial] = ["task_id", "trial"].map(|key| out.copy(record.get(key)));
    let checks = record.get("reward_info");
    let mut start = Fact::new(FactKind::RunStart);
    if checks.is_object() {
        start = start.at(checks.range());
    }
    start.run = id;
    out.name(Name::Task, task);
    out.name(Name::Trial, trial);
    // If no message has a time, the times of the run are made up: all runs have the same.
    let ticks = record.get("ticks");
    let timed = |message: View<'_, '_>| message.get("timestamp").is_some();
    let mut spoken = record.get("messages").items().chain(ticks.items());
    let is_timed = spoken.any(timed);
    let time = |key: &str| {
        if is_timed {
            record.get(key).time()
        } else {
            Time::NONE
        }
    };
    start.time = time("start_time");
    out.push(start);
    for message in record.get("messages").items() {
        turn(message, id, out);
    }
    // What is recorded both ways is the same.
    if record.get("messages").items().next().is_none() {
        ticks::decode(ticks, id, out);
    }
    let mut end = Fact::new(FactKind::Setting);
    end.run = id;
    end.time = time("end_time");
    // The costs of messages distinguish agent and user, and add up to this.
    let recorded = |message: View<'_, '_>| known(message.get("cost").usd()).is_some();
    if !record.get("messages").items().any(recorded) {
        end.cost = known(record.get("agent_cost").usd());
    }
    let reason = record.get("termination_reason").raw();
    let failed = matches!(
        reason,
        b"too_many_errors"
            | b"agent_error"
            | b"user_error"
            | b"infrastructure_error"
            | b"max_steps"
            | b"timeout"
            | b"context_window_exceeded"
            | b"unexpected_error"
    );
    let reward = checks.get("reward").or(record.get("reward"));
    end.status = ending(reward, failed);
    grade(reward, out);
    out.push(end);
}

/// What all facts of a message share; without a time of its own it has that of its tick.
fn of_message(message: View<'_, '_>, tick: View<'_, '_>, run: Text) -> Envelope {
    let mut base = Fact::new(FactKind::Note);
    base.run = run;
    base.time = message.get("timestamp").or(tick.get("timestamp")).time();
    Envelope {
        base,
        cost: known(message.get("cost").usd()),
        usage: messages::usage(message.get("usage")),
        outcome,
        inferred: message.get("error").truth().is_none(),
        ..Envelope::new(base)
    }
}

fn turn(message: View<'_, '_>, run: Text, out: &mut FactSink<'_>) {
    let how = of_message(message, message, run);
    let of_user = message.get("role").is("user");
    if of_user && message.get("tool_calls").items().next().is_some() {
        user_call(message, &how, out);
    } else if of_user {
        let mut fact = how.base.at(message.range());
        fact.kind = FactKind::Prompt;
        fact.cost = how.cost;
        fact.model = out.copy(message.get("raw_data").get("model"));
        out.usage(&mut fact, how.usage);
        out.push(fact);
    } else {
        messages::decode(message, &how, out);
    }
}

/// The simulated user uses a tool of its own.
fn user_call(message: View<'_, '_>, how: &Envelope, out: &mut FactSink<'_>) {
    for (at, asked) in message.get("tool_calls").items().enumerate() {
        let mut fact = call(asked, how.base.at(message.range()), true, out);
        fact.part = messages::CALLS + at as u16;
        fact.model = out.copy(message.get("raw_data").get("model"));
        if at == 0 {
            fact.cost = how.cost;
            out.usage(&mut fact, how.usage);
        }
        out.push(fact);
    }
}

fn call(call: View<'_, '_>, base: Fact, of_user: bool, out: &mut FactSink<'_>) -> Fact {
    let mut fact = base;
    fact.kind = FactKind::ToolCall;
    fact.tool = out.copy(call.get("name"));
    fact.id = out.copy(call.get("id"));
    fact.hash = crate::ingest::assemble::hash(call.get("arguments").bytes());
    if of_user {
        let user = out.arena(b"user");
        out.name(Name::Lane, user);
    }
    fact
}

/// A flag if the harness writes one, otherwise the words of the result.
fn outcome(message: View<'_, '_>) -> Status {
    match message.get("error").truth() {
        Some(true) => Status::Error,
        Some(false) => Status::Ok,
        None => says_error(message),
    }
}

#[cfg(test)]
mod tests;
