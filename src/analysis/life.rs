//! The state of a followed run: working, waiting for a person, idle, ended, or abandoned by its
//! writer.
//!
//! A growing trace does not say whether its agent is still alive. All we know is what is open and
//! when data last arrived, by our own clock. The states claim no more than that.

mod pulse;
mod rate;

pub mod doing;

pub use pulse::{Arrival, Pulse};
pub use rate::Rate;

use crate::model::run::RunStatus;

/// The state of a run now. Durations are in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// The recorded status. If the run is not being followed, that is all we know.
    Recorded(RunStatus),
    /// Data arrived recently and no call is open: presumably the model is working.
    Busy,
    /// A call has been pending for this long.
    Running(i64),
    /// An approval has been pending for this long.
    Waiting(i64),
    /// No call is open, and nothing has arrived for this long.
    Idle(i64),
    /// A call is open, but nothing has arrived for so long that the writer may be gone.
    Silent(i64),
    /// The writer is gone (its file was deleted or its pipe closed) without a recorded end.
    Gone,
}

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
/// How long a run without open calls counts as working after data last arrived.
const BUSY: i64 = MINUTE;
/// How long a call may be open without data before that is worth reporting.
const SILENT: i64 = 10 * MINUTE;

impl Life {
    /// Open calls and approvals decide first, then the time since data last arrived.
    fn of(open: Option<Open>, quiet: i64) -> Life {
        match open {
            Some(Open::Asked(since)) => Life::Waiting(since),
            Some(Open::Called(_)) if quiet >= SILENT => Life::Silent(quiet),
            Some(Open::Called(since)) => Life::Running(since),
            None if quiet < BUSY => Life::Busy,
            None => Life::Idle(quiet),
        }
    }

    /// Whether anything appears to be happening.
    pub fn is_at_work(self) -> bool {
        matches!(self, Life::Busy | Life::Running(_) | Life::Waiting(_))
    }

    /// The machine word.
    pub fn word(self) -> &'static str {
        match self {
            Life::Recorded(RunStatus::Unknown) => "unknown",
            Life::Recorded(RunStatus::Running) | Life::Busy | Life::Running(_) => "running",
            Life::Recorded(_) => "ended",
            Life::Waiting(_) => "waiting",
            Life::Idle(_) => "idle",
            Life::Silent(_) => "silent",
            Life::Gone => "abandoned",
        }
    }

    /// How long it has been so, where that is known.
    pub fn span(self) -> Option<i64> {
        match self {
            Life::Recorded(_) | Life::Busy | Life::Gone => None,
            Life::Running(span) | Life::Waiting(span) | Life::Idle(span) | Life::Silent(span) => {
                Some(span)
            }
        }
    }

    /// Microseconds until the state's text changes if nothing arrives. `None` if it does not.
    pub fn changes_in(self) -> Option<i64> {
        match self {
            Life::Recorded(_) | Life::Gone => None,
            Life::Busy => Some(BUSY),
            Life::Running(span) | Life::Waiting(span) if span < HOUR => {
                Some(SECOND - span % SECOND)
            }
            Life::Idle(span) | Life::Silent(span) if span >= HOUR => Some(HOUR - span % HOUR),
            Life::Running(span) | Life::Waiting(span) | Life::Idle(span) | Life::Silent(span) => {
                Some(MINUTE - span % MINUTE)
            }
        }
    }
}

/// What a run has open, and for how many microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Called(i64),
    Asked(i64),
}

#[cfg(test)]
mod tests;
