//! `query`: prints the actions that match a filter.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::analysis::runs::shown_ids;
use crate::analysis::snippet;
use crate::analysis::summary;
use crate::cli::args::{Machine, Paths, Rows};
use crate::cli::columns::{Key, Named, Offer, Order, Picked};
use crate::cli::command::{Accepts, Command, GlobalOption};
use crate::cli::failure::{Exit, Failure};
use crate::cli::policy::over;
use crate::cli::records::Records;
use crate::cli::table::{self, Cell, Column, Cut, Layout};
use crate::cli::text_style::TextStyle;
use crate::cli::{Cx, filter};
use crate::export::json::action::{self, ActionJson};
use crate::export::words::{self, Role};
use crate::model::action::{ActionIx, Kind};
use crate::query::hint::Over;
use crate::query::needles::{Needle, needles};
use crate::query::would::Verdicts;
use crate::store::Store;
use crate::store::bodies::{Bodies, Depth};
use crate::store::row::Row;

/// Print the actions that match a filter
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui query 'status:blocked' traces/
  saferun-tui query 'tool:refund args.amount>500' trace.jsonl --jsonl
  saferun-tui query 'tool:refund' traces/ --columns run,seq,args.amount,status
  saferun-tui query 'kind:model' traces/ --sort -cost --limit 10
  saferun-tui query 'would:deny' traces/ --policy policy.toml   calls that a policy would stop
  saferun-tui query '' trace.jsonl                   every action
  saferun-tui query -c -- '-user:bot' trace.jsonl    a filter that begins with a dash

Columns: run, seq, time, kind, tool, status, duration, cost, text, with --policy would, every field
that --json prints, and values inside args and result, such as args.amount. Sort by run, seq, time,
turn, kind, agent, model, tool, status, duration, cost or tokens; the default is the order of the
trace.

Exit code 1 when nothing matches, like grep.")]
pub struct Query {
    /// The filter; '' matches every action
    #[arg(value_name = "FILTER")]
    filter: String,
    #[command(flatten)]
    paths: Paths,
    /// Print only the number of matching actions
    #[arg(short, long)]
    count: bool,
    /// Print only the files that contain a match
    #[arg(short = 'l', long, conflicts_with = "count")]
    files_with_matches: bool,
    #[command(flatten)]
    rows: Rows,
}

impl Command for Query {
    const NAME: &'static str = "query";
    const ACCEPTS: Accepts = Accepts::READING
        .and(Accepts::RECORDS)
        .with(GlobalOption::Where)
        .with(GlobalOption::Policy);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        if !self.paths.paths.is_empty() || !super::stdin_is_a_trace() {
            check_order(&self.filter, &self.paths.paths)?;
        }
        let order = order(&self.rows)?;
        let picked = offer(cx, &self.rows.columns)?.pick(&self.rows.columns)?;
        let policies = over::read(cx)?;
        let mut expr = filter::parse_over_policy(cx, &self.filter)?;
        if let Some(condition) = filter::condition(cx)? {
            expr = filter::both(expr, condition);
        }
        let read = cx.load.paths(&cx.notes, &self.paths.or_stdin()?)?;
        over::judge(cx, policies.as_ref(), &read.store);
        let store = &read.store;
        let exit = read.exit(&cx.notes);
        let mut rows = read.selected(filter::rows(cx, store, &expr));
        let is_match = !rows.is_empty();
        if let Some(order) = order {
            order.sort(&mut rows, |ix| key(&store.row(*ix), order.column));
        }
        if self.count {
            cx.out.line(&rows.len().to_string())?;
        } else if self.files_with_matches {
            files(cx, store, &rows)?;
        } else if !is_match && cx.global.machine().is_none() {
            filter::hint(cx, store, &expr, Over::Actions);
        } else {
            rows.truncate(self.rows.limit.unwrap_or(usize::MAX));
            let sought = needles(&expr);
            matching(cx, store, (&rows, &sought), picked.as_ref())?;
        }
        Ok(if exit == Exit::Done && !is_match {
            Exit::NoMatch
        } else {
            exit
        })
    }
}

/// An existing file in the place of the filter, and no existing file among the paths: they were swapped.
fn check_order(filter: &str, paths: &[PathBuf]) -> Result<(), Failure> {
    if !Path::new(filter).is_file() || paths.iter().any(|path| path.exists()) {
        return Ok(());
    }
    let condition = paths
        .first()
        .map_or("is:error".into(), |path| path.to_string_lossy());
    Err(Failure::Usage(format!(
        "the filter comes first: saferun-tui query '{condition}' {filter}"
    )))
}

/// Prints actions as records or as a table.
pub(super) fn actions(
    cx: &mut Cx,
    store: &Store,
    rows: &[ActionIx],
    picked: Option<&Picked<'_>>,
) -> anyhow::Result<()> {
    matching(cx, store, (rows, &[]), picked)
}

/// The same, for actions in which some texts were found: they are shown.
fn matching(
    cx: &mut Cx,
    store: &Store,
    (rows, sought): (&[ActionIx], &[Needle]),
    picked: Option<&Picked<'_>>,
) -> anyhow::Result<()> {
    let Some(machine) = cx.global.machine() else {
        return match picked {
            _ if rows.is_empty() => Ok(()),
            Some(picked) => picked_table(cx, store, (rows, sought), picked),
            None => table(cx, store, (rows, sought)),
        };
    };
    print(cx, machine, (store, rows), picked)
}

fn print(
    cx: &mut Cx,
    machine: Machine,
    (store, rows): (&Store, &[ActionIx]),
    picked: Option<&Picked<'_>>,
) -> anyhow::Result<()> {
    let records = Records {
        schema: action::SCHEMA,
        list: "actions",
        csv: action::MEMBERS,
        only: picked.map(Picked::members),
        rest: Vec::new(),
    };
    let would = cx.would.clone();
    let rows = rows.iter().map(|ix| ActionJson {
        would: would.as_ref().and_then(|it| it.of_call(ix.0)),
        ..action::action(&store.row(*ix))
    });
    records.write(&mut cx.out, machine, rows)
}

fn files(cx: &mut Cx, store: &Store, rows: &[ActionIx]) -> anyhow::Result<()> {
    let found: std::collections::BTreeSet<_> =
        rows.iter().map(|ix| store.row(*ix).source_ix()).collect();
    for ix in found {
        let path = cx.out.style.clean(&store.source(ix).path.to_string_lossy());
        cx.out.line(&path)?;
    }
    Ok(())
}

const COLUMNS: &[Column<'static>] = &[
    Column::left("RUN", 3).cut_to(13).dropping(Cut::Middle),
    Column::right("SEQ", 0),
    Column::left("TIME", 2),
    Column::left("KIND", 1),
    Column::left("TOOL", 0).cut_to(10),
    Column::left("STATUS", 0),
    Column::right("TOOK", 4),
    Column::right("COST", 5),
    Column::left("WHAT", 0).cut_to(26),
];

/// All columns; the last one needs a policy.
const JUDGED: &[Named] = &[
    Named::new("run", "run_id", COLUMNS[0]),
    Named::new("seq", "seq", COLUMNS[1]),
    Named::new("time", "ts", COLUMNS[2]),
    Named::new("kind", "kind", COLUMNS[3]),
    Named::new("tool", "tool", COLUMNS[4]),
    Named::new("status", "status", COLUMNS[5]),
    Named::new("duration", "duration_ms", COLUMNS[6]),
    Named::new("cost", "cost_usd", COLUMNS[7]),
    Named::new("text", "text", COLUMNS[8]),
    Named::new(WOULD, WOULD, Column::left("WOULD", 0)),
];

const WOULD: &str = "would";
const NAMED: &[Named] = JUDGED.split_at(JUDGED.len() - 1).0;

pub(super) const OFFER: Offer<'static> = Offer {
    named: NAMED,
    members: action::MEMBERS,
    open: &["args", "result", "usage", "error"],
};

/// The columns to choose from; verdicts are among them only with a policy.
fn offer(cx: &Cx, asked: &[String]) -> Result<Offer<'static>, Failure> {
    if !cx.global.overlay.is_empty() {
        return Ok(Offer {
            named: JUDGED,
            ..OFFER
        });
    }
    if asked.iter().any(|name| name.trim() == WOULD) {
        let what = format!("the column '{WOULD}' needs a policy (--policy FILE)");
        return Err(Failure::Usage(what));
    }
    Ok(OFFER)
}

const SORTABLE: &[&str] = &[
    "run", "seq", "time", "turn", "kind", "agent", "model", "tool", "status", "duration", "cost",
    "tokens",
];

pub(super) fn order(rows: &Rows) -> Result<Option<Order<'_>>, Failure> {
    let text = rows.sort.as_deref();
    text.map(|text| Order::parse(text, SORTABLE)).transpose()
}

/// What an action is sorted by; none if that was not recorded.
fn key(row: &Row<'_>, column: &str) -> Option<Key> {
    let number = |number: Option<i64>| number.map(|it| Key::Number(it as f64));
    match column {
        "run" => Key::name(&row.run().id),
        "seq" => Some(Key::Number(row.seq().into())),
        "time" => number(row.time().get()),
        "turn" => (row.turn() > 0).then(|| Key::Number(row.turn().into())),
        "kind" => Key::name(row.kind().word()),
        "agent" => Key::name(row.agent()),
        "model" => Key::name(row.model()),
        "tool" => Key::name(row.tool()),
        "status" => Key::name(row.status().word()),
        "duration" => number(row.duration().get()),
        "cost" => number(row.cost().get()),
        _ => row.usage().total().get().map(|it| Key::Number(it as f64)),
    }
}

/// Two passes, so that a million matches need no memory: only the second one opens the actions.
fn table(
    cx: &mut Cx,
    store: &Store,
    (rows, sought): (&[ActionIx], &[Needle]),
) -> anyhow::Result<()> {
    let ids = run_names(cx, store);
    // If there is one run, its id says nothing.
    let skip = usize::from(ids.len() <= 1);
    let cells = |row: &Row<'_>, style: &TextStyle| columns(row, style, &ids).split_off(skip);
    let mut layout = Layout::new(&COLUMNS[skip..]);
    for ix in rows {
        layout.measure(&cells(&store.row(*ix), &cx.out.style));
    }
    layout.stretch_last();
    layout.settle(cx.out.style.width);
    layout.heads(&mut cx.out)?;
    let mut bodies = Bodies::new();
    for ix in rows {
        let row = store.row(*ix);
        let mut cells = cells(&row, &cx.out.style);
        let what = what(&row, &mut bodies, sought);
        cells.push(Cell::new(cx.out.style.clean(&what)));
        layout.row(&mut cx.out, &cells)?;
    }
    Ok(())
}

/// The columns that were asked for.
fn picked_table(
    cx: &mut Cx,
    store: &Store,
    (rows, sought): (&[ActionIx], &[Needle]),
    picked: &Picked<'_>,
) -> anyhow::Result<()> {
    let ids = run_names(cx, store);
    let style = &cx.out.style;
    let mut bodies = Bodies::new();
    let mut cells = |ix: &ActionIx| {
        let row = store.row(*ix);
        let mut own = columns(&row, style, &ids);
        let text = if picked.has("text") {
            style.clean(&what(&row, &mut bodies, sought))
        } else {
            String::new()
        };
        own.extend([Cell::new(text), verdict(cx.would.as_deref(), *ix)]);
        let record = picked.needs_record().then(|| record(&row));
        picked.cells(&own, record.as_ref(), style)
    };
    let rows: Vec<Vec<Cell>> = rows.iter().map(&mut cells).collect();
    table::write(&mut cx.out, &picked.heads(), &rows)?;
    Ok(())
}

fn verdict(would: Option<&Verdicts>, ix: ActionIx) -> Cell {
    match would.and_then(|it| it.of_call(ix.0)) {
        Some(verdict) => Cell::role(verdict, over::role(verdict)),
        None => Cell::role(words::NOTHING, Role::Dim),
    }
}

/// Characters of a summary that are certain to be visible.
const SEEN: usize = 40;

/// What happened, in one line; after the text around the match if the summary does not show it.
fn what(row: &Row<'_>, bodies: &mut Bodies, sought: &[Needle]) -> String {
    let summary = summary::line(row, &bodies.open(row, Depth::Glance));
    let head: String = summary.chars().take(SEEN).collect();
    if sought.is_empty() || snippet::holds(&head, sought) {
        return summary;
    }
    match snippet::around(&bodies.open(row, Depth::Full), sought) {
        Some(around) => format!("{around} · {summary}"),
        None => summary,
    }
}

fn record(row: &Row<'_>) -> Value {
    serde_json::to_value(action::action(row)).unwrap_or_default()
}

/// The ids of all runs, shortened to what is unique.
fn run_names(cx: &Cx, store: &Store) -> Vec<String> {
    let ids: Vec<&str> = store.runs().iter().map(|run| &*run.id).collect();
    let short = shown_ids(&ids).into_iter();
    short.map(|id| cx.out.style.clean(&id)).collect()
}

fn columns(row: &Row<'_>, style: &TextStyle, ids: &[String]) -> Vec<Cell> {
    let (status, role) = words::status(row.status());
    let run = match row.kind() {
        Kind::Malformed => words::NOTHING,
        _ => ids.get(row.run_ix().0 as usize).map_or("", String::as_str),
    };
    vec![
        Cell::role(run, Role::Dim),
        Cell::new(words::seq(row.seq())),
        Cell::role(words::time_of_day(row.time(), &style.zone), Role::Dim),
        Cell::new(row.kind().word()),
        Cell::new(style.clean(row.tool())),
        Cell::role(status, role),
        Cell::new(words::span(row.duration())),
        Cell::new(words::row_cost(row)),
    ]
}
