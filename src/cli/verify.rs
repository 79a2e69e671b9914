//! `verify`: accounts for every byte of some files and lists malformed lines.

use crate::base::human;
use crate::cli::Cx;
use crate::cli::args::Paths;
use crate::cli::command::{Accepts, Command};
use crate::cli::failure::Exit;
use crate::cli::load::{Load, Read};
use crate::cli::records::Records;
use crate::cli::table::{self, Cell, Column};
use crate::export::json::action::REASON_HEAD;
use crate::export::json::verify::{FileJson, MEMBERS, MalformedJson, SCHEMA};
use crate::export::words::Role;
use crate::ingest::records::{self, Account, Framing};
use crate::model::action::{Flags, Kind, SourceIx};
use crate::store::bodies;
use crate::store::row::Row;

/// Account for every byte: events, malformed lines, blank lines and an incomplete end
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui verify trace.jsonl
  saferun-tui verify traces/ --strict --quiet       for CI
  saferun-tui verify traces/ --jsonl                one file per line

PATH#RUN means the whole file. Exit code 4 when a file is missing, unreadable or without a
valid record.")]
pub struct Verify {
    #[command(flatten)]
    paths: Paths,
    /// Exit with code 5 when anything is malformed or incomplete
    #[arg(long)]
    strict: bool,
}

impl Command for Verify {
    const NAME: &'static str = "verify";
    const ACCEPTS: Accepts = Accepts::READING.and(Accepts::RECORDS);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let mut options = cx.load.options.clone();
        options.anything = true;
        let mut read = Load::with(options).paths(&cx.notes, &self.paths.or_stdin()?)?;
        read.selection = None;
        let files = files(&read);
        let exit = exit(&read, &files, self.strict);
        match cx.global.machine() {
            Some(machine) => {
                let records = Records {
                    schema: SCHEMA,
                    list: "files",
                    csv: MEMBERS,
                    only: None,
                    rest: Vec::new(),
                };
                records.write(&mut cx.out, machine, files.iter())?;
            }
            None => text(cx, &files, &read.account())?,
        }
        Ok(exit)
    }
}

fn exit(read: &Read, files: &[FileJson], strict: bool) -> Exit {
    let unusable = |file: &FileJson| file.lines.ok == 0;
    let imperfect = |file: &FileJson| file.lines.bad + file.lines.partial > 0;
    if read.failed > 0 || files.is_empty() || files.iter().any(unusable) {
        Exit::NoInput
    } else if strict && files.iter().any(imperfect) {
        Exit::Partial
    } else {
        Exit::Done
    }
}

fn files(read: &Read) -> Vec<FileJson> {
    let store = &read.store;
    let mut files: Vec<FileJson> = Vec::new();
    for (at, source) in store.sources().iter().enumerate() {
        let account = store
            .account(SourceIx(at as u32))
            .copied()
            .unwrap_or_default();
        files.push(FileJson {
            path: source.path.to_string_lossy().into_owned(),
            format: source.format.name(),
            bytes: (&account).into(),
            lines: (&account).into(),
            events: if source.framing == Framing::Lines {
                account.lines_ok
            } else {
                0
            },
            runs: 0,
            malformed: Vec::new(),
        });
    }
    for ix in read.runs() {
        if let Some(file) = files.get_mut(store.run(ix).source.0 as usize) {
            file.runs += 1;
        }
    }
    for row in store.rows() {
        let Some(file) = files.get_mut(row.source_ix().0 as usize) else {
            continue;
        };
        if row.kind() != Kind::Malformed {
            // A whole document counts as one line; every record in it is an event.
            file.events += u64::from(row.source().framing == Framing::Document);
        } else if !row.flags().has(Flags::INCOMPLETE) {
            file.malformed.push(malformed(&row));
        }
    }
    files
}

fn malformed(row: &Row<'_>) -> MalformedJson {
    let place = row.place();
    MalformedJson {
        line: row.line(),
        offset: place.offset,
        length: place.len.into(),
        reason: records::reason(&bodies::raw(row, place, REASON_HEAD), place),
    }
}

const COLUMNS: &[Column] = &[
    Column::left("FILE", 0).cut_to(16),
    Column::left("FORMAT", 3),
    Column::right("BYTES", 0),
    Column::right("EVENTS", 1),
    Column::right("RUNS", 2),
    Column::right("OK", 0),
    Column::right("BAD", 0),
    Column::right("BLANK", 4),
    Column::right("PARTIAL", 0),
    Column::right("REPAIRED", 5),
    Column::right("RECOVERED", 6),
];

fn text(cx: &mut Cx, files: &[FileJson], sum: &Account) -> anyhow::Result<()> {
    if files.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = files
        .iter()
        .map(|file| row(&cx.out.style.clean(&file.path), file))
        .collect();
    table::write(&mut cx.out, COLUMNS, &rows)?;
    for file in files {
        let path = cx.out.style.clean(&file.path);
        for it in &file.malformed {
            let reason = cx.out.style.clean(&it.reason);
            let (line, offset, length) = (it.line, it.offset, it.length);
            let place = format!("{path}:{line}: malformed ({length} bytes at {offset}): {reason}");
            cx.out.painted(Role::Bad, &place)?;
        }
        if file.bytes.total == 0 {
            let line = format!("{path}: the file is empty");
            cx.out.painted(Role::Warn, &line)?;
        } else if file.lines.ok == 0 {
            let line = format!("{path}: no valid record");
            cx.out.painted(Role::Warn, &line)?;
        }
        if file.lines.partial > 0 {
            let end = file.bytes.total - file.bytes.partial;
            let place = format!(
                "{path}: incomplete last line ({} bytes at {end})",
                file.bytes.partial
            );
            cx.out.painted(Role::Warn, &place)?;
        }
    }
    let parts = [
        ("ok", sum.ok),
        ("bad", sum.bad),
        ("blank", sum.blank),
        ("partial", sum.partial),
        ("bom", sum.bom),
    ];
    let parts = parts.map(|(word, bytes)| format!("{} {word}", human::count(bytes)));
    let files = human::counted(files.len() as u64, "file");
    let line = format!(
        "{files}: {} bytes = {}",
        human::count(sum.total),
        parts.join(" + ")
    );
    cx.out.painted(Role::Dim, &line)?;
    Ok(())
}

fn row(path: &str, file: &FileJson) -> Vec<Cell> {
    vec![
        Cell::new(path),
        Cell::new(file.format),
        Cell::new(human::count(file.bytes.total)),
        Cell::new(human::count(file.events)),
        Cell::new(human::count(file.runs)),
        Cell::new(human::count(file.lines.ok)),
        Cell::alarm(file.lines.bad, Role::Bad),
        Cell::role(human::count(file.lines.blank), Role::Dim),
        Cell::alarm(file.lines.partial, Role::Warn),
        Cell::alarm(file.lines.repaired, Role::Warn),
        Cell::alarm(file.lines.recovered, Role::Warn),
    ]
}
