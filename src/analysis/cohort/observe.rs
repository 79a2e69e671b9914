//! What is remembered of the runs of a cohort: numbers and names of tools, no word of a prompt.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::analysis::cohort::loops::Steps;
use crate::analysis::cohort::measure::{Measure, Values};
use crate::analysis::cohort::traits::Traits;
use crate::base::cancel::CancelFlag;
use crate::model::action::{ActionIx, Flags, Kind, Status};
use crate::model::run::{Run, RunIx, RunStatus};
use crate::model::symbol::Sym;
use crate::store::Store;
use crate::store::bodies::{self, Depth};
use crate::store::row::Row;

/// What pairs runs of two cohorts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PairBy {
    /// By task where tasks are recorded, else by input.
    #[default]
    Auto,
    Task,
    /// By the text of the first prompt.
    Input,
    /// Every run is on its own.
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

/// One run, as far as statistics ask for it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Observation {
    /// None for a run that is known from a baseline only.
    pub run: Option<RunIx>,
    /// What it is paired by; none where that is not recorded.
    pub task: Option<Box<str>>,
    pub values: Values,
    /// The tools called, in their order, by their place in [`Cohort::tools`].
    pub calls: Vec<u32>,
    /// Which of the predicates asked for an action of it fulfils.
    pub fulfils: Vec<bool>,
}

/// Runs that are compared with others.
#[derive(Debug, Clone, Default)]
pub struct Cohort {
    /// What selected them.
    pub name: String,
    pub runs: Vec<Observation>,
    /// The names of tools, raw.
    pub tools: Vec<Box<str>>,
    pub traits: Traits,
}

impl Cohort {
    /// How many tasks there are; a run without one is a task of its own.
    pub fn tasks(&self) -> usize {
        let known: std::collections::HashSet<&str> = self
            .runs
            .iter()
            .filter_map(|run| run.task.as_deref())
            .collect();
        known.len() + self.runs.iter().filter(|run| run.task.is_none()).count()
    }
}

/// Whether enough runs of the store have a task to pair by it.
pub fn resolve(store: &Store, runs: &[RunIx], by: PairBy) -> PairBy {
    let with_task = runs.iter().filter(|ix| store.run(**ix).who.task.is_some());
    match by {
        PairBy::Auto if with_task.count() * 2 >= runs.len() => PairBy::Task,
        PairBy::Auto => PairBy::Input,
        by => by,
    }
}

/// What the user asked of runs beside the measures.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Of each predicate, which runs have an action that passes.
    pub fulfils: Vec<Vec<bool>>,
    /// Of the runs that rules for tools speak of, whether they broke one.
    pub broken: HashMap<RunIx, bool>,
}

/// Looks at some runs.
pub fn observe(
    store: &Store,
    name: &str,
    runs: &[RunIx],
    by: PairBy,
    asked: &Asked,
    cancel: &CancelFlag,
) -> Cohort {
    let mut places: HashMap<RunIx, usize> = HashMap::new();
    for (at, run) in runs.iter().enumerate() {
        places.insert(*run, at);
    }
    let seen = look(store, &places, cancel);
    let mut names = Names::default();
    let observed = runs
        .iter()
        .zip(&seen)
        .map(|(ix, seen)| {
            let mut values = values(store.run(*ix), seen);
            let broken = asked.broken.get(ix).map(|it| f64::from(u8::from(*it)));
            values.set(Measure::OffRule, broken);
            let fulfils = asked.fulfils.iter();
            Observation {
                run: Some(*ix),
                task: task(store, store.run(*ix), by),
                values,
                calls: seen.calls.iter().map(|tool| names.place(*tool)).collect(),
                fulfils: fulfils.map(|runs| runs[ix.0 as usize]).collect(),
            }
        })
        .collect();
    Cohort {
        name: name.to_owned(),
        runs: observed,
        tools: names
            .order
            .iter()
            .map(|tool| store.symbols().name(*tool).into())
            .collect(),
        traits: Traits::of(store, runs),
    }
}

#[derive(Default)]
struct Names {
    places: BTreeMap<Sym, u32>,
    order: Vec<Sym>,
}

impl Names {
    fn place(&mut self, tool: Sym) -> u32 {
        *self.places.entry(tool).or_insert_with(|| {
            self.order.push(tool);
            self.order.len() as u32 - 1
        })
    }
}

/// What the actions of a run tell.
#[derive(Debug, Default)]
struct Seen {
    calls: Vec<Sym>,
    steps: Steps,
    /// Whether any call says how it came out.
    has_outcomes: bool,
    asked: bool,
    labelled: bool,
    wrong: bool,
}

fn look(store: &Store, places: &HashMap<RunIx, usize>, cancel: &CancelFlag) -> Vec<Seen> {
    let mut seen: Vec<Seen> = Vec::new();
    seen.resize_with(places.len(), Seen::default);
    for row in store.rows() {
        if cancel.is_raised() {
            break;
        }
        let Some(at) = places.get(&row.run_ix()) else {
            continue;
        };
        let seen = &mut seen[*at];
        seen.asked |= row.flags().has(Flags::HAS_APPROVAL);
        if row.kind() == Kind::ToolCall {
            call(&row, seen);
        }
    }
    for seen in &mut seen {
        seen.steps.settle(store);
    }
    seen
}

fn call(row: &Row<'_>, seen: &mut Seen) {
    let tool = row.tool_sym();
    seen.calls.push(tool);
    seen.steps.push(tool, row.ix());
    seen.has_outcomes |= !matches!(row.status(), Status::Unrecorded | Status::Pending);
    if let Some(expected) = expected_tool(row) {
        seen.labelled = true;
        seen.wrong |= expected != row.tool();
    }
}

/// The label that says which tool would have been right. Most calls have none: only records that
/// hold the word are opened.
fn expected_tool(row: &Row<'_>) -> Option<String> {
    const LABEL: &str = "expected_tool";
    let record = bodies::raw(row, row.place(), bodies::GLANCE);
    memchr::memmem::find(&record, LABEL.as_bytes())?;
    let body = bodies::open(row, Depth::UpTo(bodies::GLANCE as u32));
    let label = body.record.as_ref()?.get(LABEL)?;
    label.as_str().map(str::to_owned)
}

fn values(run: &Run, seen: &Seen) -> Values {
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
            RunStatus::Unknown | RunStatus::Cancelled | RunStatus::Running => None,
        },
    );
    if seen.labelled {
        values.set(Measure::WrongTool, truth(seen.wrong));
    }
    if seen.calls.is_empty() || seen.has_outcomes || totals.errors > 0 {
        values.set(Measure::Error, truth(totals.errors > 0));
        values.set(Measure::Errors, count(totals.errors));
        values.set(Measure::Retry, truth(totals.retries > 0));
        values.set(Measure::Retries, count(totals.retries));
    }
    values.set(Measure::Blocked, truth(totals.blocked > 0));
    values.set(Measure::Denied, truth(totals.denied > 0));
    values.set(Measure::Approval, truth(seen.asked));
    values.set(Measure::Loop, truth(seen.steps.is_loop()));
    values.set(Measure::NoTool, truth(seen.calls.is_empty()));
    values.set(Measure::Turns, count(totals.turns).filter(|it| *it > 0.0));
    values.set(Measure::Steps, count(totals.actions));
    values.set(Measure::Calls, Some(seen.calls.len() as f64));
    values.set(Measure::Cost, run.cost().and_then(|(cost, _)| cost.usd()));
    let tokens = |tokens: crate::model::quantity::Tokens| tokens.get().map(|it| it as f64);
    let usage = &totals.usage;
    let read = usage.input + usage.cache_read + usage.cache_write;
    values.set(Measure::TokensIn, tokens(read));
    values.set(Measure::TokensOut, tokens(usage.output));
    values.set(Measure::Latency, run.duration().millis());
    values
}

fn task(store: &Store, run: &Run, by: PairBy) -> Option<Box<str>> {
    match by {
        PairBy::Auto | PairBy::Task => {
            let name = store.symbols().name(run.who.task);
            (!name.is_empty()).then(|| name.into())
        }
        PairBy::Input => input(store, run.first_prompt).map(|hash| format!("{hash:016x}").into()),
        PairBy::None => None,
    }
}

/// A number that is equal for equal first prompts.
fn input(store: &Store, prompt: ActionIx) -> Option<u64> {
    let row = store.row(prompt.get()?);
    let text = bodies::open(&row, Depth::Full).text?;
    let mut hasher = DefaultHasher::new();
    text.trim().hash(&mut hasher);
    Some(hasher.finish())
}
