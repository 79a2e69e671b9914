//! Alerts: loops, budgets, drift, and whatever a filter can name, found by rules.
//!
//! Everything here is a pure function of actions, rules and baselines: the same file gives the same alerts, with or
//! without a screen. Notifying, writing trip files and stopping programs is for `act`.
//!
//! [`fact::Fact`] is what rules see of an action. [`engine::Engine`] takes facts one by one, in the order of the store,
//! and produces [`engine::Hit`]s. [`check::check`] adds findings about whole runs (outliers, drift, rates) and groups
//! hits into [`alert::Alert`]s. [`overlay::Overlay`] keeps the result for a screen and grows with its store.
//! [`state::Machine`] is the life cycle of an alert, and [`watch::Watch`] moves the machines of a [`state::Book`] as an
//! overlay grows.

pub mod detector;
pub mod fact;
pub mod mask;

pub mod budget;
pub mod context_window;
pub mod engine;
pub mod loops;
mod steps;

pub mod charts;
pub mod history;

pub mod alert;
pub mod backtest;
pub mod check;
pub mod overlay;
pub mod rules;
pub mod shown;
pub mod sift;
pub mod state;
pub mod trail;
pub mod watch;

#[cfg(test)]
mod tests;
