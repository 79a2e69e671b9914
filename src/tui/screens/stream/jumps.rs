//! Jumps to the next action of some sort, by the columns of the store alone.

use std::ops::Range;

use crate::analysis::policy::overlay::Overlay;
use crate::analysis::slow::Slow;
use crate::analysis::trouble::ChunkRow;
use crate::model::action::{ActionIx, Kind};
use crate::model::chunk::CHUNK_ROWS;
use crate::model::run::RunIx;
use crate::model::symbol::Sym;
use crate::store::Store;
use crate::tui::screens::stream::listing::Listing;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Error,
    /// A blocked call, a denial or an approval request.
    Block,
    Turn,
    SameTool,
    /// The same agent of the same run.
    SameAgent,
    /// Took far longer than others of its sort.
    Slow,
    /// One of the actions that a text was found in.
    Hit,
    /// An action of the evidence of an alert.
    Evidence,
}

/// What jumps depend on apart from the store.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    pub slow: &'a Slow,
    pub hits: &'a [ActionIx],
    /// The evidence to step through, in order.
    pub evidence: &'a [ActionIx],
    /// The overlaid policy: its changes count as blocks.
    pub overlay: Option<&'a Overlay>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Forward,
    Backward,
}

type Test<'a> = &'a dyn Fn(ChunkRow<'_>, ActionIx) -> bool;

/// The position after (or before) `from` that is such a target.
pub fn find(
    store: &Store,
    listing: &Listing,
    from: usize,
    (target, direction, known): (Target, Direction, Known<'_>),
) -> Option<usize> {
    let start = seen(store, listing.at(from)?)?;
    match target {
        Target::Error => scan(store, listing, (from, direction), &|seen, _| {
            seen.is_error()
        }),
        Target::Block => scan(store, listing, (from, direction), &|seen, ix| {
            let is_changed = |it: &Overlay| it.change(ix).is_some();
            seen.is_block() || known.overlay.is_some_and(is_changed)
        }),
        Target::Turn => turn(store, listing, from, direction),
        Target::SameTool => {
            let (kind, tool) = sort(start);
            scan(store, listing, (from, direction), &|seen, _| {
                sort(seen) == (kind, tool)
            })
        }
        Target::SameAgent => {
            let agent = |seen: ChunkRow<'_>| (seen.chunk.run[seen.row], seen.chunk.agent[seen.row]);
            let own = agent(start);
            scan(store, listing, (from, direction), &|seen, _| {
                agent(seen) == own
            })
        }
        Target::Slow => scan(store, listing, (from, direction), &|seen, _| {
            known.slow.is_slow(seen)
        }),
        Target::Evidence => scan(store, listing, (from, direction), &|_, ix| {
            known.evidence.binary_search(&ix).is_ok()
        }),
        Target::Hit => scan(store, listing, (from, direction), &|_, ix| {
            known.hits.binary_search(&ix).is_ok()
        }),
    }
}

/// The action with number `seq` in a run, or the nearest one before it.
pub fn numbered(store: &Store, run: RunIx, seq: u32) -> Option<ActionIx> {
    let first = store.run(run).first_action.get()?;
    let mut best = None;
    for (number, (chunk, _)) in store
        .chunks()
        .enumerate()
        .skip(first.0 as usize / CHUNK_ROWS)
    {
        for row in 0..chunk.len() {
            if chunk.run[row] == run && chunk.seq[row] <= seq {
                best = best.max(Some((chunk.seq[row], number * CHUNK_ROWS + row)));
                if chunk.seq[row] == seq {
                    return best.map(|(_, ix)| ActionIx(ix as u32));
                }
            }
        }
    }
    best.map(|(_, ix)| ActionIx(ix as u32))
}

/// A call of a tool is like every other call of it; anything else is like its kind.
fn sort(seen: ChunkRow<'_>) -> (Kind, Sym) {
    let kind = seen.chunk.kind[seen.row];
    (
        kind,
        if kind == Kind::ToolCall {
            seen.chunk.tool[seen.row]
        } else {
            Sym::NONE
        },
    )
}

fn place(seen: ChunkRow<'_>) -> (RunIx, u32) {
    (seen.chunk.run[seen.row], seen.chunk.turn[seen.row])
}

/// Forward to the first row of the next turn; backward to the first row of this one, then of the one before.
fn turn(store: &Store, listing: &Listing, from: usize, direction: Direction) -> Option<usize> {
    let turn_at = |position: usize| {
        listing
            .at(position)
            .and_then(|ix| seen(store, ix))
            .map(place)
    };
    let here = turn_at(from)?;
    if direction == Direction::Forward {
        return scan(store, listing, (from, direction), &|seen, _| {
            place(seen) != here
        });
    }
    let before = turn_at(from.checked_sub(1)?)?;
    let other = scan(store, listing, (from - 1, direction), &|seen, _| {
        place(seen) != before
    });
    Some(other.map_or(0, |position| position + 1))
}

fn seen(store: &Store, ix: ActionIx) -> Option<ChunkRow<'_>> {
    let (chunk, outcomes) = store.chunk(ix.0 as usize / CHUNK_ROWS)?;
    let row = ix.0 as usize % CHUNK_ROWS;
    (row < chunk.len()).then_some(ChunkRow {
        chunk,
        outcomes,
        row,
    })
}

fn scan(
    store: &Store,
    listing: &Listing,
    from: (usize, Direction),
    test: Test<'_>,
) -> Option<usize> {
    let (from, direction) = from;
    // In a full list, positions are action numbers minus the dropped ones.
    let all = |range: &Range<u32>| (range.start as usize, range.end as usize);
    match (listing, direction) {
        (Listing::All(range), Direction::Forward) => {
            let (first, end) = all(range);
            let found = forward(store, first + from + 1..end, test);
            found.map(|ix| ix - first)
        }
        (Listing::All(range), Direction::Backward) => {
            let (first, _) = all(range);
            let found = backward(store, first + from, test);
            found.and_then(|ix| ix.checked_sub(first))
        }
        (Listing::Kept(rows), Direction::Forward) => {
            let hit = |position: &usize| {
                rows.get(*position)
                    .is_some_and(|ix| seen(store, *ix).is_some_and(|seen| test(seen, *ix)))
            };
            (from + 1..rows.len()).find(hit)
        }
        (Listing::Kept(rows), Direction::Backward) => {
            let hit = |position: &usize| {
                rows.get(*position)
                    .is_some_and(|ix| seen(store, *ix).is_some_and(|seen| test(seen, *ix)))
            };
            (0..from.min(rows.len())).rev().find(hit)
        }
    }
}

fn forward(store: &Store, range: Range<usize>, test: Test<'_>) -> Option<usize> {
    for number in range.start / CHUNK_ROWS..range.end.div_ceil(CHUNK_ROWS) {
        let (chunk, outcomes) = store.chunk(number)?;
        let base = number * CHUNK_ROWS;
        let rows = range.start.saturating_sub(base)..chunk.len().min(range.end - base);
        for row in rows {
            let seen = ChunkRow {
                chunk,
                outcomes,
                row,
            };
            if test(seen, ActionIx((base + row) as u32)) {
                return Some(base + row);
            }
        }
    }
    None
}

fn backward(store: &Store, end: usize, test: Test<'_>) -> Option<usize> {
    for number in (0..end.div_ceil(CHUNK_ROWS)).rev() {
        let (chunk, outcomes) = store.chunk(number)?;
        let base = number * CHUNK_ROWS;
        for row in (0..chunk.len().min(end - base)).rev() {
            let seen = ChunkRow {
                chunk,
                outcomes,
                row,
            };
            if test(seen, ActionIx((base + row) as u32)) {
                return Some(base + row);
            }
        }
    }
    None
}
