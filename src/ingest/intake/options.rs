//! What the caller decides about an intake.

use crate::ingest::discover::Shown;
use crate::ingest::format::Format;
use crate::ingest::prices::PriceTable;
use crate::model::quantity::Time;

#[derive(Debug, Clone)]
pub struct Options {
    /// Read every source as this format instead of detecting it.
    pub format: Option<&'static dyn Format>,
    pub prices: PriceTable,
    /// Read the last rows of a large file first (for a screen).
    pub preview: bool,
    /// Accept content that is not a trace, as lines, so that every byte is accounted for.
    pub anything: bool,
    /// Which files of followed folders are read.
    pub shown: Shown,
    /// Files of followed folders that were not written since then are left alone until they are.
    pub newer_than: Time,
    /// The current time, to decide whether a run without an end may still be running. Without it, such a run counts as running.
    pub now: Time,
    /// The memory, in bytes, that following may use; beyond it the oldest actions are dropped.
    pub memory: u64,
}

/// The default for [`Options::memory`], and the least that following works with.
pub const MEMORY: u64 = 512_000_000;
pub const LEAST_MEMORY: u64 = 128_000_000;

impl Options {
    pub fn new(prices: PriceTable) -> Options {
        Options {
            format: None,
            prices,
            preview: false,
            anything: false,
            shown: Shown::Traces,
            newer_than: Time::NONE,
            now: Time::NONE,
            memory: MEMORY,
        }
    }
}
