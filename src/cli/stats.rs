//! `stats`: actions counted by their fields.

use std::path::PathBuf;

use crate::analysis::grouped::{self, Field, Group};
use crate::cli::failure::Exit;
use crate::cli::look::Look;
use crate::cli::table::{self, Cell, Column};
use crate::cli::{Cx, filter};
use crate::export::json::stats as stats_json;
use crate::export::words::{self, Role};
use crate::model::action::ActionIx;
use crate::model::quantity::Elapsed;

const COUNTS: &[Column] = &[
    Column::right("ACTS", 0),
    Column::right("RUNS", 6),
    Column::right("ERR", 0),
    Column::right("BLK", 2),
    Column::right("RTY", 5),
    Column::right("P50", 1),
    Column::right("P90", 3),
    Column::right("P99", 4),
    Column::right("TOKENS", 7),
    Column::right("COST", 1),
];

pub(super) fn run(cx: &mut Cx, paths: &[PathBuf], by: &[String]) -> anyhow::Result<Exit> {
    let by: Vec<Field> = by
        .iter()
        .filter_map(|word| Field::from_word(word))
        .collect();
    let expr = cx
        .global
        .condition
        .as_deref()
        .map(filter::parse)
        .transpose()?;
    let read = cx.load.paths(&cx.notes, paths);
    let exit = read.exit(&cx.notes);
    let store = &read.store;
    let rows = match &expr {
        Some(expr) => filter::rows(cx, store, expr),
        None => (0..store.len()).map(ActionIx).collect(),
    };
    let groups = grouped::groups(rows.iter().map(|ix| store.row(*ix)), &by);
    if cx.global.json {
        cx.out.json(&stats_json::stats(&by, &groups))?;
        return Ok(exit);
    }
    if groups.is_empty() {
        let by: Vec<_> = by.iter().map(|field| field.word()).collect();
        cx.notes
            .note(&format!("no action has a {}", by.join(" and a ")));
        return Ok(exit);
    }
    let heads = by
        .iter()
        .map(|field| Column::left(field.word(), 0).cut_to(10));
    let columns: Vec<Column> = heads.chain(COUNTS.iter().copied()).collect();
    let rows: Vec<_> = groups
        .iter()
        .map(|group| row(&cx.out.look, group))
        .collect();
    table::write(&mut cx.out, &columns, &rows)?;
    Ok(exit)
}

fn row(look: &Look, group: &Group) -> Vec<Cell> {
    let stopped = group.blocked + group.denied;
    let durations = group.durations();
    let span = |pick: fn(grouped::Percentiles) -> Elapsed| {
        Cell::new(durations.map_or_else(|| words::NOTHING.to_owned(), |it| words::span(pick(it))))
    };
    let mut cells: Vec<Cell> = group
        .key
        .iter()
        .map(|key| Cell::new(look.clean(words::name(key))))
        .collect();
    cells.extend([
        Cell::new(group.actions.to_string()),
        Cell::new(group.runs.to_string()),
        Cell::alarm(group.errors, Role::Bad),
        Cell::alarm(stopped, Role::Warn),
        Cell::alarm(group.retries, Role::Warn),
        span(|it| it.p50),
        span(|it| it.p90),
        span(|it| it.p99),
        Cell::new(words::tokens(group.usage.total())),
        Cell::new(words::cost(group.cost())),
    ]);
    cells
}
