//! `ls`: lists the runs.

use std::collections::{HashMap, HashSet};

use serde_json::json;

use crate::analysis::approvals;
use crate::analysis::models;
use crate::analysis::runs::{CostSum, Key, Order, shown_ids, stopped};
use crate::analysis::title;
use crate::base::{human, text};
use crate::cli::args::{Machine, Paths, Rows};
use crate::cli::columns::{self, Named, Offer, Picked};
use crate::cli::command::{Accepts, Command, GlobalOption};
use crate::cli::failure::{Exit, Failure};
#[cfg(feature = "capture")]
use crate::cli::fleet;
use crate::cli::load::Read;
use crate::cli::policy::over;
use crate::cli::records::Records;
use crate::cli::table::{self, Cell, Column, Cut};
use crate::cli::{Cx, filter};
use crate::export::csv;
use crate::export::json::run as run_json;
use crate::export::words::{self, Role};
use crate::model::quantity::Elapsed;
use crate::model::run::RunIx;
use crate::query::hint::Over;
use crate::store::Store;
use crate::store::bodies::Bodies;

/// List the runs
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui ls traces/ --where 'is:error' --sort -cost
  saferun-tui ls traces/ --sort -cost --limit 10 --columns run,model,cost
  saferun-tui ls traces/ --csv --columns run_id,task,correct > runs.csv
  saferun-tui ls traces/ --columns run_id,title | fzf
  saferun-tui ls traces/ -w 'would:deny' --policy policy.toml    runs that a policy would stop

Columns: run, started, agent, model, title, turns, actions, duration, cost, errors, blocked, retries, \
outcome, grade, file, waited (for people), and every field that --json prints. Sort by these or by \
active, tools, tokens or score; the default is -started, newest first.")]
pub struct Ls {
    #[command(flatten)]
    paths: Paths,
    #[command(flatten)]
    rows: Rows,
}

impl Command for Ls {
    const NAME: &'static str = "ls";
    const ACCEPTS: Accepts = Accepts::READING
        .and(Accepts::RECORDS)
        .with(GlobalOption::Where)
        .with(GlobalOption::Policy);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        order(&self.rows)?;
        OFFER.pick(&self.rows.columns)?;
        let policies = over::read(cx)?;
        filter::condition(cx)?;
        let paths = self.paths.or_stdin()?;
        #[cfg(feature = "capture")]
        if let Some(fleet) = fleet::rows::of(cx, &paths)? {
            let order = order(&self.rows)?;
            let read = fleet::rows::runs(cx, &fleet, (order, self.rows.limit))?;
            let all = (0..read.store.runs().len() as u32).map(RunIx);
            show(cx, &read, (all.collect(), order), &self.rows)?;
            return Ok(Exit::Done);
        }
        let read = cx.load.paths(&cx.notes, &paths)?;
        over::judge(cx, policies.as_ref(), &read.store);
        list(cx, &read, &self.rows)
    }
}

const NAMED: &[Named] = &[
    Named::new(
        "run",
        "run_id",
        Column::left("RUN", 0).cut_to(13).dropping(Cut::Middle),
    ),
    Named::new("started", "started_at", Column::left("STARTED", 0)),
    Named::new("agent", "agent", Column::left("AGENT", 3).cut_to(12)),
    Named::new(
        "model",
        "models",
        Column::left("MODEL", 4).cut_to(14).dropping(Cut::Model),
    ),
    Named::new("title", "title", Column::left("TITLE", 0).cut_to(20)),
    Named::new("turns", "turns", Column::right("TURNS", 7)),
    Named::new("actions", "actions", Column::right("ACTS", 5)),
    Named::new("duration", "duration_ms", Column::right("DUR", 6)),
    Named::new("cost", "cost_usd", Column::right("COST", 1)),
    Named::new("errors", "errors", Column::right("ERR", 0)),
    Named::new("blocked", "blocked", Column::right("BLK", 2)),
    Named::new("retries", "retries", Column::right("RTY", 8)),
    Named::new("waited", "waited_ms", Column::right("WAITED", 0)),
    Named::new("outcome", "status", Column::left("OUTCOME", 0)),
    Named::new("grade", "correct", Column::left("GRADE", 1)),
    Named::new(
        "file",
        "path",
        Column::left("FILE", 9).cut_to(20).dropping(Cut::Middle),
    ),
];

const OFFER: Offer<'_> = Offer {
    named: NAMED,
    members: csv::RUNS,
    open: &["usage"],
};

/// Lists what was read; shared with the explorer when there is no terminal.
pub(super) fn list(cx: &mut Cx, read: &Read, rows: &Rows) -> anyhow::Result<Exit> {
    let order = order(rows)?;
    let exit = read.exit(&cx.notes);
    let mut runs = read.runs();
    if let Some(expr) = filter::condition(cx)? {
        let found = filter::runs(cx, &read.store, &expr);
        if found.is_empty() && cx.global.machine().is_none() && exit == Exit::Done {
            filter::hint(cx, &read.store, &expr, Over::Runs);
        }
        let found: HashSet<RunIx> = found.into_iter().collect();
        runs.retain(|ix| found.contains(ix));
    }
    show(cx, read, (runs, order), rows)?;
    Ok(exit)
}

/// Prints runs in an order.
fn show(
    cx: &mut Cx,
    read: &Read,
    (mut runs, order): (Vec<RunIx>, Order),
    rows: &Rows,
) -> anyhow::Result<()> {
    let picked = OFFER.pick(&rows.columns)?;
    order.sort(&read.store, &mut runs);
    runs.truncate(rows.limit.unwrap_or(usize::MAX));
    match cx.global.machine() {
        Some(machine) => print(cx, machine, (read, &runs), picked.as_ref()),
        None => print_table(cx, read, &runs, picked.as_ref()),
    }
}

fn order(rows: &Rows) -> Result<Order, Failure> {
    let text = rows.sort.as_deref().unwrap_or("-started");
    let (name, dash) = match text.strip_prefix('-') {
        Some(name) => (name, "-"),
        None => (text, ""),
    };
    // The field of JSON is a name of the column here too.
    let named = NAMED.iter().find(|it| it.member == name);
    let name = named.map_or(name, |it| it.name);
    Order::parse(&format!("{dash}{name}")).map_err(|name| {
        let known: Vec<&str> = Key::ALL.iter().map(|key| key.word()).collect();
        columns::unsortable(name, &known)
    })
}

fn print(
    cx: &mut Cx,
    machine: Machine,
    (read, runs): (&Read, &[RunIx]),
    picked: Option<&Picked<'_>>,
) -> anyhow::Result<()> {
    let store = &read.store;
    let records = Records {
        schema: run_json::SCHEMA,
        list: "runs",
        csv: csv::RUNS,
        only: picked.map(Picked::members),
        rest: vec![
            ("files", json!(store.sources().len())),
            ("malformed", json!(read.account().lines_bad)),
        ],
    };
    let mut bodies = Bodies::new();
    let waited = approvals::waits(store);
    let runs = runs.iter().map(|ix| {
        let waited = waited.get(ix).copied().unwrap_or(Elapsed::NONE);
        run_json::run(store, *ix, &mut bodies).with_waited(waited)
    });
    records.write(&mut cx.out, machine, runs)
}

fn print_table(
    cx: &mut Cx,
    read: &Read,
    runs: &[RunIx],
    picked: Option<&Picked<'_>>,
) -> anyhow::Result<()> {
    let store = &read.store;
    if store.sources().is_empty() {
        return Ok(());
    }
    let agents: HashSet<_> = runs.iter().map(|ix| store.run(*ix).who.agent).collect();
    let are_blocked = runs.iter().any(|ix| stopped(store.run(*ix)) > 0);
    let is_cut = cx.out.style.width.is_some();
    let is_graded = runs.iter().any(|ix| store.run(*ix).grade().is_some());
    let are_several = store.sources().len() > 1;
    let usual = OFFER.usual(|it| match it.name {
        // Where room is short, what is the same everywhere is not worth a column.
        "agent" => agents.len() > 1 || !is_cut,
        "blocked" => are_blocked || !is_cut,
        "grade" => is_graded,
        "file" => are_several,
        "waited" => false,
        _ => true,
    });
    let shown = picked.unwrap_or(&usual);
    let mut bodies = Bodies::new();
    let waited = if shown.has("waited") {
        approvals::waits(store)
    } else {
        HashMap::new()
    };
    let ids: Vec<&str> = runs.iter().map(|ix| &*store.run(*ix).id).collect();
    let cells = |(ix, id): (&RunIx, &String)| {
        let title = title::of(store, *ix, &mut bodies);
        let waited = waited.get(ix).copied().unwrap_or(Elapsed::NONE);
        let own = row(cx, store, *ix, (id, &title, waited));
        let record = shown.needs_record().then(|| {
            let record = run_json::run(store, *ix, &mut bodies);
            serde_json::to_value(record).unwrap_or_default()
        });
        shown.cells(&own, record.as_ref(), &cx.out.style)
    };
    let short = shown_ids(&ids);
    let rows: Vec<Vec<Cell>> = runs.iter().zip(&short).map(cells).collect();
    if !rows.is_empty() {
        let width = cx.out.style.width;
        table::write(&mut cx.out, &heads(shown, width), &rows)?;
    }
    let totals = totals(read, runs);
    if cx.out.style.width.is_some() {
        cx.out.painted(Role::Dim, &totals)?;
    } else {
        cx.out.flush()?;
        cx.notes.note(&totals);
    }
    Ok(())
}

/// On a wide terminal, other columns go before the title has less than `WIDE_TITLE`.
fn heads<'a>(shown: &Picked<'a>, width: Option<usize>) -> Vec<Column<'a>> {
    let mut heads = shown.heads();
    let is_wide = width.is_some_and(|width| width >= WIDE);
    let title = heads.iter_mut().find(|column| column.head == "TITLE");
    if let Some(title) = title.filter(|_| is_wide) {
        title.least = Some(WIDE_TITLE);
    }
    heads
}

const WIDE: usize = 100;
const WIDE_TITLE: usize = 34;
/// A title takes no more cells, however wide the table may be.
const LONGEST_TITLE: usize = 80;

/// The cells of all columns, in their order.
fn row(cx: &Cx, store: &Store, ix: RunIx, (id, title, waited): (&str, &str, Elapsed)) -> Vec<Cell> {
    let style = &cx.out.style;
    let run = store.run(ix);
    let totals = &run.totals;
    let stopped = u64::from(stopped(run));
    let (status, role) = words::run_status(run);
    let names = run.who.models.iter();
    let names: Vec<&str> = names.map(|sym| store.symbols().name(*sym)).collect();
    let grade = words::grade(run).unwrap_or((words::NOTHING.to_owned(), Role::Dim));
    vec![
        Cell::new(style.clean(id)),
        Cell::new(words::date_time(run.started, &style.zone)),
        Cell::new(style.clean(words::name(store.symbols().name(run.who.agent)))),
        Cell::new(style.clean(words::name(&names.join(models::BETWEEN)))),
        Cell::new(style.clean(words::name(&text::cut(title, LONGEST_TITLE)))),
        Cell::new(totals.turns.to_string()),
        Cell::new(totals.actions.to_string()),
        Cell::new(words::span(run.duration())),
        Cell::new(words::cost(run.cost())),
        Cell::alarm(totals.errors.into(), Role::Bad),
        Cell::alarm(stopped, Role::Warn),
        Cell::alarm(totals.retries.into(), Role::Warn),
        Cell::new(words::span(waited)),
        Cell::role(status, role),
        Cell::role(grade.0, grade.1),
        Cell::role(
            style.clean(&store.source(run.source).path.to_string_lossy()),
            Role::Dim,
        ),
    ]
}

/// `5 runs · 2 files · $9.69`; runs of unknown cost are counted separately.
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
