//! Floor 2: bytes in, actions out. Knows no filter and no screen.
//!
//! Only opening and reading may fail. A record that cannot be understood becomes an action of kind
//! `malformed` that keeps its place in the file.

pub mod aside;
pub mod assemble;
pub mod body;
pub mod bytes;
pub mod discover;
pub mod fact;
pub mod format;
pub mod formats;
pub mod json;
pub mod kin;
pub mod live;
pub mod loader;
pub mod messages;
pub mod open;
pub mod packed;
pub mod prices;
pub mod recent;
pub mod records;
pub mod request;
#[cfg(test)]
pub(crate) mod testing;
pub mod time;

use std::path::PathBuf;
use std::sync::Arc;

use crate::model::action::SourceIx;
use crate::model::chunk::Chunk;
use crate::model::outcome::{Outcomes, Settled};
use crate::model::run::{Run, RunIx};

/// Why a path could not be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{path}: {source}")]
    Read {
        path: String,
        source: std::io::Error,
    },
    #[error("{path}: {what}")]
    NotATrace { path: String, what: String },
    #[error("{path}: no known format (tried {tried}; use --format)")]
    NoFormat { path: String, tried: usize },
    #[error("'{name}' is not a format (known: {known})")]
    UnknownFormat { name: String, known: String },
    #[error("{pattern}: no file matches")]
    NoMatch { pattern: String },
    #[error("{path}: {what}")]
    Prices { path: String, what: String },
}

/// A file, standard input or a bundled sample that a store holds actions of.
#[derive(Debug)]
pub struct Source {
    /// As the user named it, or found below a folder that the user named. May hold any character.
    pub path: PathBuf,
    pub bytes: bytes::Bytes,
    pub format: &'static dyn format::Format,
    /// How the file holds its records.
    pub framing: records::Framing,
    /// Where it keeps what its records only refer to.
    pub aside: aside::Aside,
}

/// What the loader found since it last spoke. The order of messages is the order of the files.
#[derive(Debug)]
pub enum Loaded {
    /// Sources that the next batches refer to by [`SourceIx`], in order.
    Sources(Vec<Arc<Source>>),
    Batch(Box<Batch>),
    /// The last rows of the last source, read ahead so that "go to the end" need not wait.
    /// Its symbols, runs and sources are numbered on their own.
    Preview(Box<Preview>),
    /// A source is read to its end; what every byte of it was.
    Finished {
        source: SourceIx,
        account: records::Account,
    },
    /// A source could not be opened or read; the others go on.
    Failed(Error),
    Progress {
        read: u64,
        total: u64,
    },
    /// Everything is read; of what is followed, all that was there when following began.
    Done,
    /// Something happened to a file that is followed.
    Notice(live::Notice),
}

/// New actions, and news about earlier ones.
#[derive(Debug, Default)]
pub struct Batch {
    /// Names numbered on from those of the batch before.
    pub symbols: Vec<Box<str>>,
    /// At most [`crate::model::chunk::CHUNK_ROWS`] new actions, and their outcomes as far as known.
    pub chunk: Chunk,
    pub outcomes: Outcomes,
    /// News about actions of earlier batches.
    pub settled: Vec<Settled>,
    /// New runs and runs that changed.
    pub runs: Vec<(RunIx, Arc<Run>)>,
    /// Actions before this one are let go: there is no more room for them.
    pub kept_from: u32,
    /// Bytes read so far, of all that are to be read.
    pub read: u64,
    pub total: u64,
}

#[derive(Debug)]
pub struct Preview {
    pub source: Arc<Source>,
    pub batches: Vec<Batch>,
}
