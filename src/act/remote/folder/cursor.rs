//! How far a pull has come: what the folder holds, and where the next request begins.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::act::remote::record::{HOUR, Nanos};

pub(super) const NAME: &str = ".saferun-pull.json";
const VERSION: u32 = 1;

/// The source of a folder's records. A folder has one source and one filter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::act::remote) struct Origin {
    pub(in crate::act::remote) product: String,
    pub(in crate::act::remote) host: String,
    pub(in crate::act::remote) project: String,
    /// The filter that selected the runs, if the folder does not hold all of them.
    #[serde(default)]
    pub(in crate::act::remote) filter: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::act::remote) struct Cursor {
    version: u32,
    pub(in crate::act::remote) origin: Origin,
    /// Where the first pull began.
    pub(in crate::act::remote) since: Nanos,
    /// Where the next window begins; everything between `since` and here is in the folder.
    pub(in crate::act::remote) next: Nanos,
    /// The last pull came to its end. The next one then requests again what began shortly before.
    pub(in crate::act::remote) is_whole: bool,
    /// The length of the next window. It is stored so that an interrupted pull continues with the same windows.
    pub(in crate::act::remote) step: Nanos,
    /// State of a product that numbers its rows.
    pub(in crate::act::remote) rows: Value,
    pub(super) files: Vec<Held>,
    /// The length of the index.
    pub(super) index: u64,
}

/// What the folder holds of a file: first the complete traces, then those that may still change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Held {
    pub(super) name: String,
    pub(super) settled: u64,
    pub(super) bytes: u64,
    /// How many records its complete traces have.
    pub(super) records: u64,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Origin {
            product,
            host,
            project,
            filter,
        } = self;
        write!(f, "{product} {host} {project}")?;
        match filter {
            Some(filter) => write!(f, " with -w '{filter}'"),
            None => Ok(()),
        }
    }
}

impl Cursor {
    pub(super) fn new(origin: Origin, since: Nanos) -> Cursor {
        Cursor {
            version: VERSION,
            origin,
            since,
            next: since,
            is_whole: false,
            step: HOUR,
            rows: Value::Null,
            files: Vec::new(),
            index: 0,
        }
    }

    /// None if it was written by a later version, or is not a cursor.
    pub(super) fn parse(bytes: &[u8]) -> Option<Cursor> {
        let cursor: Cursor = serde_json::from_slice(bytes).ok()?;
        (cursor.version <= VERSION).then_some(cursor)
    }
}
