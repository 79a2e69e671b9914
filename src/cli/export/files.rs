//! `export --patch` and `export --file`: the net change of a run's files, and the text of one of them.

use std::path::Path;

use crate::analysis::files::{File, Files};
use crate::base::human;
use crate::cli::Cx;
use crate::cli::export::{Target, report_masked};
use crate::cli::failure::Failure;
use crate::cli::output::{self, OutputFile};
use crate::cli::pick::NamedRun;
use crate::cli::show;
use crate::export::files as file_text;
use crate::export::redact::Masked;
use crate::export::words::Role;
use crate::store::Store;

/// How many files an error lists.
const LISTED: usize = 12;

/// Writes the net change up to an action, or of the whole run.
pub(super) fn patch(
    cx: &mut Cx,
    (store, found): (&Store, NamedRun),
    last: Option<u32>,
    target: &Target,
) -> anyhow::Result<()> {
    let files = show::files_of(store, found.run, last)?;
    store.intact()?;
    let until = last.map_or_else(String::new, |seq| format!(", up to #{seq}"));
    let title = format!("run {}{until}", store.run(found.run).id);
    let patch = file_text::patch(&title, &files, target.reason());
    write(cx, target, store, patch.text.get())?;
    let changed = human::counted(patch.files as u64, "file");
    let left_out = match patch.left_out {
        0 => String::new(),
        count => format!(
            ", {} left out (show --files says why)",
            human::counted(count as u64, "file")
        ),
    };
    cx.notes.note(&format!("{changed} in the patch{left_out}"));
    report_masked(cx, patch.text.count());
    Ok(())
}

/// Writes the text that a file had after an action. `named` is `PATH@SEQ`, or `PATH` for the end of the run.
pub(super) fn file(
    cx: &mut Cx,
    (store, found): (&Store, NamedRun),
    named: &str,
    target: &Target,
) -> anyhow::Result<()> {
    let at = named.rsplit_once('@');
    let at = at.and_then(|(path, seq)| Some((path, seq.parse::<u32>().ok()?)));
    let (path, last) = at.map_or((named, found.seq), |(path, seq)| (path, Some(seq)));
    let files = show::files_of(store, found.run, last)?;
    let file = files.find(path).ok_or_else(|| missing(&files, path))?;
    let text = text(file, last)?;
    store.intact()?;
    let text = Masked::unless(target.reason(), text.to_owned());
    write(cx, target, store, text.get())?;
    report_masked(cx, text.count());
    Ok(())
}

fn text(file: &File, last: Option<u32>) -> Result<&str, Failure> {
    let at = last.map_or_else(|| "at the end".to_owned(), |seq| format!("after #{seq}"));
    let refuse = |why: &str| Failure::Usage(format!("{}: {why}", file.path));
    match &file.now {
        Some(Some(text)) => Ok(text),
        Some(None) => Err(refuse(&format!("there is no such file {at}"))),
        None => {
            let why = file.why().map_or("", |gap| gap.words());
            Err(refuse(&format!("its contents {at} are not known: {why}")))
        }
    }
}

fn missing(files: &Files, path: &str) -> Failure {
    let named = |file: &&File| !file.events.is_empty();
    let names = files.all.iter().filter(named).map(|file| files.name(file));
    let listed: Vec<&str> = names.take(LISTED).collect();
    let more = match files.all.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!("\n  and {more} more (show --files)"),
    };
    let what = match listed.as_slice() {
        [] => format!("{path}: no call up to that action reads or changes a file"),
        listed => format!(
            "{path}: no call up to that action names this file, or several paths end with this; known files:\n  {}{more}",
            listed.join("\n  ")
        ),
    };
    Failure::Usage(what)
}

/// The text byte for byte, unless it goes to a terminal.
fn write(cx: &mut Cx, target: &Target, store: &Store, text: &str) -> anyhow::Result<()> {
    if let Some(path) = &target.output {
        let force = target.force;
        let place = OutputFile { path, force };
        place.write(&output::files(store), &mut |out| {
            out.write_all(text.as_bytes())
        })?;
        cx.notes.note(&format!("wrote {}", Path::display(path)));
        return Ok(());
    }
    if cx.out.style.width.is_none() {
        return Ok(cx.out.exact(text)?);
    }
    for line in text.lines() {
        let role = match line.as_bytes() {
            [b'+', ..] => Role::Good,
            [b'-', ..] => Role::Bad,
            [b'#', ..] => Role::Dim,
            [b'd', b'i', b'f', b'f', b' ', ..] => Role::Head,
            _ => Role::Plain,
        };
        let clean = cx.out.style.clean(line);
        cx.out.painted(role, &clean)?;
    }
    Ok(())
}
