//! Opening actions: records are read from disk when they are shown, and recent bodies are cached.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::ingest::body::Body;
use crate::ingest::format;
use crate::ingest::json;
use crate::model::action::{Kind, Place};
use crate::model::outcome::AttachedKind;
use crate::store::lookup::{self, Reach};
use crate::store::row::Row;

#[cfg(test)]
mod tests;

/// How much of an action to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Depth {
    /// Enough for one line of a list: at most [`GLANCE`] bytes of each record (some formats need more).
    Glance,
    /// At most this many bytes of each record.
    UpTo(u32),
    /// Everything.
    Full,
}

/// Records up to this size are opened whole even at a glance; only the head is read of larger ones.
pub const GLANCE: usize = format::GLANCE;

/// A cache of opened actions, least recently used first out. Each thread has its own.
#[derive(Debug, Default)]
pub struct Bodies {
    cached: HashMap<Key, Cached>,
    /// Keys by the time of last use.
    order: BTreeMap<u64, Key>,
    clock: u64,
    size: usize,
}

type Key = (u32, Depth);

#[derive(Debug)]
struct Cached {
    used: u64,
    size: usize,
    version: Version,
    body: Arc<Body>,
}

/// What an action consisted of when it was opened; when that changes, it must be opened again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Version {
    result: Place,
    attached: usize,
    other_records: usize,
}

/// The size of the cache, in bytes of records.
const CAPACITY: usize = 16 << 20;

/// For a line of a list, the search limit in bytes for values that a record refers to, because many lines
/// are drawn at once.
const NEAR: u64 = 4 << 20;

/// The least that an action counts, however short its records are.
const LEAST: usize = 256;

impl Bodies {
    pub fn new() -> Bodies {
        Bodies::default()
    }

    /// Opens an action, from the cache if it has not changed since.
    pub fn open(&mut self, row: &Row<'_>, depth: Depth) -> Arc<Body> {
        let key = (row.ix().0, depth);
        let version = Version {
            result: row.result_place(),
            attached: row.attached().len(),
            other_records: row.other_records().len(),
        };
        self.clock += 1;
        let cached = self.cached.get_mut(&key);
        if let Some(cached) = cached.filter(|cached| cached.version == version) {
            self.order.remove(&cached.used);
            self.order.insert(self.clock, key);
            cached.used = self.clock;
            return Arc::clone(&cached.body);
        }
        let body = Arc::new(open(row, depth));
        self.remove(key);
        self.insert(
            key,
            Cached {
                used: self.clock,
                size: size(row, depth),
                version,
                body: Arc::clone(&body),
            },
        );
        body
    }

    /// Empties the cache.
    pub fn forget(&mut self) {
        self.cached.clear();
        self.order.clear();
        self.size = 0;
    }

    /// Evicts the least recently used bodies to make room. A body larger than the cache is not kept.
    fn insert(&mut self, key: Key, cached: Cached) {
        if cached.size > CAPACITY {
            return;
        }
        self.size += cached.size;
        self.order.insert(cached.used, key);
        self.cached.insert(key, cached);
        while self.size > CAPACITY {
            let Some((_, oldest)) = self.order.first_key_value() else {
                return;
            };
            self.remove(*oldest);
        }
    }

    fn remove(&mut self, key: Key) {
        if let Some(cached) = self.cached.remove(&key) {
            self.order.remove(&cached.used);
            self.size -= cached.size;
        }
    }
}

/// The number of record bytes that opening an action reads.
fn size(row: &Row<'_>, depth: Depth) -> usize {
    let limit = match depth {
        Depth::Glance => row.source().format.glance(),
        Depth::UpTo(limit) => limit as usize,
        Depth::Full => usize::MAX,
    };
    let own = [row.place(), row.result_place()];
    let places = own
        .into_iter()
        .chain(row.attached().map(|attached| attached.place))
        .chain(row.other_records());
    places
        .map(|place| (place.len as usize).min(limit))
        .sum::<usize>()
        .max(LEAST)
}

/// The record of an action alone: for a call, what was asked, without the record of its result.
pub fn own(row: &Row<'_>) -> Body {
    let record = value(row, row.place(), Depth::Full);
    let opened = record.map(|record| row.source().format.open(&record, row.place().part));
    opened.unwrap_or_default()
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
    for place in row.other_records() {
        if let Some(record) = value(row, place, depth) {
            format.open_record(&record, place.part, &mut body);
        }
    }
    body
}

/// The value of a row. The place of a row made of several pieces covers several values of a list, which
/// are read as one list.
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

/// The bytes of a record, as they are in the file. The source notes if they cannot be read any more.
pub fn raw(row: &Row<'_>, place: Place, limit: usize) -> Vec<u8> {
    let source = row.source();
    let wanted = (place.len as usize).min(limit);
    let bytes = source.bytes.slice(place.offset, wanted).unwrap_or_default();
    if bytes.len() < wanted {
        source.damage.note();
    }
    bytes
}

/// A record of a row, completed with the values it refers to.
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
    if depth == Depth::Full {
        lookup::rebase(row.source(), &mut record, place.offset);
    }
    Some(record)
}

/// The record that encloses the place of a row, if its format says how to find it.
pub fn around(row: &Row<'_>) -> Option<serde_json::Value> {
    let mark = row.source().format.around()?;
    let (offset, mut record) = lookup::record_around(row.source(), mark, row.place())?;
    complete(row, (&mut record, offset), Reach::ALL);
    Some(record)
}

fn complete(row: &Row<'_>, (record, offset): (&mut serde_json::Value, u64), reach: Reach) {
    let source = row.source();
    let find = |name: &str| {
        if source.format.refers_to(name.as_bytes()) {
            lookup::member(source, name, (offset, reach))
        } else {
            lookup::member_behind(source, name, offset, reach)
        }
    };
    source.format.complete(record, &find);
}
