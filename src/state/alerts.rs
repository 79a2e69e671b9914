//! The saved states of alerts: one file for each rules file, and the lock of the one program that sends.
//!
//! The file is authoritative: a program that evaluates or marks alerts reads, changes and replaces it under the lock of
//! the folder, so that a watcher elsewhere sees a mark set on one screen.

use std::io;
use std::path::{Path, PathBuf};

use crate::analysis::alerts::state::{Book, SCHEMA};
use crate::base::sha256;
use crate::state::Notice;
use crate::state::files::{Folder, Lock};

/// The alert states of one rules file.
#[derive(Debug, Clone)]
pub struct AlertStates {
    folder: PathBuf,
    name: String,
}

/// Held by the program that sends. The system releases it when the program ends, however it ends.
#[derive(Debug)]
pub struct Sender {
    _lock: Lock,
}

/// Takes the place of a path for the built-in rules.
pub const BUILT_IN: &str = "built-in";
/// How many digits of the hash are in the file name.
const DIGITS: usize = 16;

impl AlertStates {
    /// The states for the rules at `rules`, an absolute path, in the state folder.
    pub fn of(state: &Path, rules: Option<&str>) -> AlertStates {
        let mut name = sha256::hex(rules.unwrap_or(BUILT_IN).as_bytes());
        name.truncate(DIGITS);
        AlertStates {
            folder: state.join("alerts"),
            name,
        }
    }

    fn folder(&self) -> Folder {
        Folder::new(&self.folder)
    }

    fn file(&self) -> String {
        format!("{}.json", self.name)
    }

    pub fn path(&self) -> PathBuf {
        self.folder.join(self.file())
    }

    /// Reads the states; empty if there is no file. A damaged file is set aside, with a notice.
    pub fn read(&self) -> (Book, Vec<Notice>) {
        match self.folder().read(&self.file()) {
            Ok(None) => (Book::new(), Vec::new()),
            Ok(Some(bytes)) => match parse(&bytes) {
                Ok(book) => (book, Vec::new()),
                Err(_) => self.mend(),
            },
            Err(error) => (Book::new(), vec![self.unreadable(&error)]),
        }
    }

    /// Reads it again under the lock, and sets it aside if it is still damaged.
    fn mend(&self) -> (Book, Vec<Notice>) {
        let mut notices = Vec::new();
        let mended = self
            .folder()
            .lock()
            .and_then(|lock| self.current(&lock, &mut notices));
        match mended {
            Ok(book) => (book, notices),
            Err(error) => (Book::new(), vec![self.unreadable(&error)]),
        }
    }

    /// Changes the states under the lock. The file is written only if they changed.
    pub fn update<T>(&self, change: impl FnOnce(&mut Book) -> T) -> io::Result<(T, Vec<Notice>)> {
        let folder = self.folder();
        let lock = folder.lock()?;
        let mut notices = Vec::new();
        let before = self.current(&lock, &mut notices)?;
        let mut book = before.clone();
        let answer = change(&mut book);
        if book != before {
            let mut bytes = serde_json::to_vec_pretty(&book)?;
            bytes.push(b'\n');
            folder.replace(&self.file(), &bytes, &lock)?;
        }
        Ok((answer, notices))
    }

    fn current(&self, lock: &Lock, notices: &mut Vec<Notice>) -> io::Result<Book> {
        let folder = self.folder();
        let Some(bytes) = folder.read(&self.file())? else {
            return Ok(Book::new());
        };
        match parse(&bytes) {
            Ok(book) => Ok(book),
            Err(why) => {
                let kept = folder.set_aside_as(&self.file(), "bad", lock)?;
                let file = self.path();
                notices.push(Notice::SetAside { file, kept, why });
                Ok(Book::new())
            }
        }
    }

    /// Takes the sender's lock; none while another program holds it.
    pub fn sender(&self) -> io::Result<Option<Sender>> {
        let lock = self.folder().try_lock(&self.sender_file())?;
        Ok(lock.map(|lock| Sender { _lock: lock }))
    }

    /// Whether a program is watching these rules and sending.
    pub fn is_watched(&self) -> bool {
        let folder = self.folder();
        folder.has(&self.sender_file())
            && folder
                .try_lock(&self.sender_file())
                .is_ok_and(|lock| lock.is_none())
    }

    fn sender_file(&self) -> String {
        format!("{}.sender", self.name)
    }

    fn unreadable(&self, error: &io::Error) -> Notice {
        Notice::Unreadable {
            file: self.path(),
            why: error.to_string(),
        }
    }
}

fn parse(bytes: &[u8]) -> Result<Book, String> {
    let book: Book = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if book.schema != SCHEMA {
        return Err(format!("its schema is '{}'", book.schema));
    }
    Ok(book)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::AlertStates;
    use crate::analysis::alerts::state::{AlertRecord, Mark};
    use crate::state::Notice;

    fn states(folder: &tempfile::TempDir) -> AlertStates {
        AlertStates::of(folder.path(), Some("/home/a/alerts.toml"))
    }

    fn add(states: &AlertStates, key: &str) {
        let added = states.update(|book| {
            book.alerts.insert(key.to_owned(), AlertRecord::default());
        });
        assert_eq!(added.expect("saved").1, []);
    }

    #[test]
    fn states_are_shared_between_programs_and_private_to_the_user() {
        let folder = tempfile::tempdir().expect("a folder");
        let (one, other) = (states(&folder), states(&folder));
        add(&one, "saferun/loop/1");
        let marked = other.update(|book| {
            let mark = Mark::Ack(Some("lead".to_owned()));
            book.mark("saferun/loop/1", &mark)
        });
        assert!(marked.expect("saved").0);
        let (book, notices) = one.read();
        let acked = book.alerts["saferun/loop/1"].machine.acked.as_deref();
        assert_eq!((acked, notices.len()), (Some("lead"), 0));
        let mode = fs::metadata(one.path())
            .expect("a file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        let others = AlertStates::of(folder.path(), None);
        assert!(
            others.read().0.alerts.is_empty(),
            "other rules, other states"
        );
    }

    #[test]
    fn a_damaged_file_is_set_aside_and_reported_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let states = states(&folder);
        add(&states, "saferun/loop/1");
        fs::write(states.path(), "{\"schema\":").expect("written");
        let (book, notices) = states.read();
        assert!(book.alerts.is_empty());
        let [Notice::SetAside { kept, .. }] = notices.as_slice() else {
            panic!("{notices:?}");
        };
        assert!(kept.to_string_lossy().ends_with(".json.bad"), "{kept:?}");
        assert_eq!(fs::read(kept).expect("kept"), b"{\"schema\":");
        assert_eq!(states.read().1, []);
        add(&states, "saferun/loop/2");
        assert_eq!(states.read().0.alerts.len(), 1);
    }

    #[test]
    fn one_program_sends_at_a_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let states = states(&folder);
        assert!(!states.is_watched());
        let first = states
            .sender()
            .expect("it can be asked")
            .expect("it is free");
        assert!(states.is_watched());
        assert!(states.sender().expect("it can be asked").is_none());
        // The sender's lock does not block writers.
        add(&states, "saferun/loop/1");
        drop(first);
        assert!(states.sender().expect("it can be asked").is_some());
    }
}
