//! What rules would have done to past runs: how many they would have stopped, what that would have saved, and how many
//! of the stopped runs had succeeded.
//!
//! What follows a stop is counterfactual: the run might have been started again.

use std::collections::HashMap;

use crate::analysis::alerts::detector::Level;
use crate::analysis::alerts::engine::Hit;
use crate::analysis::statistics::distribution::two_sided;
use crate::analysis::statistics::interval::{self, wilson};
use crate::model::action::{ActionIx, Flags, Kind};
use crate::model::run::{Run, RunIx, RunStatus};
use crate::store::Store;

#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Backtest {
    pub runs: u64,
    /// Cost of all runs, in picodollars.
    pub cost: i64,
    /// Model calls without a price; if any, all sums are lower bounds.
    pub unpriced: u64,
    /// Runs in which the rule fired.
    pub fired: u64,
    /// Runs that went on after it fired.
    pub stopped: u64,
    /// Cost after the stops, in picodollars.
    pub saved: i64,
    pub calls_saved: u64,
    /// How many stopped runs had succeeded, had failed, and are not labelled.
    pub succeeded: u64,
    pub failed: u64,
    pub unlabelled: u64,
    /// Model calls of all runs.
    pub steps: u64,
    /// Days with activity; 0 if no time is recorded.
    pub days: u64,
}

impl Backtest {
    /// The share of runs in which it fired, with its 95 % interval.
    pub fn rate(&self) -> (f64, (f64, f64)) {
        let rate = interval::Rate {
            hits: self.fired,
            n: self.runs,
        };
        (rate.value(), wilson(rate, two_sided(0.05)))
    }

    pub fn per_1000_steps(&self) -> Option<f64> {
        (self.steps > 0).then(|| 1000.0 * self.fired as f64 / self.steps as f64)
    }

    pub fn per_day(&self) -> Option<f64> {
        (self.days > 0).then(|| self.fired as f64 / self.days as f64)
    }
}

/// Stops each run at its first hit of at least `level`.
pub fn backtest<'a>(
    store: &Store,
    runs: &[RunIx],
    hits: impl Iterator<Item = &'a Hit>,
    level: Level,
) -> Backtest {
    let mut stops: HashMap<RunIx, ActionIx> = HashMap::new();
    for hit in hits.filter(|hit| hit.level >= level) {
        let stop = stops.entry(hit.run).or_insert(hit.at);
        *stop = (*stop).min(hit.at);
    }
    let mut behind: HashMap<RunIx, Behind> = HashMap::new();
    let mut days: Vec<i64> = Vec::new();
    for run in runs {
        behind.entry(*run).or_default();
    }
    for row in store.rows() {
        let Some(sums) = behind.get_mut(&row.run_ix()) else {
            continue;
        };
        if row.flags().has(Flags::COPIED) || row.kind() == Kind::Malformed {
            continue;
        }
        let cost = row.cost().get().unwrap_or(0);
        let is_behind = stops
            .get(&row.run_ix())
            .is_some_and(|stop| row.ix() > *stop);
        sums.add(row.kind(), cost, is_behind);
        days.extend(row.time().day());
        if days.len() > 1 << 16 {
            days.sort_unstable();
            days.dedup();
        }
    }
    days.sort_unstable();
    days.dedup();
    let mut found = Backtest {
        runs: runs.len() as u64,
        fired: stops.len() as u64,
        days: days.len() as u64,
        ..Backtest::default()
    };
    for run in runs {
        let sums = behind.get(run).copied().unwrap_or_default();
        found.add(store.run(*run), &sums);
    }
    found
}

/// What a run did, and how much of it came after its stop.
#[derive(Debug, Clone, Copy, Default)]
struct Behind {
    cost: i64,
    steps: u64,
    saved: i64,
    calls: u64,
    acts: bool,
}

impl Behind {
    fn add(&mut self, kind: Kind, cost: i64, is_behind: bool) {
        self.cost += cost;
        self.steps += u64::from(kind == Kind::Response);
        if is_behind {
            self.saved += cost;
            self.calls += u64::from(kind == Kind::ToolCall);
            self.acts |= matches!(kind, Kind::Response | Kind::ToolCall);
        }
    }
}

impl Backtest {
    fn add(&mut self, run: &Run, sums: &Behind) {
        self.cost += sums.cost;
        self.steps += sums.steps;
        self.unpriced += u64::from(run.totals.unpriced);
        if !sums.acts {
            return;
        }
        self.stopped += 1;
        self.saved += sums.saved;
        self.calls_saved += sums.calls;
        match succeeded(run) {
            Some(true) => self.succeeded += 1,
            Some(false) => self.failed += 1,
            None => self.unlabelled += 1,
        }
    }
}

/// Whether a run succeeded, by its grade; without one, its end only counts if it is a failure.
pub fn succeeded(run: &Run) -> Option<bool> {
    let by_score = run.score.map(|score| score >= 1.0);
    let ended = match run.status {
        RunStatus::Error | RunStatus::Blocked => Some(false),
        RunStatus::Unknown
        | RunStatus::Ok
        | RunStatus::Cancelled
        | RunStatus::Running
        | RunStatus::Unfinished => None,
    };
    run.correct.or(by_score).or(ended)
}
