//! Whether an approver is present: every explorer holds a lock in `approver/` while it runs. The system releases it
//! when the explorer ends, however it ends.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::act::places::{self, Places};

/// Held while questions can be answered here.
#[derive(Debug)]
pub struct Approver {
    held: Vec<(PathBuf, File)>,
}

const FOLDER: &str = "approver";

impl Approver {
    /// Announces an approver in every meeting place.
    pub fn new(places: &Places) -> Approver {
        let meeting = places.meeting();
        let held = meeting.iter().filter_map(|it| hold(it).ok());
        Approver {
            held: held.collect(),
        }
    }

    /// Whether callers can find it.
    pub fn is_known(&self) -> bool {
        !self.held.is_empty()
    }
}

impl Drop for Approver {
    fn drop(&mut self) {
        for (path, _) in &self.held {
            let _ = fs::remove_file(path);
        }
    }
}

fn hold(meeting: &Path) -> io::Result<(PathBuf, File)> {
    let folder = meeting.join(FOLDER);
    places::private(meeting)?;
    places::private(&folder)?;
    let path = folder.join(format!("{}.lock", std::process::id()));
    loop {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(places::flags(OFlags::NOFOLLOW))
            .open(&path)?;
        file.try_lock()?;
        // The name may have been removed between opening and locking.
        let found = fs::symlink_metadata(&path);
        if found.is_ok_and(|it| file.metadata().is_ok_and(|own| own.ino() == it.ino())) {
            return Ok((path, file));
        }
    }
}

/// Whether there is an approver in any of the meeting places.
pub fn is_there(places: &Places) -> bool {
    let meeting = places.meeting();
    let mut folders = meeting.iter().map(|it| it.join(FOLDER));
    folders.any(|folder| {
        let is_ours = fs::symlink_metadata(&folder)
            .is_ok_and(|found| found.is_dir() && places::check(&folder, &found).is_ok());
        let files = fs::read_dir(&folder).into_iter().flatten().flatten();
        is_ours && files.into_iter().any(|entry| is_held(&entry.path()))
    })
}

fn is_held(path: &Path) -> bool {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(places::flags(OFlags::NOFOLLOW | OFlags::NONBLOCK))
        .open(path);
    file.is_ok_and(|file| matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock)))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};

    use super::{Approver, is_there};
    use crate::act::places::Places;

    /// Not a test in itself: the body of the explorer that is killed below.
    #[test]
    fn waits_where_the_environment_asks_for_it() {
        let Some(home) = std::env::var_os("SAFERUN_TEST_APPROVER") else {
            return;
        };
        let home = PathBuf::from(home);
        let places = Places::of(|name| (name == "HOME").then(|| home.clone()));
        let _approver = Approver::new(&places.expect("a home"));
        std::thread::sleep(Duration::from_mins(1));
    }

    #[test]
    fn an_explorer_that_was_killed_is_no_approver() {
        let home = tempfile::tempdir().expect("a folder");
        let places = Places::of(|name| (name == "HOME").then(|| home.path().to_owned()));
        let places = places.expect("a home");
        let own = std::env::current_exe().expect("this program");
        let mut explorer = Command::new(own)
            .args([
                "--exact",
                "act::ask::approver::tests::waits_where_the_environment_asks_for_it",
            ])
            .env("SAFERUN_TEST_APPROVER", home.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("started");
        let end = Instant::now() + Duration::from_secs(30);
        while !is_there(&places) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(is_there(&places));
        explorer.kill().expect("killed");
        explorer.wait().expect("it ends");
        assert!(!is_there(&places), "the system released its lock");
    }

    #[test]
    fn an_approver_is_present_while_an_explorer_runs() {
        let home = tempfile::tempdir().expect("a folder");
        let runtime = home.path().join("runtime");
        std::fs::create_dir(&runtime).expect("created");
        let places = Places::of(|name| match name {
            "HOME" => Some(home.path().to_owned()),
            "XDG_RUNTIME_DIR" => Some(runtime.clone()),
            _ => None::<PathBuf>,
        });
        let places = places.expect("a home");
        assert!(!is_there(&places));
        let approver = Approver::new(&places);
        assert!(approver.is_known());
        assert!(is_there(&places), "the lock is held");
        let elsewhere = Places::of(|name| (name == "HOME").then(|| home.path().to_owned()));
        assert!(
            is_there(&elsewhere.expect("a home")),
            "a hook without the variable finds it too"
        );
        drop(approver);
        assert!(!is_there(&places));
        let stale = runtime.join("saferun-tui/approver/1.lock");
        std::fs::write(&stale, "").expect("written");
        assert!(!is_there(&places), "an abandoned lock");
    }
}
