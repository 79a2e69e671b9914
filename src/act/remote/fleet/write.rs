//! Runs and their actions as rows. The row of a run is written after those of its actions, so that a load that is cut
//! short shows no run whose actions are missing.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use crate::analysis::cohort::measure::MEASURES;
use crate::analysis::cohort::observe::{self, Observed};
use crate::analysis::costs::tool_calls::ToolCalls;
use crate::analysis::grouped;
use crate::analysis::title;
use crate::base::cancel::CancelFlag;
use crate::base::human::rfc3339;
use crate::export::redact::Masked;
use crate::export::saferun::{by_run, unique};
use crate::model::action::{ActionIx, Kind};
use crate::model::outcome::AttachedKind;
use crate::model::quantity::{Cost, Time, Usage};
use crate::model::run::{Inherited, RunIx};
use crate::model::symbol::Sym;
use crate::store::Store;
use crate::store::bodies::Bodies;
use crate::store::row::Row;

/// The rows of one run, as lines of JSON.
pub(super) struct Lines {
    pub(super) run: Vec<u8>,
    pub(super) actions: Vec<u8>,
    pub(super) count: u64,
}

/// Writes the rows of a store, run by run.
pub(super) struct Writer<'a> {
    store: &'a Store,
    actions: std::collections::HashMap<RunIx, Vec<ActionIx>>,
    observed: Vec<Observed>,
    tool_calls: ToolCalls,
    /// Runs that are more than malformed lines.
    listed: HashSet<RunIx>,
    bodies: Bodies,
    taken: HashSet<String>,
    loaded_at: String,
}

struct Tokens {
    r#in: Option<u64>,
    out: Option<u64>,
    read: Option<u64>,
    write: Option<u64>,
    reasoning: Option<u64>,
}

impl Tokens {
    fn of(usage: &Usage) -> Tokens {
        Tokens {
            r#in: usage.input.get(),
            out: usage.output.get(),
            read: usage.cache_read.get(),
            write: usage.cache_write.get(),
            reasoning: usage.reasoning.get(),
        }
    }
}

#[derive(Serialize)]
struct RunRow<'a> {
    run_key: &'a str,
    run_id: &'a str,
    place: u64,
    day: &'a str,
    listed: bool,
    started: Option<String>,
    ended: Option<String>,
    took_us: Option<i64>,
    duration_us: Option<i64>,
    status: &'a str,
    title: String,
    path: String,
    format: &'a str,
    parent_run: &'a str,
    agent: &'a str,
    agents: Vec<&'a str>,
    models: Vec<&'a str>,
    input_hash: String,
    cost_pico: Option<i64>,
    cost_source: &'a str,
    tok_in: Option<u64>,
    tok_out: Option<u64>,
    tok_read: Option<u64>,
    tok_write: Option<u64>,
    tok_reasoning: Option<u64>,
    turns: u32,
    actions: u32,
    tool_calls: u32,
    errors: u32,
    blocked: u32,
    denied: u32,
    retries: u32,
    pending: u32,
    unpriced: u32,
    score: Option<f64>,
    correct: Option<bool>,
    inherited_from: &'a str,
    inherited: BTreeMap<&'a str, i64>,
    m: BTreeMap<&'a str, f64>,
    calls: Vec<&'a str>,
    calls_blocked: u32,
    calls_failed: u32,
    traits: BTreeMap<&'a str, &'a str>,
    program: &'a str,
    loaded_at: &'a str,
    #[serde(flatten)]
    names: Names<'a>,
}

/// What a run says about all of its actions.
#[derive(Serialize, Clone, Copy)]
struct Names<'a> {
    provider: &'a str,
    user: &'a str,
    service: &'a str,
    env: &'a str,
    release: &'a str,
    task: &'a str,
    trial: &'a str,
}

#[derive(Serialize)]
struct ActionRow<'a> {
    run_key: &'a str,
    run_id: &'a str,
    row: u32,
    day: &'a str,
    seq: u32,
    ts: Option<String>,
    turn: u32,
    lane: u16,
    parent: Option<u32>,
    line: u32,
    kind: &'a str,
    status: &'a str,
    flags: u32,
    tool: &'a str,
    agent: &'a str,
    model: &'a str,
    acting_model: &'a str,
    path: &'a str,
    format: &'a str,
    duration_us: Option<i64>,
    cost_pico: Option<i64>,
    tok_in: Option<u64>,
    tok_out: Option<u64>,
    tok_read: Option<u64>,
    tok_write: Option<u64>,
    tok_reasoning: Option<u64>,
    #[serde(flatten)]
    asked: Option<AskedRow>,
    #[serde(rename = "ruling.of_person")]
    of_person: Vec<bool>,
    #[serde(rename = "ruling.verdict")]
    verdict: Vec<&'a str>,
    #[serde(rename = "ruling.policy")]
    policy: Vec<&'a str>,
    #[serde(rename = "ruling.rule")]
    rule: Vec<&'a str>,
    #[serde(rename = "ruling.by")]
    by: Vec<&'a str>,
    #[serde(rename = "ruling.wait_us")]
    wait_us: Vec<Option<i64>>,
    loaded_at: &'a str,
    #[serde(flatten)]
    names: Names<'a>,
}

/// What a tool call and its share of the model call that asked for it spent.
#[derive(Serialize)]
struct AskedRow {
    #[serde(rename = "asked_cost_pico")]
    recorded: Option<i64>,
    #[serde(rename = "asked_estimated_pico")]
    estimated: Option<i64>,
    #[serde(rename = "asked_in")]
    input: Option<u64>,
    #[serde(rename = "asked_out")]
    output: Option<u64>,
    #[serde(rename = "asked_read")]
    read: Option<u64>,
    #[serde(rename = "asked_write")]
    write: Option<u64>,
    #[serde(rename = "asked_reasoning")]
    reasoning: Option<u64>,
}

/// Seconds with six decimals, as the engine reads times; none if it has no such time.
fn time(time: Time) -> Option<String> {
    let micros = time.get().filter(|it| *it >= 0)?;
    Some(format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000))
}

/// The day of a run, by which its rows are stored; 1970-01-01 if it has none.
fn day(time: Time) -> String {
    const DAYS: std::ops::Range<i64> = 0..5_680_000_000_000_000;
    let micros = time.get().filter(|it| DAYS.contains(it)).unwrap_or(0);
    rfc3339(micros).chars().take(10).collect()
}

impl<'a> Writer<'a> {
    /// `loaded_at`, in milliseconds, distinguishes this load from earlier ones.
    pub(super) fn new(store: &'a Store, loaded_at: i64, cancel: &CancelFlag) -> Writer<'a> {
        let all: Vec<RunIx> = (0..store.runs().len() as u32).map(RunIx).collect();
        let named = store.runs().iter().map(|run| !run.id.is_empty());
        let named = all.iter().copied().zip(named);
        let mut listed: HashSet<RunIx> = named.filter(|(_, is)| *is).map(|(ix, _)| ix).collect();
        let rows = store.rows().filter(|row| row.kind() != Kind::Malformed);
        listed.extend(rows.map(|row| row.run_ix()));
        Writer {
            store,
            actions: by_run(store),
            observed: observe::observed(store, &all, true, cancel),
            tool_calls: ToolCalls::of(store),
            listed,
            bodies: Bodies::new(),
            taken: HashSet::new(),
            loaded_at: format!("{}.{:03}", loaded_at / 1_000, loaded_at % 1_000),
        }
    }

    pub(super) fn lines(&mut self, ix: RunIx) -> Lines {
        let run = self.store.run(ix);
        let key = unique(&run.id, &mut self.taken);
        let day = day(run.started);
        let who = &run.who;
        let name = |sym: Sym| self.store.symbols().name(sym);
        let names = Names {
            provider: name(who.provider),
            user: name(who.user),
            service: name(who.service),
            env: name(who.env),
            release: name(who.release),
            task: name(who.task),
            trial: name(who.trial),
        };
        let mut actions = Vec::new();
        let own = self.actions.get(&ix).map_or(&[][..], Vec::as_slice);
        for (at, action) in (0..).zip(own) {
            let row = self.store.row(*action);
            let place = (key.as_str(), day.as_str(), at);
            line(&mut actions, &self.action(&row, place, names));
        }
        let count = own.len() as u64;
        let mut lines = Vec::new();
        let title = Masked::from(title::of(self.store, ix, &mut self.bodies)).into_inner();
        line(&mut lines, &self.run(ix, (&key, &day, title), names));
        Lines {
            run: lines,
            actions,
            count,
        }
    }

    fn run<'r>(
        &'r self,
        ix: RunIx,
        (key, day, title): (&'r str, &'r str, String),
        names: Names<'r>,
    ) -> RunRow<'r> {
        let run = self.store.run(ix);
        let (who, totals) = (&run.who, &run.totals);
        let name = |sym: Sym| self.store.symbols().name(sym);
        let observed = &self.observed[ix.0 as usize];
        let source = self.store.source(run.source);
        let usage = Tokens::of(&totals.usage);
        let measures = MEASURES.iter().filter_map(|info| {
            let value = observed.values.get(info.measure)?;
            Some((info.name, value))
        });
        let traits = observed.traits.0.iter();
        let traits = traits.filter_map(|(name, values)| {
            let (value, _) = values.first_key_value()?;
            Some((name.as_str(), value.as_str()))
        });
        let input = observed.input.map(|hash| format!("{hash:016x}"));
        let inherited = run.inherited.as_deref();
        RunRow {
            run_key: key,
            run_id: &run.id,
            place: ix.0.into(),
            day,
            listed: self.listed.contains(&ix),
            started: time(run.started),
            ended: time(run.ended),
            took_us: run.took.get(),
            duration_us: run.duration().get(),
            status: run.status.word(),
            title,
            path: source.path.to_string_lossy().into_owned(),
            format: source.format.name(),
            parent_run: run.parent_run.as_deref().unwrap_or_default(),
            agent: name(who.agent),
            agents: run.lanes.iter().map(|lane| name(lane.agent)).collect(),
            models: who.models.iter().map(|model| name(*model)).collect(),
            input_hash: input.unwrap_or_default(),
            cost_pico: run.cost().and_then(|(cost, _)| cost.get()),
            cost_source: run.cost().map_or("", |(_, source)| source.word()),
            tok_in: usage.r#in,
            tok_out: usage.out,
            tok_read: usage.read,
            tok_write: usage.write,
            tok_reasoning: usage.reasoning,
            turns: totals.turns,
            actions: totals.actions,
            tool_calls: totals.tool_calls,
            errors: totals.errors,
            blocked: totals.blocked,
            denied: totals.denied,
            retries: totals.retries,
            pending: totals.pending,
            unpriced: totals.unpriced,
            score: run.score.filter(|score| score.is_finite()),
            correct: run.correct,
            inherited_from: inherited.map_or("", |it| &it.from),
            inherited: inherited.map(inherited_figures).unwrap_or_default(),
            m: measures.collect(),
            calls: observed.calls.iter().map(|tool| name(*tool)).collect(),
            calls_blocked: observed.ends.blocked,
            calls_failed: observed.ends.failed,
            traits: traits.collect(),
            program: env!("CARGO_PKG_VERSION"),
            loaded_at: &self.loaded_at,
            names,
        }
    }

    fn action<'r>(
        &'r self,
        row: &Row<'r>,
        (key, day, at): (&'r str, &'r str, u32),
        names: Names<'r>,
    ) -> ActionRow<'r> {
        let run = row.run();
        let source = row.source();
        let usage = Tokens::of(&row.usage());
        let lane = run
            .lanes
            .iter()
            .position(|lane| lane.agent == row.agent_sym() && lane.agent.is_some());
        let name = |sym: Sym| self.store.symbols().name(sym);
        let rulings: Vec<_> = row.attached().collect();
        let asked = row.kind() == Kind::ToolCall;
        ActionRow {
            run_key: key,
            run_id: &run.id,
            row: at,
            day,
            seq: row.seq(),
            ts: time(row.time()),
            turn: row.turn(),
            lane: lane.map_or(0, |lane| u16::try_from(lane + 1).unwrap_or(u16::MAX)),
            parent: row.parent().map(|parent| self.store.row(parent).seq()),
            line: row.line(),
            kind: row.kind().word(),
            status: row.status().word(),
            flags: row.flags().0,
            tool: row.tool(),
            agent: row.agent(),
            model: row.model(),
            acting_model: grouped::model(row),
            path: source.path.to_str().unwrap_or_default(),
            format: source.format.name(),
            duration_us: row.duration().get(),
            cost_pico: row.cost().get(),
            tok_in: usage.r#in,
            tok_out: usage.out,
            tok_read: usage.read,
            tok_write: usage.write,
            tok_reasoning: usage.reasoning,
            asked: asked.then(|| self.asked_row(row)),
            of_person: rulings
                .iter()
                .map(|it| it.kind == AttachedKind::Approval)
                .collect(),
            verdict: rulings.iter().map(|it| it.verdict.word()).collect(),
            policy: rulings.iter().map(|it| name(it.policy)).collect(),
            rule: rulings.iter().map(|it| name(it.rule)).collect(),
            by: rulings.iter().map(|it| name(it.by)).collect(),
            wait_us: rulings.iter().map(|it| it.wait.get()).collect(),
            loaded_at: &self.loaded_at,
            names,
        }
    }

    fn asked_row(&self, row: &Row<'_>) -> AskedRow {
        let spent = self.tool_calls.share(row);
        let usage = Tokens::of(&spent.usage);
        let [recorded, estimated] = spent.costs().map(Cost::get);
        AskedRow {
            recorded,
            estimated,
            input: usage.r#in,
            output: usage.out,
            read: usage.read,
            write: usage.write,
            reasoning: usage.reasoning,
        }
    }
}

/// The figures of what a run copied; those that are not recorded are left out.
fn inherited_figures(inherited: &Inherited) -> BTreeMap<&'static str, i64> {
    let totals = &inherited.totals;
    let usage = &totals.usage;
    let count = |tokens: crate::model::quantity::Tokens| {
        tokens.get().map(|it| i64::try_from(it).unwrap_or(i64::MAX))
    };
    let cost = totals.cost().and_then(|(cost, _)| cost.get());
    let figures = [
        ("tool_calls", Some(totals.tool_calls.into())),
        ("errors", Some(totals.errors.into())),
        ("tok_in", count(usage.input)),
        ("tok_out", count(usage.output)),
        ("tok_read", count(usage.cache_read)),
        ("tok_write", count(usage.cache_write)),
        ("tok_reasoning", count(usage.reasoning)),
        ("cost_pico", cost),
    ];
    let known = figures.into_iter();
    known
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

fn line(out: &mut Vec<u8>, row: &impl Serialize) {
    serde_json::to_writer(&mut *out, row).expect("our rows are JSON");
    out.push(b'\n');
}
