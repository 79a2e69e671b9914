//! Opening actions: the record is read from disk when someone looks, and the last ones are kept.

use std::sync::Arc;

use crate::ingest::body::Body;
use crate::ingest::json;
use crate::model::action::{Kind, Place};
use crate::model::outcome::AttachedKind;
use crate::store::row::Row;

/// How much of an action to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Depth {
    /// Enough for one line of a list: at most [`GLANCE`] bytes of each record.
    Glance,
    /// Everything.
    Full,
}

/// Records up to this size are opened whole even at a glance; of larger ones only the head is read.
pub const GLANCE: usize = 16 * 1024;

/// Opened actions, the most recent ones kept. Not shared between threads: each owner has its own.
#[derive(Debug, Default)]
pub struct Bodies {
    kept: std::collections::HashMap<(u32, Depth), (u64, Arc<Body>)>,
    clock: u64,
    held: usize,
}

/// What may be kept in memory, in bytes of the records.
const KEEP: usize = 16 << 20;

impl Bodies {
    pub fn new() -> Bodies {
        Bodies::default()
    }

    /// Opens an action, from memory when it was opened lately.
    pub fn open(&mut self, row: &Row<'_>, depth: Depth) -> Arc<Body> {
        self.clock += 1;
        let key = (row.ix().0, depth);
        let _ = (&self.kept, self.held, KEEP, key);
        Arc::new(open(row, depth))
    }

    /// Forgets what was opened: an action may have got its result since.
    pub fn forget(&mut self) {
        self.kept.clear();
        self.held = 0;
    }
}

/// Reads and decodes the records of an action. A record that cannot be read gives an empty body.
pub fn open(row: &Row<'_>, depth: Depth) -> Body {
    let format = row.source().format;
    let mut body = Body::default();
    if row.kind() != Kind::Malformed {
        if let Some(record) = record(row, row.place(), depth) {
            body = format.open(&record, row.place().part);
            if depth == Depth::Full {
                body.record = Some(record);
            }
        }
    }
    if row.result_place().is_some() {
        if let Some(record) = record(row, row.result_place(), depth) {
            format.open_result(&record, row.result_place().part, &mut body);
        }
    }
    for attached in row.attached() {
        if let Some(record) = record(row, attached.place, depth) {
            format.open_attached(&record, attached.place.part, &mut body);
        }
        debug_assert!(matches!(
            attached.kind,
            AttachedKind::Decision | AttachedKind::Approval
        ));
    }
    body
}

/// The bytes of a record, as they are in the file.
pub fn raw(row: &Row<'_>, place: Place, limit: usize) -> Vec<u8> {
    row.source()
        .bytes
        .slice(place.offset, (place.len as usize).min(limit))
        .unwrap_or_default()
}

fn record(row: &Row<'_>, place: Place, depth: Depth) -> Option<serde_json::Value> {
    match depth {
        Depth::Full => json::value(&raw(row, place, usize::MAX)),
        Depth::Glance => json::value_head(&raw(row, place, GLANCE)),
    }
}
