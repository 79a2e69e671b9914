//! `ClickHouse`: the spans that OpenTelemetry's exporter wrote (`otel_traces`), by time, as OTLP lines. With a filter,
//! the engine selects runs by conditions on their spans.

mod select;

use serde_json::{Map, Value, json};

use super::address::{Address, encoded};
use super::auth::{Auth, post_text};
use super::keys::Keys;
use super::product::{Page, Part, Product};
use super::record::{Nanos, Reader, Unit};
use super::wire::{Trouble, Wire};
use crate::act::net::secret::Secret;
use crate::ingest::formats::otlp;
use crate::query::evidence::Evidence;
pub(super) use select::Selection;

const LIMIT: usize = 5_000;
const TABLE: &str = "otel_traces";

/// Columns that spans cannot do without.
const NEEDED: &[&str] = &[
    "Timestamp",
    "TraceId",
    "SpanId",
    "ParentSpanId",
    "SpanName",
    "ServiceName",
    "ResourceAttributes",
    "ScopeName",
    "SpanAttributes",
    "Duration",
    "StatusCode",
    "StatusMessage",
    "Events.Timestamp",
    "Events.Name",
    "Events.Attributes",
];

#[derive(Debug)]
pub(super) struct Clickhouse {
    base: String,
    database: String,
    table: String,
    auth: Auth,
    selection: Option<Selection>,
}

/// Where a page ends: the time, trace and span of its last row.
#[derive(Debug, PartialEq, Eq)]
struct After<'a> {
    time: &'a str,
    trace: &'a str,
    span: &'a str,
}

impl Clickhouse {
    pub(super) fn new(
        address: &Address,
        keys: &Keys,
        wanted: Option<(&Evidence, [Nanos; 2])>,
    ) -> Result<Clickhouse, String> {
        let user = std::env::var("CLICKHOUSE_USER")
            .ok()
            .filter(|it| !it.is_empty());
        let user = address.user.clone().or(user);
        let mut headers: Vec<(String, Secret)> = Vec::new();
        headers.extend(user.map(|user| ("x-clickhouse-user".to_owned(), Secret::new(user))));
        let key = keys.find(address.kind.variables())?;
        headers.extend(key.map(|key| ("x-clickhouse-key".to_owned(), key)));
        let (database, table) = address
            .project
            .split_once('/')
            .unwrap_or((&address.project, TABLE));
        Ok(Clickhouse {
            base: address.base.clone(),
            database: database.to_owned(),
            table: named(table)?,
            auth: if headers.is_empty() {
                Auth::None
            } else {
                Auth::Headers(headers)
            },
            selection: wanted
                .map(|(evidence, [since, until])| Selection::new(evidence, since, until)),
        })
    }

    /// The rows of a query, as objects. Values are passed as parameters, never in its text.
    fn rows(
        &self,
        wire: &mut Wire<'_>,
        query: &str,
        params: &[(String, String)],
    ) -> Result<Vec<Value>, Trouble> {
        let mut url = format!("{}/?database={}", self.base, encoded(&self.database));
        let settings = [
            ("readonly", "2"),
            ("max_execution_time", "110"),
            ("log_comment", "saferun-tui"),
            ("output_format_json_quote_64bit_integers", "1"),
            ("output_format_json_quote_denormals", "1"),
        ];
        for (name, value) in settings {
            url.extend(["&", name, "=", value]);
        }
        for (name, value) in params {
            url.extend(["&param_", name, "=", &encoded(value)]);
        }
        let query = format!("{query}\nFORMAT JSON");
        let mut answer = wire.json(&post_text(&url, &query, &self.auth)?)?;
        match answer.get_mut("data").map(Value::take) {
            Some(Value::Array(rows)) => Ok(rows),
            _ => Err(wire.wrong("its answer has no 'data'")),
        }
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
    table: &str,
    part: Part<'_>,
    after: Option<&After<'_>>,
) -> (String, Vec<(String, String)>) {
    let mut params = Vec::new();
    let mut tests: Vec<String> = Vec::new();
    match part {
        Part::Window { from, until } => {
            tests.push("Timestamp >= fromUnixTimestamp64Nano({from:Int64}) AND Timestamp < fromUnixTimestamp64Nano({until:Int64})".to_owned());
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
            tests.push(format!("TraceId IN ({})", names.join(", ")));
        }
    }
    if let Some(after) = after {
        tests.push("(Timestamp, TraceId, SpanId) > (fromUnixTimestamp64Nano({at:Int64}), {trace:String}, {span:String})".to_owned());
        let place = [
            ("at", after.time),
            ("trace", after.trace),
            ("span", after.span),
        ];
        params.extend(place.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
    let text = format!(
        "SELECT toUnixTimestamp64Nano(Timestamp) AS began, Duration AS took, TraceId, SpanId, ParentSpanId, SpanName, \
         ServiceName, ResourceAttributes, ScopeName, SpanAttributes, toString(StatusCode) AS StatusCode, StatusMessage, \
         arrayMap(t -> toUnixTimestamp64Nano(t), `Events.Timestamp`) AS event_times, `Events.Name` AS event_names, \
         `Events.Attributes` AS event_attributes\nFROM {table}\nWHERE {}\n{{selected}}ORDER BY Timestamp, TraceId, SpanId\nLIMIT {LIMIT}",
        tests.join("\n  AND "),
    );
    (text, params)
}

impl Product for Clickhouse {
    fn reader(&self) -> Reader {
        Reader {
            format: &otlp::Otlp,
            unit: Unit::Span,
        }
    }

    fn begin(&mut self, wire: &mut Wire<'_>) -> Result<(), Trouble> {
        self.auth.hide(wire);
        let columns = self.rows(wire, &format!("DESCRIBE TABLE {}", self.table), &[])?;
        let names: Vec<&str> = columns
            .iter()
            .filter_map(|it| it.get("name")?.as_str())
            .collect();
        let missing: Vec<&str> = NEEDED
            .iter()
            .copied()
            .filter(|it| !names.contains(it))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let (table, missing) = (&self.table, missing.join(", "));
        Err(wire.wrong(&format!(
            "{table} is not a table of OpenTelemetry's exporter: it has no {missing}"
        )))
    }

    fn page(
        &mut self,
        wire: &mut Wire<'_>,
        part: Part<'_>,
        after: Option<&str>,
    ) -> Result<Page, Trouble> {
        let mut words = after.into_iter().flat_map(|after| after.split('\n'));
        let after = match (words.next(), words.next(), words.next()) {
            (Some(time), Some(trace), Some(span)) => Some(After { time, trace, span }),
            _ => None,
        };
        let (text, mut params) = query(&self.table, part, after.as_ref());
        let selected = match (&self.selection, part) {
            (Some(selection), Part::Window { .. }) => {
                params.extend(selection.params.iter().cloned());
                format!("  AND TraceId IN (\n{})\n", selection.sql(&self.table))
            }
            (Some(_) | None, _) => String::new(),
        };
        let rows = self.rows(wire, &text.replace("{selected}", &selected), &params)?;
        let next = rows.last().filter(|_| rows.len() >= LIMIT).map(|row| {
            let word = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
            format!("{}\n{}\n{}", word("began"), word("TraceId"), word("SpanId"))
        });
        Ok(Page {
            records: rows.iter().map(line).collect(),
            next,
            may_be_cut: false,
        })
    }

    fn traces_at_once(&self) -> usize {
        100
    }
}

/// A row as one line of OTLP.
fn line(row: &Value) -> Value {
    let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| text(name).parse::<u64>().unwrap_or(0);
    let (began, took) = (number("began"), number("took"));
    let mut resource = row
        .get("ResourceAttributes")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    if !text("ServiceName").is_empty() {
        let service = || Value::from(text("ServiceName"));
        resource.entry("service.name").or_insert_with(service);
    }
    let code = match text("StatusCode") {
        "Error" | "STATUS_CODE_ERROR" => 2,
        "Ok" | "STATUS_CODE_OK" => 1,
        _ => 0,
    };
    json!({
        "resourceSpans": [{
            "resource": {"attributes": attributes(Some(&resource))},
            "scopeSpans": [{
                "scope": {"name": text("ScopeName")},
                "spans": [{
                    "traceId": text("TraceId"),
                    "spanId": text("SpanId"),
                    "parentSpanId": text("ParentSpanId"),
                    "name": text("SpanName"),
                    "startTimeUnixNano": began.to_string(),
                    "endTimeUnixNano": began.saturating_add(took).to_string(),
                    "attributes": attributes(row.get("SpanAttributes").and_then(Value::as_object)),
                    "status": {"code": code, "message": text("StatusMessage")},
                    "events": events(row),
                }],
            }],
        }],
    })
}

fn attributes(map: Option<&Map<String, Value>>) -> Vec<Value> {
    let pairs = map.into_iter().flatten();
    let pairs = pairs.filter_map(|(key, value)| Some((key, value.as_str()?)));
    pairs
        .map(|(key, value)| json!({"key": key, "value": {"stringValue": value}}))
        .collect()
}

fn events(row: &Value) -> Vec<Value> {
    let list = |name: &str| {
        row.get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let events = list("event_times")
        .zip(list("event_names"))
        .zip(list("event_attributes"));
    events
        .map(|((time, name), of)| {
            json!({"timeUnixNano": time, "name": name, "attributes": attributes(of.as_object())})
        })
        .collect()
}
