//! `tail`: prints actions as they complete while the trace is being written.

mod held;

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use crossbeam_channel::RecvTimeoutError;
use serde::Serialize;

use self::held::Held;

use crate::analysis::naming;
use crate::cli::args::Machine;
use crate::cli::command::{Accepts, Command, GlobalOption};
use crate::cli::explore;
use crate::cli::failure::{Exit, Failure};
use crate::cli::pick::Target;
use crate::cli::{Cx, columns, filter};
use crate::export::csv;
use crate::export::json::action;
use crate::ingest::Loaded;
use crate::ingest::intake;
use crate::ingest::notice::Notice;
use crate::model::action::{ActionIx, Flags, Status};
use crate::query::alerted;
use crate::query::eval::{Buffers, Query};
use crate::query::expr::{Expr, Regex, Subject, Term, Test, Value};
use crate::query::fields::Field;
use crate::store::Store;
use crate::store::row::Row;

/// Follow traces while they are being written: in the explorer, or as one JSON line per completed
/// action (into a pipe, or with --jsonl or --csv)
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui tail run.jsonl
  saferun-tui tail run.jsonl -w 'status:blocked' | jq .tool
  saferun-tui tail run.jsonl#7f3a91 --from-start --jsonl")]
pub struct Tail {
    /// Files (which need not exist yet), folders, globs, or - for standard input; PATH#RUN follows one
    /// run
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Also print the actions that are already there
    #[arg(long)]
    from_start: bool,
    /// Also print actions no older than this, such as 10m or 2h
    #[arg(long, value_name = "DURATION", conflicts_with = "from_start")]
    since: Option<String>,
    /// Poll for changes instead of relying on notifications from the system
    #[arg(long)]
    poll: bool,
}

impl Command for Tail {
    const NAME: &'static str = "tail";
    const ACCEPTS: Accepts = Accepts::READING
        .and(Accepts::SCREEN)
        .with(GlobalOption::Where)
        .with(GlobalOption::Jsonl)
        .with(GlobalOption::Csv)
        .with(GlobalOption::MaxMem);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let begin = Begin::of(self.from_start, self.since);
        if cx.out.style.width.is_some() && cx.global.machine().is_none() && !self.poll {
            cx.global.condition = condition(cx.global.condition.as_deref(), &begin)?;
            return explore::follow(cx, &self.paths);
        }
        let targets: Vec<Target> = self.paths.iter().map(|it| Target::parse(it)).collect();
        let paths = targets.iter().map(|it| it.path.clone()).collect();
        let messages = intake::follow(paths, cx.load.options.clone(), self.poll)?;
        let mut printer = Printer::new(cx, &begin, &targets)?;
        if cx.global.csv {
            let heads: Vec<_> = action::MEMBERS.iter().map(|it| (*it).into()).collect();
            cx.out.verbatim(&csv::row(heads.iter().map(Some)))?;
        }
        loop {
            // The reader gets everything there is before we wait for more.
            if messages.is_empty() {
                cx.out.flush()?;
            }
            let next = match printer.held.deadline() {
                Some(deadline) => messages.recv_deadline(deadline),
                None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match next {
                Ok(Loaded::Notice(notice)) => report(&notice),
                Ok(Loaded::Done) if !printer.is_current => printer.skip_existing(),
                Ok(message) => printer.take(cx, message)?,
                Err(RecvTimeoutError::Timeout) => printer.show_quiet(cx, Vec::new())?,
                Err(RecvTimeoutError::Disconnected) => {
                    printer.show_rest(cx)?;
                    return Ok(Exit::Done);
                }
            }
        }
    }
}

/// Where to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Begin {
    Now,
    Start,
    /// With what is no older than this (such as `10m`).
    Since(String),
}

impl Begin {
    fn of(from_start: bool, since: Option<String>) -> Begin {
        match since {
            Some(span) => Begin::Since(span),
            None if from_start => Begin::Start,
            None => Begin::Now,
        }
    }
}

/// The user's filter, combined with where to begin.
fn condition(condition: Option<&str>, begin: &Begin) -> Result<Option<String>, Failure> {
    let Begin::Since(span) = begin else {
        return Ok(condition.map(str::to_owned));
    };
    filter::parse(&format!("since:{span}"))?;
    Ok(Some(match condition {
        Some(condition) => format!("since:{span} ({condition})"),
        None => format!("since:{span}"),
    }))
}

/// A filter for the runs and actions that were named. None if a whole file was: its runs are not known yet.
fn only(targets: &[Target]) -> Option<Expr> {
    let one = |target: &Target| {
        let name = target.name.as_deref()?;
        let whole = term(Field::Run, begins_with(name));
        let Some((run, seq)) = naming::split_seq(name) else {
            return Some(whole);
        };
        let seq = Test::Equals(vec![Value::Word(seq.to_string())]);
        let seq = term(Field::Seq, seq);
        Some(Expr::Or(vec![
            whole,
            Expr::And(vec![term(Field::Run, begins_with(run)), seq]),
        ]))
    };
    let mut parts: Vec<Expr> = targets.iter().map(one).collect::<Option<_>>()?;
    match parts.len() {
        0 | 1 => parts.pop(),
        _ => Some(Expr::Or(parts)),
    }
}

fn term(field: Field, test: Test) -> Expr {
    Expr::Term(Term {
        subject: Subject::Field(field),
        test,
    })
}

fn begins_with(prefix: &str) -> Test {
    Test::Regex(Regex::new(&format!("^{}", regex::escape(prefix)), false))
}

/// What has been printed of a growing store.
struct Printer {
    store: Store,
    query: Query,
    buffers: Buffers,
    held: Held,
    /// Whether new actions are printed; before that, only those that complete later.
    is_current: bool,
    /// Actions before this one were dropped for lack of memory.
    dropped_before: u32,
}

impl Printer {
    fn new(cx: &Cx, begin: &Begin, targets: &[Target]) -> anyhow::Result<Printer> {
        let store = Store::new();
        let expr = match condition(cx.global.condition.as_deref(), begin)? {
            Some(condition) => filter::parse(&condition)?,
            None => Expr::All,
        };
        let expr = match only(targets) {
            Some(only) => filter::both(only, expr),
            None => expr,
        };
        if alerted::asks(&expr) {
            let what = "tail cannot filter by alerts of a run that is still growing: alert check reads it so far";
            return Err(Failure::Usage(what.to_owned()).into());
        }
        Ok(Printer {
            query: Query::compile(&expr, &store, &filter::context(cx)),
            store,
            buffers: Buffers::default(),
            held: Held::default(),
            is_current: *begin != Begin::Now,
            dropped_before: 0,
        })
    }

    fn take(&mut self, cx: &mut Cx, loaded: Loaded) -> io::Result<()> {
        let before = self.store.len();
        let mut touched = match &loaded {
            Loaded::Batch(batch) => batch.settled.iter().map(|news| news.action.0).collect(),
            _ => Vec::new(),
        };
        if let Some(error) = self.store.apply(loaded) {
            cx.notes.error(&error.to_string());
        }
        self.query.extend(&self.store);
        touched.retain(|ix| (self.store.first()..before).contains(ix));
        touched.sort_unstable();
        touched.dedup();
        if self.dropped_before != self.store.first() {
            self.dropped_before = self.store.first();
            self.held.forget_before(self.dropped_before);
        }
        if !self.is_current {
            return Ok(());
        }
        let mut released = Vec::new();
        for ix in touched {
            let row = self.store.row(ActionIx(ix));
            if self.held.has(&row) {
                self.held.put(&row, false, &mut released);
            }
        }
        for ix in before.max(self.dropped_before)..self.store.len() {
            let row = self.store.row(ActionIx(ix));
            self.held.put(&row, true, &mut released);
        }
        self.show_quiet(cx, released)
    }

    /// Prints what was released, and what has not changed for a while.
    fn show_quiet(&mut self, cx: &mut Cx, mut released: Vec<u32>) -> io::Result<()> {
        self.held.release_quiet(Instant::now(), &mut released);
        released.sort_unstable();
        released
            .into_iter()
            .try_for_each(|ix| self.show(cx, ActionIx(ix)))
    }

    /// Prints what is left when the trace has ended, also calls without a result.
    fn show_rest(&mut self, cx: &mut Cx) -> io::Result<()> {
        let left = self.held.drain();
        left.into_iter()
            .try_for_each(|ix| self.show(cx, ActionIx(ix)))
    }

    fn show(&mut self, cx: &mut Cx, ix: ActionIx) -> io::Result<()> {
        let row = self.store.row(ix);
        if self.query.test(&row, &mut self.buffers) {
            let action = action::action(&row);
            if cx.global.machine() == Some(Machine::Csv) {
                let record = serde_json::to_value(&action).map_err(io::Error::from)?;
                let fields = action::MEMBERS.iter();
                let fields = fields.map(|name| columns::member(&record, name));
                cx.out.verbatim(&csv::row(fields))?;
            } else {
                cx.out.json(&action)?;
            }
        }
        Ok(())
    }

    /// Skips what is already there, except calls that are still pending.
    fn skip_existing(&mut self) {
        for row in self.store.rows().filter(|row| !is_complete(row)) {
            self.held.wait(row.ix());
        }
        self.is_current = true;
    }
}

/// Whether an action has its result and waits for no approval.
fn is_complete(row: &Row<'_>) -> bool {
    row.status() != Status::Pending && !row.flags().has(Flags::WAITING)
}

/// Prints a notice as a line of JSON on standard error.
fn report(notice: &Notice) {
    let line = NoticeJson {
        notice: notice.kind.word(),
        path: notice.path.to_string_lossy().into_owned(),
        at: notice.at,
        may_miss: notice.missing.is_some(),
    };
    if let Ok(mut line) = serde_json::to_string(&line) {
        line.push('\n');
        let _ = io::stderr().lock().write_all(line.as_bytes());
    }
}

#[derive(Serialize)]
struct NoticeJson {
    notice: &'static str,
    path: String,
    at: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    may_miss: bool,
}
