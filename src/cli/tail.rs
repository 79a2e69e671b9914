//! `tail`: actions as they complete, one JSON line each, while the trace is written.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;

use crate::cli::failure::{Exit, Failure};
use crate::cli::{Cx, filter};
use crate::export::json::action;
use crate::ingest::Loaded;
use crate::ingest::intake;
use crate::ingest::notice::Notice;
use crate::model::action::{ActionIx, Flags, Status};
use crate::query::eval::Query;
use crate::query::expr::Expr;
use crate::store::Store;
use crate::store::bodies::Bodies;
use crate::store::row::Row;

/// Where to begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Begin {
    Now,
    Start,
    /// With what is no older than this (a span, as `10m`).
    Since(String),
}

/// The filter of a user together with where to begin.
pub(super) fn condition(condition: Option<&str>, begin: &Begin) -> Result<Option<String>, Failure> {
    let Begin::Since(span) = begin else {
        return Ok(condition.map(str::to_owned));
    };
    filter::parse(&format!("since:{span}"))?;
    Ok(Some(match condition {
        Some(condition) => format!("since:{span} ({condition})"),
        None => format!("since:{span}"),
    }))
}

impl Begin {
    pub(super) fn of(from_start: bool, since: Option<String>) -> Begin {
        match since {
            Some(span) => Begin::Since(span),
            None if from_start => Begin::Start,
            None => Begin::Now,
        }
    }
}

pub(super) fn run(
    cx: &mut Cx,
    paths: Vec<PathBuf>,
    begin: &Begin,
    poll: bool,
) -> anyhow::Result<Exit> {
    let told = intake::follow(paths, cx.load.options.clone(), poll)?;
    let mut tail = Tail::new(cx, begin)?;
    loop {
        // Whoever reads gets what there is before waiting begins.
        if told.is_empty() {
            cx.out.flush()?;
        }
        match told.recv() {
            Ok(Loaded::Notice(notice)) => say(&notice),
            Ok(Loaded::Done) if !tail.is_current => tail.pass_over(),
            Ok(message) => tail.take(cx, message)?,
            Err(_) => return Ok(Exit::Done),
        }
    }
}

/// What was printed of a store that grows.
struct Tail {
    store: Store,
    query: Query,
    bodies: Bodies,
    /// Actions that were not printed because more is to come of them.
    open: HashSet<u32>,
    /// Lines are printed from here on; before, only what completes later is.
    is_current: bool,
    /// Actions before this one were let go.
    let_go: u32,
}

impl Tail {
    fn new(cx: &Cx, begin: &Begin) -> anyhow::Result<Tail> {
        let store = Store::new();
        let expr = match condition(cx.global.condition.as_deref(), begin)? {
            Some(condition) => filter::parse(&condition)?,
            None => Expr::All,
        };
        Ok(Tail {
            query: Query::compile(&expr, &store, &filter::context(cx)),
            store,
            bodies: Bodies::new(),
            open: HashSet::new(),
            is_current: *begin != Begin::Now,
            let_go: 0,
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
        touched.retain(|ix| *ix < before);
        touched.sort_unstable();
        touched.dedup();
        if self.let_go != self.store.first() {
            self.let_go = self.store.first();
            self.open.retain(|ix| *ix >= self.let_go);
        }
        if !self.is_current {
            return Ok(());
        }
        for ix in touched {
            if self.open.remove(&ix) {
                self.show(cx, ActionIx(ix))?;
            }
        }
        for ix in before.max(self.let_go)..self.store.len() {
            self.show(cx, ActionIx(ix))?;
        }
        Ok(())
    }

    fn show(&mut self, cx: &mut Cx, ix: ActionIx) -> io::Result<()> {
        let row = self.store.row(ix);
        if !is_complete(&row) {
            self.open.insert(ix.0);
            return Ok(());
        }
        if self.query.test(&row, &mut self.bodies) {
            cx.out.json(&action::action(&row))?;
        }
        Ok(())
    }

    /// What is there already is not printed; calls that wait for their result will be.
    fn pass_over(&mut self) {
        let open = self.store.rows().filter(|row| !is_complete(row));
        self.open = open.map(|row| row.ix().0).collect();
        self.is_current = true;
    }
}

/// Nothing more is to come of an action: its result is there, and nobody is asked.
fn is_complete(row: &Row<'_>) -> bool {
    row.status() != Status::Pending && !row.flags().has(Flags::WAITING)
}

/// A line of JSON on standard error; that nobody can hear it stops nothing.
fn say(notice: &Notice) {
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
