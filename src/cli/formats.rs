//! `formats`: what can be read.

use crate::cli::Cx;
use crate::cli::failure::Exit;
use crate::cli::table::{self, Cell, Column};
use crate::ingest::formats;

const COLUMNS: &[Column] = &[
    Column::left("FORMAT", 0),
    Column::left("WRITTEN BY", 0).cut_to(20),
];

pub(super) fn run(cx: &mut Cx) -> anyhow::Result<Exit> {
    let rows: Vec<_> = formats::all()
        .map(|it| vec![Cell::new(it.name()), Cell::new(it.about())])
        .collect();
    table::write(&mut cx.out, COLUMNS, &rows)?;
    Ok(Exit::Done)
}
