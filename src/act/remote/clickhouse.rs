//! `ClickHouse`: the spans that OpenTelemetry's exporter wrote (`otel_traces`), or those of a Langfuse server, by time.
//! With a filter, the engine selects runs of `otel_traces` by conditions on their spans.

mod engine;
mod layout;
pub(super) mod select;

use serde_json::Value;

use super::address::Address;
use super::auth::Auth;
use super::keys::Keys;
use super::product::{Page, Part, Product, Want};
use super::record::{Nanos, Reader};
use super::wire::{Trouble, Wire};
use crate::query::evidence::Evidence;
pub(super) use engine::Engine;
use layout::Layout;
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
    selection: Option<Selection>,
    joins: Joins,
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
    pub(super) fn new(
        address: &Address,
        keys: &Keys,
        wanted: Option<(&Evidence, [Nanos; 2])>,
    ) -> Result<Clickhouse, String> {
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
        if wanted.is_some() && !layout.selects {
            return Err(format!(
                "{table} cannot select runs with --where: pull everything, then use --where on the folder"
            ));
        }
        Ok(Clickhouse {
            layout,
            project: Some(project.to_owned()).filter(|it| !it.is_empty()),
            engine: Engine::new(address, keys, database)?,
            table: named(table)?,
            selection: wanted
                .map(|(evidence, [since, until])| Selection::new(evidence, since, until)),
            joins: Joins::of_attributes(),
        })
    }
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
        Part::Rows { .. } => tests.push("0".to_owned()),
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

    fn begin(&mut self, wire: &mut Wire<'_>) -> Result<(), Trouble> {
        let columns = self
            .engine
            .rows(wire, &format!("DESCRIBE TABLE {}", self.table), &[])?;
        let names: Vec<&str> = columns
            .iter()
            .filter_map(|it| it.get("name")?.as_str())
            .collect();
        let missing: Vec<&str> = self
            .layout
            .needed
            .iter()
            .copied()
            .filter(|it| !names.contains(it))
            .collect();
        if missing.is_empty() {
            if let Some(joins) = Joins::of_columns(&names) {
                self.joins = joins;
            }
            return Ok(());
        }
        let (table, missing) = (&self.table, missing.join(", "));
        Err(wire.wrong(&format!(
            "{table} is not a table of spans that is known: it has no {missing}"
        )))
    }

    fn page(&mut self, wire: &mut Wire<'_>, want: Want<'_>) -> Result<Page, Trouble> {
        let after = want.after.and_then(After::parse);
        let layout = self.layout;
        let (mut tests, mut params) = query(layout, want.part, after.as_ref());
        if let (Some(selection), Part::Window { .. }) = (&self.selection, want.part) {
            params.extend(selection.params.iter().cloned());
            let sql = selection.sql((&self.table, &self.joins));
            tests.push(format!("TraceId IN (\n{sql})"));
        }
        if let (Some(column), Some(project)) = (layout.project, &self.project) {
            tests.push(format!("{column} = {{project:String}}"));
            params.push(("project".to_owned(), project.clone()));
        }
        let [time, trace, span] = layout.order;
        let (columns, from, tests) = (
            layout.columns,
            layout.from(&self.table),
            tests.join("\n  AND "),
        );
        let text = format!(
            "SELECT toUnixTimestamp64Nano({time}) AS began, {trace} AS Trace, {span} AS Span, {columns}\nFROM {from}\n\
             WHERE {tests}\nORDER BY {time}, {trace}, {span}\nLIMIT {LIMIT}"
        );
        let rows = self.engine.rows(wire, &text, &params)?;
        let next = rows.last().filter(|_| rows.len() >= LIMIT).map(After::of);
        Ok(Page {
            records: rows.into_iter().map(layout.line).collect(),
            next,
            may_be_cut: false,
        })
    }

    fn traces_at_once(&self) -> usize {
        100
    }
}
