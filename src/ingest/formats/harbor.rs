//! The `harbor` format: what Harbor and Terminal-Bench record about a trial, `result.json` in its folder.
//!
//! ```text
//! JOB/TRIAL/result.json             task, reward, exception (Terminal-Bench: results.json)
//! JOB/TRIAL/config.json             what was asked for, before there is a result
//! JOB/TRIAL/agent/trajectory.json   the run of the agent, or logs of the agent itself
//! ```
//!
//! A run of an agent gets the task, trial, reward and exception of its trial; a trial without any log of its
//! agent is a run by itself. Input tokens include those from the cache. Source: `harbor/models/trial` of
//! harbor, `terminal_bench/harness/models.py` of terminal-bench.

mod join;

use std::path::Path;

use serde_json::Value;

pub(crate) use self::join::{Join, describes_trials, is_shadowed, trial};
use super::conversation::{Conversation, known};
use crate::ingest::assemble::Assembler;
use crate::ingest::body::{Body, ErrorText};
use crate::ingest::fact::{Fact, FactKind, FactSink, Name, Text};
use crate::ingest::format::{Decode, Format, Held, Layout, Open, Recorded, Request};
use crate::ingest::formats::content::string;
use crate::ingest::formats::entry::decode_tree;
use crate::ingest::formats::members;
use crate::ingest::formats::tau_bench::{ending, grade};
use crate::ingest::json::{Record, View};
use crate::ingest::relations::Relations;
use crate::model::action::Status;
use crate::model::quantity::{Tokens, Usage};

/// The part of a row that stands for an exception.
const EXCEPTION: u16 = 1;

#[derive(Debug)]
pub struct Harbor;

impl Format for Harbor {
    fn name(&self) -> &'static str {
        "harbor"
    }

    fn about(&self) -> &'static str {
        "Harbor and Terminal-Bench trials: task, reward and exception"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Partly,
            cost: Held::Partly,
            times: Held::Yes,
            results: Held::No,
            approvals: Held::No,
        }
    }
}

impl Decode for Harbor {
    fn sniff(&self, record: &Value) -> u8 {
        let harbor = members::all(record, &["trial_name", "task_name", "agent_info"]);
        let bench = members::all(record, &["trial_name", "task_id", "is_resolved"]);
        if harbor || bench { 95 } else { 0 }
    }

    fn takes_whole(&self) -> bool {
        true
    }

    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        decode_tree(record, out, result);
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(Conversation::new("agent"))
    }
}

impl Layout for Harbor {
    fn is_part(&self, path: &Path, _relations: &mut Relations) -> bool {
        join::is_result(path)
    }
}

impl Open for Harbor {
    fn open(&self, record: &Value, part: u16) -> Body {
        if part != EXCEPTION {
            return Body::default();
        }
        let what = record.get("exception_info").unwrap_or(&Value::Null);
        let kind = string(what, "exception_type").or_else(|| string(record, "failure_mode"));
        let message = string(what, "exception_message").unwrap_or_default();
        Body {
            error: Some(ErrorText {
                kind,
                message,
                stack: string(what, "exception_traceback"),
            }),
            ..Body::default()
        }
    }

    fn open_result(&self, _record: &Value, _part: u16, _body: &mut Body) {}
}

impl Request for Harbor {}

fn result(record: View<'_, '_>, out: &mut FactSink<'_>) {
    let id = out.copy(record.get("trial_name"));
    let mut start = Fact::new(FactKind::RunStart);
    start.run = id;
    start.time = record.any(&["started_at", "trial_started_at"]).time();
    names(record, id, out);
    out.push(start);
    total(record, id, out);
    let ended = record.any(&["finished_at", "trial_ended_at"]).time();
    let failed = exception(record);
    if failed != Status::Unrecorded {
        let mut error = Fact::new(FactKind::Error);
        error.run = id;
        error.part = EXCEPTION;
        error.status = failed;
        let occurred = record.get("exception_info").get("occurred_at").time();
        error.time = if occurred.is_some() { occurred } else { ended };
        out.push(error);
    }
    let mut end = Fact::new(FactKind::Setting);
    end.run = id;
    end.time = ended;
    let rewards = record.get("verifier_result").get("rewards");
    let reward = rewards.get("reward").or(only(rewards));
    end.status = match failed {
        Status::Unrecorded => ending(reward, false),
        failed => failed,
    };
    grade(reward, out);
    if let Some(resolved) = record.get("is_resolved").truth() {
        let correct: &[u8] = if resolved { b"true" } else { b"false" };
        let correct = out.arena(correct);
        out.name(Name::Correct, correct);
    }
    out.push(end);
}

/// Task, trial, agent and model. The configuration of a trial names its task by a path.
fn names(record: View<'_, '_>, trial: Text, out: &mut FactSink<'_>) {
    let told = record.any(&["task_name", "task_id"]);
    let task = if told.is_string() {
        out.copy(told)
    } else {
        let asked = record.get("task");
        let name = asked.any(&["name", "path"]).text().into_owned();
        let last = name.trim_end_matches('/').rsplit('/').next();
        out.arena(last.unwrap_or_default().as_bytes())
    };
    out.name(Name::Task, task);
    out.name(Name::Trial, trial);
}

/// The only member of an object.
fn only<'t, 'a>(rewards: View<'t, 'a>) -> View<'t, 'a> {
    let mut members = rewards.members().map(|(_, value)| value);
    match (members.next(), members.next()) {
        (Some(reward), None) => reward,
        _ => rewards.get("reward"),
    }
}

/// What the agent used in total.
fn total(record: View<'_, '_>, run: Text, out: &mut FactSink<'_>) {
    let result = record.get("agent_result");
    let cached = result.get("n_cache_tokens").tokens();
    let input = result
        .get("n_input_tokens")
        .or(record.get("total_input_tokens"));
    let output = result
        .get("n_output_tokens")
        .or(record.get("total_output_tokens"));
    let all = input.tokens();
    let usage = Usage {
        input: all.get().map_or(Tokens::NONE, |all| {
            Tokens::from(all.saturating_sub(cached.or_zero()))
        }),
        output: output.tokens(),
        cache_read: cached,
        ..Usage::NONE
    };
    let mut fact = Fact::new(FactKind::RunTotal);
    fact.run = run;
    fact.cost = known(result.get("cost_usd").usd());
    fact.model = out.copy(record.get("agent_info").get("model_info").get("name"));
    if usage.total().or_zero() > 0 || fact.cost.is_some() {
        out.usage(&mut fact, usage);
        out.push(fact);
    }
}

/// How a trial failed, if it did: by an exception, or as Terminal-Bench calls it.
fn exception(record: View<'_, '_>) -> Status {
    let what = record.get("exception_info");
    let kind = what.get("exception_type").text();
    let mode = record.get("failure_mode").text();
    match (&*kind, &*mode) {
        ("", "" | "none" | "unset") => {
            if what.is_object() {
                Status::Error
            } else {
                Status::Unrecorded
            }
        }
        (kind, mode) if kind.contains("Timeout") || mode.contains("timeout") => Status::Timeout,
        (kind, _) if kind.contains("Cancelled") => Status::Cancelled,
        _ => Status::Error,
    }
}

#[cfg(test)]
mod tests;
