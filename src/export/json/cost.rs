//! `saferun.tui/cost@1`: what runs cost, by call, turn, model, tool, subagent, kind of token, result and cache miss.

use serde_json::{Map, Value, json};

use super::number;
use crate::analysis::context::Exactness;
use crate::analysis::costs::bill::TokenKind;
use crate::analysis::costs::limits::Window;
use crate::analysis::costs::misses::{Cause, Miss};
use crate::analysis::costs::spent::Spent;
use crate::analysis::costs::toll::{End, Toll};
use crate::analysis::costs::{By, Costs, Key, KindLine, Line};
use crate::model::action::ActionIx;
use crate::model::quantity::{Cost, Elapsed};
use crate::model::run::CostSource;
use crate::model::symbol::Sym;
use crate::store::Store;

pub const SCHEMA: &str = "saferun.tui/cost@1";

/// The columns of CSV.
pub fn members(by: By) -> &'static [&'static str] {
    match by {
        By::Call => CALL,
        By::Turn => TURN,
        By::Model => MODEL,
        By::Tool => TOOL,
        By::Subagent => SUBAGENT,
        By::Kind => KIND,
        By::Run => RUN,
        By::Result => RESULT,
        By::Miss => MISS,
    }
}

macro_rules! spent_members {
    ($($own:literal),*) => {
        &[$($own,)* "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens",
          "cache_write_hour_tokens", "reasoning_tokens", "total_tokens", "cost_usd", "cost_source", "share"]
    };
}

const CALL: &[&str] = spent_members!("run_id", "seq", "turn", "agent", "model");
const TURN: &[&str] = spent_members!("run_id", "turn", "seq", "calls", "unpriced_calls");
const MODEL: &[&str] = spent_members!("model", "calls", "unpriced_calls");
const TOOL: &[&str] = spent_members!("tool", "calls", "unpriced_calls");
const SUBAGENT: &[&str] = spent_members!("agent", "is_main", "calls", "unpriced_calls");
const RUN: &[&str] = spent_members!("run_id", "calls", "unpriced_calls");
const KIND: &[&str] = &[
    "kind",
    "part_of",
    "tokens",
    "cost_usd",
    "cost_source",
    "share",
];
const RESULT: &[&str] = &[
    "run_id",
    "seq",
    "turn",
    "agent",
    "tool",
    "tokens",
    "read_by",
    "unpriced_calls",
    "cost_usd",
    "end",
    "end_seq",
];
const MISS: &[&str] = &[
    "run_id",
    "seq",
    "turn",
    "agent",
    "model",
    "before_seq",
    "cause",
    "path",
    "request",
    "gap_ms",
    "lifetime_ms",
    "kept_tokens",
    "tokens",
    "cost_usd",
    "extra_usd",
];

/// A record of members that may be missing.
#[derive(Debug, Default)]
struct Record(Map<String, Value>);

impl Record {
    fn put(&mut self, name: &str, value: impl Into<Value>) -> &mut Record {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    fn put_some(&mut self, name: &str, value: Option<impl Into<Value>>) -> &mut Record {
        if let Some(value) = value {
            self.put(name, value);
        }
        self
    }

    fn put_name(&mut self, name: &str, store: &Store, sym: Sym) -> &mut Record {
        let word = store.symbols().name(sym);
        self.put_some(name, number::name(word))
    }

    fn put_cost(&mut self, cost: Option<(Cost, CostSource)>, total: Option<Cost>) -> &mut Record {
        let known = cost.and_then(|(cost, _)| number::usd(cost));
        self.put_some("cost_usd", known);
        self.put_some("cost_source", cost.map(|(_, source)| source.word()));
        self.put_some(
            "share",
            cost.zip(total)
                .and_then(|((cost, _), total)| share(cost, total)),
        )
    }

    fn put_spent(&mut self, spent: &Spent, total: Option<Cost>) -> &mut Record {
        let hour = spent.usage.cache_write_hour.get();
        if let Some(usage) = number::usage(&spent.usage) {
            let mut usage = serde_json::to_value(usage).unwrap_or_default();
            if let (Some(hour), Value::Object(members)) = (hour, &mut usage) {
                members.insert("cache_write_hour_tokens".to_owned(), hour.into());
            }
            self.put("usage", usage);
        }
        if spent.unpriced > 0 {
            self.put("unpriced_calls", spent.unpriced);
        }
        if spent.unrecorded > 0 {
            self.put("unrecorded_calls", spent.unrecorded);
        }
        self.put_cost(spent.cost(), total)
    }

    /// Where an action is.
    fn put_place(&mut self, store: &Store, ix: ActionIx) -> &mut Record {
        let row = store.row(ix);
        self.put("run_id", &*row.run().id).put("seq", row.seq());
        self.put_some("turn", (row.turn() > 0).then(|| row.turn()));
        self.put_name("agent", store, row.agent_sym())
    }

    fn finish(&mut self) -> Value {
        Value::Object(std::mem::take(&mut self.0))
    }
}

/// A fraction of the total, with four decimals; none of nothing.
fn share(cost: Cost, total: Cost) -> Option<f64> {
    let (cost, total) = (cost.get()?, total.get().filter(|total| *total > 0)?);
    Some((cost as f64 / total as f64 * 10_000.0).round() / 10_000.0)
}

/// The sums above all lists.
pub fn head(costs: &Costs) -> Vec<(&'static str, Value)> {
    let mut record = Record::default();
    record.put_spent(&costs.total, None);
    let Value::Object(mut members) = record.finish() else {
        return Vec::new();
    };
    let stated = costs
        .stated
        .filter(|stated| Some(*stated) != costs.total.cost());
    let stated = stated
        .and_then(|(cost, _)| number::usd(cost))
        .map(Value::Number);
    let names = [
        "cost_usd",
        "cost_source",
        "unpriced_calls",
        "unrecorded_calls",
        "usage",
    ];
    let known = names
        .into_iter()
        .filter_map(|name| Some((name, members.remove(name)?)));
    let calls = [
        ("model_calls", json!(costs.total.calls)),
        ("runs", json!(costs.runs.len())),
    ];
    let stated = stated.map(|stated| ("stated_cost_usd", stated));
    calls.into_iter().chain(stated).chain(known).collect()
}

pub fn line(store: &Store, costs: &Costs, line: &Line) -> Value {
    let mut record = Record::default();
    match line.key {
        Key::Run(run) => {
            record.put("run_id", &*store.run(run).id);
        }
        Key::Turn(run, turn) => {
            record.put("run_id", &*store.run(run).id).put("turn", turn);
            record.put("seq", store.row(line.action).seq());
        }
        Key::Model(model) => {
            record
                .put("model", Value::Null)
                .put_name("model", store, model);
        }
        Key::Tool(tool) => {
            record.put("tool", Value::Null);
            if let Some(tool) = tool {
                record.put_name("tool", store, tool);
            }
        }
        Key::Agent { name, is_main } => {
            record
                .put("agent", Value::Null)
                .put_name("agent", store, name);
            record.put("is_main", is_main);
        }
    }
    record.put("calls", line.spent.calls);
    record.put_spent(&line.spent, total(costs)).finish()
}

pub fn call(store: &Store, costs: &Costs, ix: ActionIx) -> Value {
    let row = store.row(ix);
    let mut record = Record::default();
    record
        .put_place(store, ix)
        .put_name("model", store, row.model_sym());
    record.put_spent(&Spent::of(&row), total(costs)).finish()
}

pub fn kind(costs: &Costs, line: &KindLine) -> Value {
    let mut record = Record::default();
    record.put("kind", line.kind.word());
    record.put_some("part_of", line.kind.part_of().map(TokenKind::word));
    record.put_some("tokens", line.tokens.get());
    let cost = line.cost.is_some().then_some((line.cost, line.source));
    record.put_cost(cost, total(costs)).finish()
}

pub fn toll(store: &Store, toll: &Toll) -> Value {
    let mut record = Record::default();
    let row = store.row(toll.action);
    record
        .put_place(store, toll.action)
        .put_name("tool", store, row.tool_sym());
    record
        .put("tokens", toll.tokens)
        .put("read_by", toll.readers);
    if toll.unpriced > 0 {
        record.put("unpriced_calls", toll.unpriced);
    }
    record.put_some("cost_usd", number::usd(toll.cost));
    match toll.end {
        End::Run => record.put("end", "run"),
        End::Compacted(at) => {
            let seq = store.row(at).seq();
            record.put("end", "compacted").put("end_seq", seq)
        }
    };
    record.finish()
}

pub fn miss(store: &Store, miss: &Miss) -> Value {
    let mut record = Record::default();
    let row = store.row(miss.call);
    record
        .put_place(store, miss.call)
        .put_name("model", store, row.model_sym());
    record.put("before_seq", store.row(miss.before).seq());
    record.put("cause", miss.cause.word());
    match &miss.cause {
        Cause::Model { from, .. } => {
            record.put_name("before_model", store, *from);
        }
        Cause::Request(difference) => {
            record.put_some("path", difference.path());
        }
        Cause::Gap { lifetime } => {
            record.put_some("lifetime_ms", lifetime.and_then(number::millis));
        }
        Cause::Compacted | Cause::SamePrefix | Cause::NotRecorded => {}
    }
    record.put_some("request", miss.exactness.map(Exactness::word));
    record.put_some(
        "gap_ms",
        Some(miss.gap)
            .filter(|gap| *gap != Elapsed::NONE)
            .and_then(number::millis),
    );
    record
        .put("kept_tokens", miss.kept)
        .put("tokens", miss.tokens);
    record.put_some("cost_usd", number::usd(miss.cost));
    record
        .put_some("extra_usd", number::usd(miss.extra))
        .finish()
}

pub fn window(window: &Window) -> Value {
    let mut record = Record::default();
    record.put_some("window_ms", number::millis(window.length));
    record.put("first_percent", window.first_percent);
    record.put("last_percent", window.last_percent);
    record.put("risen_percent", window.risen_percent);
    record
        .put_some("resets_at", number::time(window.resets))
        .finish()
}

fn total(costs: &Costs) -> Option<Cost> {
    costs.total.cost().map(|(cost, _)| cost)
}
