//! `ls`: the runs of some traces.

use std::collections::HashSet;
use std::path::PathBuf;

use crate::analysis::runs::{CostSum, Key, Order, short_ids, stopped};
use crate::base::human;
use crate::cli::failure::{Exit, Failure};
use crate::cli::load::Read;
use crate::cli::table::{self, Cell, Column};
use crate::cli::{Cx, filter};
use crate::export::csv;
use crate::export::json::run::{self as run_json, RunsJson};
use crate::export::words::{self, Role};
use crate::model::run::{Run, RunIx};
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

const GRADE: Column = Column::left("GRADE", 1);
const FILE: Column = Column::left("FILE", 9).cut_to(20);

pub(super) fn run(cx: &mut Cx, paths: &[PathBuf], sort: &str) -> anyhow::Result<Exit> {
    order(sort)?;
    if let Some(condition) = cx.global.condition.as_deref() {
        filter::parse(condition)?;
    }
    let read = cx.load.paths(&cx.notes, paths);
    list(cx, &read, sort)
}

pub(super) fn list(cx: &mut Cx, read: &Read, sort: &str) -> anyhow::Result<Exit> {
    let order = order(sort)?;
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
    let judged = runs.iter().any(|ix| store.run(*ix).grade().is_some());
    columns.extend(judged.then_some(GRADE));
    columns.extend(several.then_some(FILE));
    let ids: Vec<&str> = runs.iter().map(|ix| &*store.run(*ix).id).collect();
    let short = short_ids(&ids);
    let cells = |(ix, id): (&RunIx, &String)| row(cx, store, (store.run(*ix), judged), id);
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

fn row(cx: &Cx, store: &Store, (run, judged): (&Run, bool), id: &str) -> Vec<Cell> {
    let look = &cx.out.look;
    let totals = &run.totals;
    let stopped = u64::from(stopped(run));
    let (status, role) = words::run_status(run);
    let grade = words::grade(run).unwrap_or((words::NOTHING.to_owned(), Role::Dim));
    let mut cells = vec![
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
    ];
    cells.extend(judged.then(|| Cell::role(grade.0, grade.1)));
    cells.push(Cell::role(
        look.clean(&store.source(run.source).path.to_string_lossy()),
        Role::Dim,
    ));
    cells
}

/// `5 runs · 2 files · $9.69`: a sum that lacks runs of unknown cost says so.
fn totals(read: &Read, runs: &[RunIx]) -> String {
    let store = &read.store;
    let all = read.runs().len();
    let shown = human::counted(runs.len() as u64, "run");
    let shown = if runs.len() < all {
        format!("{shown} of {}", human::count(all as u64))
    } else {
        shown
    };
    let mut parts = vec![shown, human::counted(store.sources().len() as u64, "file")];
    let costs = CostSum::of(store, runs);
    if costs.known.is_some() {
        parts.push(words::cost(costs.known));
    }
    if costs.unknown > 0 {
        parts.push(format!("{} of unknown cost", costs.unknown));
    }
    parts.join(" · ")
}

fn order(text: &str) -> Result<Order, Failure> {
    Order::parse(text).map_err(|name| {
        let known: Vec<&str> = Key::ALL.iter().map(|key| key.word()).collect();
        let known = known.join(", ");
        Failure::Usage(format!(
            "'{name}' is not a column to sort by (known: {known})"
        ))
    })
}
