//! What distinguishes the products: their requests, and how their answers are parsed.

use serde_json::Value;

use super::record::{Nanos, Reader};
use super::wire::{Trouble, Wire};

/// A product to pull from.
pub(super) trait Product: std::fmt::Debug {
    /// The format that reads its records.
    fn reader(&self) -> Reader;

    /// How many requests a minute we may send: half of the product's limit; none if it has none.
    fn per_minute(&self) -> Option<f64> {
        None
    }

    /// Checks the key and finds the project, before anything is written.
    fn begin(&mut self, wire: &mut Wire<'_>) -> Result<(), Trouble>;

    /// A page of a part; `after` is what the previous page named as next.
    fn page(
        &mut self,
        wire: &mut Wire<'_>,
        part: Part<'_>,
        after: Option<&str>,
    ) -> Result<Page, Trouble>;

    /// How many traces can be requested by id at a time.
    fn traces_at_once(&self) -> usize;

    /// The row number of a record, for products whose rows never change and are numbered in order of insertion.
    fn row(&self, record: &Value) -> Option<u64> {
        let _ = record;
        None
    }

    fn has_rows(&self) -> bool {
        false
    }
}

/// What to request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// Traces that began in a window: its first moment, and the first one after it.
    Window { from: Nanos, until: Nanos },
    /// Everything since a moment, newest rows first.
    Rows { since: Nanos },
    /// Whole traces, by id.
    Traces(&'a [String]),
}

#[derive(Debug, Default)]
pub(super) struct Page {
    /// In the order of the answer.
    pub(super) records: Vec<Value>,
    /// What to request next; none at the end.
    pub(super) next: Option<String>,
    /// A full page without a next one, from a product that is known to drop the rest in that case.
    pub(super) may_be_cut: bool,
}
