//! Following a session in a database: its rows become lines as they are written.
//!
//! A row may still change while it is the last one: a model call gets its parts one by one. So the last row becomes a
//! line when it is finished, or when another one follows. Later changes of older rows are not seen.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::ingest::bytes::log::Log;
use crate::ingest::packed::sqlite;

/// How often to ask the store whether anything changed.
const EVERY: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(super) struct StoredFeed {
    path: PathBuf,
    log: Arc<Log>,
    asked: Option<Instant>,
    version: Option<sqlite::Version>,
    sent: HashSet<u64>,
}

impl StoredFeed {
    pub(super) fn new(path: PathBuf) -> StoredFeed {
        StoredFeed {
            path,
            log: Arc::new(Log::of_pipe()),
            asked: None,
            version: None,
            sent: HashSet::new(),
        }
    }

    pub(super) fn log(&self) -> &Arc<Log> {
        &self.log
    }

    pub(super) fn format(&self) -> Option<&'static str> {
        sqlite::format_of(&self.path)
    }

    /// Adds the rows that are new.
    pub(super) fn poll(&mut self) {
        if self.asked.is_some_and(|asked| asked.elapsed() < EVERY) {
            return;
        }
        self.asked = Some(Instant::now());
        let version = sqlite::version(&self.path);
        // A store that cannot be read now, for example because it is locked, may be readable later.
        if version.is_none() || version == self.version {
            return;
        }
        if let Ok(news) = sqlite::news(&self.path, &mut self.sent) {
            self.log.append_piped(&news);
            self.version = version;
        }
    }
}

/// Whether a path names a session in a store.
pub(super) fn is_stored(path: &Path) -> bool {
    sqlite::inside(path).is_some()
}
