//! `saferun.tui/stats@1`: actions grouped by some of their fields.

use serde::Serialize;
use serde_json::{Map, Number, Value};

use super::number::{self, UsageJson};
use crate::analysis::grouped::{self, Durations, Field, Group};
use crate::model::quantity::Elapsed;

pub const SCHEMA: &str = "saferun.tui/stats@1";

/// The columns of a table of groups, after the grouping fields.
pub const MEMBERS: &[&str] = &[
    "runs",
    "actions",
    "tool_calls",
    "errors",
    "blocked",
    "denied",
    "retries",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "total_tokens",
    "cost_usd",
    "cost_source",
    "duration_ms.p50",
    "duration_ms.p90",
    "duration_ms.p99",
    "duration_ms.max",
    "duration_ms.total",
    "time_share",
];

#[derive(Debug, Serialize)]
pub struct GroupJson {
    pub by: Map<String, Value>,
    pub runs: u64,
    pub actions: u64,
    pub tool_calls: u64,
    pub errors: u64,
    pub blocked: u64,
    pub denied: u64,
    pub retries: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<UsageJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_source: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<PercentilesJson>,
    /// Of the time of all groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_share: Option<f64>,
}

#[derive(Debug, Serialize)]
pub struct PercentilesJson {
    pub p50: Option<Number>,
    pub p90: Option<Number>,
    pub p99: Option<Number>,
    pub max: Option<Number>,
    pub total: Option<Number>,
}

/// `time` is that of all groups.
pub fn group(by: &[Field], group: &Group, time: Elapsed) -> GroupJson {
    let value = |text: &String| {
        if text.is_empty() {
            Value::Null
        } else {
            text.as_str().into()
        }
    };
    GroupJson {
        by: by
            .iter()
            .zip(&group.key)
            .map(|(by, key)| (by.word().to_owned(), value(key)))
            .collect(),
        runs: group.runs,
        actions: group.actions,
        tool_calls: group.tool_calls,
        errors: group.errors,
        blocked: group.blocked,
        denied: group.denied,
        retries: group.retries,
        usage: number::usage(group.usage()),
        cost_usd: group.cost().and_then(|(cost, _)| number::usd(cost)),
        cost_source: group.cost().map(|(_, source)| source.word()),
        duration_ms: group.durations.as_ref().map(durations),
        time_share: grouped::time_share(group, time),
    }
}

fn durations(found: &Durations) -> PercentilesJson {
    PercentilesJson {
        p50: number::millis(found.p50),
        p90: number::millis(found.p90),
        p99: number::millis(found.p99),
        max: number::millis(found.longest),
        total: number::millis(found.total),
    }
}
