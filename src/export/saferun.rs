//! Runs in the project's own format, one event per line.
//!
//! The output opens to the same runs and actions. A run without a start or end event gets one, because
//! the format stores agent and outcome there; malformed lines become events of type `unreadable`, with
//! their text.

use std::collections::{HashMap, HashSet};
use std::io;

use serde_json::{Map, Value, json};

use crate::analysis::context;
use crate::ingest::body::{Body, ErrorText};
use crate::ingest::request::{Api, RequestPart};
use crate::ingest::wire::answer::reported;
use crate::model::action::{ActionIx, Flags, Kind, Status};
use crate::model::outcome::{Attached, AttachedKind};
use crate::model::quantity::Time;
use crate::model::run::{Run, RunIx, RunStatus};
use crate::model::symbol::Sym;
use crate::store::Store;
use crate::store::bodies::{self, Depth};
use crate::store::row::Row;

/// Longer malformed lines are cut.
const LONGEST: usize = 64 << 10;

/// Receives events.
pub type Sink<'a> = &'a mut dyn FnMut(&Value) -> io::Result<()>;

/// Emits runs, each with its actions in order; returns the number of events.
pub fn write(out: Sink<'_>, store: &Store, runs: &[RunIx]) -> io::Result<u64> {
    let mut by_run = by_run(store);
    let mut taken = HashSet::new();
    let mut events = 0;
    for &run in runs {
        let actions = by_run.remove(&run).unwrap_or_default();
        let mut writer = RunWriter {
            store,
            run: store.run(run),
            name: unique(&store.run(run).id, &mut taken),
            ids: HashMap::new(),
            used: HashSet::new(),
            events: 0,
            out,
        };
        writer.run(&actions)?;
        events += writer.events;
    }
    Ok(events)
}

/// The actions of each run, in order.
pub fn by_run(store: &Store) -> HashMap<RunIx, Vec<ActionIx>> {
    let mut found: HashMap<RunIx, Vec<ActionIx>> = HashMap::new();
    for row in store.rows() {
        found.entry(row.run_ix()).or_default().push(row.ix());
    }
    found
}

/// Runs of several files may have the same id.
pub(crate) fn unique(id: &str, taken: &mut HashSet<String>) -> String {
    let id = if id.is_empty() { "run" } else { id };
    let mut name = id.to_owned();
    let mut number = 2;
    while !taken.insert(name.clone()) {
        name = format!("{id}~{number}");
        number += 1;
    }
    name
}

/// The events of some actions of a run, in order, under the run id `name`, and the ids that the actions
/// have in them. The first event is the run start; the run end is included only if it is one of the actions.
pub fn past(
    store: &Store,
    run: &Run,
    actions: &[ActionIx],
    name: &str,
) -> (Vec<Value>, HashMap<ActionIx, String>) {
    let mut events = Vec::new();
    let mut keep = |event: &Value| {
        events.push(event.clone());
        Ok(())
    };
    let mut writer = RunWriter {
        store,
        run,
        name: name.to_owned(),
        ids: HashMap::new(),
        used: HashSet::new(),
        events: 0,
        out: &mut keep,
    };
    writer
        .actions(actions)
        .expect("keeping an event in memory does not fail");
    let ids = writer.ids;
    (events, ids)
}

struct RunWriter<'a> {
    store: &'a Store,
    run: &'a Run,
    name: String,
    /// The ids of rows, for the rows that they cause.
    ids: HashMap<ActionIx, String>,
    used: HashSet<String>,
    events: u64,
    out: Sink<'a>,
}

impl RunWriter<'_> {
    fn has(&self, actions: &[ActionIx], kind: Kind) -> bool {
        let mut rows = actions.iter().map(|ix| self.store.row(*ix));
        rows.any(|row| row.kind() == kind)
    }

    fn actions(&mut self, actions: &[ActionIx]) -> io::Result<()> {
        if !self.has(actions, Kind::RunStart) {
            let mut start = self.event("run_start", self.run.started);
            self.who(&mut start);
            self.say(start)?;
        }
        for &ix in actions {
            self.action(&self.store.row(ix))?;
        }
        Ok(())
    }

    fn run(&mut self, actions: &[ActionIx]) -> io::Result<()> {
        self.actions(actions)?;
        let has_end = self.has(actions, Kind::RunEnd);
        // What has no recorded end gets none.
        let is_open = matches!(self.run.status, RunStatus::Running | RunStatus::Unfinished);
        if !has_end && !is_open {
            let mut end = self.event("run_end", self.run.ended);
            self.end(&mut end);
            self.say(end)?;
        }
        Ok(())
    }

    fn event(&self, kind: &str, time: Time) -> Map<String, Value> {
        let mut event = Map::new();
        event.insert("type".to_owned(), kind.into());
        event.insert("run_id".to_owned(), self.name.clone().into());
        put(&mut event, "ts", stamp(time));
        event
    }

    fn say(&mut self, event: Map<String, Value>) -> io::Result<()> {
        self.events += 1;
        (self.out)(&Value::Object(event))
    }

    fn who(&self, event: &mut Map<String, Value>) {
        let who = &self.run.who;
        event.insert("v".to_owned(), 1.into());
        let named = [
            ("agent", who.agent),
            ("user", who.user),
            ("service", who.service),
            ("env", who.env),
            ("task", who.task),
            ("trial", who.trial),
            ("release", who.release),
            ("provider", who.provider),
        ];
        for (key, name) in named {
            put(event, key, symbol(self.store, name));
        }
        put(event, "title", self.run.title.as_deref().map(Value::from));
        put(
            event,
            "parent_run_id",
            self.run.parent_run.as_deref().map(Value::from),
        );
    }

    fn end(&self, event: &mut Map<String, Value>) {
        let run = self.run;
        let status = match run.status {
            RunStatus::Unknown | RunStatus::Running | RunStatus::Unfinished => None,
            known => Some(known.word().into()),
        };
        put(event, "status", status);
        put(event, "score", run.score.map(Value::from));
        put(event, "correct", run.correct.map(Value::from));
        put(
            event,
            "cost_usd",
            run.totals.run_cost.usd().map(Value::from),
        );
    }

    /// The id of a row: its recorded one, if it is unique in the run.
    fn id(&mut self, row: &Row<'_>, body: &Body) -> String {
        let own = body
            .id
            .clone()
            .filter(|id| !id.is_empty() && !self.used.contains(id));
        let id = own.unwrap_or_else(|| {
            let mut id = format!("a{}", row.ix().0);
            while self.used.contains(&id) {
                id.push('_');
            }
            id
        });
        self.used.insert(id.clone());
        self.ids.insert(row.ix(), id.clone());
        id
    }

    fn action(&mut self, row: &Row<'_>) -> io::Result<()> {
        let body = bodies::open(row, Depth::Full);
        let id = self.id(row, &body);
        let kind = match row.kind() {
            Kind::Malformed => "unreadable",
            Kind::Unknown => "unknown",
            known => known.word(),
        };
        let mut event = self.event(kind, row.time());
        event.insert("id".to_owned(), id.clone().into());
        let parent = row
            .parent()
            .and_then(|parent| self.ids.get(&parent).cloned());
        put(&mut event, "parent_id", parent.map(Value::from));
        put(
            &mut event,
            "turn",
            (row.turn() > 0).then(|| row.turn().into()),
        );
        put(&mut event, "agent", text(row.agent()));
        put(&mut event, "model", text(row.model()));
        if row.flags().has(Flags::META) {
            event.insert("injected".to_owned(), true.into());
        }
        if row.flags().has(Flags::CONTINUED) {
            event.insert("continued".to_owned(), true.into());
        }
        put(&mut event, "usage", reported(&row.usage()));
        if !body.labels.is_empty() {
            let labels = body
                .labels
                .iter()
                .map(|(key, value)| (key.clone(), value.clone().into()));
            event.insert("labels".to_owned(), Value::Object(labels.collect()));
        }
        match row.kind() {
            Kind::ToolCall => return self.call(row, body, &id, event),
            Kind::PolicyDecision | Kind::Approval => {
                return self.verdicts_alone(row, (&body, &id), event);
            }
            Kind::RunStart => {
                // A start without a time of its own began when the run did.
                if !row.time().is_some() {
                    put(&mut event, "ts", stamp(self.run.started));
                }
                self.who(&mut event);
                put(&mut event, "system", body.text.map(Value::from));
                settings(row, &mut event);
            }
            Kind::RunEnd => {
                self.end(&mut event);
                put(&mut event, "reason", body.text.map(Value::from));
                put(
                    &mut event,
                    "duration_ms",
                    row.duration().millis().map(Value::from),
                );
            }
            Kind::Malformed => {
                let raw = bodies::raw(row, row.place(), LONGEST);
                event.insert("content".to_owned(), String::from_utf8_lossy(&raw).into());
            }
            Kind::Unknown => {
                put(&mut event, "content", body.text.map(Value::from));
            }
            Kind::Prompt | Kind::Response | Kind::Reasoning | Kind::Error | Kind::Note => {
                put(&mut event, "content", body.text.map(Value::from));
                seen(row, &mut event);
                put(
                    &mut event,
                    "duration_ms",
                    row.duration().millis().map(Value::from),
                );
                put(&mut event, "status", word(row.status()));
                put(&mut event, "error", body.error.as_ref().map(error));
                cost(row, &mut event);
            }
        }
        self.say(event)
    }

    fn call(
        &mut self,
        row: &Row<'_>,
        body: Body,
        id: &str,
        mut event: Map<String, Value>,
    ) -> io::Result<()> {
        put(&mut event, "tool", text(row.tool()));
        put(&mut event, "args", body.args.clone());
        if row.flags().has(Flags::RETRY) {
            event.insert("attempt".to_owned(), 2.into());
        }
        self.say(event)?;
        let about: Vec<Attached> = row.attached().copied().collect();
        self.verdicts(&about, (&body, (0, 0)), Some(id))?;
        if row.status() == Status::Pending {
            return Ok(());
        }
        // Without a duration the time of the result would be taken for one.
        let ended = match (row.time().get(), row.duration().get()) {
            (Some(start), Some(length)) => Time(start.saturating_add(length)),
            _ => Time::NONE,
        };
        let mut result = self.event("tool_result", ended);
        result.insert("call_id".to_owned(), id.into());
        put(&mut result, "status", word(row.status()));
        put(&mut result, "result", body.result);
        put(&mut result, "error", body.error.as_ref().map(error));
        put(
            &mut result,
            "duration_ms",
            row.duration().millis().map(Value::from),
        );
        cost(row, &mut result);
        self.say(result)
    }

    /// A decision about an unknown call: its first verdict is the row.
    fn verdicts_alone(
        &mut self,
        row: &Row<'_>,
        (body, id): (&Body, &str),
        mut event: Map<String, Value>,
    ) -> io::Result<()> {
        let about: Vec<Attached> = row.attached().copied().collect();
        let mut counts = (0, 0);
        put(&mut event, "content", body.text.clone().map(Value::from));
        put(
            &mut event,
            "duration_ms",
            row.duration().millis().map(Value::from),
        );
        if let Some(first) = about.first() {
            verdict(self.store, first, body, &mut counts, &mut event);
        }
        self.say(event)?;
        self.verdicts(about.get(1..).unwrap_or_default(), (body, counts), Some(id))
    }

    fn verdicts(
        &mut self,
        about: &[Attached],
        (body, mut counts): (&Body, (usize, usize)),
        call: Option<&str>,
    ) -> io::Result<()> {
        for attached in about {
            let mut event = self.event(attached.kind.row().word(), attached.time);
            put(&mut event, "call_id", call.map(Value::from));
            verdict(self.store, attached, body, &mut counts, &mut event);
            self.say(event)?;
        }
        Ok(())
    }
}

/// A verdict, with the text of the body's entry at the same index.
pub(super) fn verdict(
    store: &Store,
    attached: &Attached,
    body: &Body,
    (decisions, approvals): &mut (usize, usize),
    event: &mut Map<String, Value>,
) {
    let verdict = Some(attached.verdict.word()).filter(|word| !word.is_empty());
    match attached.kind {
        AttachedKind::Decision => {
            put(event, "decision", verdict.map(Value::from));
            put(event, "policy", symbol(store, attached.policy));
            put(event, "rule", symbol(store, attached.rule));
            if attached.shadow {
                event.insert("mode".to_owned(), "shadow".into());
            }
            let recorded = body.decisions.get(*decisions);
            *decisions += 1;
            let Some(recorded) = recorded else { return };
            put(event, "reason", recorded.reason.clone().map(Value::from));
            let matched = recorded.matched.iter().map(
                |it| json!({"path": it.path, "op": it.op, "value": it.value, "actual": it.actual}),
            );
            let matched: Vec<Value> = matched.collect();
            put(
                event,
                "matched",
                (!matched.is_empty()).then_some(Value::Array(matched)),
            );
        }
        AttachedKind::Approval => {
            put(event, "wait_ms", attached.wait.millis().map(Value::from));
            put(event, "state", verdict.map(Value::from));
            put(event, "by", symbol(store, attached.by));
            let recorded = body.approvals.get(*approvals);
            *approvals += 1;
            let Some(recorded) = recorded else { return };
            put(event, "reason", recorded.reason.clone().map(Value::from));
            put(event, "args", recorded.args.clone());
        }
    }
}

/// A name, if one was recorded.
pub(super) fn symbol(store: &Store, symbol: Sym) -> Option<Value> {
    text(store.symbols().name(symbol))
}

/// The request parts in an action's record, if its format records requests.
pub(super) fn pieces(row: &Row<'_>) -> Vec<RequestPart> {
    let record = bodies::record(row, row.place(), Depth::Full);
    let format = row.source().format;
    let pieces = record.and_then(|record| format.context(&record, row.place().part));
    pieces.unwrap_or_default()
}

/// System prompt, tool schemas and parameters, so that requests can be reconstructed from the output.
fn settings(row: &Row<'_>, event: &mut Map<String, Value>) {
    let mut params = Map::new();
    for piece in pieces(row) {
        let RequestPart::Member { name, value } = piece else {
            continue;
        };
        match name.as_str() {
            "system" | "instructions" => put(event, "system", Some(value)),
            "tools" => put(event, "tools", Some(value)),
            "model" => {}
            _ => put(&mut params, &name, Some(value)),
        }
    }
    put(
        event,
        "params",
        (!params.is_empty()).then_some(Value::Object(params)),
    );
}

/// The role of a prompt, and its content as it was sent if that is more than text. After a compaction the
/// model sees only what follows it.
fn seen(row: &Row<'_>, event: &mut Map<String, Value>) {
    let mut blocks = Vec::new();
    for piece in pieces(row) {
        match piece {
            RequestPart::Block(part) if row.kind() == Kind::Prompt => {
                event.insert("role".to_owned(), part.role.word().into());
                blocks.push(part.block);
            }
            RequestPart::Compacted { by, words } if by.is_empty() => {
                event.insert("compacted".to_owned(), words.into());
            }
            _ => {}
        }
    }
    if row.kind() == Kind::Note
        && let Some(role) = context::speaker(row)
    {
        event.insert("role".to_owned(), role.word().into());
    }
    let is_text = |block: &Value| block.get("type").is_some_and(|kind| kind == "text");
    if row.source().format.api() == Some(Api::Messages) && !blocks.iter().all(is_text) {
        event.insert("content".to_owned(), blocks.into());
    }
}

pub(super) fn put(event: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    if let Some(value) = value.filter(|value| !value.is_null()) {
        event.insert(key.to_owned(), value);
    }
}

pub(super) fn text(text: &str) -> Option<Value> {
    (!text.is_empty()).then(|| text.into())
}

pub(super) fn word(status: Status) -> Option<Value> {
    text(status.word())
}

pub(super) fn stamp(time: Time) -> Option<Value> {
    let stamp = jiff::Timestamp::from_microsecond(time.get()?).ok()?;
    Some(stamp.to_string().into())
}

pub(super) fn error(error: &ErrorText) -> Value {
    let mut out = Map::new();
    put(&mut out, "type", error.kind.clone().map(Value::from));
    out.insert("message".to_owned(), error.message.clone().into());
    put(&mut out, "stack", error.stack.clone().map(Value::from));
    Value::Object(out)
}

/// The recorded cost; estimates are computed again when the output is read.
fn cost(row: &Row<'_>, event: &mut Map<String, Value>) {
    if !row.flags().has(Flags::ESTIMATED) {
        put(event, "cost_usd", row.cost().usd().map(Value::from));
    }
}
