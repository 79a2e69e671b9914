//! Times, spans, money and tokens in the units of machine output, without float noise.

use std::str::FromStr;

use serde::Serialize;
use serde_json::Number;

use crate::base::human;
use crate::model::quantity::{Cost, Elapsed, Time, Usage};

/// RFC 3339 in UTC with milliseconds.
pub fn time(time: Time) -> Option<String> {
    time.get().map(human::rfc3339)
}

/// Microseconds as milliseconds.
pub fn millis(span: Elapsed) -> Option<Number> {
    decimal(span.get()?, 3)
}

/// Picodollars as dollars.
pub fn usd(cost: Cost) -> Option<Number> {
    decimal(cost.get()?, 12)
}

/// `value / 10^places`, exactly: `2_440_000_000` with 12 places is `0.00244`.
fn decimal(value: i64, places: usize) -> Option<Number> {
    let sign = if value < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = places + 1);
    let (whole, part) = digits.split_at_checked(digits.len() - places)?;
    let part = part.trim_end_matches('0');
    let point = if part.is_empty() { "" } else { "." };
    Number::from_str(&format!("{sign}{whole}{point}{part}")).ok()
}

#[derive(Debug, Serialize)]
pub struct UsageJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_read_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_tokens: Option<u64>,
}

/// `None` if no count was recorded.
pub fn usage(usage: &Usage) -> Option<UsageJson> {
    (!usage.is_none()).then(|| UsageJson {
        input_tokens: usage.input.get(),
        output_tokens: usage.output.get(),
        cache_read_tokens: usage.cache_read.get(),
        cache_write_tokens: usage.cache_write.get(),
        reasoning_tokens: usage.reasoning.get(),
        total_tokens: usage.total().get(),
    })
}

/// A name, if one was recorded.
pub fn name(name: &str) -> Option<&str> {
    (!name.is_empty()).then_some(name)
}
