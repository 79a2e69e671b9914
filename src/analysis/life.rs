//! How a run that is followed stands: at work, waiting for a person, idle, ended, or left by its writer.
//!
//! A trace that grows does not say that its agent is still there. What can be known is what is open and
//! when something came last, by the clock of whoever looks; each word here means no more than that.

mod pulse;
mod rate;

pub use pulse::{Pulse, Seen};
pub use rate::Rate;

use crate::model::run::RunStatus;

/// How a run stands now. Spans are in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// As the trace tells of its end; of a run that is not followed there is no more to say.
    Told(RunStatus),
    /// Something came a moment ago and no call is open: the model is at work, as far as anybody can see.
    Busy,
    /// A call has been waiting for its result for so long.
    Running(i64),
    /// A person was asked so long ago.
    Waiting(i64),
    /// No call is open, and nothing came for so long.
    Idle(i64),
    /// A call is open, and nothing came for so long that its writer may be gone.
    Silent(i64),
    /// The writer went away (its file is gone, its pipe ended) without an end of the run.
    Gone,
}

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
/// How long a run without open calls is thought to be at work after it was last heard of.
const BUSY: i64 = MINUTE;
/// How long a call may be open without a word before that is worth telling.
const SILENT: i64 = 10 * MINUTE;

impl Life {
    /// What is open decides first, then how long ago something came.
    fn of(open: Option<Open>, quiet: i64) -> Life {
        match open {
            Some(Open::Asked(since)) => Life::Waiting(since),
            Some(Open::Called(_)) if quiet >= SILENT => Life::Silent(quiet),
            Some(Open::Called(since)) => Life::Running(since),
            None if quiet < BUSY => Life::Busy,
            None => Life::Idle(quiet),
        }
    }

    /// Whether something goes on, as far as anybody can see.
    pub fn is_at_work(self) -> bool {
        matches!(self, Life::Busy | Life::Running(_) | Life::Waiting(_))
    }

    /// How many microseconds until its words are others, if nothing comes; none when they stay.
    pub fn changes_in(self) -> Option<i64> {
        match self {
            Life::Told(_) | Life::Gone => None,
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
