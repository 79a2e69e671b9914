//! `stats`: actions grouped by their fields.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::analysis::grouped::{self, Field, Group};
use crate::cli::args::{Paths, Rows};
use crate::cli::columns::{Key, Named, Offer, Order, Picked, member};
use crate::cli::command::{Accepts, Command, GlobalOption};
use crate::cli::failure::Exit;
#[cfg(feature = "capture")]
use crate::cli::fleet;
use crate::cli::records::Records;
use crate::cli::table::{self, Cell, Column, Cut};
use crate::cli::text_style::TextStyle;
use crate::cli::{Cx, filter};
use crate::export::json::stats as stats_json;
use crate::export::words::{self, Role};
use crate::model::action::ActionIx;
use crate::model::quantity::Elapsed;
use crate::query::expr::Expr;

/// Group actions by their fields, with counts, durations, tokens and cost
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  saferun-tui stats traces/ --by model,tool
  saferun-tui stats traces/ --by day --sort -cost
  saferun-tui stats traces/ -w is:error --by tool --csv

Columns: the fields grouped by, then actions, runs, errors, blocked, retries, total, share, p50, p90, \
p99, max, tokens, cost, and every field that --json prints. Sort by any of them; the default is \
-actions. Percentiles use the nearest rank, so each is a duration that was recorded. TOTAL is the \
sum of durations, and SHARE its share of the total over all groups.

By tool, tokens and cost (CALL COST) are those of the model calls that asked for the tool; a call that \
asked for several tools is split evenly over its tool calls.")]
pub struct Stats {
    #[command(flatten)]
    paths: Paths,
    /// Group by these fields, separated by commas
    #[arg(long, value_name = "FIELD", default_value = "tool", value_delimiter = ',', value_parser = field_names())]
    by: Vec<String>,
    #[command(flatten)]
    rows: Rows,
}

fn field_names() -> PossibleValuesParser {
    PossibleValuesParser::new(Field::ALL.iter().map(|field| field.word()))
}

impl Command for Stats {
    const NAME: &'static str = "stats";
    const ACCEPTS: Accepts = Accepts::READING
        .and(Accepts::RECORDS)
        .with(GlobalOption::Where);

    fn run(self, cx: &mut Cx) -> anyhow::Result<Exit> {
        let words = self.by.iter();
        let by: Vec<Field> = words.filter_map(|word| Field::from_word(word)).collect();
        let named = named(&by);
        let members = members(&by);
        let offer = Offer {
            named: &named,
            members: &members,
            open: &["usage", "duration_ms"],
        };
        let picked = offer.pick(&self.rows.columns)?;
        let names: Vec<&str> = named.iter().map(|it| it.name).collect();
        let sortable = [names, members.clone()].concat();
        let order = self.rows.sort.as_deref();
        let order = order
            .map(|text| Order::parse(text, &sortable))
            .transpose()?;
        let expr = filter::condition(cx)?;
        // Machine output knows no time zone but UTC.
        let machine = cx.global.machine();
        let zone = machine.map_or(cx.out.style.zone.clone(), |_| TimeZone::UTC);
        let (mut groups, exit) = groups(cx, &self.paths.or_stdin()?, expr.as_ref(), (&by, &zone))?;
        let time = grouped::time(&groups);
        if let Some(order) = order {
            let column = named.iter().find(|it| it.name == order.column);
            let column = column.map_or(order.column, |it| it.member);
            order.sort(&mut groups, |group| {
                member(&record(&by, group, time), column).and_then(Key::of)
            });
        }
        groups.truncate(self.rows.limit.unwrap_or(usize::MAX));
        match machine {
            Some(machine) => {
                let records = Records {
                    schema: stats_json::SCHEMA,
                    list: "groups",
                    csv: &members,
                    only: picked.as_ref().map(Picked::members),
                    rest: Vec::new(),
                };
                let groups = groups
                    .iter()
                    .map(|group| stats_json::group(&by, group, time));
                records.write(&mut cx.out, machine, groups)?;
            }
            None if groups.is_empty() => cx.notes.note(&nothing(&by, expr.as_ref())),
            None => {
                let is_recorded = |it: &Named| match it.name {
                    "cost" => groups.iter().any(|group| group.cost().is_some()),
                    "tokens" => groups
                        .iter()
                        .any(|group| group.usage().total().get().is_some()),
                    _ => true,
                };
                let shown = picked.unwrap_or_else(|| offer.usual(is_recorded));
                text(cx, (&by, time), &groups, &shown)?;
            }
        }
        Ok(exit)
    }
}

/// The groups of the actions that pass `--where`.
fn groups(
    cx: &Cx,
    paths: &[PathBuf],
    condition: Option<&Expr>,
    (by, zone): (&[Field], &TimeZone),
) -> anyhow::Result<(Vec<Group>, Exit)> {
    #[cfg(feature = "capture")]
    if let Some(fleet) = fleet::rows::of(cx, paths)? {
        let groups = fleet::rows::groups(cx, &fleet, (by, zone))?;
        return Ok((groups, Exit::Done));
    }
    let read = cx.load.paths(&cx.notes, paths)?;
    let exit = read.exit(&cx.notes);
    let rows = match condition {
        Some(expr) => filter::rows(cx, &read.store, expr),
        None => (0..read.store.len()).map(ActionIx).collect(),
    };
    let rows = read.selected(rows).into_iter();
    let rows = rows.map(|ix| read.store.row(ix));
    Ok((grouped::groups(rows, by, zone), exit))
}

fn text(
    cx: &mut Cx,
    (by, time): (&[Field], Elapsed),
    groups: &[Group],
    shown: &Picked<'_>,
) -> anyhow::Result<()> {
    let cells = |group: &Group| {
        let own = row(&cx.out.style, group, time);
        let record = shown.needs_record().then(|| record(by, group, time));
        shown.cells(&own, record.as_ref(), &cx.out.style)
    };
    let rows: Vec<Vec<Cell>> = groups.iter().map(cells).collect();
    table::write(&mut cx.out, &shown.heads(), &rows)?;
    Ok(())
}

const COUNTS: &[Named] = &[
    Named::new("actions", "actions", Column::right("ACTS", 0)),
    Named::new("runs", "runs", Column::right("RUNS", 9)),
    Named::new("errors", "errors", Column::right("ERR", 0)),
    Named::new("blocked", "blocked", Column::right("BLK", 2)),
    Named::new("retries", "retries", Column::right("RTY", 8)),
    Named::new("total", "duration_ms.total", Column::right("TOTAL", 3)),
    Named::new("share", "time_share", Column::right("SHARE", 4)),
    Named::new("p50", "duration_ms.p50", Column::right("P50", 1)),
    Named::new("p90", "duration_ms.p90", Column::right("P90", 6)),
    Named::new("p99", "duration_ms.p99", Column::right("P99", 7)),
    Named::new("max", "duration_ms.max", Column::right("MAX", 5)),
    Named::new("tokens", "total_tokens", Column::right("TOKENS", 10)),
    Named::new("cost", "cost_usd", Column::right("COST", 1)),
];

fn named(by: &[Field]) -> Vec<Named> {
    let fields = by.iter().map(|field| {
        let word = field.word();
        let column = Column::left(word, 0);
        let column = if *field == Field::Model {
            column.cut_to(16).dropping(Cut::Model)
        } else if *field == Field::File {
            column.cut_to(16).dropping(Cut::Middle)
        } else {
            column.cut_to(10)
        };
        Named::new(word, word, column)
    });
    let by_tool = by.contains(&Field::Tool);
    let counts = COUNTS.iter().copied().map(|it| match it.name {
        "cost" if by_tool => Named::new(it.name, it.member, Column::right("CALL COST", 1)),
        _ => it,
    });
    fields.chain(counts).collect()
}

fn members(by: &[Field]) -> Vec<&'static str> {
    let fields = by.iter().map(|field| field.word());
    fields.chain(stats_json::MEMBERS.iter().copied()).collect()
}

fn record(by: &[Field], group: &Group, time: Elapsed) -> Value {
    serde_json::to_value(stats_json::group(by, group, time)).unwrap_or_default()
}

fn nothing(by: &[Field], expr: Option<&Expr>) -> String {
    let by: Vec<_> = by.iter().map(|field| field.word()).collect();
    let which = if expr.is_some() {
        "no matching action"
    } else {
        "no action"
    };
    format!("{which} has a {}", by.join(" and a "))
}

fn row(style: &TextStyle, group: &Group, time: Elapsed) -> Vec<Cell> {
    let stopped = group.blocked + group.denied;
    let span = |pick: fn(grouped::Durations) -> Elapsed| {
        Cell::new(
            group
                .durations
                .map_or_else(|| words::NOTHING.to_owned(), |it| words::span(pick(it))),
        )
    };
    let share = grouped::time_share(group, time);
    let share = share.map_or_else(
        || words::NOTHING.to_owned(),
        |it| format!("{:.0} %", it * 100.0),
    );
    let mut cells: Vec<Cell> = group
        .key
        .iter()
        .map(|key| Cell::new(style.clean(words::name(key))))
        .collect();
    cells.extend([
        Cell::new(group.actions.to_string()),
        Cell::new(group.runs.to_string()),
        Cell::alarm(group.errors, Role::Bad),
        Cell::alarm(stopped, Role::Warn),
        Cell::alarm(group.retries, Role::Warn),
        Cell::new(words::span(group.total_time())),
        Cell::new(share),
        span(|it| it.p50),
        span(|it| it.p90),
        span(|it| it.p99),
        Cell::new(words::span(group.longest())),
        Cell::new(words::tokens(group.usage().total())),
        Cell::new(words::cost(group.cost())),
    ]);
    cells
}
