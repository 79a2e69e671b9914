//! Times of events: durations come from a clock that never steps back, and so does the time of day.

use std::time::Instant;

use crate::base::clock::{Clock, System};

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
