//! Waiting for the answer to a question, until it comes, its time is over, or the program is told to end.

use std::thread;
use std::time::{Duration, Instant};

use crate::act::ask::mailbox::Mailbox;
use crate::act::ask::{Answer, Ask};

/// How a question ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    Answered(Answer),
    /// Nobody answered in time.
    Expired,
    /// Whoever asked was told to end, or no longer wants to know.
    Withdrawn,
}

/// An answer that comes at once is seen at once.
const OFTEN: Duration = Duration::from_millis(25);
const SOON: Duration = Duration::from_secs(2);
const SELDOM: Duration = Duration::from_millis(100);

/// Waits at most `patience`; `is_over` says that nobody wants to know any more.
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

/// Until it is worth looking again.
pub fn pause(span: Duration) {
    thread::sleep(span);
}
