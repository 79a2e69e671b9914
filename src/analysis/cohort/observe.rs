//! Observes the runs of a cohort: numbers and tool names, but no prompt text.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::analysis::alerts::check;
use crate::analysis::cohort::measure::{Measure, Values};
use crate::analysis::cohort::traits::Traits;
use crate::base::cancel::CancelFlag;
use crate::base::hash::fixed_hash;
use crate::model::action::{ActionIx, Flags, Kind, Status};
use crate::model::quantity::Time;
use crate::model::run::{Run, RunIx, RunStatus};
use crate::model::symbol::Sym;
use crate::store::Store;
use crate::store::bodies::{self, Depth};
use crate::store::row::Row;

/// How runs of two cohorts are paired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PairBy {
    /// By task if tasks are recorded, otherwise by input.
    #[default]
    Auto,
    Task,
    /// By the text of the first prompt.
    Input,
    /// Not at all: every run is independent.
    None,
}

impl PairBy {
    pub fn word(self) -> &'static str {
        match self {
            PairBy::Auto => "auto",
            PairBy::Task => "task",
            PairBy::Input => "input",
            PairBy::None => "none",
        }
    }
}

/// What statistics need to know about one run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Observation {
    /// `None` for a run from a baseline file.
    pub run: Option<RunIx>,
    /// The pairing key; `None` if not recorded.
    pub task: Option<Box<str>>,
    pub values: Values,
    /// The tools called, in order, as indices into [`Cohort::tools`].
    pub calls: Vec<u32>,
    /// For each predicate, whether an action of the run matches.
    pub fulfils: Vec<bool>,
    /// Its agent and its first model, as indices into [`Cohort::agents`] and [`Cohort::models`].
    pub who: Option<(u32, u32)>,
    /// When it began.
    pub at: Time,
    pub ends: Option<Ends>,
}

/// How the calls of a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ends {
    /// Stopped by a policy or a person.
    pub blocked: u32,
    pub failed: u32,
}

/// A group of runs to compare with another.
#[derive(Debug, Clone, Default)]
pub struct Cohort {
    /// The filter that selected them.
    pub name: String,
    pub runs: Vec<Observation>,
    /// Tool names, raw.
    pub tools: Vec<Box<str>>,
    pub agents: Vec<Box<str>>,
    pub models: Vec<Box<str>>,
    pub traits: Traits,
    /// When, by whom and why a baseline was frozen.
    pub frozen: Option<Frozen>,
}

/// Who froze a baseline.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Frozen {
    pub at: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub by: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl Cohort {
    /// The number of tasks. A run without a task counts as its own.
    pub fn tasks(&self) -> usize {
        let known: std::collections::HashSet<&str> = self
            .runs
            .iter()
            .filter_map(|run| run.task.as_deref())
            .collect();
        known.len() + self.runs.iter().filter(|run| run.task.is_none()).count()
    }
}

/// Resolves [`PairBy::Auto`]: by task if at least half of the runs have one, otherwise by input.
pub fn resolve(store: &Store, runs: &[RunIx], by: PairBy) -> PairBy {
    let with_task = runs.iter().filter(|ix| store.run(**ix).who.task.is_some());
    match by {
        PairBy::Auto if with_task.count() * 2 >= runs.len() => PairBy::Task,
        PairBy::Auto => PairBy::Input,
        by => by,
    }
}

/// What the user wants checked per run, beyond the measures.
#[derive(Debug, Clone, Default)]
pub struct RunChecks {
    /// For each predicate, which runs have a matching action.
    pub fulfils: Vec<Vec<bool>>,
    /// For runs that tool rules apply to, whether they broke one.
    pub broken: HashMap<RunIx, bool>,
}

/// What is observed of one run, whatever it is compared with.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    pub values: Values,
    /// The tools called, in order.
    pub calls: Vec<Sym>,
    pub ends: Ends,
    /// A hash of the first prompt, if runs are paired by it.
    pub input: Option<u64>,
    pub traits: Traits,
}

/// Observes the given runs.
pub fn observe(
    store: &Store,
    name: &str,
    runs: &[RunIx],
    by: PairBy,
    checks: &RunChecks,
    cancel: &CancelFlag,
) -> Cohort {
    let mut observed = observed(store, runs, by == PairBy::Input, cancel);
    for (ix, observed) in runs.iter().zip(&mut observed) {
        let broken = checks.broken.get(ix).map(|it| f64::from(u8::from(*it)));
        observed.values.set(Measure::OffRule, broken);
    }
    let each: Vec<(RunIx, &Observed)> = runs.iter().copied().zip(&observed).collect();
    cohort(store, name, &each, (by, &checks.fulfils))
}

/// What can be observed of each run.
pub fn observed(
    store: &Store,
    runs: &[RunIx],
    with_input: bool,
    cancel: &CancelFlag,
) -> Vec<Observed> {
    let mut places: HashMap<RunIx, usize> = HashMap::new();
    for (at, run) in runs.iter().enumerate() {
        places.insert(*run, at);
    }
    let actions = run_actions(store, &places, cancel);
    let looping = check::loops(store, Some(runs), cancel);
    let looping: HashSet<RunIx> = looping.iter().map(|hit| hit.run).collect();
    let each = runs.iter().zip(actions).map(|(ix, actions)| {
        let run = store.run(*ix);
        let mut values = values(run, &actions);
        let is_looping = f64::from(u8::from(looping.contains(ix)));
        values.set(Measure::Loop, Some(is_looping));
        Observed {
            values,
            calls: actions.calls,
            ends: actions.ends,
            input: if with_input {
                input(store, run.first_prompt)
            } else {
                None
            },
            traits: Traits::of(store, *ix),
        }
    });
    each.collect()
}

/// A cohort of observed runs; for each predicate, `fulfils` says which runs of the store have a matching action.
pub fn cohort(
    store: &Store,
    name: &str,
    runs: &[(RunIx, &Observed)],
    (by, fulfils): (PairBy, &[Vec<bool>]),
) -> Cohort {
    let mut names = Names::default();
    let (mut agents, mut models) = (Names::default(), Names::default());
    let mut traits = Traits::default();
    let each = runs.iter().map(|(ix, observed)| {
        let run = store.run(*ix);
        traits.add(&observed.traits);
        let calls = observed.calls.iter();
        Observation {
            run: Some(*ix),
            task: task(store, run, by, observed.input),
            values: observed.values,
            calls: calls.map(|tool| names.place(*tool)).collect(),
            fulfils: fulfils.iter().map(|runs| runs[ix.0 as usize]).collect(),
            who: Some(who(run, &mut agents, &mut models)),
            at: run.started,
            ends: Some(observed.ends),
        }
    });
    let each = each.collect();
    let spelled = |names: &Names| -> Vec<Box<str>> {
        let order = names.order.iter();
        order
            .map(|name| store.symbols().name(*name).into())
            .collect()
    };
    Cohort {
        name: name.to_owned(),
        runs: each,
        tools: spelled(&names),
        agents: spelled(&agents),
        models: spelled(&models),
        traits,
        frozen: None,
    }
}

#[derive(Default)]
struct Names {
    places: BTreeMap<Sym, u32>,
    order: Vec<Sym>,
}

fn who(run: &Run, agents: &mut Names, models: &mut Names) -> (u32, u32) {
    let model = run.who.models.first().copied().unwrap_or(Sym::NONE);
    (agents.place(run.who.agent), models.place(model))
}

impl Names {
    fn place(&mut self, tool: Sym) -> u32 {
        *self.places.entry(tool).or_insert_with(|| {
            self.order.push(tool);
            self.order.len() as u32 - 1
        })
    }
}

/// What the actions of a run add up to.
#[derive(Debug, Default)]
struct RunActions {
    calls: Vec<Sym>,
    ends: Ends,
    /// Whether any call has a recorded outcome.
    has_outcomes: bool,
    has_approval: bool,
    has_label: bool,
    has_wrong_tool: bool,
}

fn run_actions(
    store: &Store,
    places: &HashMap<RunIx, usize>,
    cancel: &CancelFlag,
) -> Vec<RunActions> {
    let mut actions: Vec<RunActions> = Vec::new();
    actions.resize_with(places.len(), RunActions::default);
    for row in store.rows() {
        if cancel.is_raised() {
            break;
        }
        let Some(at) = places.get(&row.run_ix()) else {
            continue;
        };
        let actions = &mut actions[*at];
        actions.has_approval |= row.flags().has(Flags::HAS_APPROVAL);
        if row.kind() == Kind::ToolCall && !row.flags().has(Flags::COPIED) {
            add_call(&row, actions);
        }
    }
    actions
}

fn add_call(row: &Row<'_>, actions: &mut RunActions) {
    let tool = row.tool_sym();
    actions.calls.push(tool);
    match row.status() {
        Status::Blocked | Status::Denied => actions.ends.blocked += 1,
        Status::Error | Status::Timeout => actions.ends.failed += 1,
        Status::Unrecorded | Status::Ok | Status::Pending | Status::Cancelled => {}
    }
    actions.has_outcomes |= !matches!(row.status(), Status::Unrecorded | Status::Pending);
    if let Some(expected) = expected_tool(row) {
        actions.has_label = true;
        actions.has_wrong_tool |= expected != row.tool();
    }
}

/// The label naming the tool that would have been right. Most calls have none, so only records that
/// contain the key are parsed.
fn expected_tool(row: &Row<'_>) -> Option<String> {
    const LABEL: &str = "expected_tool";
    let record = bodies::raw(row, row.place(), bodies::GLANCE);
    memchr::memmem::find(&record, LABEL.as_bytes())?;
    let body = bodies::open(row, Depth::UpTo(bodies::GLANCE as u32));
    let label = body.record.as_ref()?.get(LABEL)?;
    label.as_str().map(str::to_owned)
}

fn values(run: &Run, actions: &RunActions) -> Values {
    let truth = |it: bool| Some(f64::from(u8::from(it)));
    let totals = &run.totals;
    let count = |it: u32| Some(f64::from(it));
    let mut values = Values::default();
    values.set(
        Measure::Success,
        run.correct.map(|it| f64::from(u8::from(it))),
    );
    values.set(Measure::Score, run.score);
    values.set(
        Measure::EndedOk,
        match run.status {
            RunStatus::Ok => Some(1.0),
            RunStatus::Error | RunStatus::Blocked => Some(0.0),
            RunStatus::Unknown
            | RunStatus::Cancelled
            | RunStatus::Running
            | RunStatus::Unfinished => None,
        },
    );
    if actions.has_label {
        values.set(Measure::WrongTool, truth(actions.has_wrong_tool));
    }
    if actions.calls.is_empty() || actions.has_outcomes || totals.errors > 0 {
        values.set(Measure::Error, truth(totals.errors > 0));
        values.set(Measure::Errors, count(totals.errors));
        values.set(Measure::Retry, truth(totals.retries > 0));
        values.set(Measure::Retries, count(totals.retries));
    }
    values.set(Measure::Blocked, truth(totals.blocked > 0));
    values.set(Measure::Denied, truth(totals.denied > 0));
    values.set(Measure::Approval, truth(actions.has_approval));
    values.set(Measure::NoTool, truth(actions.calls.is_empty()));
    values.set(Measure::Turns, count(totals.turns).filter(|it| *it > 0.0));
    values.set(Measure::Steps, count(totals.actions));
    values.set(Measure::Calls, Some(actions.calls.len() as f64));
    values.set(Measure::Cost, run.cost().and_then(|(cost, _)| cost.usd()));
    let tokens = |tokens: crate::model::quantity::Tokens| tokens.get().map(|it| it as f64);
    let usage = &totals.usage;
    let read = usage.input + usage.cache_read + usage.cache_write;
    values.set(Measure::TokensIn, tokens(read));
    values.set(Measure::TokensOut, tokens(usage.output));
    values.set(Measure::Latency, run.duration().millis());
    values
}

fn task(store: &Store, run: &Run, by: PairBy, input: Option<u64>) -> Option<Box<str>> {
    match by {
        PairBy::Auto | PairBy::Task => {
            let name = store.symbols().name(run.who.task);
            (!name.is_empty()).then(|| name.into())
        }
        PairBy::Input => input.map(|hash| format!("{hash:016x}").into()),
        PairBy::None => None,
    }
}

/// A hash of the first prompt.
fn input(store: &Store, prompt: ActionIx) -> Option<u64> {
    let row = store.row(prompt.get()?);
    let text = bodies::open(&row, Depth::Full).text?;
    Some(fixed_hash(text.trim().as_bytes()))
}
