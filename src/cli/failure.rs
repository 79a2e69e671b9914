//! How a command can end, and the exit code for it.

use std::io;
use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done,
    /// It ran and found nothing, like `grep`.
    NoMatch,
    /// A gate found that something got worse.
    Worse,
    /// An alert fired.
    Fired,
    /// A gate is inconclusive: there is too little data.
    CannotTell,
    /// The command line is invalid; the mistake has been reported.
    Usage,
    /// A path could not be read, or nothing that was read is a record.
    NoInput,
    /// A request of the agent had no recorded answer.
    Missed,
    /// Some lines are malformed, and `--strict` was given.
    Partial,
    /// The exit code of a program that was started.
    Child(u8),
    /// Ended by a signal, or by the loss of the terminal (as a hang-up, 1).
    Signal(u8),
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::NoMatch | Exit::Worse => 1,
            Exit::Usage => 2,
            Exit::Fired | Exit::Missed => 3,
            Exit::NoInput => 4,
            Exit::Partial => 5,
            Exit::CannotTell => 6,
            Exit::Child(code) => code,
            Exit::Signal(number) => 128 + (number & 0x7f),
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

/// Why a command did not run. The message may contain raw text of a path or a trace.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Perhaps of several lines: carets under a mistake, or a list of candidates.
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Input(String),
}

/// The exit code of an error; none for a closed pipe (`| head`), which is not an error.
pub fn exit_of(error: &anyhow::Error) -> Option<Exit> {
    for cause in error.chain() {
        if let Some(failure) = cause.downcast_ref::<Failure>() {
            return Some(match failure {
                Failure::Usage(_) => Exit::Usage,
                Failure::Input(_) => Exit::NoInput,
            });
        }
        let broken = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
        if cause.downcast_ref::<io::Error>().is_some_and(broken) {
            return None;
        }
    }
    Some(Exit::Usage)
}

#[cfg(test)]
mod tests;
