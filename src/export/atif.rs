//! A run as one document of the Agent Trajectory Interchange Format.
//!
//! A step is one inference of the model with its tool calls and results, or an event from elsewhere. Data
//! that the format has no field for (call status, policy decisions, approvals) goes to `extra`, under the
//! names that Harbor's converters use if they have one. Only recorded costs are written.
//! Source: `harbor/models/trajectories`, ATIF 1.8.

mod steps;

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};

use serde_json::{Map, Value, json};

use self::steps::{Agent, Step};
use crate::analysis::context;
use crate::export::json::{self, Escapes};
use crate::export::saferun::{error, pieces, put, stamp, symbol, text, verdict, word};
use crate::ingest::body::Body;
use crate::ingest::request::{Api, RequestPart};
use crate::model::action::{ActionIx, Flags, Kind, Status};
use crate::model::outcome::AttachedKind;
use crate::model::quantity::{Cost, Tokens, Usage};
use crate::model::run::{CostSource, Run, RunStatus};
use crate::model::symbol::Sym;
use crate::store::Store;
use crate::store::bodies::{self, Depth};
use crate::store::row::Row;

/// The version that we write: the newest that readers of 1.x know.
const VERSION: &str = "ATIF-v1.8";

/// Written where a name is required and none was recorded.
const UNKNOWN: &str = "unknown";

/// Writes the document of a run with these actions, with one step in memory at a time.
pub fn write(
    out: &mut dyn Write,
    store: &Store,
    run: &Run,
    actions: &[ActionIx],
) -> io::Result<()> {
    let known: HashSet<Sym> = run.lanes.iter().map(|lane| lane.agent).collect();
    let mut own: HashMap<Option<Sym>, Vec<ActionIx>> = HashMap::new();
    for &ix in actions {
        let agent = store.row(ix).agent_sym();
        let lane = known.contains(&agent).then_some(agent);
        own.entry(lane).or_default().push(ix);
    }
    let mut writer = TrajectoryWriter {
        store,
        run,
        known,
        own,
        started: HashMap::new(),
        below: HashMap::new(),
        used: HashSet::new(),
        out,
    };
    writer.nest();
    writer.trajectory(None)?;
    out.write_all(b"\n")
}

/// The deepest nesting of subagents; deeper ones are written as siblings.
const DEEPEST: usize = 16;

struct TrajectoryWriter<'a> {
    store: &'a Store,
    run: &'a Run,
    known: HashSet<Sym>,
    /// The actions of the main agent and of each lane.
    own: HashMap<Option<Sym>, Vec<ActionIx>>,
    /// The lanes that a call started.
    started: HashMap<ActionIx, Vec<Sym>>,
    /// The lanes nested in the main trajectory and in each lane: each once, whatever the trace
    /// says about who started whom.
    below: HashMap<Option<Sym>, Vec<Sym>>,
    /// Call ids in use.
    used: HashSet<String>,
    out: &'a mut dyn Write,
}

impl TrajectoryWriter<'_> {
    /// Decides which lane is nested in which.
    fn nest(&mut self) {
        let above: HashMap<Sym, Sym> = (self.run.lanes.iter())
            .filter_map(|lane| {
                let starter = self.lane(&self.store.row(lane.parent.get()?))?;
                Some((lane.agent, starter))
            })
            .collect();
        // A chain that is too long or goes in a circle does not end at the main agent.
        let ends = |lane: Sym| {
            let mut at = Some(lane);
            let chain = std::iter::from_fn(|| {
                at = above.get(&at?).copied();
                at
            });
            chain.take(DEEPEST + 1).count() <= DEEPEST
        };
        for lane in &self.run.lanes {
            let inside = above.get(&lane.agent).copied().filter(|_| ends(lane.agent));
            self.below.entry(inside).or_default().push(lane.agent);
            if lane.parent != ActionIx::NONE {
                self.started
                    .entry(lane.parent)
                    .or_default()
                    .push(lane.agent);
            }
        }
    }

    /// The trajectory of the run, or of a subagent in it.
    fn trajectory(&mut self, lane: Option<Sym>) -> io::Result<()> {
        let mut head = Map::new();
        head.insert("schema_version".to_owned(), VERSION.into());
        put(&mut head, "session_id", text(&self.run.id));
        let name = lane.and_then(|lane| symbol(self.store, lane));
        put(&mut head, "trajectory_id", name.clone());
        let own = self.own.remove(&lane).unwrap_or_default();
        head.insert("agent".to_owned(), self.agent(name, &own));
        self.members(&head)?;
        self.out.write_all(b",\"steps\":[")?;
        let steps = steps::of(self.store, &own);
        for (at, step) in steps.iter().enumerate() {
            let mut told = Map::new();
            told.insert("step_id".to_owned(), (at + 1).into());
            match step {
                Step::Event(ix) => self.other(&self.store.row(*ix), &mut told),
                Step::Agent(step) => self.inference(step, &mut told),
            }
            let comma: &[u8] = if at == 0 { b"\n" } else { b",\n" };
            self.out.write_all(comma)?;
            json::write(self.out, &told, Escapes::Unsafe)?;
        }
        if steps.is_empty() {
            let nothing = json!({"step_id": 1, "source": "system", "message": ""});
            json::write(self.out, &nothing, Escapes::Unsafe)?;
        }
        self.out.write_all(b"\n]")?;
        if lane.is_none() {
            self.rest(steps.len().max(1), &own)?;
        }
        self.subagents(lane)?;
        self.out.write_all(b"}")
    }

    /// Opens an object and writes its first members; the caller closes it.
    fn members(&mut self, members: &Map<String, Value>) -> io::Result<()> {
        let object = json::text(members, Escapes::Unsafe);
        let open = object.strip_suffix('}').unwrap_or_default();
        self.out.write_all(open.as_bytes())
    }

    fn subagents(&mut self, lane: Option<Sym>) -> io::Result<()> {
        let inside = self.below.remove(&lane).unwrap_or_default();
        for (at, inner) in inside.iter().enumerate() {
            let open: &[u8] = if at == 0 {
                b",\"subagent_trajectories\":[\n"
            } else {
                b",\n"
            };
            self.out.write_all(open)?;
            self.trajectory(Some(*inner))?;
        }
        if !inside.is_empty() {
            self.out.write_all(b"]")?;
        }
        Ok(())
    }

    fn lane(&self, row: &Row<'_>) -> Option<Sym> {
        let agent = row.agent_sym();
        self.known.contains(&agent).then_some(agent)
    }

    fn agent(&self, lane: Option<Value>, own: &[ActionIx]) -> Value {
        let who = &self.run.who;
        let mut agent = Map::new();
        let name = lane.or_else(|| symbol(self.store, who.agent));
        agent.insert("name".to_owned(), name.unwrap_or_else(|| UNKNOWN.into()));
        let release = symbol(self.store, who.release);
        agent.insert(
            "version".to_owned(),
            release.unwrap_or_else(|| UNKNOWN.into()),
        );
        if let [only] = who.models[..] {
            put(&mut agent, "model_name", symbol(self.store, only));
        }
        put(&mut agent, "tool_definitions", self.tools(own));
        Value::Object(agent)
    }

    /// Tool schemas, from the start of the run or its first model call.
    fn tools(&self, own: &[ActionIx]) -> Option<Value> {
        let rows = own.iter().map(|ix| self.store.row(*ix));
        let told = rows.filter(|row| matches!(row.kind(), Kind::RunStart | Kind::Response));
        told.take(2).flat_map(|row| pieces(&row)).find_map(tools)
    }

    /// A message from anyone but the model, or another event.
    fn other(&mut self, row: &Row<'_>, step: &mut Map<String, Value>) {
        let body = bodies::open(row, Depth::Full);
        put(step, "timestamp", stamp(row.time()));
        let source = if row.kind() == Kind::Prompt {
            "user"
        } else {
            "system"
        };
        step.insert("source".to_owned(), source.into());
        let message = body.text.clone().or_else(|| {
            let error = body.error.as_ref()?;
            Some(error.message.clone())
        });
        let message = message.unwrap_or_else(|| match row.kind() {
            Kind::Malformed => {
                String::from_utf8_lossy(&bodies::raw(row, row.place(), usize::MAX)).into_owned()
            }
            _ => String::new(),
        });
        step.insert("message".to_owned(), message.into());
        let mut extra = Map::new();
        // Of messages that are not from the user, only some were sent to the model.
        let is_note = row.kind() == Kind::Note;
        if let Some(role) = context::speaker(row).filter(|_| is_note) {
            extra.insert("role".to_owned(), role.word().into());
        } else if row.kind() != Kind::Prompt {
            extra.insert("kind".to_owned(), row.kind().word().into());
        }
        if row.flags().has(Flags::META) {
            extra.insert("injected".to_owned(), true.into());
        }
        put(&mut extra, "error", body.error.as_ref().map(error));
        self.verdicts(row, &body, &mut extra);
        keep(step, extra);
    }

    fn inference(&mut self, actions: &Agent, step: &mut Map<String, Value>) {
        let first = self.store.row(actions.first());
        put(step, "timestamp", stamp(first.time()));
        step.insert("source".to_owned(), "agent".into());
        put(step, "model_name", text(first.model()));
        let messages: Vec<Body> = self.open(&actions.messages);
        let message = messages.iter().filter_map(|body| body.text.as_deref());
        step.insert("message".to_owned(), joined(message).into());
        let thoughts = self.open(&actions.reasoning);
        let thoughts = joined(thoughts.iter().filter_map(|body| body.text.as_deref()));
        put(step, "reasoning_content", text(&thoughts));
        let mut calls = Vec::new();
        let mut results = Vec::new();
        for &ix in &actions.calls {
            let (call, result) = self.call(&self.store.row(ix));
            calls.push(call);
            results.extend(result);
        }
        put(step, "tool_calls", list(calls));
        if let Some(results) = list(results) {
            step.insert("observation".to_owned(), json!({ "results": results }));
        }
        // A call that no answer asked for has no tokens of a model.
        let counted = actions.messages.iter().chain(&actions.reasoning);
        let counted: Vec<Row<'_>> = counted.map(|ix| self.store.row(*ix)).collect();
        let metrics = metrics(&counted);
        put(
            step,
            "metrics",
            (!metrics.is_empty()).then_some(Value::Object(metrics)),
        );
        let mut extra = Map::new();
        put(
            &mut extra,
            "duration_ms",
            first.duration().millis().map(Value::from),
        );
        let failed = messages.iter().find_map(|body| body.error.as_ref());
        put(&mut extra, "error", failed.map(error));
        if first.status() != Status::Ok {
            put(&mut extra, "status", word(first.status()));
        }
        for (ix, body) in actions.messages.iter().zip(&messages) {
            self.verdicts(&self.store.row(*ix), body, &mut extra);
        }
        keep(step, extra);
    }

    fn open(&self, actions: &[ActionIx]) -> Vec<Body> {
        let rows = actions.iter().map(|ix| self.store.row(*ix));
        rows.map(|row| bodies::open(&row, Depth::Full)).collect()
    }

    /// A call, and its result if there is one.
    fn call(&mut self, row: &Row<'_>) -> (Value, Option<Value>) {
        let body = bodies::open(row, Depth::Full);
        let id = self.id(row, &body);
        let mut call = json!({"tool_call_id": id, "function_name": row.tool()});
        let call = call.as_object_mut().expect("it is one");
        let mut extra = Map::new();
        // Arguments have to be an object.
        let args = match body.args.clone() {
            Some(Value::Object(args)) => args,
            other => {
                put(&mut extra, "raw_arguments", other);
                Map::new()
            }
        };
        call.insert("arguments".to_owned(), Value::Object(args));
        self.verdicts(row, &body, &mut extra);
        keep(call, extra);
        let call = Value::Object(std::mem::take(call));
        let own = self.lane(row);
        let started = self.started.get(&row.ix()).into_iter().flatten();
        let started = started.filter(|lane| Some(**lane) != own);
        let started = started.filter_map(|lane| symbol(self.store, *lane));
        let started: Vec<Value> = started.map(|id| json!({ "trajectory_id": id })).collect();
        let came = body.result.is_some()
            || body.error.is_some()
            || row.duration().is_some()
            || !matches!(row.status(), Status::Pending | Status::Unrecorded);
        if !came && started.is_empty() {
            return (call, None);
        }
        let mut result = Map::new();
        result.insert("source_call_id".to_owned(), id.into());
        if came {
            outcome(row, body, &mut result);
        }
        put(&mut result, "subagent_trajectory_ref", list(started));
        (call, Some(Value::Object(result)))
    }

    fn id(&mut self, row: &Row<'_>, body: &Body) -> String {
        let told = body.id.clone().filter(|id| !id.is_empty());
        let mut id = told.unwrap_or_else(|| format!("a{}", row.ix().0));
        while !self.used.insert(id.clone()) {
            id = format!("{id}~a{}", row.ix().0);
        }
        id
    }

    /// Policy decisions and approvals of an action.
    fn verdicts(&self, row: &Row<'_>, body: &Body, extra: &mut Map<String, Value>) {
        let mut counts = (0, 0);
        let [mut decisions, mut approvals] = [Vec::new(), Vec::new()];
        for attached in row.attached() {
            let mut record = Map::new();
            put(&mut record, "timestamp", stamp(attached.time));
            verdict(self.store, attached, body, &mut counts, &mut record);
            match attached.kind {
                AttachedKind::Decision => decisions.push(Value::Object(record)),
                AttachedKind::Approval => approvals.push(Value::Object(record)),
            }
        }
        put(extra, "policy_decisions", list(decisions));
        put(extra, "approvals", list(approvals));
    }

    /// Totals and outcome of the run.
    fn rest(&mut self, steps: usize, own: &[ActionIx]) -> io::Result<()> {
        let mut totals = tokens(&self.run.totals.usage, "total_");
        let recorded = self.run.cost();
        let recorded = recorded.filter(|(_, source)| *source == CostSource::Recorded);
        put(
            &mut totals,
            "total_cost_usd",
            recorded.and_then(|(cost, _)| cost.usd()).map(Value::from),
        );
        totals.insert("total_steps".to_owned(), steps.into());
        let who = &self.run.who;
        let mut extra = Map::new();
        let named = [
            ("user", who.user),
            ("service", who.service),
            ("env", who.env),
            ("task", who.task),
            ("trial", who.trial),
            ("provider", who.provider),
        ];
        for (key, name) in named {
            put(&mut extra, key, symbol(self.store, name));
        }
        let run = self.run;
        put(&mut extra, "title", run.title.as_deref().map(Value::from));
        if run.status != RunStatus::Unknown {
            extra.insert("status".to_owned(), run.status.word().into());
        }
        put(&mut extra, "score", run.score.map(Value::from));
        put(&mut extra, "correct", run.correct.map(Value::from));
        let last = own.last().map(|ix| self.store.row(*ix));
        if let Some(end) = last.filter(|row| row.kind() == Kind::RunEnd) {
            let body = bodies::open(&end, Depth::Full);
            put(&mut extra, "reason", body.text.map(Value::from));
        }
        let mut members = Map::new();
        members.insert("final_metrics".to_owned(), Value::Object(totals));
        keep(&mut members, extra);
        let members = json::text(&members, Escapes::Unsafe);
        let inside = members
            .strip_prefix('{')
            .and_then(|it| it.strip_suffix('}'));
        self.out.write_all(b",")?;
        self.out.write_all(inside.unwrap_or_default().as_bytes())
    }
}

/// Function definitions in the form of the chat API, whichever API they were recorded for.
fn tools(piece: RequestPart) -> Option<Value> {
    let told = match piece {
        RequestPart::Member { name, value } if name == "tools" => value,
        RequestPart::Request(mut body) => body.get_mut("tools")?.take(),
        _ => return None,
    };
    let Value::Array(tools) = context::tools(Api::Chat, &told) else {
        return None;
    };
    let is_function = |tool: &Value| tool.get("function").is_some();
    list(tools.into_iter().filter(is_function).collect())
}

/// Status and result of a call.
fn outcome(row: &Row<'_>, body: Body, result: &mut Map<String, Value>) {
    let mut extra = Map::new();
    let failed = match row.status() {
        Status::Error => Some(true),
        Status::Ok => Some(false),
        _ => None,
    };
    put(&mut extra, "tool_result_is_error", failed.map(Value::from));
    if failed.is_none() {
        put(&mut extra, "status", word(row.status()));
    }
    put(
        &mut extra,
        "duration_ms",
        row.duration().millis().map(Value::from),
    );
    put(&mut extra, "error", body.error.as_ref().map(error));
    put(&mut extra, "cost_usd", recorded(row));
    let message = body.error.map(|error| error.message.into());
    let content = body.result.or(message).map(|told| match told {
        Value::String(_) => told,
        other => other.to_string().into(),
    });
    put(result, "content", content);
    keep(result, extra);
}

/// Tokens and recorded cost of an inference, summed over its parts.
fn metrics(rows: &[Row<'_>]) -> Map<String, Value> {
    let usage = rows
        .iter()
        .fold(Usage::NONE, |sum, row| sum.plus(&row.usage()));
    let mut all = tokens(&usage, "");
    let costs = rows.iter().filter(|row| !row.flags().has(Flags::ESTIMATED));
    let cost = costs.fold(Cost::NONE, |sum, row| sum + row.cost());
    put(&mut all, "cost_usd", cost.usd().map(Value::from));
    all
}

fn recorded(row: &Row<'_>) -> Option<Value> {
    let cost = Some(row.cost()).filter(|_| !row.flags().has(Flags::ESTIMATED));
    cost.and_then(Cost::usd).map(Value::from)
}

/// Token counts. Prompt tokens include cached ones, as the format requires; if part of the prompt is not
/// recorded, there is no prompt count.
fn tokens(usage: &Usage, prefix: &str) -> Map<String, Value> {
    let mut out = Map::new();
    let mut extra = Map::new();
    let count = |tokens: Tokens| tokens.get().map(Value::from);
    let cached = usage.cache_read.or_zero() + usage.cache_write.or_zero();
    let prompt = usage.input.get().map(|input| (input + cached).into());
    put(&mut out, &format!("{prefix}prompt_tokens"), prompt);
    put(
        &mut out,
        &format!("{prefix}completion_tokens"),
        count(usage.output),
    );
    put(
        &mut out,
        &format!("{prefix}cached_tokens"),
        count(usage.cache_read),
    );
    put(
        &mut extra,
        &format!("{prefix}cache_creation_input_tokens"),
        count(usage.cache_write),
    );
    // Writes that are kept for an hour cost more: the name of Anthropic's usage, as Harbor keeps it.
    if let (Some(hour), "") = (usage.cache_write_hour.get(), prefix) {
        let kept = json!({ "ephemeral_1h_input_tokens": hour });
        extra.insert("cache_creation".to_owned(), kept);
    }
    put(
        &mut extra,
        &format!("{prefix}reasoning_output_tokens"),
        count(usage.reasoning),
    );
    keep(&mut out, extra);
    out
}

fn keep(object: &mut Map<String, Value>, extra: Map<String, Value>) {
    if !extra.is_empty() {
        object.insert("extra".to_owned(), Value::Object(extra));
    }
}

fn list(values: Vec<Value>) -> Option<Value> {
    (!values.is_empty()).then_some(Value::Array(values))
}

fn joined<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    let texts: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
    texts.join("\n\n")
}
