//! Property tests.

mod bytes;
mod filters;
#[path = "../fuzz/laws.rs"]
mod laws;
pub(crate) mod silence;
mod totals;
mod words;

use proptest::test_runner::Config;

/// The number of cases. Failures are not persisted: a failing case becomes a test of its own.
pub(crate) fn config(cases: u32) -> Config {
    Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    }
}
