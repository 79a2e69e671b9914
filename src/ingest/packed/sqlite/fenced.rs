//! Work on a thread that can open no file for writing.
//!
//! SQLite opens the log of a store as if to write, even for a connection that only reads, and is content with reading if
//! the system refuses. There is no option for that, so the system is told to refuse: by Landlock, which holds for one thread.

use std::panic;
use std::thread;

/// Does the work on such a thread. Systems without Landlock refuse nothing; what only reads writes nothing there either.
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

#[cfg(target_os = "linux")]
fn restrict() {
    use landlock::{AccessFs, Ruleset, RulesetAttr as _};

    let writing = AccessFs::WriteFile | AccessFs::MakeReg | AccessFs::RemoveFile;
    let refused = Ruleset::default().handle_access(writing);
    // An old kernel has no Landlock, or it is switched off.
    drop(
        refused
            .and_then(Ruleset::create)
            .and_then(landlock::RulesetCreated::restrict_self),
    );
}

#[cfg(not(target_os = "linux"))]
fn restrict() {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::OpenOptions;

    #[test]
    fn only_the_thread_itself_is_restricted() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let opened = || OpenOptions::new().read(true).write(true).open(file.path());
        let read = super::run(|| std::fs::read(file.path()).is_ok());
        // Without Landlock it can be opened, which is what the rest of the reader expects then.
        let _ = super::run(|| opened().is_err());
        assert!(read && opened().is_ok());
    }
}
