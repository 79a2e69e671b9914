//! Actions grouped by the engine, with the figures of `analysis::grouped`.

use jiff::tz::TimeZone;
use serde_json::Value;

use super::cells::Cells;
use crate::analysis::costs::spent::Spent;
use crate::analysis::grouped::{Durations, Field, Group};
use crate::model::action::Flags;
use crate::query::sql::{ACTIONS, LIVE};

/// The column that a field groups by.
fn column(field: Field) -> &'static str {
    match field {
        Field::Tool => "tool",
        Field::Model => "acting_model",
        Field::Agent => "agent",
        Field::Kind => "kind",
        Field::Status => "status",
        Field::User => "user",
        Field::Run => "run_id",
        Field::Task => "task",
        Field::Trial => "trial",
        Field::Service => "service",
        Field::Env => "env",
        Field::Release => "release",
        Field::Provider => "provider",
        Field::Turn => "if(turn = 0, '', toString(turn))",
        Field::Day => "ifNull(formatDateTime(ts, '%Y-%m-%d', {zone:String}), '')",
        Field::Format => "format",
        Field::File => "path",
    }
}

/// The query for groups of the actions that pass `test`.
pub(super) fn query(by: &[Field], test: &str) -> String {
    let by_tool = by.contains(&Field::Tool);
    let mut tests = vec![
        LIVE.to_owned(),
        format!("bitAnd(flags, {}) = 0", Flags::COPIED.0),
        format!("({test})"),
    ];
    if by_tool {
        tests.push("kind = 'tool_call'".to_owned());
    }
    if by == [Field::Model] {
        tests.push("acting_model != ''".to_owned());
    }
    let keys = by.iter().enumerate();
    let keys: Vec<String> = keys
        .map(|(at, field)| format!("toString({}) AS key{at}", column(*field)))
        .collect();
    let names: Vec<String> = (0..by.len()).map(|at| format!("key{at}")).collect();
    let tests = tests.join("\n  AND ");
    let (keys, names, figures) = (keys.join(", "), names.join(", "), figures(by_tool));
    format!(
        "SELECT * EXCEPT (spans) FROM (\nSELECT {keys}, {figures}\nFROM {ACTIONS}\nWHERE {tests}\nGROUP BY {names})"
    )
}

fn figures(by_tool: bool) -> String {
    let estimated = format!("bitAnd(flags, {}) != 0", Flags::ESTIMATED.0);
    let (recorded, estimated, prefix) = if by_tool {
        let (recorded, estimated) = ("asked_cost_pico", "asked_estimated_pico");
        (recorded.to_owned(), estimated.to_owned(), "asked")
    } else {
        (
            format!("if({estimated}, NULL, cost_pico)"),
            format!("if({estimated}, cost_pico, NULL)"),
            "tok",
        )
    };
    let tokens = ["in", "out", "read", "write", "reasoning"];
    let tokens: Vec<String> = tokens
        .iter()
        .map(|name| format!("sum({prefix}_{name}) AS sum_{name}"))
        .collect();
    let ranks = [50, 90, 99].map(|percent| {
        format!("spans[greatest(1, intDiv(length(spans) * {percent} + 99, 100))] AS p{percent}")
    });
    format!(
        "uniqExact(run_key) AS runs, count() AS actions, countIf(kind = 'tool_call') AS tool_calls, \
         countIf(status IN ('error', 'timeout')) AS errors, countIf(status = 'blocked') AS blocked, \
         countIf(status = 'denied') AS denied, countIf(bitAnd(flags, {}) != 0) AS retries, \
         sum({recorded}) AS recorded, sum({estimated}) AS estimated, {}, \
         arraySort(groupArrayIf(assumeNotNull(duration_us), duration_us IS NOT NULL AND kind != 'run_end')) AS spans, \
         {}, spans[-1] AS longest, arraySum(spans) AS total, length(spans) AS timed",
        Flags::RETRY.0,
        tokens.join(", "),
        ranks.join(", "),
    )
}

/// The name of a zone for the engine; none for one that has no name.
pub(super) fn zone_name(zone: &TimeZone) -> Option<&str> {
    zone.iana_name()
}

pub(super) fn group(row: &Value, by: &[Field]) -> Group {
    let cells = Cells(row);
    let key = (0..by.len()).map(|at| cells.text(&format!("key{at}")).to_owned());
    let (recorded, estimated) = (cells.cost("recorded"), cells.cost("estimated"));
    let is_timed = cells.count("timed") > 0;
    Group {
        key: key.collect(),
        runs: cells.count("runs"),
        actions: cells.count("actions"),
        tool_calls: cells.count("tool_calls"),
        errors: cells.count("errors"),
        blocked: cells.count("blocked"),
        denied: cells.count("denied"),
        retries: cells.count("retries"),
        spent: Spent::known(cells.usage("sum"), recorded, estimated),
        durations: is_timed.then(|| Durations {
            p50: cells.elapsed("p50"),
            p90: cells.elapsed("p90"),
            p99: cells.elapsed("p99"),
            longest: cells.elapsed("longest"),
            total: cells.elapsed("total"),
        }),
    }
}
