//! Opening actions: the record is read from disk when someone looks, and the last ones are kept.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::ingest::body::Body;
use crate::ingest::format;
use crate::ingest::json;
use crate::model::action::{Kind, Place};
use crate::model::outcome::AttachedKind;
use crate::store::beside::{self, Reach};
use crate::store::row::Row;

#[cfg(test)]
mod tests;

/// How much of an action to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Depth {
    /// Enough for one line of a list: at most [`GLANCE`] bytes of each record.
    Glance,
    /// At most so many bytes of each record.
    UpTo(u32),
    /// Everything.
    Full,
}

/// Records up to this size are opened whole even at a glance; of larger ones only the head is read.
/// Some formats need more.
pub const GLANCE: usize = format::GLANCE;

/// Opened actions, the most recent ones kept. Not shared between threads: each owner has its own.
#[derive(Debug, Default)]
pub struct Bodies {
    kept: HashMap<Key, Kept>,
    /// Who was used when, the longest ago first.
    order: BTreeMap<u64, Key>,
    clock: u64,
    held: usize,
}

type Key = (u32, Depth);

#[derive(Debug)]
struct Kept {
    used: u64,
    size: usize,
    state: State,
    body: Arc<Body>,
}

/// What an action was made of when it was opened; when that changes, it must be opened again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    result: Place,
    attached: usize,
}

/// What may be kept in memory, in bytes of the records.
const KEEP: usize = 16 << 20;

/// How far what a record refers to may stand behind it to be shown in a line of a list: many are drawn
/// at once.
const NEAR: u64 = 4 << 20;

/// What an action takes at least, however short its records are.
const LEAST: usize = 256;

impl Bodies {
    pub fn new() -> Bodies {
        Bodies::default()
    }

    /// Opens an action, from memory when it was opened lately and has not got a result since.
    pub fn open(&mut self, row: &Row<'_>, depth: Depth) -> Arc<Body> {
        let key = (row.ix().0, depth);
        let state = State {
            result: row.result_place(),
            attached: row.attached().len(),
        };
        self.clock += 1;
        if let Some(kept) = self.kept.get_mut(&key).filter(|kept| kept.state == state) {
            self.order.remove(&kept.used);
            self.order.insert(self.clock, key);
            kept.used = self.clock;
            return Arc::clone(&kept.body);
        }
        let body = Arc::new(open(row, depth));
        self.remove(key);
        self.keep(
            key,
            Kept {
                used: self.clock,
                size: size(row, depth),
                state,
                body: Arc::clone(&body),
            },
        );
        body
    }

    /// Forgets what was opened.
    pub fn forget(&mut self) {
        self.kept.clear();
        self.order.clear();
        self.held = 0;
    }

    /// Makes room by dropping what was not used for longest; what is larger than all room is not kept.
    fn keep(&mut self, key: Key, kept: Kept) {
        if kept.size > KEEP {
            return;
        }
        self.held += kept.size;
        self.order.insert(kept.used, key);
        self.kept.insert(key, kept);
        while self.held > KEEP {
            let Some((_, oldest)) = self.order.first_key_value() else {
                return;
            };
            self.remove(*oldest);
        }
    }

    fn remove(&mut self, key: Key) {
        if let Some(kept) = self.kept.remove(&key) {
            self.order.remove(&kept.used);
            self.held -= kept.size;
        }
    }
}

/// Bytes of the records that opening an action reads.
fn size(row: &Row<'_>, depth: Depth) -> usize {
    let limit = match depth {
        Depth::Glance => row.source().format.glance(),
        Depth::UpTo(limit) => limit as usize,
        Depth::Full => usize::MAX,
    };
    let own = [row.place(), row.result_place()];
    let places = own
        .into_iter()
        .chain(row.attached().map(|attached| attached.place));
    places
        .map(|place| (place.len as usize).min(limit))
        .sum::<usize>()
        .max(LEAST)
}

/// Reads and decodes the records of an action. A record that cannot be read gives an empty body.
pub fn open(row: &Row<'_>, depth: Depth) -> Body {
    let format = row.source().format;
    let mut body = Body::default();
    if row.kind() != Kind::Malformed
        && let Some(record) = value(row, row.place(), depth)
    {
        body = format.open(&record, row.place().part);
        if depth != Depth::Glance {
            body.record = Some(record);
        }
    }
    if row.result_place().is_some()
        && let Some(record) = value(row, row.result_place(), depth)
    {
        format.open_result(&record, row.result_place().part, &mut body);
    }
    for attached in row.attached() {
        if let Some(record) = value(row, attached.place, depth) {
            format.open_attached(&record, attached.place.part, &mut body);
        }
        debug_assert!(matches!(
            attached.kind,
            AttachedKind::Decision | AttachedKind::Approval
        ));
    }
    body
}

/// The value that a row stands on. A row that is told in pieces lies on several values of a list, which
/// are read as one.
fn value(row: &Row<'_>, place: Place, depth: Depth) -> Option<serde_json::Value> {
    record(row, place, depth).or_else(|| {
        row.source().format.lists()?;
        let list = |limit| [b"[", &raw(row, place, limit)[..]].concat();
        match depth {
            Depth::Full => json::value(&[&list(usize::MAX)[..], b"]"].concat()),
            Depth::Glance => json::value_head(&list(GLANCE)),
            Depth::UpTo(limit) => json::value_head(&list(limit as usize)),
        }
    })
}

/// The bytes of a record, as they are in the file.
pub fn raw(row: &Row<'_>, place: Place, limit: usize) -> Vec<u8> {
    row.source()
        .bytes
        .slice(place.offset, (place.len as usize).min(limit))
        .unwrap_or_default()
}

/// A record of a row, with what it refers to.
pub fn record(row: &Row<'_>, place: Place, depth: Depth) -> Option<serde_json::Value> {
    let limit = match depth {
        Depth::Full => usize::MAX,
        Depth::Glance => row.source().format.glance(),
        Depth::UpTo(limit) => limit as usize,
    };
    let bytes = raw(row, place, limit);
    let mut record = match depth {
        Depth::Full => json::value(&bytes),
        Depth::Glance | Depth::UpTo(_) => json::value_head(&bytes),
    }?;
    let reach = match depth {
        Depth::Glance => Reach { far: NEAR, limit },
        Depth::UpTo(_) | Depth::Full => Reach {
            limit,
            ..Reach::ALL
        },
    };
    complete(row, (&mut record, place.offset), reach);
    Some(record)
}

/// The record around that of a row, where its format tells which one that is.
pub fn around(row: &Row<'_>) -> Option<serde_json::Value> {
    let mark = row.source().format.around()?;
    let (offset, mut record) = beside::record_around(row.source(), mark, row.place())?;
    complete(row, (&mut record, offset), Reach::ALL);
    Some(record)
}

fn complete(row: &Row<'_>, (record, offset): (&mut serde_json::Value, u64), reach: Reach) {
    let source = row.source();
    let find = |name: &str| {
        if source.format.refers_to(name.as_bytes()) {
            beside::member(source, name, (offset, reach))
        } else {
            beside::member_behind(source, name, offset, reach)
        }
    };
    source.format.complete(record, &find);
}
