//! Reads all the traces that the command line names, for commands that print.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;

use crate::base::clock::{Clock as _, System};
use crate::base::human;
use crate::cli::args::Global;
use crate::cli::failure::{Exit, Failure};
use crate::cli::out::{Notes, Progress};
use crate::cli::pick::Target;
use crate::cli::selection::Selection;
use crate::cli::url;
use crate::ingest::discover::{self, Input, Resolved, Shown};
use crate::ingest::formats::sniff;
use crate::ingest::prices::PriceTable;
use crate::ingest::records::Account;
use crate::ingest::{self, Loaded, Source, formats, intake};
use crate::model::action::{ActionIx, Kind, SourceIx};
use crate::model::quantity::Time;
use crate::model::run::RunIx;
use crate::query::expr::{Expr, Subject, Term, Test, Value};
use crate::query::fields::{Field, nearest};
use crate::store::Store;

/// Files up to this size are checked for a valid record before the explorer opens.
const GLANCE: u64 = 256 << 10;

/// Reads traces with the options of the command line.
#[derive(Debug)]
pub(super) struct Load {
    pub(super) options: intake::Options,
    /// For paths that are URLs of traces.
    pub(super) access: url::Access,
    /// All sources that were read: any of them may be damaged when its actions are opened.
    sources: RefCell<Vec<Arc<Source>>>,
}

fn unknown_format(name: &str) -> Failure {
    let known: Vec<&str> = formats::all().map(formats::Format::name).collect();
    let near = nearest(name, known.iter().copied());
    let hint = near.map(|near| format!(" · did you mean '{near}'?"));
    let error = ingest::Error::UnknownFormat {
        name: name.to_owned(),
        known: known.join(", "),
    };
    Failure::Usage(format!("{error}{}", hint.unwrap_or_default()))
}

/// Everything that could be read; what could not has been reported.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) store: Store,
    /// How many paths could not be opened or read.
    pub(super) failed: usize,
    /// What the paths narrow the command to; none for everything.
    pub(super) selection: Option<Selection>,
}

impl Load {
    pub(super) fn new(global: &Global) -> Result<Load, Failure> {
        let format = match global.format.as_deref() {
            None => None,
            Some(name) => Some(formats::by_name(name).ok_or_else(|| unknown_format(name))?),
        };
        let mut prices = PriceTable::built_in();
        if let Some(path) = &global.price_file {
            prices = prices
                .with_file(path)
                .map_err(|error| Failure::Usage(error.to_string()))?;
        }
        Ok(Load::with(intake::Options {
            format,
            shown: if global.all_json {
                Shown::AllJson
            } else {
                Shown::Traces
            },
            now: Time(System.now()),
            memory: global.max_mem.unwrap_or(intake::MEMORY),
            ..intake::Options::new(prices)
        }))
    }

    pub(super) fn with(options: intake::Options) -> Load {
        Load {
            options,
            access: url::Access::default(),
            sources: RefCell::default(),
        }
    }

    /// Reads paths that may name a run or an action (`PATH#RUN:SEQ`).
    pub(super) fn paths(&self, notes: &Notes, paths: &[PathBuf]) -> Result<Read, Failure> {
        url::check(paths)?;
        let targets: Vec<Target> = paths.iter().map(|path| Target::parse(path)).collect();
        let (targets, failed) = url::into_folders(notes, targets, &self.access);
        let files: Vec<PathBuf> = targets.iter().map(|it| it.path.clone()).collect();
        let mut read = self.whole(notes, &files);
        read.failed += failed.len();
        read.selection = Selection::of(&read, &targets)?;
        Ok(read)
    }

    /// Reads everything in some files and folders.
    pub(super) fn whole(&self, notes: &Notes, paths: &[PathBuf]) -> Read {
        let found = self.resolve(notes, paths);
        let mut read = self.inputs(notes, found.inputs);
        read.failed += found.errors.len();
        read
    }

    /// The inputs that the paths name. Errors, and files in folders that are not shown, are reported.
    pub(super) fn resolve(&self, notes: &Notes, paths: &[PathBuf]) -> Resolved {
        let everything = self.options.anything || self.options.format.is_some();
        let shown = if everything {
            Shown::AllJson
        } else {
            self.options.shown
        };
        let (paths, failed) = url::fetched(notes, paths, &self.access);
        let mut resolved = discover::resolve(&paths, shown);
        for note in resolved.notes() {
            notes.note(&note);
        }
        for error in &resolved.errors {
            notes.error(&error.to_string());
        }
        resolved.errors.extend(failed);
        resolved
    }

    /// The inputs if at least one of them is a trace; otherwise none, and the reasons are reported.
    pub(super) fn traces(&self, notes: &Notes, inputs: Vec<Input>) -> Vec<Input> {
        let mut errors = Vec::new();
        for input in &inputs {
            match self.is_trace(input) {
                Ok(()) => return inputs,
                Err(error) => errors.push(error),
            }
        }
        for error in errors {
            notes.error(&error.to_string());
        }
        Vec::new()
    }

    fn is_trace(&self, input: &Input) -> Result<(), ingest::Error> {
        match input {
            Input::File(path) => {
                let bytes = discover::open_file(path)?;
                sniff::identify(path, &bytes, self.options.format, self.options.anything)?;
                if input.size() <= GLANCE && !self.has_record(input) {
                    return Err(ingest::Error::NotATrace {
                        path: path.to_string_lossy().into_owned(),
                        what: "contains no valid record (saferun-tui verify PATH shows why)"
                            .to_owned(),
                    });
                }
                Ok(())
            }
            // Standard input can be read only once.
            Input::Stdin | Input::Bundled { .. } => Ok(()),
        }
    }

    fn has_record(&self, input: &Input) -> bool {
        let messages = intake::load(vec![input.clone()], self.options.clone());
        messages.into_iter().any(
            |message| matches!(message, Loaded::Finished { account, .. } if account.lines_ok > 0),
        )
    }

    pub(super) fn inputs(&self, notes: &Notes, inputs: Vec<Input>) -> Read {
        let mut read = Read {
            store: Store::new(),
            failed: 0,
            selection: None,
        };
        if inputs.is_empty() {
            return read;
        }
        let mut progress = Progress::new(notes);
        for message in intake::load(inputs, self.options.clone()) {
            match &message {
                Loaded::Progress { read, total } => progress.show(&reading(*read, *total)),
                Loaded::Batch(batch) => progress.show(&reading(batch.read, batch.total)),
                Loaded::Done => break,
                Loaded::Sources(_)
                | Loaded::Preview(_)
                | Loaded::Finished { .. }
                | Loaded::Failed(_) => {}
                Loaded::Notice(notice) => {
                    progress.clear();
                    let path = notice.path.display();
                    notes.note(&format!("{path} {}", notice.kind.words()));
                }
            }
            if let Some(error) = read.store.apply(message) {
                progress.clear();
                notes.error(&error.to_string());
                read.failed += 1;
            }
        }
        progress.clear();
        read.detail(notes);
        let sources = read.store.sources().iter().map(Arc::clone);
        self.sources.borrow_mut().extend(sources);
        read
    }

    /// Reports the sources whose bytes could not be read again, and says whether there are any.
    pub(super) fn report_damage(&self, notes: &Notes) -> bool {
        let sources = self.sources.borrow();
        let damaged = sources.iter().filter(|source| source.damage.is_noted());
        damaged.map(|source| notes.error(&source.damaged())).count() > 0
    }
}

impl Read {
    /// The accounts of all files, added up.
    pub(super) fn account(&self) -> Account {
        let mut sum = Account::default();
        for at in 0..self.store.sources().len() {
            let Some(it) = self.store.account(SourceIx(at as u32)) else {
                continue;
            };
            sum.add(it);
        }
        sum
    }

    pub(super) fn has_records(&self) -> bool {
        self.account().lines_ok > 0
    }

    /// Reports what could not be used. [`Exit::NoInput`] if a path could not be read, or if nothing
    /// that was read is a record.
    pub(super) fn exit(&self, notes: &Notes) -> Exit {
        let account = self.account();
        let unused = account.lines_bad + account.lines_partial;
        if account.lines_ok == 0 {
            match (self.failed, account.total) {
                (0, 0) => self.report_empty(notes),
                (0, _) => notes.error(
                    "no valid record in the given files (saferun-tui verify PATH shows why)",
                ),
                (_, _) => {}
            }
            return Exit::NoInput;
        }
        if unused > 0 {
            let all = human::count(unused + account.lines_ok);
            let unused = human::count(unused);
            notes.note(&format!(
                "{unused} of {all} lines could not be read (saferun-tui verify lists them)"
            ));
        }
        if self.failed > 0 {
            Exit::NoInput
        } else {
            Exit::Done
        }
    }

    fn report_empty(&self, notes: &Notes) {
        for source in self.store.sources() {
            notes.error(&format!("{}: empty", source.path.display()));
        }
        if self.store.sources().is_empty() {
            notes.error("no trace found");
        }
    }

    /// The selected runs, without those that only collect malformed lines.
    pub(super) fn runs(&self) -> Vec<RunIx> {
        let store = &self.store;
        let mut is_real: Vec<bool> = store.runs().iter().map(|run| !run.id.is_empty()).collect();
        if is_real.contains(&false) {
            for row in store.rows().filter(|row| row.kind() != Kind::Malformed) {
                is_real[row.run_ix().0 as usize] = true;
            }
        }
        (0..)
            .map(RunIx)
            .zip(is_real)
            .filter(|(ix, is_real)| *is_real && self.is_selected(*ix))
            .map(|(ix, _)| ix)
            .collect()
    }

    fn is_selected(&self, ix: RunIx) -> bool {
        self.selection.as_ref().is_none_or(|it| it.has_run(ix))
    }

    /// Those of some actions that are selected.
    pub(super) fn selected(&self, mut rows: Vec<ActionIx>) -> Vec<ActionIx> {
        if let Some(selection) = &self.selection {
            rows.retain(|ix| selection.has(&self.store.row(*ix)));
        }
        rows
    }

    /// A filter on runs, narrowed to those that are selected.
    pub(super) fn only(&self, condition: Option<Expr>) -> Option<Expr> {
        if self.selection.is_none() {
            return condition;
        }
        let runs = self.runs().into_iter();
        let ids = runs.map(|ix| Value::Quoted(self.store.run(ix).id.to_string()));
        let only = Expr::Term(Term {
            subject: Subject::Field(Field::Run),
            test: Test::Equals(ids.collect()),
        });
        Some(match condition {
            Some(condition) => Expr::And(vec![condition, only]),
            None => only,
        })
    }

    fn detail(&self, notes: &Notes) {
        for (at, source) in self.store.sources().iter().enumerate() {
            let account = self
                .store
                .account(SourceIx(at as u32))
                .copied()
                .unwrap_or_default();
            let (size, lines) = (human::bytes(account.total), human::count(account.lines_ok));
            let (path, format) = (source.path.display(), source.format.name());
            notes.detail(&format!("{path}: {format}, {size}, {lines} good lines"));
        }
    }
}

fn reading(read: u64, total: u64) -> String {
    format!("reading {} of {}", human::bytes(read), human::bytes(total))
}
