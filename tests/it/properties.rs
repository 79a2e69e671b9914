//! Laws that hold for every input, tried on random ones.

mod bytes;
mod filters;
#[path = "../fuzz/laws.rs"]
mod laws;
pub(crate) mod silence;
mod totals;

use proptest::test_runner::Config;

/// How many inputs a law is tried on. Nothing is written down: what fails becomes a test with a name.
pub(crate) fn config(cases: u32) -> Config {
    Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    }
}
