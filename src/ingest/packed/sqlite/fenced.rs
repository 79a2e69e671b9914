//! Work on a thread that can open no file for writing.
//!
//! SQLite opens the log of a store for writing, even for a connection that only reads, and falls back to reading if the
//! system refuses. It has no option for that, so Landlock makes the system refuse, and only on this thread.

use std::panic;
use std::thread;

/// Does the work on such a thread. A new thread each time, because a query takes far longer than its start, and because
/// the work borrows from the caller. Systems without Landlock refuse nothing; a connection that only reads does not
/// write there either.
pub(super) fn run<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let fenced = || {
        restrict();
        work()
    };
    match thread::scope(|scope| scope.spawn(fenced).join()) {
        Ok(done) => done,
        Err(cause) => panic::resume_unwind(cause),
    }
}

/// Whether the thread is restricted from now on: an old kernel has no Landlock, or it is switched off.
#[cfg(target_os = "linux")]
fn restrict() -> bool {
    use landlock::{AccessFs, Ruleset, RulesetAttr as _, RulesetCreated, RulesetStatus};

    let writing = AccessFs::WriteFile | AccessFs::MakeReg | AccessFs::RemoveFile;
    let ruleset = Ruleset::default().handle_access(writing);
    let status = ruleset
        .and_then(Ruleset::create)
        .and_then(RulesetCreated::restrict_self);
    status.is_ok_and(|it| it.ruleset == RulesetStatus::FullyEnforced)
}

#[cfg(not(target_os = "linux"))]
fn restrict() -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::OpenOptions;

    #[test]
    fn only_the_thread_itself_is_restricted() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let opened = || OpenOptions::new().read(true).write(true).open(file.path());
        let read = super::run(|| std::fs::read(file.path()).is_ok());
        let (is_restricted, is_refused) = super::run(|| (super::restrict(), opened().is_err()));
        assert_eq!(is_restricted, is_refused);
        assert!(read && opened().is_ok());
    }
}
