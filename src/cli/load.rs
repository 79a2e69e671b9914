//! Reads what the command line names, all of it, for commands that print.

use std::path::PathBuf;

use crate::base::human;
use crate::cli::args::Global;
use crate::cli::failure::{Exit, Failure};
use crate::cli::out::{Notes, Progress};
use crate::ingest::discover::{self, Input};
use crate::ingest::formats::sniff;
use crate::ingest::prices::PriceTable;
use crate::ingest::records::Account;
use crate::ingest::{self, Loaded, formats, intake};
use crate::model::action::{Kind, SourceIx};
use crate::model::run::RunIx;
use crate::query::fields::nearest;
use crate::store::Store;

/// Files up to this size are read before a screen is opened for them.
const GLANCE: u64 = 256 << 10;

/// How traces are read.
#[derive(Debug)]
pub(super) struct Load {
    pub(super) options: intake::Options,
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

/// Everything that could be read; what could not is said already.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) store: Store,
    /// Paths that could not be opened or read.
    pub(super) failed: usize,
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
        Ok(Load {
            options: intake::Options {
                format,
                memory: global.max_mem.unwrap_or(intake::MEMORY),
                ..intake::Options::new(prices)
            },
        })
    }

    pub(super) fn paths(&self, notes: &Notes, paths: &[PathBuf]) -> Read {
        let (inputs, errors) = discover::resolve(paths);
        for error in &errors {
            notes.error(&error.to_string());
        }
        let mut read = self.inputs(notes, inputs);
        read.failed += errors.len();
        read
    }

    /// The inputs, unless not one of them is a trace: then none, and why is said.
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
                        what: "no valid record in it (saferun-tui verify PATH tells why)"
                            .to_owned(),
                    });
                }
                Ok(())
            }
            // What is piped in comes when it comes.
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
        };
        if inputs.is_empty() {
            return read;
        }
        let mut progress = Progress::new(notes);
        for message in intake::load(inputs, self.options.clone()) {
            match &message {
                Loaded::Progress { read, total } => progress.tell(&reading(*read, *total)),
                Loaded::Batch(batch) => progress.tell(&reading(batch.read, batch.total)),
                Loaded::Done => break,
                Loaded::Sources(_)
                | Loaded::Preview(_)
                | Loaded::Finished { .. }
                | Loaded::Notice(_)
                | Loaded::Failed(_) => {}
            }
            if let Some(error) = read.store.apply(message) {
                progress.clear();
                notes.error(&error.to_string());
                read.failed += 1;
            }
        }
        progress.clear();
        read.detail(notes);
        read
    }
}

impl Read {
    /// The sum of the accounts of all files.
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

    /// Says what could not be used; [`Exit::NoInput`] when there is nothing at all to work on.
    pub(super) fn exit(&self, notes: &Notes) -> Exit {
        let account = self.account();
        let unused = account.lines_bad + account.lines_partial;
        if account.lines_ok == 0 {
            if self.failed == 0 {
                if account.total == 0 {
                    self.empty(notes);
                    return Exit::NoInput;
                }
                notes
                    .error("no valid record in what was named (saferun-tui verify PATH tells why)");
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
        Exit::Done
    }

    fn empty(&self, notes: &Notes) {
        for source in self.store.sources() {
            notes.error(&format!("{}: empty", source.path.display()));
        }
        if self.store.sources().is_empty() {
            notes.error("no trace in what was named");
        }
    }

    /// The runs, without what only gathers the broken lines that belong to none.
    pub(super) fn runs(&self) -> Vec<RunIx> {
        let store = &self.store;
        let mut told: Vec<bool> = store.runs().iter().map(|run| !run.id.is_empty()).collect();
        if told.contains(&false) {
            for row in store.rows().filter(|row| row.kind() != Kind::Malformed) {
                told[row.run_ix().0 as usize] = true;
            }
        }
        (0..)
            .map(RunIx)
            .zip(told)
            .filter(|(_, told)| *told)
            .map(|(ix, _)| ix)
            .collect()
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
