//! Places in files that one read covers.

use crate::model::action::{Place, SourceIx};
use crate::store::row::Row;

/// A byte range of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Piece {
    pub(super) source: SourceIx,
    pub(super) start: u64,
    pub(super) end: u64,
    /// In its chunk.
    pub(super) row: u16,
}

/// Read size: small enough that the bytes are still in the CPU cache when they are searched.
pub(super) const BLOCK: u64 = 256 << 10;

/// The largest gap between two records that is read rather than skipped.
const GAP: u64 = 16 << 10;

impl Piece {
    pub(super) fn of(row: &Row<'_>, place: Place, at: u16) -> Piece {
        Piece {
            source: row.source_ix(),
            start: place.offset,
            end: place.offset.saturating_add(u64::from(place.len)),
            row: at,
        }
    }
}

/// Splits sorted pieces into stretches, each read at once: a block, unless a single piece is longer.
pub(super) fn of(pieces: &[Piece]) -> impl Iterator<Item = &[Piece]> {
    let mut rest = pieces;
    std::iter::from_fn(move || {
        let first = rest.first()?;
        let mut end = first.end;
        let together = rest.iter().take_while(|piece| {
            let near = piece.source == first.source && piece.start <= end.saturating_add(GAP);
            let fits = piece.end.max(end) - first.start <= BLOCK || piece.start == first.start;
            if near && fits {
                end = end.max(piece.end);
            }
            near && fits
        });
        let (stretch, after) = rest.split_at(together.count().max(1));
        rest = after;
        Some(stretch)
    })
}
