//! Sessions kept in SQLite databases, read as lines of JSON that are each made of a row.
//!
//! A session in a store has a path of its own, as if the store were a folder: `opencode.db/ses_1`. Opening it lists the
//! keys and lengths of its lines; their texts are composed when they are read, and a bounded number of them is cached.
//! The tables of each program are described by a [`Schema`], which the formats declare. [`store`] explains how a store
//! is opened without touching it, or anything beside it.

mod compose;
mod fenced;
pub mod schema;
mod snapshot;
mod store;
pub(crate) mod tables;

use std::collections::{HashMap, HashSet};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::types::Value;
use rusqlite::{Connection, params};

use self::schema::{Lines, Schema};
use self::store::Store;
use crate::base::escape;
use crate::ingest::assemble::hash;
use crate::ingest::records::limits::LONGEST_LINE;
use crate::ingest::relations::{ReadTies, Tie};
use crate::ingest::time;
use crate::model::quantity::Time;

/// How every SQLite database begins.
pub(crate) const MAGIC: &[u8] = b"SQLite format 3\0";

/// The extensions that programs give their databases.
pub(crate) fn is_store_name(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy());
    matches!(
        ending.as_deref(),
        Some("db" | "sqlite" | "sqlite3" | "vscdb")
    )
}

/// Whether a file begins like an SQLite database.
pub(crate) fn is_store(path: &Path) -> bool {
    use std::io::Read as _;
    let mut head = [0; MAGIC.len()];
    let file = crate::ingest::open::open_without_waiting(path);
    file.and_then(|mut file| file.read_exact(&mut head))
        .is_ok_and(|()| head == MAGIC)
}

/// One session in the list of a store.
#[derive(Debug, Clone)]
pub struct Session {
    pub path: PathBuf,
    pub id: String,
    /// The session that started it.
    pub parent: Option<String>,
    /// When it last changed, according to the store.
    pub changed: Time,
    pub title: String,
    pub schema: &'static Schema,
}

/// The sessions of a store, least recently changed first.
#[derive(Debug, Default)]
pub struct Sessions {
    all: Vec<Session>,
    places: HashMap<String, usize>,
}

impl Sessions {
    fn new(mut all: Vec<Session>) -> Sessions {
        all.sort_by_key(|session| session.changed);
        let places = all.iter().enumerate();
        let places = places.map(|(at, session)| (session.id.clone(), at));
        Sessions {
            places: places.collect(),
            all,
        }
    }

    fn find(&self, id: &str) -> Option<&Session> {
        Some(&self.all[*self.places.get(id)?])
    }
}

impl Deref for Sessions {
    type Target = [Session];

    fn deref(&self) -> &[Session] {
        &self.all
    }
}

/// The sessions of a store. Reads no messages.
pub fn sessions(path: &Path) -> Result<Arc<Sessions>, String> {
    let store = Store::shared(path)?;
    let version = store.version();
    if let Some(known) = version.and_then(|version| store.listed(version)) {
        return Ok(known);
    }
    let schemas = store.read(tables::of)?;
    if schemas.is_empty() {
        return Err(store.read(tables::names_of_tables)?);
    }
    let mut found: Vec<Session> = Vec::new();
    let mut known = HashSet::new();
    for schema in schemas {
        let listed = store.read(|connection| list(connection, path, schema))?;
        // A session that was migrated to newer tables is listed once.
        let new = |session: &Session| known.insert(session.id.clone());
        found.extend(listed.into_iter().filter(new));
    }
    let found = Arc::new(Sessions::new(found));
    if let Some(version) = version {
        store.list(version, &found);
    }
    Ok(found)
}

fn list(
    connection: &Connection,
    path: &Path,
    schema: &'static Schema,
) -> rusqlite::Result<Vec<Session>> {
    let mut statement = connection.prepare(schema.sessions)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let text = |at: usize| row.get::<_, Value>(at).map(words);
        let Some(id) = text(0)?.filter(|id| !id.is_empty()) else {
            continue;
        };
        found.push(Session {
            path: path.join(as_name(&id)),
            id,
            parent: text(1)?.filter(|parent| !parent.is_empty()),
            changed: instant(&row.get(2)?),
            title: text(3)?.unwrap_or_default(),
            schema,
        });
    }
    Ok(found)
}

fn words(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Integer(number) => Some(number.to_string()),
        Value::Real(number) => Some(number.to_string()),
        Value::Text(text) => Some(text),
        Value::Blob(bytes) => String::from_utf8(bytes).ok(),
    }
}

fn instant(value: &Value) -> Time {
    match value {
        Value::Integer(number) => time::from_number(*number as f64),
        Value::Real(number) => time::from_number(*number),
        Value::Text(text) => time::from_text(text.as_bytes()),
        Value::Null | Value::Blob(_) => Time::NONE,
    }
}

/// An id as the name of a file: ids are arbitrary and may hold slashes.
fn as_name(id: &str) -> String {
    let mut name = String::new();
    for c in id.chars() {
        match c {
            '/' | '%' | '\0' => name.extend(["%", &escape::hex(&[c as u8])]),
            _ => name.push(c),
        }
    }
    match name.as_str() {
        "." => "%2e".to_owned(),
        ".." => "%2e.".to_owned(),
        _ => name,
    }
}

fn as_id(name: &str) -> String {
    let known = [("%2f", "/"), ("%00", "\0"), ("%2e", "."), ("%25", "%")];
    known
        .iter()
        .fold(name.to_owned(), |id, (code, c)| id.replace(code, c))
}

/// The store and the session id in a path.
pub(crate) fn inside(path: &Path) -> Option<(&Path, String)> {
    let store = path.parent()?;
    let is_file = store.metadata().is_ok_and(|it| it.is_file());
    (is_file && is_store(store)).then(|| {
        (
            store,
            as_id(&path.file_name().unwrap_or_default().to_string_lossy()),
        )
    })
}

/// The format that a session in a store is read as.
pub(crate) fn format_of(path: &Path) -> Option<&'static str> {
    let (store, id) = inside(path)?;
    let listed = sessions(store).ok()?;
    Some(listed.find(&id)?.schema.format)
}

/// When a session in a store last changed.
pub(crate) fn changed(path: &Path) -> Option<Time> {
    let (store, id) = inside(path)?;
    let listed = sessions(store).ok()?;
    Some(listed.find(&id)?.changed)
}

pub(crate) use store::Version;
pub(crate) use tables::UNKNOWN;

/// Closes what is still open and deletes private copies, at the end of the program.
pub fn close() {
    store::close();
}

/// A value that changes with every change of a session's store; none if it cannot be read now.
pub(crate) fn version(path: &Path) -> Option<Version> {
    let (store, _) = inside(path)?;
    Store::shared(store).ok()?.version()
}

/// The new lines of a session. The last one is left for later if it may still change.
pub(crate) fn news(path: &Path, sent: &mut HashSet<u64>) -> Result<Vec<u8>, String> {
    let (store, id) = inside(path).ok_or("no session of a store")?;
    let session = open(store, &id)?;
    let mut news = Vec::new();
    for (at, line) in session.lines.iter().enumerate() {
        let key = hash(format!("{} {:?} {}", line.kind, line.key, line.piece).as_bytes());
        if sent.contains(&key) {
            continue;
        }
        let text = session.text(at);
        let lines = &session.schema.lines[usize::from(line.kind)];
        let is_last = at + 1 == session.lines.len();
        if is_last && !lines.is_finished(&text) {
            break;
        }
        sent.insert(key);
        news.extend_from_slice(&text);
        news.push(b'\n');
    }
    Ok(news)
}

/// Whether a path names a session of a store that is read as a format.
pub(crate) fn is_inside(path: &Path, format: &str) -> bool {
    let listed = inside(path).and_then(|(store, _)| sessions(store).ok());
    listed.is_some_and(|listed| listed.iter().any(|session| session.schema.format == format))
}

/// Which sessions of a store started which. The "folder" is the store.
pub(crate) const TIES: ReadTies = ReadTies {
    format: "sqlite",
    read: |store| {
        let listed = if store.is_file() {
            sessions(store).unwrap_or_default()
        } else {
            Arc::default()
        };
        let ties = listed.iter().map(|session| Tie {
            name: as_name(&session.id).into(),
            id: session.id.clone(),
            parent: session.parent.clone(),
        });
        ties.collect()
    },
};

/// One session, as lines.
#[derive(Debug)]
pub struct Stored {
    store: Arc<Store>,
    schema: &'static Schema,
    /// Distinguishes the lines of this session from those of others in the store's cache.
    number: u32,
    lines: Vec<Line>,
    len: u64,
    fault: Mutex<Option<String>>,
}

/// A line and its place.
#[derive(Debug)]
struct Line {
    /// Its [`Lines`] in the schema.
    kind: u16,
    key: Value,
    /// Its number among the lines that the row is split into.
    piece: u32,
    start: u64,
    /// Without its line end.
    len: u64,
}

/// Opens a session of a store.
pub(crate) fn open(path: &Path, id: &str) -> Result<Stored, String> {
    let store = Store::shared(path)?;
    let listed = sessions(path)?;
    let own = listed.find(id);
    let own = own.ok_or_else(|| format!("no session {id} in it"))?;
    Stored::open(store, own.schema, id)
}

impl Stored {
    fn open(store: Arc<Store>, schema: &'static Schema, id: &str) -> Result<Stored, String> {
        let number = store.next();
        let (lines, len, fault) = store.read(|connection| {
            let mut index = Index {
                store: &store,
                number,
                lines: Vec::new(),
                len: 0,
                fault: None,
            };
            for (kind, lines) in schema.lines.iter().enumerate() {
                if let Err(error) = index.add(connection, (kind as u16, lines), id) {
                    index.fault.get_or_insert(store::reason(&error));
                }
            }
            Ok((index.lines, index.len, index.fault))
        })?;
        if let (true, Some(fault)) = (lines.is_empty(), &fault) {
            return Err(fault.clone());
        }
        Ok(Stored {
            store,
            schema,
            number,
            lines,
            len,
            fault: Mutex::new(fault.map(|what| format!("{what}; what could be read is shown"))),
        })
    }

    pub(crate) fn format(&self) -> &'static str {
        self.schema.format
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Why rows are missing, if any are.
    pub(crate) fn fault(&self) -> Option<String> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> usize {
        let end = offset.saturating_add(buffer.len() as u64).min(self.len);
        let wanted = end.saturating_sub(offset) as usize;
        let first = self
            .lines
            .partition_point(|line| line.start + line.len < offset);
        let mut done = 0;
        for (at, line) in self.lines.iter().enumerate().skip(first) {
            if done == wanted {
                break;
            }
            let from = offset + done as u64 - line.start;
            let text = self.text(at);
            let rest = text.get(from as usize..).unwrap_or_default();
            let part = rest.len().min(wanted - done);
            buffer[done..done + part].copy_from_slice(&rest[..part]);
            done += part;
            if done < wanted {
                buffer[done] = b'\n';
                done += 1;
            }
        }
        wanted
    }

    /// The text of a line, with exactly the length that it had when the session was opened.
    fn text(&self, at: usize) -> Arc<[u8]> {
        if let Some(known) = self.store.kept(self.number, at as u32) {
            return known;
        }
        let line = &self.lines[at];
        let lines = &self.schema.lines[usize::from(line.kind)];
        let composed = self
            .store
            .read(|connection| compose::pieces(connection, lines, &line.key));
        let mut text = match composed {
            Ok(pieces) => pieces
                .into_iter()
                .nth(line.piece as usize)
                .unwrap_or_default(),
            Err(what) => {
                self.lock().get_or_insert(what);
                Vec::new()
            }
        };
        if text.len() as u64 != line.len {
            let what = "a row changed while it was read; the others are shown";
            self.lock().get_or_insert_with(|| what.to_owned());
            text.resize(line.len as usize, b' ');
        }
        self.store.keep((self.number, at as u32), text)
    }
}

/// The lines found so far.
struct Index<'a> {
    store: &'a Store,
    number: u32,
    lines: Vec<Line>,
    len: u64,
    fault: Option<String>,
}

impl Index<'_> {
    fn add(
        &mut self,
        connection: &Connection,
        (kind, lines): (u16, &'static Lines),
        session: &str,
    ) -> rusqlite::Result<()> {
        let mut statement = connection.prepare(lines.keys)?;
        let mut rows = statement.query(params![session])?;
        while let Some(row) = rows.next()? {
            let key: Value = row.get(0)?;
            match compose::pieces(connection, lines, &key) {
                Ok(pieces) => self.push(kind, &key, pieces),
                // Other rows may be on pages that are not damaged.
                Err(error) => {
                    self.fault.get_or_insert(store::reason(&error));
                }
            }
        }
        Ok(())
    }

    fn push(&mut self, kind: u16, key: &Value, pieces: Vec<Vec<u8>>) {
        for (piece, text) in pieces.into_iter().enumerate() {
            let len = text.len() as u64;
            let number = self.lines.len() as u32;
            self.lines.push(Line {
                kind,
                key: key.clone(),
                piece: piece as u32,
                start: self.len,
                len,
            });
            self.len += len + 1;
            if len <= LONGEST_LINE {
                self.store.keep((self.number, number), text);
            }
        }
    }
}

#[cfg(test)]
mod tests;
