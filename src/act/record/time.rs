//! Times of events: durations come from a clock that never steps back, and so does the time of day.

use std::time::Instant;

use crate::base::clock::{Clock, System};
use crate::base::human;

/// Smaller steps of the machine's clock are not reported.
const STEP: i64 = 1_000_000;

#[derive(Debug, Clone, Copy)]
pub(super) struct Clockwork {
    started: Instant,
    /// Microseconds since the epoch.
    epoch: i64,
}

impl Clockwork {
    pub(super) fn start() -> Clockwork {
        Clockwork {
            started: Instant::now(),
            epoch: System.now(),
        }
    }

    pub(super) fn now(&self) -> i64 {
        let passed = self.started.elapsed().as_micros();
        self.epoch
            .saturating_add(i64::try_from(passed).unwrap_or(i64::MAX))
    }
}

/// Watches the clock of the machine, which may be set while our own goes on.
#[derive(Debug, Default)]
pub(super) struct Steps {
    /// How far it is ahead of ours, as last reported.
    ahead: i64,
}

impl Steps {
    /// A note if the machine's clock was set since the last call.
    pub(super) fn seen(&mut self, ours: i64, machine: i64) -> Option<String> {
        let ahead = machine.saturating_sub(ours);
        let step = ahead.saturating_sub(self.ahead);
        if step.saturating_abs() <= STEP {
            return None;
        }
        self.ahead = ahead;
        let way = if step < 0 { "back" } else { "forward" };
        let by = human::span(step.saturating_abs());
        Some(format!(
            "the clock of this machine went {way} by {by}; the times recorded here do not follow it"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_is_noted_once_and_followed_by_no_time() {
        let mut steps = Steps::default();
        assert_eq!(steps.seen(10_000_000, 10_400_000), None);
        let back = steps.seen(11_000_000, 7_000_000).expect("a note");
        assert!(back.contains("went back by 4"), "{back}");
        assert_eq!(steps.seen(12_000_000, 8_000_000), None);
        let forth = steps.seen(13_000_000, 13_000_000).expect("a note");
        assert!(forth.contains("went forward by 4"), "{forth}");
        let clock = Clockwork::start();
        let first = clock.now();
        assert!(clock.now() >= first);
    }
}
