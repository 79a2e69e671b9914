//! The `tau-bench` format: results of tau-bench, one JSON array with one run per task and trial.
//!
//! The file has no model, times or tokens. The result of a failed tool begins with `Error`. Forks write
//! arguments that are not JSON, and results without call ids, which are then matched in order. Source:
//! sierra-research/tau-bench, `run.py`.

use serde_json::Value;

use super::conversation::Conversation;
use super::messages::{self, Envelope};
use crate::ingest::assemble::Assembler;
use crate::ingest::body::Body;
use crate::ingest::fact::{Fact, FactKind, FactSink, Name, Text};
use crate::ingest::format::{Decode, Format, Held, Layout, Open, Recorded, Request, Sent};
use crate::ingest::formats::content::string;
use crate::ingest::formats::entry::decode_tree;
use crate::ingest::formats::members;
use crate::ingest::json::{Record, View};
use crate::model::action::Status;

#[derive(Debug)]
pub struct TauBench;

impl Format for TauBench {
    fn name(&self) -> &'static str {
        "tau-bench"
    }

    fn about(&self) -> &'static str {
        "tau-bench results, one run per task and trial"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::No,
            cost: Held::No,
            times: Held::No,
            results: Held::Yes,
            approvals: Held::No,
        }
    }
}

impl Decode for TauBench {
    fn sniff(&self, record: &Value) -> u8 {
        let is_message = |it: &Value| it.get("role").is_some();
        let is_run = members::all(record, &["task_id", "reward"])
            && record.get("traj").is_some_and(|traj| {
                traj.as_array().is_some_and(Vec::is_empty) || members::most(traj, is_message)
            });
        if is_run { 90 } else { 0 }
    }

    fn sniff_document(&self, head: &Value) -> u8 {
        let list = head.as_array().map(Vec::as_slice).unwrap_or_default();
        match list {
            [only] if only.get("traj").is_none() => {
                // The first conversation may be longer than what was read.
                60 * u8::from(members::all(only, &["task_id", "reward", "info"]))
            }
            _ if members::most(head, |it| self.sniff(it) > 0) => 90,
            _ => 0,
        }
    }

    fn lists(&self) -> Option<&'static [&'static str]> {
        Some(&[])
    }

    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        decode_tree(record, out, run);
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(Conversation::new("tau-bench").many())
    }
}

impl Layout for TauBench {}

impl Open for TauBench {
    fn open(&self, record: &Value, part: u16) -> Body {
        if record.get("role").is_some() {
            messages::open(record, part)
        } else {
            open_info(record)
        }
    }

    fn open_result(&self, record: &Value, part: u16, body: &mut Body) {
        messages::open_result(record, part, body);
    }
}

impl Request for TauBench {
    fn sent(&self) -> Sent {
        Sent::Messages
    }
}

/// The task is the instruction of the simulated user.
fn open_info(info: &Value) -> Body {
    let task = info.get("task").unwrap_or(info);
    Body {
        text: string(task, "instruction"),
        labels: [(task, "user_id"), (info, "source"), (info, "error")]
            .iter()
            .filter_map(|(value, key)| Some(((*key).to_owned(), string(value, key)?)))
            .collect(),
        ..Body::default()
    }
}

/// The result of a failed tool says so in its text.
pub(super) fn says_error(message: View<'_, '_>) -> Status {
    if message.get("content").opening().starts_with("Error") {
        Status::Error
    } else {
        Status::Ok
    }
}

fn run(record: View<'_, '_>, out: &mut FactSink<'_>) {
    let [task, trial] = ["task_id", "trial"].map(|key| out.copy(record.get(key)));
    let id = name(record, out);
    let info = record.get("info");
    let mut start = Fact::new(FactKind::RunStart);
    if info.is_object() {
        start = start.at(info.range());
    }
    start.run = id;
    out.name(Name::Task, task);
    out.name(Name::Trial, trial);
    out.push(start);
    let mut base = Fact::new(FactKind::Note);
    base.run = id;
    let how = Envelope {
        outcome: says_error,
        inferred: true,
        ..Envelope::new(base)
    };
    for message in record.get("traj").items() {
        messages::decode(message, &how, out);
    }
    let reward = record.get("reward");
    let mut end = Fact::new(FactKind::Setting);
    end.run = id;
    end.status = ending(reward, info.get("error").is_some());
    grade(reward, out);
    out.push(end);
}

/// `task/trial`, the name of a run in its file.
pub(super) fn name(record: View<'_, '_>, out: &mut FactSink<'_>) -> Text {
    let text = |key: &str| {
        let value = record.get(key);
        if value.is_string() {
            value.text().into_owned()
        } else {
            String::from_utf8_lossy(value.number_text()).into_owned()
        }
    };
    out.arena(format!("{}/{}", text("task_id"), text("trial")).as_bytes())
}

/// A reward of 1 means that the task was done. Less does not mean that the run itself ended badly.
pub(super) fn ending(reward: View<'_, '_>, failed: bool) -> Status {
    match reward.number() {
        _ if failed => Status::Error,
        Some(reward) if reward >= 1.0 => Status::Ok,
        _ => Status::Unrecorded,
    }
}

pub(super) fn grade(reward: View<'_, '_>, out: &mut FactSink<'_>) {
    if let Some(number) = reward.number() {
        out.copy_name(Name::Score, reward);
        let correct: &[u8] = if number >= 1.0 { b"true" } else { b"false" };
        let correct = out.arena(correct);
        out.name(Name::Correct, correct);
    }
}
