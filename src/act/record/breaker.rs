//! Stops model calls: when the child has reached a limit, and when its run was stopped.

use std::sync::{Mutex, PoisonError};

use crate::act::guard::run_state::tripped;
use crate::act::places::Places;

/// What the child may spend.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Limits {
    pub max_cost: Option<f64>,
    pub max_calls: Option<u64>,
}

#[derive(Debug)]
pub(super) struct Breaker {
    limits: Limits,
    places: Option<Places>,
    spent: Mutex<Spent>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Spent {
    pub(super) calls: u64,
    pub(super) usd: f64,
    /// Model calls without a known price.
    pub(super) unpriced: u64,
}

/// Why a model call is not forwarded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stop {
    pub(super) rule: String,
    pub(super) reason: String,
}

impl Breaker {
    pub(super) fn new(limits: Limits, places: Option<Places>) -> Breaker {
        Breaker {
            limits,
            places,
            spent: Mutex::default(),
        }
    }

    /// Whether a model call must wait for the costs of those before it.
    pub(super) fn counts_cost(&self) -> bool {
        self.limits.max_cost.is_some()
    }

    pub(super) fn spent(&self) -> Spent {
        *self.spent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a model call of one of these runs, unless it must not be made.
    pub(super) fn admit(&self, runs: &[&str], now: i64) -> Result<(), Stop> {
        if let Some(places) = &self.places {
            let mut trips = runs.iter().filter_map(|run| tripped(places, run, now));
            if let Some(trip) = trips.next() {
                return Err(Stop {
                    rule: trip.rule,
                    reason: trip.reason,
                });
            }
        }
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(most) = self.limits.max_calls
            && spent.calls >= most
        {
            let calls = spent.calls;
            return Err(stop(
                "max-calls",
                format!("{calls} model calls were made; --max-calls is {most}"),
            ));
        }
        if let Some(most) = self.limits.max_cost
            && spent.usd >= most
        {
            let usd = spent.usd;
            return Err(stop(
                "max-cost",
                format!("${usd:.4} is spent; --max-cost is ${most}"),
            ));
        }
        spent.calls += 1;
        Ok(())
    }

    /// The cost of a model call; none if its price is not known.
    pub(super) fn spend(&self, usd: Option<f64>) {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        match usd {
            Some(usd) => spent.usd += usd,
            None => spent.unpriced += 1,
        }
    }
}

fn stop(rule: &str, reason: String) -> Stop {
    Stop {
        rule: rule.to_owned(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_call_after_the_limit_is_stopped() {
        let limits = Limits {
            max_cost: Some(0.5),
            max_calls: Some(3),
        };
        let breaker = Breaker::new(limits, None);
        assert!(breaker.admit(&["r"], 0).is_ok());
        breaker.spend(Some(0.49));
        assert!(breaker.admit(&["r"], 0).is_ok());
        breaker.spend(Some(0.02));
        let stop = breaker.admit(&["r"], 0).expect_err("stopped");
        assert_eq!(stop.rule, "max-cost");
        assert_eq!(stop.reason, "$0.5100 is spent; --max-cost is $0.5");
        let breaker = Breaker::new(
            Limits {
                max_calls: Some(0),
                ..Limits::default()
            },
            None,
        );
        assert_eq!(
            breaker.admit(&[], 0).expect_err("stopped").rule,
            "max-calls"
        );
    }
}
