//! `formats --explain`: what was weighed to find the format of a file.

use std::path::Path;

use serde_json::{Value, json};

use crate::base::text;
use crate::cli::Cx;
use crate::cli::failure::Exit;
use crate::cli::records::Records;
use crate::cli::table::{self, Cell, Column};
use crate::ingest::discover;
use crate::ingest::formats::sniff::{self, Caveat, ReadAs, SampledHead, Weighed};
use crate::ingest::records::Framing;

pub(super) fn run(cx: &mut Cx, path: &Path) -> anyhow::Result<Exit> {
    let opened = discover::open_file(path).and_then(|bytes| {
        let read_as = sniff::identify(path, &bytes, None, false)?;
        Ok((read_as, sniff::examine(path, &bytes)?))
    });
    let (read_as, found) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            cx.notes.error(&error.to_string());
            return Ok(Exit::NoInput);
        }
    };
    let weighed = found.weighed();
    if let Some(machine) = cx.global.machine() {
        let records = Records {
            schema: "saferun.tui/format-weights@1",
            list: "formats",
            csv: &["name", "tells", "fits", "against", "claims"],
            only: None,
            rest: vec![
                ("format", read_as.format.name().into()),
                ("records", found.records.len().into()),
                ("why", why(&read_as, &found).into()),
            ],
        };
        let rows = weighed.iter().map(|it| record(it, found.records.len()));
        records.write(&mut cx.out, machine, rows)?;
        return Ok(Exit::Done);
    }
    let path = text::sanitize(&path.to_string_lossy()).into_owned();
    let (name, why) = (read_as.format.name(), why(&read_as, &found));
    cx.out.line(&format!("{path}: {name}: {why}"))?;
    if !weighed.is_empty() {
        let rows: Vec<_> = weighed
            .iter()
            .map(|it| row(it, found.records.len()))
            .collect();
        table::write(&mut cx.out, COLUMNS, &rows)?;
    }
    Ok(Exit::Done)
}

const COLUMNS: &[Column<'static>] = &[
    Column::left("FORMAT", 0),
    Column::right("IDENTIFY", 0),
    Column::right("FIT", 0),
    Column::right("CONTRADICT", 0),
    Column::left("CLAIMS", 0),
];

fn row(it: &Weighed, all: usize) -> Vec<Cell> {
    let counts = [it.tells, it.fits, all - it.fits].map(|count| Cell::new(count.to_string()));
    let claims = if it.claims(all) { "yes" } else { "no" };
    [Cell::new(it.format.name())]
        .into_iter()
        .chain(counts)
        .chain([Cell::new(claims)])
        .collect()
}

fn record(it: &Weighed, all: usize) -> Value {
    json!({
        "name": it.format.name(),
        "tells": it.tells,
        "fits": it.fits,
        "against": all - it.fits,
        "claims": it.claims(all),
    })
}

/// The reason in words.
fn why(read_as: &ReadAs, found: &SampledHead) -> String {
    let all = found.records.len();
    let records = match (all, found.framing) {
        (1, _) => "1 record examined".to_owned(),
        (_, Framing::Lines) => format!("{all} lines examined"),
        (_, Framing::Document) => format!("{all} records of a document examined"),
    };
    let verdict = match (read_as.caveat, found.best()) {
        _ if found.whole.is_some() => return "identified by the document as a whole".to_owned(),
        (Some(Caveat::Stranger(words) | Caveat::Index(words)), _) => words,
        (Some(Caveat::Mixed), None) => {
            "records of several formats, and no format fits half of them"
        }
        (Some(Caveat::Mixed), Some(_)) => "other formats' records are among them",
        (None, Some(_)) => "at least one identifies it and at least half fit",
        (None, None) => "no format claims it: none has an identifying record and fits half of them",
    };
    format!("{records}: {verdict}")
}
