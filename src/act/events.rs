//! What happens outside while the screen runs: questions to the user come in, answers go out.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, never, unbounded};

use crate::act::ask::{Ask, Standing, State};

#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// All tool calls waiting for approval, or that were until now, oldest first.
    Asks(Vec<ApprovalRequest>),
    /// What became of the user's answer; an error says why it was not accepted.
    Answered {
        id: String,
        outcome: Result<State, String>,
    },
}

/// A question. It may contain anything: sanitise it before it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct ApprovalRequest {
    pub ask: Arc<Ask>,
    pub standing: Standing,
}

/// What the user decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The question that is answered.
    pub id: String,
    pub state: State,
    /// May be empty for an approval.
    pub reason: String,
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
