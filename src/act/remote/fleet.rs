//! Rows of our own in `ClickHouse`: `load` writes them, and figures are read back. They equal those of the same
//! traces read here, because the rows hold what our readers found, and only whole numbers are added up.

mod cells;
mod groups;
mod runs;
mod schema;
mod write;

use std::path::PathBuf;

use jiff::tz::TimeZone;

pub use runs::Held;
pub use schema::{accelerating, ddl};

use super::address::{Address, Kind};
use super::clickhouse::Engine;
use super::connection::{Connection, Trouble};
use super::keys::Keys;
use super::{Failure, client, explained};
use crate::act::net::Net;
use crate::analysis::grouped::{self, Field, Group};
use crate::base::cancel::CancelFlag;
use crate::base::clock::{Clock as _, System};
use crate::model::run::RunIx;
use crate::query::sql::{LIVE, RUNS};
use crate::store::Store;
use runs::Gather;

/// The table by which a URL asks for our rows instead of spans.
const TABLE: &str = "saferun_runs";
/// How many actions are inserted at a time.
const BLOCK: u64 = 50_000;
/// The same for the bytes of their rows.
const BYTES: usize = 32 << 20;
/// How many runs an answer holds.
const PAGE: usize = 10_000;

/// A database with our tables.
#[derive(Debug, Clone)]
pub struct Fleet {
    pub address: Address,
    pub keys: Keys,
    /// A file of certificates to trust beside those of the system.
    pub cacert: Option<PathBuf>,
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    pub runs: u64,
    pub actions: u64,
}

/// Which runs to read: conditions in SQL, whose values are `params`.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    pub test: String,
    /// Conditions whose results are returned with each run.
    pub marks: Vec<String>,
    pub params: Vec<(String, String)>,
    /// The first of them in an order, at most this many.
    pub first: Option<(String, usize)>,
}

/// Whether a URL names our tables: `clickhouse://HOST/DATABASE/saferun_runs`.
pub fn is_ours(address: &Address) -> bool {
    let table = address.project.split_once('/').map(|(_, table)| table);
    address.kind == Kind::Clickhouse && table == Some(TABLE)
}

impl Fleet {
    fn database(&self) -> &str {
        let project = &self.address.project;
        project.split_once('/').map_or(project, |(name, _)| name)
    }

    /// Connects, and does something with the engine.
    fn with<T>(
        &self,
        cancel: &CancelFlag,
        act: impl FnOnce(&Engine, &mut Connection<'_>) -> Result<T, Trouble>,
    ) -> Result<T, Failure> {
        let engine = Engine::new(&self.address, &self.keys, self.database());
        let engine = engine.map_err(Failure::Input)?;
        let net = Net::start().map_err(|error| Failure::Input(error.to_string()))?;
        let client = client(&net, &self.address, self.cacert.as_deref())?;
        let mut quietly = |_| {};
        let mut connection = Connection::new(client, self.address.host(), cancel, &mut quietly);
        engine.auth().hide(&mut connection);
        let done = act(&engine, &mut connection);
        done.map_err(|error| Failure::Input(explained(&error, self.address.kind)))
    }

    /// Creates the tables that are missing.
    pub fn create(&self, cancel: &CancelFlag) -> Result<(), Failure> {
        self.with(cancel, |engine, connection| {
            let mut each = ddl().into_iter();
            each.try_for_each(|statement| engine.run(connection, statement))
        })
    }

    /// Inserts a row for each run and each action of a store, and reports how many runs are done.
    pub fn load(
        &self,
        store: &Store,
        cancel: &CancelFlag,
        report: &mut dyn FnMut(u64),
    ) -> Result<Written, Failure> {
        let mut writer = write::Writer::new(store, System.now() / 1_000, cancel);
        self.with(cancel, |engine, connection| {
            let mut written = Written::default();
            let mut block = Block::default();
            for ix in (0..store.runs().len() as u32).map(RunIx) {
                block.add(writer.lines(ix));
                if block.is_full() {
                    block.send(engine, connection, &mut written)?;
                    report(written.runs);
                }
            }
            block.send(engine, connection, &mut written)?;
            Ok(written)
        })
    }

    /// Runs, oldest load first, without their actions.
    pub fn runs(&self, wanted: &Wanted, cancel: &CancelFlag) -> Result<Held, Failure> {
        self.with(cancel, |engine, connection| {
            let mut gather = Gather::new(wanted.marks.len());
            let mut after = None;
            loop {
                let rows = engine.rows(connection, &page(wanted, after), &wanted.params)?;
                for row in &rows {
                    gather.add(row);
                }
                after = rows.last().and_then(runs::end_of);
                if rows.len() < PAGE || after.is_none() || wanted.first.is_some() {
                    return Ok(gather.done());
                }
            }
        })
    }

    /// How many runs there are that pass a test.
    pub fn count(&self, wanted: &Wanted, cancel: &CancelFlag) -> Result<u64, Failure> {
        let query = format!(
            "SELECT count() AS runs FROM {RUNS} WHERE listed AND {LIVE} AND ({})",
            wanted.test
        );
        let rows = self.with(cancel, |engine, connection| {
            engine.rows(connection, &query, &wanted.params)
        })?;
        Ok(rows
            .first()
            .map_or(0, |row| cells::Cells(row).count("runs")))
    }

    /// The versions of this program that wrote the rows.
    pub fn programs(&self, cancel: &CancelFlag) -> Result<Vec<String>, Failure> {
        let query = format!("SELECT DISTINCT program FROM {RUNS} WHERE {LIVE} ORDER BY program");
        let rows = self.with(cancel, |engine, connection| {
            engine.rows(connection, &query, &[])
        })?;
        let programs = rows.iter().map(|row| cells::Cells(row).text("program"));
        Ok(programs.map(str::to_owned).collect())
    }

    /// Groups of actions, most actions first.
    pub fn groups(
        &self,
        by: &[Field],
        (test, params): (&str, &[(String, String)]),
        zone: &TimeZone,
        cancel: &CancelFlag,
    ) -> Result<Vec<Group>, Failure> {
        let mut params = params.to_vec();
        if by.contains(&Field::Day) {
            let what = "the engine cannot group by day in this time zone; use --tz with the name of a zone";
            let name = groups::zone_name(zone).ok_or_else(|| Failure::Usage(what.to_owned()))?;
            params.push(("zone".to_owned(), name.to_owned()));
        }
        let rows = self.with(cancel, |engine, connection| {
            engine.rows(connection, &groups::query(by, test), &params)
        })?;
        let mut found: Vec<Group> = rows.iter().map(|row| groups::group(row, by)).collect();
        grouped::in_order(&mut found);
        Ok(found)
    }
}

fn page(wanted: &Wanted, after: Option<(i64, i64)>) -> String {
    let marks = wanted.marks.iter().enumerate();
    let marks = marks.map(|(at, test)| format!(", ({test}) AS mark{at}"));
    let marks = marks.collect::<Vec<String>>().concat();
    let after = after.map_or_else(String::new, |(loaded, place)| {
        format!(" AND (toUnixTimestamp64Milli(loaded_at), place) > ({loaded}, {place})")
    });
    let (order, limit) = match &wanted.first {
        Some((order, limit)) => (format!("{order}, loaded_at, place"), *limit),
        None => ("loaded_at, place".to_owned(), PAGE),
    };
    let (columns, test) = (runs::COLUMNS, &wanted.test);
    format!(
        "SELECT {columns}{marks}\nFROM {RUNS}\nWHERE listed AND {LIVE} AND ({test}){after}\nORDER BY {order}\nLIMIT {limit}"
    )
}

/// Rows that are inserted together: first those of actions, then those of their runs.
#[derive(Default)]
struct Block {
    runs: Vec<u8>,
    actions: Vec<u8>,
    count: Written,
}

impl Block {
    fn add(&mut self, lines: write::Lines) {
        self.runs.extend(lines.run);
        self.actions.extend(lines.actions);
        self.count.runs += 1;
        self.count.actions += lines.count;
    }

    fn is_full(&self) -> bool {
        self.count.actions >= BLOCK || self.actions.len() + self.runs.len() >= BYTES
    }

    fn send(
        &mut self,
        engine: &Engine,
        connection: &mut Connection<'_>,
        written: &mut Written,
    ) -> Result<(), Trouble> {
        let block = std::mem::take(self);
        for (table, rows) in [("saferun_actions", block.actions), (TABLE, block.runs)] {
            if rows.is_empty() {
                continue;
            }
            let mut statement = format!("INSERT INTO {table} FORMAT JSONEachRow\n").into_bytes();
            statement.extend(rows);
            engine.run(connection, statement)?;
        }
        written.runs += block.count.runs;
        written.actions += block.count.actions;
        Ok(())
    }
}
