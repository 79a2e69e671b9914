//! How a command can end, and its exit code.

use std::io;
use std::process::ExitCode;

/// How a command ended that ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Done,
    /// It ran and found nothing, as `grep`.
    NoMatch,
    /// A gate found that something got worse.
    Worse,
    /// A gate cannot tell: there is too little data.
    CannotTell,
    /// The command line could not be understood; said already.
    Usage,
    /// Nothing could be read, or nothing of it was a record.
    NoInput,
    /// Some lines are bad and `--strict` was asked for.
    Partial,
    /// A signal ended it, or (as a hang-up, 1) the terminal is gone.
    Signal(u8),
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::NoMatch | Exit::Worse => 1,
            Exit::Usage => 2,
            Exit::NoInput => 4,
            Exit::Partial => 5,
            Exit::CannotTell => 6,
            Exit::Signal(number) => 128 + (number & 0x7f),
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

/// Why a command did not run. The message may hold anything a path or a trace holds.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// May be of several lines: a caret under a column, or a list of candidates.
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Input(String),
}

/// The exit code of an error. A reader that went away (`| head`) is no error.
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
