//! `ls`: the runs of some traces.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::path::PathBuf;

use crate::base::human;
use crate::cli::failure::{Exit, Failure};
use crate::cli::load::Read;
use crate::cli::table::{self, Cell, Column};
use crate::cli::{Cx, filter};
use crate::export::csv;
use crate::export::json::run::{self as run_json, RunsJson};
use crate::export::words::{self, Role};
use crate::model::quantity::Cost;
use crate::model::run::{CostSource, Run, RunIx};
use crate::query::hint::Over;
use crate::store::Store;

const COLUMNS: &[Column] = &[
    Column::left("RUN", 0),
    Column::left("STARTED", 6),
    Column::left("AGENT", 0).cut_to(12),
    Column::left("MODEL", 3).cut_to(14),
    Column::right("TURNS", 7),
    Column::right("ACTS", 5),
    Column::right("DUR", 4),
    Column::right("COST", 2),
    Column::right("ERR", 0),
    Column::right("BLK", 1),
    Column::right("RTY", 8),
    Column::left("OUTCOME", 0),
];

const FILE: Column = Column::left("FILE", 9).cut_to(20);

pub(super) fn run(cx: &mut Cx, paths: &[PathBuf], sort: &str) -> anyhow::Result<Exit> {
    Order::parse(sort)?;
    if let Some(condition) = cx.global.condition.as_deref() {
        filter::parse(condition)?;
    }
    let read = cx.load.paths(&cx.notes, paths);
    list(cx, &read, sort)
}

pub(super) fn list(cx: &mut Cx, read: &Read, sort: &str) -> anyhow::Result<Exit> {
    let order = Order::parse(sort)?;
    let exit = read.exit(&cx.notes);
    let mut runs = read.runs();
    if let Some(condition) = cx.global.condition.as_deref() {
        let expr = filter::parse(condition)?;
        let found = filter::runs(cx, &read.store, &expr);
        let machine = cx.global.json || cx.global.jsonl || cx.global.csv;
        if found.is_empty() && !machine && exit == Exit::Done {
            filter::hint(cx, &read.store, &expr, Over::Runs);
        }
        let found: HashSet<RunIx> = found.into_iter().collect();
        runs.retain(|ix| found.contains(ix));
    }
    order.sort(&read.store, &mut runs);
    print(cx, read, &runs)?;
    Ok(exit)
}

fn print(cx: &mut Cx, read: &Read, runs: &[RunIx]) -> anyhow::Result<()> {
    let store = &read.store;
    if cx.global.json {
        let found = runs.iter().map(|ix| run_json::run(store, *ix)).collect();
        let malformed = read.account().lines_bad;
        let schema = run_json::SCHEMA;
        cx.out.json(&RunsJson {
            schema,
            runs: found,
            files: store.sources().len(),
            malformed,
        })?;
    } else if cx.global.jsonl {
        for ix in runs {
            cx.out.json(&run_json::run(store, *ix))?;
        }
    } else if cx.global.csv {
        let mut text = Vec::new();
        csv::runs(&mut text, runs.iter().map(|ix| run_json::run(store, *ix)))?;
        cx.out.verbatim(&String::from_utf8_lossy(&text))?;
    } else {
        text(cx, read, runs)?;
    }
    Ok(())
}

fn text(cx: &mut Cx, read: &Read, runs: &[RunIx]) -> anyhow::Result<()> {
    let store = &read.store;
    if store.sources().is_empty() {
        return Ok(());
    }
    let several = store.sources().len() > 1;
    let mut columns = COLUMNS.to_vec();
    columns.extend(several.then_some(FILE));
    let ids: Vec<&str> = runs.iter().map(|ix| &*store.run(*ix).id).collect();
    let short = words::short_ids(&ids);
    let cells = |(ix, id): (&RunIx, &String)| row(cx, store, store.run(*ix), id);
    let rows: Vec<Vec<Cell>> = runs.iter().zip(&short).map(cells).collect();
    if !rows.is_empty() {
        table::write(&mut cx.out, &columns, &rows)?;
    }
    let totals = totals(read, runs);
    if cx.out.look.width.is_some() {
        cx.out.painted(Role::Dim, &totals)?;
    } else {
        cx.out.flush()?;
        cx.notes.note(&totals);
    }
    Ok(())
}

fn row(cx: &Cx, store: &Store, run: &Run, id: &str) -> Vec<Cell> {
    let look = &cx.out.look;
    let totals = &run.totals;
    let stopped = u64::from(totals.blocked) + u64::from(totals.denied);
    let (status, role) = words::run_status(run);
    vec![
        Cell::new(look.clean(id)),
        Cell::new(words::date_time(run.started, &look.zone)),
        Cell::new(look.clean(words::name(store.symbols().name(run.who.agent)))),
        Cell::new(look.clean(&words::models(store, run))),
        Cell::new(totals.turns.to_string()),
        Cell::new(totals.actions.to_string()),
        Cell::new(words::span(run.duration())),
        Cell::new(words::cost(run.cost())),
        Cell::alarm(totals.errors.into(), Role::Bad),
        Cell::alarm(stopped, Role::Warn),
        Cell::alarm(totals.retries.into(), Role::Warn),
        Cell::role(status, role),
        Cell::role(
            look.clean(&store.source(run.source).path.to_string_lossy()),
            Role::Dim,
        ),
    ]
}

/// `5 runs · 2 files · $9.69`: a sum that lacks runs of unknown cost says so.
fn totals(read: &Read, runs: &[RunIx]) -> String {
    let store = &read.store;
    let all = read.runs().len();
    let shown = words::counted(runs.len() as u64, "run");
    let shown = if runs.len() < all {
        format!("{shown} of {}", human::count(all as u64))
    } else {
        shown
    };
    let mut parts = vec![shown, words::counted(store.sources().len() as u64, "file")];
    let costs: Vec<_> = runs.iter().map(|ix| store.run(*ix).cost()).collect();
    let known: Vec<(Cost, CostSource)> = costs.iter().copied().flatten().collect();
    if !known.is_empty() {
        let sum = known.iter().fold(Cost::NONE, |sum, (cost, _)| sum + *cost);
        let recorded = known
            .iter()
            .all(|(_, source)| *source == CostSource::Recorded);
        let source = if recorded {
            CostSource::Recorded
        } else {
            CostSource::Mixed
        };
        parts.push(words::cost(Some((sum, source))));
    }
    if known.len() < runs.len() {
        parts.push(format!("{} of unknown cost", runs.len() - known.len()));
    }
    parts.join(" · ")
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Order {
    key: &'static str,
    falling: bool,
}

const KEYS: &[&str] = &[
    "started", "duration", "cost", "turns", "actions", "tools", "errors", "blocked", "retries",
    "tokens", "score", "run", "agent", "model", "outcome", "file",
];

/// What a run is ordered by; unknown values come last in either direction.
#[derive(Debug, PartialEq, PartialOrd)]
enum Rank {
    Number(f64),
    Name(String),
}

impl Order {
    fn parse(text: &str) -> Result<Order, Failure> {
        let (name, falling) = text
            .strip_prefix('-')
            .map_or((text, false), |name| (name, true));
        let key = KEYS
            .iter()
            .copied()
            .find(|key| *key == name)
            .ok_or_else(|| {
                Failure::Usage(format!(
                    "'{name}' is not a column to sort by (known: {})",
                    KEYS.join(", ")
                ))
            })?;
        Ok(Order { key, falling })
    }

    /// Stable: equal runs keep the order of the files.
    fn sort(self, store: &Store, runs: &mut [RunIx]) {
        runs.sort_by_cached_key(|ix| Sorted {
            rank: self.rank(store, store.run(*ix)),
            falling: self.falling,
        });
    }

    fn rank(self, store: &Store, run: &Run) -> Option<Rank> {
        let totals = &run.totals;
        let number = |number: Option<i64>| number.map(|number| Rank::Number(number as f64));
        let count = |count: u32| Some(Rank::Number(count.into()));
        let name = |name: &str| (!name.is_empty()).then(|| Rank::Name(name.to_owned()));
        match self.key {
            "started" => number(run.started.get()),
            "duration" => number(run.duration().get()),
            "cost" => number(run.cost().and_then(|(cost, _)| cost.get())),
            "turns" => count(totals.turns),
            "actions" => count(totals.actions),
            "tools" => count(totals.tool_calls),
            "errors" => count(totals.errors),
            "blocked" => count(totals.blocked.saturating_add(totals.denied)),
            "retries" => count(totals.retries),
            "tokens" => totals
                .usage
                .total()
                .get()
                .map(|tokens| Rank::Number(tokens as f64)),
            "score" => run.score.map(Rank::Number),
            "agent" => name(store.symbols().name(run.who.agent)),
            "model" => name(&words::models(store, run)).filter(|_| !run.who.models.is_empty()),
            "outcome" => name(run.status.word()),
            "file" => name(&store.source(run.source).path.to_string_lossy()),
            _ => name(&run.id),
        }
    }
}

struct Sorted {
    rank: Option<Rank>,
    falling: bool,
}

impl Ord for Sorted {
    fn cmp(&self, other: &Sorted) -> Ordering {
        match (&self.rank, &other.rank) {
            (Some(a), Some(b)) => {
                let order = a.partial_cmp(b).unwrap_or(Ordering::Equal);
                if self.falling { order.reverse() } else { order }
            }
            (a, b) => b.is_some().cmp(&a.is_some()),
        }
    }
}

impl PartialOrd for Sorted {
    fn partial_cmp(&self, other: &Sorted) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Sorted {
    fn eq(&self, other: &Sorted) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Sorted {}
