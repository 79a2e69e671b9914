//! A batch of actions on its way to a store.

use std::sync::Arc;

use crate::model::chunk::Chunk;
use crate::model::outcome::{Outcomes, Settled};
use crate::model::run::{Run, RunIx};

/// New actions, and updates to earlier ones.
#[derive(Debug, Default)]
pub struct Batch {
    /// New names, numbered on from those of the previous batch.
    pub symbols: Vec<Box<str>>,
    /// At most [`crate::model::chunk::CHUNK_ROWS`] new actions, and their outcomes as far as known.
    pub chunk: Chunk,
    pub outcomes: Outcomes,
    /// Updates to actions of earlier batches.
    pub settled: Vec<Settled>,
    /// New runs and runs that changed.
    pub runs: Vec<(RunIx, Arc<Run>)>,
    /// Actions before this one are dropped: there is no more room for them.
    pub kept_from: u32,
    /// Bytes read so far, of all that are to be read.
    pub read: u64,
    pub total: u64,
}
