//! The share of a subscription's windows that was used while a run went on.
//!
//! A provider reports how much of a window is used by everything that runs on the account, so what was used
//! during a run is an upper bound of what the run used, unless nothing else ran.

use crate::base::cancel::CancelFlag;
use crate::ingest::json;
use crate::ingest::limit::Limit;
use crate::model::action::Flags;
use crate::model::quantity::{Elapsed, Time};
use crate::model::run::RunIx;
use crate::store::Store;
use crate::store::lines;

/// One window during a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    pub length: Elapsed,
    /// The first and the last report of the run.
    pub first_percent: f64,
    pub last_percent: f64,
    /// The sum of all rises, so that a window that was reset counts too.
    pub risen_percent: f64,
    /// When it resets, as last reported.
    pub resets: Time,
}

/// The windows that were reported in the records of a run, the shortest first.
pub fn windows(store: &Store, run: RunIx, cancel: &CancelFlag) -> Vec<Window> {
    let source = store.source(store.run(run).source);
    let Some(mark) = source.format.limits_mark() else {
        return Vec::new();
    };
    let mut own = store.rows().filter(|row| row.run_ix() == run);
    let Some(first) = own.find(|row| !row.flags().has(Flags::COPIED)) else {
        return Vec::new();
    };
    let from = if store.run(run).inherited.is_some() {
        first.place().offset
    } else {
        0
    };
    let mut windows = Vec::new();
    lines::each_line(source, mark, |at, line| {
        if at >= from
            && let Some(record) = json::value(line)
        {
            for limit in source.format.limits(&record) {
                add(&mut windows, &limit);
            }
        }
        !cancel.is_raised()
    });
    windows.sort_by_key(|window| window.length.0);
    windows
}

/// Some versions report a window a minute shorter than it is.
const SLACK: i64 = 5 * 60 * 1_000_000;

fn add(windows: &mut Vec<Window>, limit: &Limit) {
    let same = |window: &&mut Window| (window.length.0 - limit.window.0).abs() <= SLACK;
    match windows.iter_mut().find(same) {
        Some(window) => {
            let rise = limit.used_percent - window.last_percent;
            // After a restart, everything is new.
            window.risen_percent += if rise < 0.0 { limit.used_percent } else { rise };
            window.last_percent = limit.used_percent;
            window.resets = limit.resets;
        }
        None => windows.push(Window {
            length: limit.window,
            first_percent: limit.used_percent,
            last_percent: limit.used_percent,
            risen_percent: 0.0,
            resets: limit.resets,
        }),
    }
}
