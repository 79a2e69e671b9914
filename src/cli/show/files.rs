//! `show --files`: the files of a run, what its calls did to them, and how well their change is known.

use crate::analysis::files::{Certainty, File, Files};
use crate::base::human;
use crate::cli::Cx;
use crate::cli::records::Records;
use crate::cli::table::{self, Cell, Column};
use crate::export::files as file_text;
use crate::export::json::files as files_json;
use crate::export::words::Role;
use crate::store::Store;

const COLUMNS: &[Column] = &[
    Column::left("FILE", 0).cut_to(24),
    Column::left("ACTIONS", 1),
    Column::right("ADDED", 2),
    Column::right("REMOVED", 2),
    Column::left("TEXT", 0),
    Column::left("NOTE", 3).cut_to(16),
];

pub(super) fn run(cx: &mut Cx, store: &Store, files: &Files) -> anyhow::Result<()> {
    if let Some(machine) = cx.global.machine() {
        let records = Records {
            schema: files_json::SCHEMA,
            list: "files",
            csv: files_json::MEMBERS,
            only: None,
            rest: vec![("root", files.root.as_str().into())],
        };
        let all = files
            .all
            .iter()
            .map(|file| files_json::file(store, files, file));
        return records.write(&mut cx.out, machine, all);
    }
    if files.all.is_empty() {
        cx.notes.note("no call reads or changes a file");
        return Ok(());
    }
    let (changed, read): (Vec<&File>, Vec<&File>) = files
        .all
        .iter()
        .partition(|file| file.is_changed || file.net().is_some());
    let rows = changed
        .iter()
        .chain(&read)
        .map(|file| cells(cx, files, file));
    let rows: Vec<Vec<Cell>> = rows.collect();
    table::write(&mut cx.out, COLUMNS, &rows)?;
    cx.out.line("")?;
    let exact = changed
        .iter()
        .filter(|file| file.certainty() == Certainty::Exact);
    let words = format!(
        "{} changed, {} of them exact (export --patch) · {} only read",
        human::counted(changed.len() as u64, "file"),
        exact.count(),
        read.len()
    );
    cx.out.painted(Role::Dim, &words)?;
    Ok(())
}

fn cells(cx: &Cx, files: &Files, file: &File) -> Vec<Cell> {
    let (added, removed) = file.lines();
    let certainty = file.certainty();
    let role = match certainty {
        Certainty::Exact => Role::Good,
        Certainty::Partial => Role::Plain,
        Certainty::Unknown => Role::Warn,
    };
    vec![
        Cell::new(cx.out.style.clean(files.name(file))),
        Cell::new(file_text::actions(file)),
        Cell::new(file_text::lines(added, "+")),
        Cell::new(file_text::lines(removed, "−")),
        Cell::role(certainty.word(), role),
        Cell::role(file_text::note(file), Role::Dim),
    ]
}
