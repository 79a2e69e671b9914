//! An open database, read so that neither it nor anything beside it changes.
//!
//! SQLite itself is not that careful: even a connection that only reads creates `-wal` and `-shm` files beside a store in
//! WAL mode, and opens those that exist as if to write. So there are four ways, tried in this order:
//!
//! * A store without a write-ahead log is opened read-only.
//! * A store in WAL mode without a log is not open anywhere, so it is read as it lies. Whether that is still so is checked
//!   before and after each query: as soon as a log appears, or the file changes, the query is repeated another way.
//! * A store in WAL mode with a log is read from a private copy, and so is what needs repair first (a hot journal). The
//!   copy is renewed when the store has changed; usually only its log has.
//! * A store that is too large to copy while its program works is opened read-only with a read-only `-shm`, which
//!   readers share with the writer, on threads that can open nothing for writing (`fenced`).

use std::collections::{HashMap, VecDeque};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::Sessions;
use super::fenced;
use super::snapshot::{Snapshot, beside, size_with_log};
use crate::base::escape;

/// How long a lock of a writer is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// Bytes of composed lines that are cached.
const KEPT: usize = 32 << 20;
/// A store larger than this, with its log, is not copied to read it beside its writer.
const COPIED: u64 = 256 << 20;
/// How often a query is repeated because the store changed in the meantime.
const TRIES: usize = 4;

/// The stores of open sources. Sessions of one store share its connection: a store may hold thousands.
static OPEN: Mutex<Vec<(PathBuf, Weak<Store>)>> = Mutex::new(Vec::new());
/// The last store used stays open for the next query.
static LAST: Mutex<Option<Arc<Store>>> = Mutex::new(None);

/// Numbers connections.
static OPENINGS: AtomicU32 = AtomicU32::new(0);

pub(super) struct Store {
    path: PathBuf,
    opened: Mutex<Option<Opened>>,
    sessions: AtomicU32,
    kept: Mutex<LineCache>,
    /// The sessions, and the state of the store in which they were listed.
    listed: Mutex<Option<(Version, Arc<Sessions>)>>,
}

/// Differs whenever the store was changed: how often it was opened, and SQLite's change counter for a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Version(u32, i64);

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

struct Opened {
    number: u32,
    connection: Connection,
    /// Set if the store is read as it lies or from a copy: the state that it must still have.
    still: Option<Look>,
    /// The copy that is read, which exists as long as this value.
    copy: Option<Snapshot>,
    way: Way,
}

/// Shows whether a file was written to: inode, time and size.
pub(super) type File = (u64, i64, i64, u64);

pub(super) fn file(path: &Path) -> File {
    let seen = |it: std::fs::Metadata| (it.ino(), it.mtime(), it.mtime_nsec(), it.len());
    path.metadata().map_or((0, 0, 0, 0), seen)
}

/// Shows whether the store was written to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Look {
    file: File,
    log: File,
    has_log: bool,
}

fn look(path: &Path) -> Look {
    let log = file(&beside(path, "-wal"));
    Look {
        file: file(path),
        log,
        has_log: log.3 > 0 || beside(path, "-shm").exists(),
    }
}

#[derive(Debug, Default)]
struct LineCache {
    lines: HashMap<(u32, u32), Arc<[u8]>>,
    order: VecDeque<(u32, u32)>,
    bytes: usize,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    /// The store at a path; opens it unless a source has it open already.
    pub(super) fn shared(path: &Path) -> Result<Arc<Store>, String> {
        let own = path.canonicalize().map_err(|error| error.to_string())?;
        let mut all = locked(&OPEN);
        all.retain(|(_, store)| store.strong_count() > 0);
        if let Some(known) = all.iter().find(|(known, _)| *known == own)
            && let Some(store) = known.1.upgrade()
        {
            return Ok(store);
        }
        let store = Arc::new(Store {
            listed: Mutex::default(),
            path: own.clone(),
            opened: Mutex::new(None),
            sessions: AtomicU32::new(0),
            kept: Mutex::default(),
        });
        all.push((own, Arc::downgrade(&store)));
        *locked(&LAST) = Some(Arc::clone(&store));
        Ok(store)
    }

    /// A value that changes with every change of the store.
    pub(super) fn version(&self) -> Option<Version> {
        let count = self.read(|it| it.query_row("PRAGMA data_version", [], |row| row.get(0)));
        let opened = locked(&self.opened);
        Some(Version(opened.as_ref()?.number, count.ok()?))
    }

    /// The sessions, if they were listed in this state of the store.
    pub(super) fn listed(&self, version: Version) -> Option<Arc<Sessions>> {
        let listed = locked(&self.listed);
        let (when, sessions) = listed.as_ref()?;
        (*when == version).then(|| Arc::clone(sessions))
    }

    pub(super) fn list(&self, version: Version, sessions: &Arc<Sessions>) {
        *locked(&self.listed) = Some((version, Arc::clone(sessions)));
    }

    /// The number of the next session that is opened.
    pub(super) fn next(&self) -> u32 {
        self.sessions.fetch_add(1, Ordering::Relaxed)
    }

    /// Queries the store, in one consistent state of it.
    pub(super) fn read<T: Send>(
        &self,
        ask: impl Fn(&Connection) -> rusqlite::Result<T> + Sync,
    ) -> Result<T, String> {
        let mut opened = locked(&self.opened);
        for _ in 0..TRIES {
            let is_stale = |it: &Opened| {
                it.still
                    .as_ref()
                    .is_some_and(|still| *still != look(&self.path))
            };
            if opened.as_ref().is_none_or(is_stale) {
                let last = opened.take().and_then(Opened::into_copy);
                *opened = Some(open(&self.path, last)?);
            }
            let Some(current) = opened.as_mut() else {
                break;
            };
            let answer = current.answer(&ask);
            // A copy does not change under a query.
            if current.copy.is_none() && is_stale(current) {
                continue;
            }
            match answer {
                Ok(answer) => return Ok(answer),
                Err(error) if needs_copy(&error) && current.copy.is_none() => {
                    *opened = Some(copied(&self.path, None)?);
                }
                Err(error) => return Err(reason(&error)),
            }
        }
        Err("it changes faster than it can be read".to_owned())
    }

    pub(super) fn kept(&self, session: u32, line: u32) -> Option<Arc<[u8]>> {
        locked(&self.kept).lines.get(&(session, line)).cloned()
    }

    /// Caches a line, and drops the oldest ones.
    pub(super) fn keep(&self, key: (u32, u32), text: Vec<u8>) -> Arc<[u8]> {
        let text: Arc<[u8]> = text.into();
        let mut kept = locked(&self.kept);
        if kept.lines.insert(key, Arc::clone(&text)).is_none() {
            kept.order.push_back(key);
            kept.bytes += text.len();
        }
        while kept.bytes > KEPT
            && let Some(oldest) = kept.order.pop_front()
        {
            let gone = kept.lines.remove(&oldest).map_or(0, |text| text.len());
            kept.bytes -= gone;
        }
        text
    }
}

fn in_one_state<T>(
    connection: &Connection,
    ask: impl Fn(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let reading = connection.unchecked_transaction()?;
    let answer = ask(&reading)?;
    reading.finish()?;
    Ok(answer)
}

/// How a connection may treat the file; see the head of this file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    ReadOnly,
    BesideWriter,
    AsItLies,
    Copy,
}

impl Way {
    fn parameters(self) -> &'static str {
        match self {
            Way::ReadOnly => "mode=ro",
            Way::BesideWriter => "mode=ro&readonly_shm=1",
            Way::AsItLies => "mode=ro&immutable=1",
            Way::Copy => "mode=rw",
        }
    }

    /// Does the work, on a thread that cannot write where SQLite would try to.
    fn run<T: Send>(self, work: impl FnOnce() -> T + Send) -> T {
        match self {
            Way::BesideWriter => fenced::run(work),
            Way::ReadOnly | Way::AsItLies | Way::Copy => work(),
        }
    }

    fn flag(self) -> OpenFlags {
        match self {
            Way::ReadOnly | Way::BesideWriter | Way::AsItLies => OpenFlags::SQLITE_OPEN_READ_ONLY,
            Way::Copy => OpenFlags::SQLITE_OPEN_READ_WRITE,
        }
    }
}

impl Opened {
    fn answer<T: Send>(
        &mut self,
        ask: &(impl Fn(&Connection) -> rusqlite::Result<T> + Sync),
    ) -> rusqlite::Result<T> {
        let connection = &mut self.connection;
        self.way.run(move || in_one_state(connection, ask))
    }

    /// Closes the connection; its copy can be renewed.
    fn into_copy(self) -> Option<Snapshot> {
        drop(self.connection);
        self.copy
    }
}

/// Closes the store used last and deletes its copy. For the end of the program: statics are never dropped.
pub(super) fn close() {
    let Some(last) = locked(&LAST).take() else {
        return;
    };
    let opened = locked(&last.opened).take();
    if let Some(copy) = opened.and_then(Opened::into_copy) {
        copy.delete();
    }
}

/// Opens a store in the first of the ways that fits. `last` is an earlier copy of it.
fn open(path: &Path, last: Option<Snapshot>) -> Result<Opened, String> {
    let seen = look(path);
    if seen.file.3 == 0 {
        return Err("empty".to_owned());
    }
    let way = match (is_in_wal_mode(path)?, seen.has_log) {
        (false, _) => Way::ReadOnly,
        (true, false) => Way::AsItLies,
        (true, true) if size_with_log(path) <= COPIED => return copied(path, last),
        (true, true) => Way::BesideWriter,
    };
    Ok(Opened {
        number: OPENINGS.fetch_add(1, Ordering::Relaxed),
        connection: way.run(|| connect(path, way))?,
        still: (way == Way::AsItLies).then_some(seen),
        copy: None,
        way,
    })
}

fn copied(path: &Path, last: Option<Snapshot>) -> Result<Opened, String> {
    let seen = look(path);
    let copy = Snapshot::of(path, last)?;
    let connection = connect(copy.path(), Way::Copy)?;
    // Closing it must not write the log back: the copy would no longer match the store, and could not be used again.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .map_err(|error| reason(&error))?;
    Ok(Opened {
        number: OPENINGS.fetch_add(1, Ordering::Relaxed),
        connection,
        still: Some(seen),
        copy: Some(copy),
        way: Way::Copy,
    })
}

fn connect(path: &Path, way: Way) -> Result<Connection, String> {
    let uri = format!("file:{}?{}", escaped(path), way.parameters());
    let flags = way.flag() | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(uri, flags).map_err(|error| reason(&error))?;
    let careful = "PRAGMA trusted_schema=OFF; PRAGMA query_only=ON; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; \
         PRAGMA temp_store=MEMORY;";
    connection
        .busy_timeout(PATIENCE)
        .and_then(|()| connection.execute_batch(careful))
        .map_err(|error| reason(&error))?;
    Ok(connection)
}

/// A path in a URI: everything that might have a meaning there is escaped.
fn escaped(path: &Path) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    escape::percent(path.as_os_str().as_bytes(), b"/.-_")
}

/// Whether the header says that changes go into a write-ahead log.
fn is_in_wal_mode(path: &Path) -> Result<bool, String> {
    use std::io::Read as _;
    let mut head = [0; 100];
    let read = crate::ingest::open::open_without_waiting(path)
        .and_then(|mut file| file.read_exact(&mut head));
    match read {
        Ok(()) if head.starts_with(super::MAGIC) => Ok(head[19] == 2),
        Ok(()) => Err("not an SQLite database, or an encrypted one".to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Err("cut short: not even the header of a database is there".to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}

/// Whether SQLite would have to write to read: a log without its index, a journal to roll back.
fn needs_copy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly)
    )
}

/// The error, in words for a person.
pub(super) fn reason(error: &rusqlite::Error) -> String {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt) => "the database is damaged".to_owned(),
        Some(ErrorCode::NotADatabase) => "not an SQLite database, or an encrypted one".to_owned(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "locked by another program; try again when that has finished".to_owned()
        }
        _ => format!("the database cannot be read ({error})"),
    }
}
