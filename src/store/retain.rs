//! Dropping the oldest actions of a trace that never ends. Their numbers are not used again.

use std::sync::Arc;

use super::Store;
use super::row::Row;
use crate::model::action::{ActionIx, Flags, Kind, Place, SourceIx};
use crate::model::chunk::{CHUNK_ROWS, Chunk, NewAction};
use crate::model::outcome::Outcomes;
use crate::model::quantity::Time;
use crate::model::run::RunIx;
use crate::model::symbol::Sym;

/// The actions that were dropped.
#[derive(Debug, Clone, Default)]
pub(super) struct Dropped {
    /// The first action that is kept.
    pub(super) end: u32,
    /// One empty row, which represents each of them.
    chunk: Arc<Chunk>,
    outcomes: Arc<Outcomes>,
}

impl Store {
    /// The first action that is kept; those before it were dropped.
    pub fn first(&self) -> u32 {
        self.dropped.end
    }

    /// Drops the actions before `before`, which begins a chunk.
    pub(super) fn drop_before(&mut self, before: u32) {
        if before <= self.dropped.end {
            return;
        }
        if self.dropped.chunk.is_empty() {
            self.dropped = Dropped::new();
        }
        let chunks = self.dropped.end as usize / CHUNK_ROWS..before as usize / CHUNK_ROWS;
        let (chunk, outcomes) = (Arc::default(), Arc::default());
        for number in chunks {
            self.chunks[number] = Arc::clone(&chunk);
            self.outcomes[number] = Arc::clone(&outcomes);
        }
        self.dropped.end = before;
    }

    /// The first action of a run that is kept.
    pub fn first_of(&self, run: RunIx) -> Option<ActionIx> {
        let first = self.run(run).first_action.get()?;
        if first.0 >= self.first() {
            return Some(first);
        }
        let mut rows = self.rows().filter(|row| row.run_ix() == run);
        rows.next().map(|row| row.ix())
    }

    /// The row of a dropped action, for callers that still have its number.
    pub(super) fn dropped_row(&self, ix: ActionIx) -> Row<'_> {
        Row {
            store: self,
            chunk: &self.dropped.chunk,
            outcomes: &self.dropped.outcomes,
            ix,
            at: 0,
        }
    }
}

impl Dropped {
    fn new() -> Dropped {
        let (mut chunk, mut outcomes) = (Chunk::default(), Outcomes::default());
        chunk.push(&NewAction {
            kind: Kind::Unknown,
            run: RunIx(0),
            turn: 0,
            seq: 0,
            agent: Sym::NONE,
            tool: Sym::NONE,
            model: Sym::NONE,
            time: Time::NONE,
            parent: ActionIx::NONE,
            source: SourceIx(0),
            line: 0,
            place: Place::NONE,
            flags: Flags::NONE,
        });
        outcomes.push(Flags::NONE);
        Dropped {
            end: 0,
            chunk: Arc::new(chunk),
            outcomes: Arc::new(outcomes),
        }
    }
}

#[cfg(test)]
mod tests;
