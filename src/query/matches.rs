//! Applies a filter to a whole store, reporting matches as it goes.

use crate::base::cancel::CancelFlag;
use crate::model::action::ActionIx;
use crate::model::chunk::CHUNK_ROWS;
use crate::query::bits::Bits;
use crate::query::eval::{Buffers, Query, Tally};
use crate::store::Store;
use crate::store::search::in_order;

/// The matches, in store order. Incomplete if cancelled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matches {
    pub rows: Vec<ActionIx>,
    pub tally: Tally,
}

/// The progress of a filter.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// Everything that matched so far.
    pub rows: &'a [ActionIx],
    /// Actions tested, out of `total`.
    pub tested: u32,
    pub total: u32,
}

/// Tests every action. Calls `progress` after each chunk, in order. A filter that opens bodies uses
/// two threads, but `progress` is always called on this one.
pub fn matches(
    store: &Store,
    query: &Query,
    cancel: &CancelFlag,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Matches {
    let mut found = Matches::default();
    let mut take = |number: usize, (bits, tally): (Bits, Tally)| {
        let first = number * CHUNK_ROWS;
        found
            .rows
            .extend(bits.rows().map(|row| ActionIx((first + row) as u32)));
        found.tally += tally;
        let tested = ((number + 1) * CHUNK_ROWS).min(store.len() as usize) as u32;
        progress(Progress {
            rows: &found.rows,
            tested,
            total: store.len(),
        });
    };
    let chunks = store.chunks().len();
    let work =
        |kept: &mut Buffers, number: usize| query.test_chunk(store, number, 0..CHUNK_ROWS, kept);
    if query.needs_bodies() {
        in_order(chunks, cancel, work, &mut take);
    } else {
        let mut kept = Buffers::default();
        for number in (0..chunks).take_while(|_| !cancel.is_raised()) {
            take(number, work(&mut kept, number));
        }
    }
    found
}
