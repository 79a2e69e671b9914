//! The cost and context size of a run at any time.

use crate::analysis::windows::window;
use crate::model::action::Kind;
use crate::store::row::Row;

/// Steps in time order.
#[derive(Debug, Clone, Default)]
pub struct Growth {
    /// The time, and the cost up to then in picodollars.
    costs: Vec<(i64, i64)>,
    fills: Vec<(i64, Fill)>,
    /// Whether the costs include estimates.
    pub is_estimate: bool,
}

/// The context of the main agent's model at a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fill {
    /// Input tokens.
    pub tokens: u64,
    /// The share of the context window, if known.
    pub percent: Option<u64>,
}

impl Growth {
    pub(super) fn add(&mut self, row: &Row<'_>) {
        let Some(time) = row.time().get() else {
            return;
        };
        let end = time.saturating_add(row.duration().get().unwrap_or(0));
        if let Some(cost) = row.cost().get() {
            self.costs.push((end, cost));
            self.is_estimate |= row.flags().has(crate::model::action::Flags::ESTIMATED);
        }
        if row.kind() != Kind::Response || is_lane(row) {
            return;
        }
        let usage = row.usage();
        let parts = [usage.input, usage.cache_read, usage.cache_write];
        let tokens: u64 = parts.iter().map(|part| part.or_zero()).sum();
        if tokens > 0 {
            let window = window(row.model()).filter(|window| tokens <= *window);
            let percent = window.map(|window| tokens * 100 / window);
            self.fills.push((end, Fill { tokens, percent }));
        }
    }

    /// Sorts the steps and accumulates the costs.
    pub(super) fn finish(&mut self) {
        self.costs.sort_by_key(|(time, _)| *time);
        let mut sum = 0_i64;
        for (_, cost) in &mut self.costs {
            sum = sum.saturating_add(*cost);
            *cost = sum;
        }
        self.fills.sort_by_key(|(time, _)| *time);
    }

    /// The cost up to a time, in picodollars; `None` before the first.
    pub fn cost_at(&self, time: i64) -> Option<i64> {
        before(&self.costs, time).copied()
    }

    /// The context as of the last call up to a time.
    pub fn fill_at(&self, time: i64) -> Option<Fill> {
        before(&self.fills, time).copied()
    }

    /// The largest context, in tokens.
    pub fn fullest(&self) -> u64 {
        self.fills
            .iter()
            .map(|(_, it)| it.tokens)
            .max()
            .unwrap_or(0)
    }
}

fn before<T>(steps: &[(i64, T)], time: i64) -> Option<&T> {
    let after = steps.partition_point(|(at, _)| *at <= time);
    let last = after.checked_sub(1)?;
    steps.get(last).map(|(_, value)| value)
}

fn is_lane(row: &Row<'_>) -> bool {
    let mut lanes = row.run().lanes.iter();
    lanes.any(|lane| lane.agent == row.agent_sym())
}
