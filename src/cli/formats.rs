//! `formats`: what can be read, what each source tells, and where agents keep their traces.

use crate::cli::Cx;
use crate::cli::failure::Exit;
use crate::cli::table::{self, Cell, Column};
use crate::export::words::Role;
use crate::ingest::format::Held;
use crate::ingest::formats::{self, Format};

const COLUMNS: &[Column] = &[
    Column::left("FORMAT", 0),
    Column::left("WRITTEN BY", 0).cut_to(20),
    Column::left("TOKENS", 2),
    Column::left("COST", 2),
    Column::left("TIMES", 2),
    Column::left("RESULTS", 2),
    Column::left("APPROVALS", 2),
    Column::left("KEPT IN", 1).cut_to(12),
];

pub(super) fn run(cx: &mut Cx) -> anyhow::Result<Exit> {
    let rows: Vec<_> = formats::all().map(row).collect();
    table::write(&mut cx.out, COLUMNS, &rows)?;
    Ok(Exit::Done)
}

fn row(format: &dyn Format) -> Vec<Cell> {
    let told = format.recorded();
    let held = [
        told.tokens,
        told.cost,
        told.times,
        told.results,
        told.approvals,
    ]
    .map(|held| match held {
        Held::Yes | Held::Partly => Cell::new(held.word()),
        Held::No => Cell::role(held.word(), Role::Dim),
    });
    let folders: Vec<String> = format
        .folders()
        .iter()
        .map(|folder| format!("~/{folder}"))
        .collect();
    let kept = if folders.is_empty() {
        Cell::role("—", Role::Dim)
    } else {
        Cell::new(folders.join(", "))
    };
    let named = [Cell::new(format.name()), Cell::new(format.about())];
    named.into_iter().chain(held).chain([kept]).collect()
}
