//! The `atif` format: trajectories in the Agent Trajectory Interchange Format, one document per run.
//!
//! Prompt tokens include cached tokens. Copied steps of an earlier segment are duplicates and do not count.
//! The totals of the document include those of its subagents. The status of calls and cache writes are in
//! `extra` if Harbor's converter or our own wrote them. A trajectory that continues in another file
//! (`NAME.cont-1.json` beside `NAME.json`) is read with it; totals of a continuation include everything
//! before it. Source: the models of harbor (`harbor/models/trajectories`), ATIF 1.0 to 1.8, and the output
//! of its agents.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::conversation::{Conversation, known};
use super::messages::{BLOCKS, CALLS, REASONING, TEXT, without};
use crate::ingest::assemble::{self, Assembler};
use crate::ingest::body::Body;
use crate::ingest::fact::{Fact, FactKind, FactSink, IMPLIED, Name, Text};
use crate::ingest::format::{Decode, Format, Held, Layout, Open, Recorded, Request};
use crate::ingest::formats::content::{string, text_of};
use crate::ingest::formats::entry::decode_tree;
use crate::ingest::json::{Record, View};
use crate::ingest::relations::{ReadTies, Relations, Tie};
use crate::ingest::request::{ContextBlock, RequestPart, Role, text_block};
use crate::model::action::{Flags, Status};
use crate::model::quantity::{Time, Usage};

#[derive(Debug)]
pub struct Atif;

impl Format for Atif {
    fn name(&self) -> &'static str {
        "atif"
    }

    fn about(&self) -> &'static str {
        "Agent Trajectory Interchange Format (Harbor, Terminus)"
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

impl Decode for Atif {
    fn sniff_document(&self, head: &Value) -> u8 {
        let version = head.get("schema_version").and_then(Value::as_str);
        if version.is_some_and(|version| version.starts_with("ATIF-")) {
            99
        } else {
            0
        }
    }

    fn lists(&self) -> Option<&'static [&'static str]> {
        Some(&["steps", "subagent_trajectories"])
    }

    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        let member = record.member;
        decode_tree(record, out, |record, out| match member {
            b"steps" if record.is_object() => step(record, Text::default(), out),
            b"subagent_trajectories" => subagent(record, out),
            _ => setting(member, record, out),
        });
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(Conversation::new("agent").totals_first())
    }
}

impl Layout for Atif {
    fn companions(&self, path: &Path, relations: &mut Relations) -> Vec<PathBuf> {
        let mut found = relations.descendants(path, CONTINUATIONS);
        found.sort_by_key(|path| part(path).map(|(_, number)| number));
        found
    }

    fn is_part(&self, path: &Path, relations: &mut Relations) -> bool {
        relations.has_parent(path, CONTINUATIONS)
    }
}

impl Open for Atif {
    fn open(&self, record: &Value, part: u16) -> Body {
        open(record, part)
    }

    fn open_result(&self, record: &Value, part: u16, body: &mut Body) {
        let result = part
            .checked_sub(BLOCKS)
            .and_then(|at| record.pointer("/observation/results")?.get(usize::from(at)));
        if let Some(result) = result {
            body.result = result.get("content").and_then(text_of).map(Value::String);
        } else {
            body.text = record.get("message").and_then(text_of);
            body.asks.clear();
        }
    }
}

impl Request for Atif {
    fn context(&self, record: &Value, part: u16) -> Option<Vec<RequestPart>> {
        if let Some(tools) = record.get("tool_definitions") {
            return Some(vec![RequestPart::Member {
                name: "tools".to_owned(),
                value: tools.clone(),
            }]);
        }
        let is_system = record.get("source").and_then(Value::as_str) == Some("system");
        (is_system && part == TEXT).then(|| system(record))
    }
}

/// The system messages sent to the model. The first one is the system prompt. Later ones reached the model
/// only if our own export says so; otherwise they report events.
fn system(record: &Value) -> Vec<RequestPart> {
    let Some(text) = record
        .get("message")
        .and_then(text_of)
        .filter(|text| !text.is_empty())
    else {
        return Vec::new();
    };
    let extra = |key: &str| record.pointer(&format!("/extra/{key}"));
    let role = extra("role")
        .and_then(Value::as_str)
        .and_then(Role::from_word);
    let is_first = record.get("step_id").and_then(Value::as_u64) == Some(1);
    match role.or_else(|| is_first.then_some(Role::System)) {
        _ if extra("kind").is_some() => Vec::new(),
        Some(role) => vec![RequestPart::Block(ContextBlock::rebuilt(
            role,
            text_block(&text),
        ))],
        None => vec![RequestPart::NotRecorded("a step of the system".to_owned())],
    }
}

const CONTINUATIONS: ReadTies = ReadTies {
    format: "atif",
    read: continuations,
};

/// `NAME` and 2 for `NAME.cont-2.json`.
fn part(path: &Path) -> Option<(&str, u32)> {
    let name = path.file_name()?.to_str()?.strip_suffix(".json")?;
    let (name, number) = name.rsplit_once(".cont-")?;
    Some((name, number.parse().ok()?))
}

/// The continuations in a folder; empty if there are none.
fn continuations(folder: &Path) -> Vec<Tie> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    let ties = paths.iter().filter_map(|path| {
        let (name, number) = part(path)?;
        let of = |number: u32| match number {
            0 => name.to_owned(),
            number => format!("{name}.cont-{number}"),
        };
        Some(Tie {
            name: path.file_name()?.to_owned(),
            id: of(number),
            parent: Some(of(number.saturating_sub(1))),
        })
    });
    let mut ties: Vec<Tie> = ties.collect();
    let known: HashSet<&str> = ties.iter().map(|tie| tie.id.as_str()).collect();
    let parents: HashSet<&str> = ties
        .iter()
        .filter_map(|tie| tie.parent.as_deref())
        .collect();
    let firsts: Vec<Tie> = (paths.iter())
        .filter_map(|path| {
            let id = path.file_stem()?.to_str()?.to_owned();
            let is_first = parents.contains(&*id) && !known.contains(&*id);
            is_first.then(|| Tie {
                name: path.file_name().unwrap_or_default().to_owned(),
                id,
                parent: None,
            })
        })
        .collect();
    ties.extend(firsts);
    ties
}

/// Properties of the run in the `extra` of a trajectory.
const OF_RUN: &[(Name, &str)] = &[
    (Name::User, "user"),
    (Name::Service, "service"),
    (Name::Env, "env"),
    (Name::Task, "task"),
    (Name::Trial, "trial"),
    (Name::Provider, "provider"),
    (Name::Title, "title"),
    (Name::Score, "score"),
];

fn setting(member: &[u8], value: View<'_, '_>, out: &mut FactSink<'_>) {
    let mut fact = Fact::new(FactKind::Setting);
    match member {
        b"session_id" => fact.run = out.copy(value),
        b"agent" => {
            fact.agent = out.copy(value.get("name"));
            fact.model = out.copy(value.get("model_name"));
            out.copy_name(Name::Release, value.get("version"));
            if value.get("tool_definitions").items().next().is_some() {
                // What the model was given is opened as the start of the run.
                fact.kind = FactKind::Setup;
            }
        }
        b"final_metrics" => {
            fact.kind = FactKind::RunTotal;
            out.usage(&mut fact, total(value));
            out.push(fact);
            fact = Fact::new(FactKind::Setting);
            fact.cost = known(value.get("total_cost_usd").usd());
        }
        b"extra" => {
            // Our own converter writes here who ran, and how the run ended.
            for (name, key) in OF_RUN {
                out.copy_name(*name, value.get(key));
            }
            if let Some(correct) = value.get("correct").truth() {
                let text = out.arena(if correct { b"true" } else { b"false" });
                out.name(Name::Correct, text);
            }
            fact.status = match value.get("status").raw() {
                b"ok" => Status::Ok,
                b"error" => Status::Error,
                b"blocked" => Status::Blocked,
                b"cancelled" => Status::Cancelled,
                _ => Status::Unrecorded,
            };
        }
        b"continued_trajectory_ref" | b"notes" if value.is_string() => fact.kind = FactKind::Note,
        _ => fact.kind = FactKind::Copy,
    }
    out.push(fact);
}

fn total(recorded: View<'_, '_>) -> Usage {
    counts(
        recorded,
        [
            "total_prompt_tokens",
            "total_completion_tokens",
            "total_cached_tokens",
        ],
        [
            "total_cache_creation_input_tokens",
            "total_reasoning_output_tokens",
        ],
    )
}

fn usage(recorded: View<'_, '_>) -> Usage {
    counts(
        recorded,
        ["prompt_tokens", "completion_tokens", "cached_tokens"],
        ["cache_creation_input_tokens", "reasoning_output_tokens"],
    )
}

/// Token counts by their names in metrics and in the `extra` of metrics.
fn counts(
    recorded: View<'_, '_>,
    [prompt, completion, cached]: [&str; 3],
    [created, reasoning]: [&str; 2],
) -> Usage {
    let extra = recorded.get("extra");
    let cached = recorded.get(cached).tokens();
    let created = extra.get(created).tokens();
    let beside = cached.or_zero().saturating_add(created.or_zero());
    Usage {
        input: without(recorded.get(prompt).tokens(), beside),
        output: recorded.get(completion).tokens(),
        cache_read: cached,
        cache_write: created,
        cache_write_hour: extra
            .get("cache_creation")
            .get("ephemeral_1h_input_tokens")
            .tokens(),
        reasoning: extra.get(reasoning).tokens(),
        ..Usage::NONE
    }
}

/// A trajectory inside another one is a lane of it.
fn subagent(record: View<'_, '_>, out: &mut FactSink<'_>) {
    let agent = record.get("agent").get("name").text();
    let id = record.any(&["trajectory_id", "session_id"]).text();
    let lane = if agent == id {
        out.copy(record.get("agent").get("name"))
    } else {
        out.arena(format!("{agent}/{id}").as_bytes())
    };
    for recorded in record.get("steps").items() {
        step(recorded, lane, out);
    }
    for recorded in record.get("subagent_trajectories").items() {
        subagent(recorded, out);
    }
}

fn step(record: View<'_, '_>, lane: Text, out: &mut FactSink<'_>) {
    let mut base = Fact::new(FactKind::Unknown).at(record.range());
    base.time = record.get("timestamp").time();
    base.model = out.copy(record.get("model_name"));
    if record.get("is_copied_context").truth() == Some(true) {
        base.kind = FactKind::Copy;
        out.push(base);
        return;
    }
    match record.get("source").raw() {
        b"agent" => agent(record, base, lane, out),
        source => {
            if record.get("extra").get("injected").truth() == Some(true) {
                base.flags.set(Flags::META);
            }
            base.kind = if source == b"user" {
                FactKind::Prompt
            } else {
                FactKind::Note
            };
            out.name(Name::Lane, lane);
            out.push(base);
        }
    }
    let calls = record.get("tool_calls");
    let only = calls.items().next().filter(|_| calls.items().count() == 1);
    for (at, result) in record.get("observation").get("results").items().enumerate() {
        let mut fact = base;
        fact.part = BLOCKS + at as u16;
        let call = result.get("source_call_id");
        let call = match only {
            Some(only) if !call.is_some() => only.get("tool_call_id"),
            _ => call,
        };
        // The time is that of the step: durations of tools are not recorded.
        if call.is_some() {
            fact.time = Time::NONE;
        }
        // Without a call it is the result of the whole step.
        fact.kind = if call.is_some() {
            FactKind::ToolResult
        } else {
            FactKind::Note
        };
        fact.call = out.copy(call);
        outcome(result.get("extra"), &mut fact);
        out.name(Name::Lane, lane);
        out.push(fact);
    }
}

/// The status of a call, if the converter kept it.
fn outcome(extra: View<'_, '_>, fact: &mut Fact) {
    fact.status = match extra.get("tool_result_is_error").truth() {
        Some(true) => Status::Error,
        Some(false) => Status::Ok,
        None => Status::from_bytes(extra.get("status").raw()).unwrap_or(Status::Unrecorded),
    };
    fact.duration = extra.get("duration_ms").millis();
}

fn agent(record: View<'_, '_>, base: Fact, lane: Text, out: &mut FactSink<'_>) {
    let metrics = record.get("metrics");
    let mut usage = usage(metrics);
    let mut cost = known(metrics.get("cost_usd").usd());
    let mut push = |kind, part, mut fact: Fact, out: &mut FactSink<'_>| {
        fact.kind = kind;
        fact.part = part;
        out.name(Name::Lane, lane);
        if kind != FactKind::Reasoning {
            out.usage(&mut fact, std::mem::take(&mut usage));
            fact.cost = std::mem::take(&mut cost);
        }
        out.push(fact);
    };
    if !record.get("reasoning_content").raw().is_empty() {
        push(FactKind::Reasoning, REASONING, base, out);
    }
    let message = record.get("message");
    let calls = record.get("tool_calls");
    let says = !message.raw().is_empty() || message.items().next().is_some();
    if says || calls.items().next().is_none() {
        push(FactKind::Response, TEXT, base, out);
    }
    for (at, call) in calls.items().enumerate() {
        let mut fact = base;
        fact.tool = out.copy(call.get("function_name"));
        fact.id = out.copy(call.get("tool_call_id"));
        fact.hash = assemble::hash(call.get("arguments").bytes());
        push(FactKind::ToolCall, CALLS + at as u16, fact, out);
    }
}

fn open(record: &Value, part: u16) -> Body {
    let mut body = Body {
        id: record.get("step_id").and_then(text_of),
        ..Body::default()
    };
    if record.get("tool_definitions").is_some() {
        return body;
    }
    let calls = record.get("tool_calls").and_then(Value::as_array);
    if part & IMPLIED != 0 {
        let names = calls.into_iter().flatten();
        body.asks = names
            .filter_map(|call| string(call, "function_name"))
            .collect();
    } else if part >= BLOCKS {
        let result = record.pointer("/observation/results");
        let result = result.and_then(|list| list.get(usize::from(part - BLOCKS)));
        let content = result.and_then(|result| result.get("content").or(Some(result)));
        body.text = content.and_then(text_of);
    } else if part >= CALLS {
        let call = calls.and_then(|list| list.get(usize::from(part - CALLS)));
        body.id = call.and_then(|call| string(call, "tool_call_id"));
        let raw = call.and_then(|call| call.pointer("/extra/raw_arguments"));
        body.args = raw.or(call.and_then(|call| call.get("arguments"))).cloned();
    } else if part == REASONING {
        body.text = string(record, "reasoning_content");
    } else {
        body.text = record
            .get("message")
            .and_then(text_of)
            .or_else(|| text_of(record));
    }
    body
}
