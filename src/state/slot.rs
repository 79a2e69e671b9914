//! A document in memory and its file: reading, saving, and what happens to damaged files.

use std::io;

use serde::{Deserialize, Serialize};

use crate::state::Notice;
use crate::state::change::Change;
use crate::state::documents::Document;
use crate::state::files::{Folder, Lock};

/// Changes that wait for a save that works; older ones are dropped, and live on in memory.
const MOST_PENDING: usize = 1_000;

#[derive(Debug, Default)]
pub(super) struct Slot<D> {
    pub(super) document: D,
    /// Changes that the file does not have yet.
    pending: Vec<Change>,
    /// The file belongs to a newer version, or cannot be read: it is not written.
    is_locked_out: bool,
    /// The last failure to save was returned already.
    is_failing: bool,
}

/// A document with the version of its format, as it is in the file.
#[derive(Serialize)]
struct Versioned<'a, D> {
    version: u64,
    #[serde(flatten)]
    document: &'a D,
}

/// Why a file cannot be used.
enum Fault {
    Damaged(String),
    Newer(u64),
}

impl<D: Document> Slot<D> {
    pub(super) fn load(&mut self, folder: &Folder, notices: &mut Vec<Notice>) {
        match folder.read(D::FILE) {
            Ok(None) => {}
            Ok(Some(bytes)) => match parse(&bytes) {
                Ok(document) => self.document = document,
                Err(Fault::Newer(version)) => self.lock_out(newer::<D>(folder, version), notices),
                // Read again under the lock: another instance may have mended it.
                Err(Fault::Damaged(_)) => match folder.lock() {
                    Ok(lock) => {
                        let found = self.current(folder, &lock, notices);
                        self.document = found.unwrap_or_default();
                    }
                    Err(error) => self.lock_out(unreadable::<D>(folder, &error), notices),
                },
            },
            Err(error) => self.lock_out(unreadable::<D>(folder, &error), notices),
        }
    }

    pub(super) fn apply(
        &mut self,
        change: Change,
        folder: Option<&Folder>,
        notices: &mut Vec<Notice>,
    ) {
        self.document.apply(&change);
        let Some(folder) = folder.filter(|_| !self.is_locked_out) else {
            return;
        };
        self.pending.push(change);
        let surplus = self.pending.len().saturating_sub(MOST_PENDING);
        self.pending.drain(..surplus);
        let is_known = self.is_failing;
        let failed = self.try_to_save(folder, notices);
        notices.extend(failed.filter(|_| !is_known));
    }

    /// Saves what is pending, and reports why not however often it failed before.
    pub(super) fn flush(&mut self, folder: &Folder, notices: &mut Vec<Notice>) {
        if !self.pending.is_empty() {
            let failed = self.try_to_save(folder, notices);
            notices.extend(failed);
        }
    }

    fn try_to_save(&mut self, folder: &Folder, notices: &mut Vec<Notice>) -> Option<Notice> {
        let saved = self.save(folder, notices);
        self.is_failing = saved.is_err();
        saved.err().map(|error| Notice::NotSaved {
            file: folder.file(D::FILE),
            why: match error.kind() {
                io::ErrorKind::WouldBlock => "another instance is writing".to_owned(),
                _ => error.to_string(),
            },
        })
    }

    /// Applies what is pending to the file as it is now, and takes the result into memory.
    fn save(&mut self, folder: &Folder, notices: &mut Vec<Notice>) -> io::Result<()> {
        let lock = folder.lock()?;
        let Some(saved) = self.current(folder, &lock, notices) else {
            return Ok(());
        };
        let mut merged = saved.clone();
        for change in &self.pending {
            merged.apply(change);
        }
        if merged != saved {
            let versioned = Versioned {
                version: D::VERSION,
                document: &merged,
            };
            let mut bytes = serde_json::to_vec_pretty(&versioned)?;
            bytes.push(b'\n');
            folder.replace(D::FILE, &bytes, &lock)?;
        }
        self.document = merged;
        self.pending.clear();
        Ok(())
    }

    /// The document in the file, empty where there is none. None where the file must be left alone.
    fn current(&mut self, folder: &Folder, lock: &Lock, notices: &mut Vec<Notice>) -> Option<D> {
        let bytes = match folder.read(D::FILE) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Some(D::default()),
            Err(error) => {
                self.lock_out(unreadable::<D>(folder, &error), notices);
                return None;
            }
        };
        match parse(&bytes) {
            Ok(document) => Some(document),
            Err(Fault::Newer(version)) => {
                self.lock_out(newer::<D>(folder, version), notices);
                None
            }
            Err(Fault::Damaged(why)) => match folder.set_aside(D::FILE, lock) {
                Ok(kept) => {
                    let file = folder.file(D::FILE);
                    notices.push(Notice::SetAside { file, kept, why });
                    Some(D::default())
                }
                Err(error) => {
                    self.lock_out(unreadable::<D>(folder, &error), notices);
                    None
                }
            },
        }
    }

    fn lock_out(&mut self, notice: Notice, notices: &mut Vec<Notice>) {
        self.is_locked_out = true;
        self.pending.clear();
        notices.push(notice);
    }
}

fn parse<D: Document>(bytes: &[u8]) -> Result<D, Fault> {
    /// Read first, and alone: a newer version may hold anything else.
    #[derive(Deserialize)]
    struct Version {
        version: u64,
    }
    let damaged = |error: serde_json::Error| Fault::Damaged(error.to_string());
    let Version { version } = serde_json::from_slice(bytes).map_err(damaged)?;
    if version > D::VERSION {
        return Err(Fault::Newer(version));
    }
    let mut members: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(bytes).map_err(damaged)?;
    members.remove("version");
    serde_json::from_value(members.into()).map_err(damaged)
}

fn newer<D: Document>(folder: &Folder, version: u64) -> Notice {
    Notice::Newer {
        file: folder.file(D::FILE),
        version,
    }
}

fn unreadable<D: Document>(folder: &Folder, error: &io::Error) -> Notice {
    Notice::Unreadable {
        file: folder.file(D::FILE),
        why: error.to_string(),
    }
}
