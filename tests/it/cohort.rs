//! Statistics of cohorts equal those of scipy and statsmodels, on numbers and on real runs.

mod airline;
mod program;
mod real;
mod unit;

use serde_json::Value;

use crate::support::shared;

/// The expected values; none where they are not at hand.
fn golden() -> Option<Value> {
    let text = std::fs::read(shared("golden/stats.json")?).expect("the expected values");
    Some(serde_json::from_slice(&text).expect("JSON"))
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

fn numbers(value: &Value) -> Vec<f64> {
    let list = value
        .as_array()
        .unwrap_or_else(|| panic!("{value} is no list"));
    list.iter().map(number).collect()
}

/// Equal up to `tolerance`, relative where numbers are large.
#[track_caller]
fn near(found: f64, expected: &Value, tolerance: f64, what: &str) {
    let expected = number(expected);
    let distance = (found - expected).abs() / expected.abs().max(1.0);
    assert!(
        distance <= tolerance,
        "{what}: {found} is not {expected} (off by {distance:e})"
    );
}

/// A formula without iteration.
const CLOSED: f64 = 1e-9;
/// What a library works out by series and iteration.
const ITERATED: f64 = 1e-6;
