//! `query`: the actions that match a filter, one per line.

use std::path::{Path, PathBuf};

use crate::analysis::runs::short_ids;
use crate::analysis::summary;
use crate::cli::failure::{Exit, Failure};
use crate::cli::look::Look;
use crate::cli::table::{Cell, Column, Layout};
use crate::cli::{Cx, filter};
use crate::export::json::action;
use crate::export::words::{self, Role};
use crate::model::action::{ActionIx, Kind};
use crate::query::hint::Over;
use crate::store::Store;
use crate::store::bodies::{Bodies, Depth};
use crate::store::row::Row;

/// What to print of the matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Print {
    Actions,
    Count,
    Files,
}

pub(super) fn run(
    cx: &mut Cx,
    filter: &str,
    paths: &[PathBuf],
    print: Print,
) -> anyhow::Result<Exit> {
    let expr = filter::parse(filter)?;
    let read = cx.load.paths(&cx.notes, paths);
    let exit = read.exit(&cx.notes);
    let rows = filter::rows(cx, &read.store, &expr);
    match print {
        Print::Count => cx.out.line(&rows.len().to_string())?,
        Print::Files => files(cx, &read.store, &rows)?,
        Print::Actions if rows.is_empty() && !cx.global.jsonl => {
            filter::hint(cx, &read.store, &expr, Over::Actions);
        }
        Print::Actions => actions(cx, &read.store, &rows)?,
    }
    Ok(if exit == Exit::Done && rows.is_empty() {
        Exit::NoMatch
    } else {
        exit
    })
}

/// A file where the filter stands, and no file where the paths stand: they are the wrong way round.
pub(super) fn check_order(filter: &str, paths: &[PathBuf]) -> Result<(), Failure> {
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

/// The actions as JSON lines or as a table.
pub(super) fn actions(cx: &mut Cx, store: &Store, rows: &[ActionIx]) -> anyhow::Result<()> {
    if cx.global.jsonl {
        for ix in rows {
            cx.out.json(&action::action(&store.row(*ix)))?;
        }
    } else if !rows.is_empty() {
        table(cx, store, rows)?;
    }
    Ok(())
}

fn files(cx: &mut Cx, store: &Store, rows: &[ActionIx]) -> anyhow::Result<()> {
    let found: std::collections::BTreeSet<_> =
        rows.iter().map(|ix| store.row(*ix).source_ix()).collect();
    for ix in found {
        let path = cx.out.look.clean(&store.source(ix).path.to_string_lossy());
        cx.out.line(&path)?;
    }
    Ok(())
}

const COLUMNS: &[Column] = &[
    Column::left("RUN", 3),
    Column::right("SEQ", 0),
    Column::left("TIME", 2),
    Column::left("KIND", 1),
    Column::left("TOOL", 0).cut_to(10),
    Column::left("STATUS", 0),
    Column::right("TOOK", 4),
    Column::right("COST", 5),
    Column::left("WHAT", 0).cut_to(26),
];

/// Two passes, so that a million matches need no memory: the second one opens what it prints.
fn table(cx: &mut Cx, store: &Store, rows: &[ActionIx]) -> anyhow::Result<()> {
    let ids: Vec<&str> = store.runs().iter().map(|run| &*run.id).collect();
    let mut ids = short_ids(&ids);
    // With one run its id says nothing; the last column of a table is always there.
    let skip = usize::from(ids.len() <= 1);
    for id in &mut ids {
        *id = cx.out.look.clean(id);
    }
    let cells = |row: &Row<'_>, look: &Look| columns(row, look, &ids).split_off(skip);
    let mut layout = Layout::new(&COLUMNS[skip..]);
    for ix in rows {
        layout.measure(&cells(&store.row(*ix), &cx.out.look));
    }
    layout.stretch_last();
    layout.settle(cx.out.look.width);
    layout.heads(&mut cx.out)?;
    let mut bodies = Bodies::new();
    for ix in rows {
        let row = store.row(*ix);
        let mut cells = cells(&row, &cx.out.look);
        let body = bodies.open(&row, Depth::Glance);
        cells.push(Cell::new(cx.out.look.clean(&summary::line(&row, &body))));
        layout.row(&mut cx.out, &cells)?;
    }
    Ok(())
}

fn columns(row: &Row<'_>, look: &Look, ids: &[String]) -> Vec<Cell> {
    let (status, role) = words::status(row.status());
    let run = match row.kind() {
        Kind::Malformed => words::NOTHING,
        _ => ids.get(row.run_ix().0 as usize).map_or("", String::as_str),
    };
    vec![
        Cell::role(run, Role::Dim),
        Cell::new(words::seq(row.seq())),
        Cell::role(words::time_of_day(row.time(), &look.zone), Role::Dim),
        Cell::new(row.kind().word()),
        Cell::new(look.clean(row.tool())),
        Cell::role(status, role),
        Cell::new(words::span(row.duration())),
        Cell::new(words::row_cost(row)),
    ]
}
