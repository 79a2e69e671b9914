//! `ClickHouse`: the spans that OpenTelemetry's exporter wrote (`otel_traces`, with the log records of `otel_logs`), or
//! those of a Langfuse server, by time. With a filter, the engine selects runs by conditions on their spans and logs.

mod engine;
mod layout;
mod logs;
pub(super) mod select;

use serde_json::Value;

use super::Wish;
use super::auth::Auth;
use super::connection::{Connection, Trouble};
use super::product::{Page, Part, Product, Want};
use super::record::{Nanos, Reader, nanos};
use crate::query::evidence::Evidence;
pub(super) use engine::Engine;
use layout::Layout;
use logs::{Found, Logs};
use select::{Joins, Selection};

/// Larger pages take more memory and no less time.
const LIMIT: usize = 2_000;
const TABLE: &str = "otel_traces";

#[derive(Debug)]
pub(super) struct Clickhouse {
    engine: Engine,
    table: String,
    layout: &'static Layout,
    /// Of a table that holds several.
    project: Option<String>,
    /// The first and last moment of the whole pull.
    within: [Nanos; 2],
    /// What a run must show to be selected; none for all runs.
    evidence: Option<Evidence>,
    selection: Option<Selection>,
    joins: Joins,
    /// The table of log records beside that of spans, if there is one.
    logs: Option<Logs>,
}

/// Where a page ends: the time, trace and span of its last row.
#[derive(Debug, PartialEq, Eq)]
struct After<'a> {
    time: &'a str,
    trace: &'a str,
    span: &'a str,
}

impl After<'_> {
    fn parse(text: &str) -> Option<After<'_>> {
        let mut words = text.split('\n');
        Some(After {
            time: words.next()?,
            trace: words.next()?,
            span: words.next()?,
        })
    }

    fn of(row: &Value) -> String {
        let word = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
        format!("{}\n{}\n{}", word("began"), word("Trace"), word("Span"))
    }
}

impl Clickhouse {
    pub(super) fn new(wish: &Wish) -> Result<Clickhouse, String> {
        let address = &wish.address;
        let (database, table) = address
            .project
            .split_once('/')
            .unwrap_or((&address.project, TABLE));
        let (table, project) = table.split_once('/').unwrap_or((table, ""));
        if table.starts_with("saferun_") {
            return Err(format!(
                "{table} holds the rows of load: only ls, stats and cohort read them"
            ));
        }
        let layout = Layout::of(table);
        if wish.filter.is_some() && !layout.selects {
            return Err(format!(
                "{table} cannot select runs with --where: pull everything, then use --where on the folder"
            ));
        }
        let within = [wish.since, wish.until].map(|time| nanos(time).unwrap_or(0));
        let mut engine = Engine::new(address, &wish.keys, database)?;
        if wish.scans_all {
            engine.allow_all();
        }
        Ok(Clickhouse {
            layout,
            project: Some(project.to_owned()).filter(|it| !it.is_empty()),
            engine,
            table: named(table)?,
            within,
            evidence: wish.filter.as_ref().map(|filter| filter.evidence.clone()),
            selection: None,
            joins: Joins::of_attributes(),
            logs: None,
        })
    }

    /// What the query for a part, or the rest of it, asks for.
    fn tests(
        &self,
        part: Part<'_>,
        after: Option<&After<'_>>,
    ) -> (Vec<String>, Vec<(String, String)>) {
        let (mut tests, mut params) = query(self.layout, part, after);
        if let (Some(selection), Part::Window { .. }) = (&self.selection, part) {
            params.extend(selection.params.iter().cloned());
            let sql = selection.sql(&self.table, &self.joins);
            tests.push(format!("TraceId IN (\n{sql})"));
        }
        if let (Some(column), Some(project)) = (self.layout.project, &self.project) {
            tests.push(format!("{column} = {{project:String}}"));
            params.push(("project".to_owned(), project.clone()));
        }
        (tests, params)
    }

    fn find_logs(&self, connection: &mut Connection<'_>) -> Result<Option<Logs>, Trouble> {
        let query = format!("DESCRIBE TABLE {}", logs::TABLE);
        let columns = match self.engine.rows(connection, &query, &[]) {
            // There is no such table, or it may not be read.
            Err(Trouble::Refused { .. } | Trouble::TooMuch { .. }) => return Ok(None),
            answer => answer?,
        };
        Ok(Logs::of(&names(&columns)))
    }
}

/// The names in the answer to `DESCRIBE TABLE`.
fn names(columns: &[Value]) -> Vec<&str> {
    let names = columns.iter().filter_map(|it| it.get("name")?.as_str());
    names.collect()
}

/// An identifier that needs no quotes.
fn named(table: &str) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.';
    if !table.is_empty() && table.bytes().all(is_plain) {
        Ok(table.to_owned())
    } else {
        Err(format!("'{table}' is not a table name"))
    }
}

fn query(
    layout: &Layout,
    part: Part<'_>,
    after: Option<&After<'_>>,
) -> (Vec<String>, Vec<(String, String)>) {
    let [time, trace, span] = layout.order;
    let mut params = Vec::new();
    let mut tests: Vec<String> = vec![layout.test.to_owned()];
    match part {
        Part::Window { from, until } => {
            tests.push(format!("{time} >= fromUnixTimestamp64Nano({{from:Int64}}) AND {time} < fromUnixTimestamp64Nano({{until:Int64}})"));
            params.extend(
                [("from", from), ("until", until)]
                    .map(|(name, at)| (name.to_owned(), at.to_string())),
            );
        }
        Part::Rows { .. } | Part::Selected { .. } => tests.push("0".to_owned()),
        Part::Traces(ids) => {
            let names = ids.iter().enumerate().map(|(at, id)| {
                params.push((format!("t{at}"), id.clone()));
                format!("{{t{at}:String}}")
            });
            let names: Vec<String> = names.collect();
            tests.push(format!("{trace} IN ({})", names.join(", ")));
        }
    }
    if let Some(after) = after {
        tests.push(format!("({time}, {trace}, {span}) > (fromUnixTimestamp64Nano({{at:Int64}}), {{trace:String}}, {{span:String}})"));
        let place = [
            ("at", after.time),
            ("trace", after.trace),
            ("span", after.span),
        ];
        params.extend(place.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
    (tests, params)
}

impl Product for Clickhouse {
    fn reader(&self) -> Reader {
        self.layout.reader()
    }

    fn auth(&self) -> &Auth {
        self.engine.auth()
    }

    fn begin(&mut self, connection: &mut Connection<'_>) -> Result<(), Trouble> {
        let columns =
            self.engine
                .rows(connection, &format!("DESCRIBE TABLE {}", self.table), &[])?;
        let names = names(&columns);
        let missing: Vec<&str> = self
            .layout
            .needed
            .iter()
            .copied()
            .filter(|it| !names.contains(it))
            .collect();
        if !missing.is_empty() {
            let (table, missing) = (&self.table, missing.join(", "));
            return Err(connection.wrong(&format!(
                "{table} is not a table of spans that is known: it has no {missing}"
            )));
        }
        let is_json = |column: &&Value| {
            let text = |name: &str| column.get(name).and_then(Value::as_str).unwrap_or_default();
            text("name").ends_with("Attributes") && !text("type").contains("Map(")
        };
        if let Some(column) = columns.iter().find(is_json) {
            let (table, name, kind) = (&self.table, &column["name"], &column["type"]);
            return Err(connection.wrong(&format!(
                "{table} has {name} as {kind}; only maps of texts are known (json: false of the exporter)"
            )));
        }
        if let Some(joins) = Joins::of_columns(&names) {
            self.joins = joins;
        }
        if self.table == TABLE {
            self.logs = self.find_logs(connection)?;
        }
        let evidence = self.evidence.as_ref();
        self.selection = evidence.map(|it| Selection::new(it, self.within, self.logs));
        let [from, until] = self.within;
        let (tests, params) = self.tests(Part::Window { from, until }, None);
        let (trace, from) = (self.layout.order[1], self.layout.from(&self.table));
        let query = format!("SELECT {trace} FROM {from} WHERE {}", tests.join(" AND "));
        self.engine.estimate(connection, &query, &params)
    }

    fn page(&mut self, connection: &mut Connection<'_>, want: Want<'_>) -> Result<Page, Trouble> {
        let after = want.after.and_then(After::parse);
        let (tests, params) = self.tests(want.part, after.as_ref());
        let [time, trace, span] = self.layout.order;
        let columns = self.layout.columns;
        let part = format!(
            "FROM {}\nWHERE {}\nORDER BY {time}, {trace}, {span}\nLIMIT {LIMIT}",
            self.layout.from(&self.table),
            tests.join("\n  AND "),
        );
        let text = format!(
            "SELECT toUnixTimestamp64Nano({time}) AS began, {trace} AS Trace, {span} AS Span, {columns}\n{part}"
        );
        let rows = self.engine.rows(connection, &text, &params)?;
        let next = rows.last().filter(|_| rows.len() >= LIMIT).map(After::of);
        let mut found = match self.logs.filter(|_| !rows.is_empty()) {
            Some(logs) => {
                let spans = format!("SELECT TraceId, SpanId, ParentSpanId\n{part}");
                let query = logs.query(logs::TABLE, &spans);
                Found::new(self.engine.rows(connection, &query, &params)?)
            }
            None => Found::new(Vec::new()),
        };
        let records = rows.into_iter();
        let records = records.map(|row| found.join(row, self.layout.line));
        Ok(Page {
            records: records.collect(),
            next,
            may_be_cut: false,
        })
    }

    fn traces_at_once(&self) -> usize {
        100
    }
}
