//! The shape of a run in a few cells: how much happened when, and where it went wrong.

use crate::analysis::trouble::ChunkRow;
use crate::base::cancel::CancelFlag;
use crate::model::action::ActionIx;
use crate::model::chunk::CHUNK_ROWS;
use crate::model::run::RunIx;
use crate::store::Store;

/// A segment of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cell {
    pub actions: u32,
    pub errors: u32,
    pub blocks: u32,
}

/// A run in equal segments: of time if times are recorded and differ, otherwise of actions.
pub fn of_run(store: &Store, run: RunIx, cells: usize, cancel: &CancelFlag) -> Vec<Cell> {
    let mut shape = vec![Cell::default(); cells];
    let whole = store.run(run);
    let (Some(first), false) = (whole.first_action.get(), cells == 0) else {
        return shape;
    };
    let mut left = whole.totals.actions;
    let axis = Axis::of(store, run);
    for number in first.0 as usize / CHUNK_ROWS..store.chunks().len() {
        let Some((chunk, outcomes)) = store
            .chunk(number)
            .filter(|_| left > 0 && !cancel.is_raised())
        else {
            break;
        };
        for row in (0..chunk.len()).filter(|row| chunk.run[*row] == run && chunk.seq[*row] > 0) {
            left = left.saturating_sub(1);
            let row_of_chunk = ChunkRow {
                chunk,
                outcomes,
                row,
            };
            let at = axis.place((chunk.time[row].get(), chunk.seq[row]), cells);
            let Some(cell) = at.and_then(|at| shape.get_mut(at)) else {
                continue;
            };
            cell.actions += 1;
            cell.errors += u32::from(row_of_chunk.is_error());
            cell.blocks += u32::from(row_of_chunk.is_block());
        }
    }
    shape
}

/// The cell of an action in the shape of its run.
pub fn place(store: &Store, ix: ActionIx, cells: usize) -> Option<usize> {
    let row = store.row(ix);
    Axis::of(store, row.run_ix()).place((row.time().get(), row.seq()), cells)
}

enum Axis {
    Time { from: i64, span: i64 },
    Order(u32),
}

impl Axis {
    fn of(store: &Store, run: RunIx) -> Axis {
        let run = store.run(run);
        match (run.started.get(), run.ended.since(run.started).get()) {
            (Some(from), Some(span)) if span > 0 => Axis::Time { from, span },
            _ => Axis::Order(run.totals.actions.max(1)),
        }
    }

    fn place(&self, (time, seq): (Option<i64>, u32), cells: usize) -> Option<usize> {
        let (part, whole) = match self {
            Axis::Time { from, span } => (time?.checked_sub(*from)?, *span),
            Axis::Order(actions) => (i64::from(seq) - 1, i64::from(*actions)),
        };
        let part = part.clamp(0, whole);
        let cell = i128::from(part) * cells as i128 / i128::from(whole);
        usize::try_from(cell)
            .ok()
            .map(|cell| cell.min(cells.saturating_sub(1)))
    }
}

/// What a segment of a list contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tick {
    pub error: bool,
    pub block: bool,
}

/// Divides a list of actions into `cells` segments.
pub fn ticks(
    store: &Store,
    rows: &mut dyn ExactSizeIterator<Item = ActionIx>,
    cells: usize,
    cancel: &CancelFlag,
) -> Vec<Tick> {
    let mut ticks = vec![Tick::default(); cells];
    let len = rows.len().max(1);
    for (position, ix) in rows.enumerate() {
        let number = ix.0 as usize / CHUNK_ROWS;
        let Some((chunk, outcomes)) = store.chunk(number) else {
            break;
        };
        let row_of_chunk = ChunkRow {
            chunk,
            outcomes,
            row: ix.0 as usize % CHUNK_ROWS,
        };
        let Some(tick) = ticks.get_mut(position * cells / len) else {
            break;
        };
        tick.error |= row_of_chunk.is_error();
        tick.block |= row_of_chunk.is_block();
        if position % CHUNK_ROWS == 0 && cancel.is_raised() {
            break;
        }
    }
    ticks
}

#[cfg(test)]
mod tests;
