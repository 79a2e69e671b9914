//! Waits for the answer to a question, until it comes, the deadline passes, or the process is asked to terminate.

use std::thread;
use std::time::{Duration, Instant};

use crate::act::ask::mailbox::Mailbox;
use crate::act::ask::{Answer, Ask};

/// How a question ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    Answered(Answer),
    /// No answer came in time.
    Expired,
    /// The caller was asked to terminate, or no longer needs the answer.
    Withdrawn,
}

/// A quick answer is noticed quickly.
const OFTEN: Duration = Duration::from_millis(25);
const SOON: Duration = Duration::from_secs(2);
const SELDOM: Duration = Duration::from_millis(100);

/// Waits at most `patience`, or until `is_over`: the caller no longer needs the answer.
pub fn wait(mailbox: &Mailbox, ask: &Ask, patience: Duration, is_over: &dyn Fn() -> bool) -> Ended {
    let began = Instant::now();
    loop {
        if let Some(answer) = mailbox.answer_to(ask) {
            return Ended::Answered(answer);
        }
        if is_over() {
            return Ended::Withdrawn;
        }
        let waited = began.elapsed();
        if waited >= patience {
            return Ended::Expired;
        }
        let pause = if waited < SOON { OFTEN } else { SELDOM };
        thread::sleep(pause.min(patience.saturating_sub(waited)));
    }
}

/// Sleeps between two polls.
pub fn pause(span: Duration) {
    thread::sleep(span);
}
