//! What the program remembers between starts: positions, marks, filters, table layouts, recent traces.
//!
//! Everything is a [`Change`]: it's applied in memory at once, and on disk to the current contents of the file, under a lock.
//! So two instances never lose each other's entries, and one that cannot write still remembers until it ends. Problems
//! come back as [`Notice`]s; nothing is printed. A save reads, writes and syncs one small file, and waits at most
//! [`files::PATIENCE`] for another instance.

pub mod alerts;
mod change;
mod documents;
mod files;
mod slot;
mod trace;

use std::fmt;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

pub use change::Change;
pub use documents::{Layout, Mark, Position, SavedFilter, TraceEntry};
pub use trace::TraceId;

use documents::{Filters, Traces, Views};
use files::Folder;
use slot::Slot;

/// `$XDG_STATE_HOME/saferun-tui`, else `~/.local/state/saferun-tui`; none without a home directory.
pub fn usual_folder() -> Option<PathBuf> {
    let folders = etcetera::base_strategy::Xdg::new().ok()?;
    Some(folders.state_dir()?.join("saferun-tui"))
}

/// The remembered documents, and the folder they are saved in.
#[derive(Debug, Default)]
pub struct State {
    /// None keeps everything in memory only.
    folder: Option<Folder>,
    traces: Slot<Traces>,
    filters: Slot<Filters>,
    views: Slot<Views>,
}

/// What went wrong with a file of the state. Paths and reasons are raw: sanitise before showing them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A damaged file was renamed, and its document starts empty.
    SetAside {
        file: PathBuf,
        kept: PathBuf,
        why: String,
    },
    /// A newer version of the program wrote the file. It is neither read nor written.
    Newer { file: PathBuf, version: u64 },
    /// The file could not be read, so it is not written either.
    Unreadable { file: PathBuf, why: String },
    /// Saving failed. Changes stay in memory and are tried again with the next one.
    NotSaved { file: PathBuf, why: String },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::SetAside { file, kept, why } => write!(
                f,
                "{}: damaged ({why}); kept as {}, starting with an empty one",
                file.display(),
                kept.display()
            ),
            Notice::Newer { file, version } => write!(
                f,
                "{}: written by a newer version (format {version}); left alone, nothing will be saved to it",
                file.display()
            ),
            Notice::Unreadable { file, why } => {
                write!(f, "{}: {why}; nothing will be saved to it", file.display())
            }
            Notice::NotSaved { file, why } => write!(f, "{}: not saved: {why}", file.display()),
        }
    }
}

impl State {
    /// Reads what was saved in `folder`, which is created by the first change that is saved. `None` is [`State::off`].
    pub fn open(folder: Option<&Path>) -> (State, Vec<Notice>) {
        let mut state = State::off();
        let mut notices = Vec::new();
        if let Some(path) = folder {
            let folder = Folder::new(path);
            state.traces.load(&folder, &mut notices);
            state.filters.load(&folder, &mut notices);
            state.views.load(&folder, &mut notices);
            state.folder = Some(folder);
        }
        (state, notices)
    }

    /// Remembers until the program ends; reads and writes no file.
    pub fn off() -> State {
        State::default()
    }

    /// Whether changes are saved.
    pub fn is_on(&self) -> bool {
        self.folder.is_some()
    }

    /// Applies a change and saves it. A notice that stays true is returned once, not with every change.
    pub fn apply(&mut self, change: Change) -> Vec<Notice> {
        let folder = self.folder.as_ref();
        let mut notices = Vec::new();
        match change {
            Change::Opened { .. }
            | Change::Moved { .. }
            | Change::Marked { .. }
            | Change::Unmarked { .. } => self.traces.apply(change, folder, &mut notices),
            Change::Filtered(_) | Change::SavedFilter(_) | Change::ForgotFilter(_) => {
                self.filters.apply(change, folder, &mut notices);
            }
            Change::LaidOut { .. } => self.views.apply(change, folder, &mut notices),
        }
        notices
    }

    /// Saves what could not be saved before; to be called once more at the end.
    pub fn flush(&mut self) -> Vec<Notice> {
        let mut notices = Vec::new();
        if let Some(folder) = &self.folder {
            self.traces.flush(folder, &mut notices);
            self.filters.flush(folder, &mut notices);
            self.views.flush(folder, &mut notices);
        }
        notices
    }

    /// Traces that were opened before, the newest first.
    pub fn recent(&self) -> impl Iterator<Item = &TraceEntry> {
        let mut entries: Vec<&TraceEntry> = self.traces.document.traces.iter().collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.opened));
        entries.into_iter()
    }

    /// Where the user was in a trace.
    pub fn position(&self, trace: &TraceId) -> Option<&Position> {
        self.entry(trace)?.position.as_ref()
    }

    /// The marks of a trace, in the order in which they were set.
    pub fn marks(&self, trace: &TraceId) -> &[Mark] {
        self.entry(trace).map_or(&[], |entry| &entry.marks)
    }

    /// Filters that were used, the newest last.
    pub fn filter_history(&self) -> &[String] {
        &self.filters.document.history
    }

    /// Filters that were saved, in the order in which they were saved.
    pub fn saved_filters(&self) -> &[SavedFilter] {
        &self.filters.document.saved
    }

    /// Columns and order of a view's table.
    pub fn layout(&self, view: &str) -> Option<&Layout> {
        self.views.document.views.get(view)
    }

    fn entry(&self, trace: &TraceId) -> Option<&TraceEntry> {
        let entries = &self.traces.document.traces;
        entries.iter().find(|entry| entry.trace == *trace)
    }
}

#[cfg(test)]
mod tests;
