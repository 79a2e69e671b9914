//! `formats`: the trace formats that can be read, what each of them records, and where agents keep theirs.

mod explain;

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::analysis::tape::class;
use crate::cli::Cx;
use crate::cli::command::{Accepts, Command, GlobalOption};
use crate::cli::failure::Exit;
use crate::cli::records::Records;
use crate::cli::table::{self, Cell, Column};
use crate::export::words::Role;
use crate::ingest::format::Held;
use crate::ingest::formats::{self, Format};
use crate::ingest::packed::sqlite::tables;

/// List the trace formats that can be read
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui formats --jsonl | jq -r .name
  saferun-tui formats --explain trace.jsonl")]
pub struct Formats {
    /// Show how the format of a file was detected
    #[arg(long, value_name = "FILE")]
    explain: Option<PathBuf>,
}

impl Command for Formats {
    const NAME: &'static str = "formats";
    const ACCEPTS: Accepts = Accepts::RECORDS.with(GlobalOption::Shape);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        if let Some(path) = &self.explain {
            return explain::run(cx, path);
        }
        let Some(machine) = cx.global.machine() else {
            let rows: Vec<_> = formats::all().map(row).collect();
            table::write(&mut cx.out, COLUMNS, &rows)?;
            return Ok(Exit::Done);
        };
        let records = Records {
            schema: "saferun.tui/formats@1",
            list: "formats",
            csv: MEMBERS,
            only: None,
            rest: Vec::new(),
        };
        records.write(&mut cx.out, machine, formats::all().map(record))?;
        Ok(Exit::Done)
    }
}

const COLUMNS: &[Column<'static>] = &[
    Column::left("FORMAT", 0),
    Column::left("DESCRIPTION", 0).cut_to(20),
    Column::left("TOKENS", 2),
    Column::left("COST", 2),
    Column::left("TIMES", 2),
    Column::left("RESULTS", 2),
    Column::left("APPROVALS", 2),
    Column::left("SERVE", 2),
    Column::left("LOCATION", 1).cut_to(12),
];

const MEMBERS: &[&str] = &[
    "name",
    "about",
    "tokens",
    "cost",
    "times",
    "results",
    "approvals",
    "serve",
    "folders",
    "stores",
];

fn record(format: &dyn Format) -> Value {
    let recorded = format.recorded();
    let folders = format.folders().iter();
    let folders: Vec<String> = folders.map(|folder| format!("~/{folder}")).collect();
    let stores: Vec<String> = stores(format);
    json!({
        "name": format.name(),
        "about": format.about(),
        "tokens": recorded.tokens.word(),
        "cost": recorded.cost.word(),
        "times": recorded.times.word(),
        "results": recorded.results.word(),
        "approvals": recorded.approvals.word(),
        "serve": class::letter(format),
        "folders": folders,
        "stores": stores,
    })
}

/// Where its databases are.
fn stores(format: &dyn Format) -> Vec<String> {
    let own = tables::all().filter(|schema| schema.format == format.name());
    let places = own.flat_map(|schema| schema.places);
    let distinct: std::collections::BTreeSet<&str> = places.copied().collect();
    distinct.iter().map(|place| format!("~/{place}")).collect()
}

fn row(format: &dyn Format) -> Vec<Cell> {
    let recorded = format.recorded();
    let held = [
        recorded.tokens,
        recorded.cost,
        recorded.times,
        recorded.results,
        recorded.approvals,
    ]
    .map(|held| match held {
        Held::Yes | Held::Partly => Cell::new(held.word()),
        Held::No => Cell::role(held.word(), Role::Dim),
    });
    let folders: Vec<String> = format
        .folders()
        .iter()
        .map(|folder| format!("~/{folder}"))
        .chain(stores(format))
        .collect();
    let folders = if folders.is_empty() {
        Cell::role("—", Role::Dim)
    } else {
        Cell::new(folders.join(", "))
    };
    let named = [Cell::new(format.name()), Cell::new(format.about())];
    let serve = Cell::new(class::letter(format));
    named
        .into_iter()
        .chain(held)
        .chain([serve, folders])
        .collect()
}
