//! What distinguishes the products: how they are asked, and how their answers are taken apart.

use serde_json::Value;

use super::record::{Nanos, Reader};
use super::wire::{Trouble, Wire};

/// A product to pull from.
pub(super) trait Product: std::fmt::Debug {
    /// Reads its records when they are opened.
    fn reader(&self) -> Reader;

    /// How many requests a minute it may get: half of what it allows; none if it has no limit.
    fn per_minute(&self) -> Option<f64> {
        None
    }

    /// Checks the key and finds the project, before anything is written.
    fn begin(&mut self, wire: &mut Wire<'_>) -> Result<(), Trouble>;

    /// A page of a part; `after` is what the page before it named as the next.
    fn page(
        &mut self,
        wire: &mut Wire<'_>,
        part: Part<'_>,
        after: Option<&str>,
    ) -> Result<Page, Trouble>;

    /// How many traces can be asked for in one request by their ids.
    fn traces_at_once(&self) -> usize;

    /// The number of the row of a record, for products whose rows never change and are numbered as they come.
    fn row(&self, record: &Value) -> Option<u64> {
        let _ = record;
        None
    }

    fn has_rows(&self) -> bool {
        false
    }
}

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'a> {
    /// What began in a window: its first moment, and the first one after it.
    Window { from: Nanos, until: Nanos },
    /// Everything since a moment, the newest rows first.
    Rows { since: Nanos },
    /// Whole traces, by id.
    Traces(&'a [String]),
}

#[derive(Debug, Default)]
pub(super) struct Page {
    /// In the order of the answer.
    pub(super) records: Vec<Value>,
    /// What to ask for next; none at the end.
    pub(super) next: Option<String>,
    /// The page is as long as it can be and names no next one, though the product is known to lose the rest then.
    pub(super) may_be_cut: bool,
}
