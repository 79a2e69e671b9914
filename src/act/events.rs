//! What happens outside while the screen runs: questions to the user come in, answers go out.

use crossbeam_channel::{Receiver, Sender, never, unbounded};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Something waits until the user allows or denies it.
    Question(Question),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    pub id: u64,
    /// May hold anything: sanitise it before it is shown.
    pub text: String,
}

/// What the user decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The question that is answered.
    pub id: u64,
    pub is_allowed: bool,
}

/// The screen's end of the channels.
#[derive(Debug, Clone)]
pub struct Outside {
    pub events: Receiver<Event>,
    pub answers: Sender<Answer>,
}

impl Default for Outside {
    /// Nothing ever happens.
    fn default() -> Outside {
        Outside {
            events: never(),
            answers: unbounded().0,
        }
    }
}
