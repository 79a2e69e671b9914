//! Letting go of the oldest actions of a trace that never ends. Their numbers stay theirs.

use std::sync::Arc;

use super::Store;
use super::row::Row;
use crate::model::action::{ActionIx, Flags, Kind, Place, SourceIx};
use crate::model::chunk::{CHUNK_ROWS, Chunk, NewAction};
use crate::model::outcome::Outcomes;
use crate::model::quantity::Time;
use crate::model::run::RunIx;
use crate::model::symbol::Sym;

/// What stands for actions that are no longer there.
#[derive(Debug, Clone, Default)]
pub(super) struct Gone {
    /// The first action that is there.
    pub(super) first: u32,
    /// One row, about which nothing is known.
    chunk: Arc<Chunk>,
    outcomes: Arc<Outcomes>,
}

impl Store {
    /// The first action that is kept; those before it were let go.
    pub fn first(&self) -> u32 {
        self.gone.first
    }

    /// Lets go of the actions before one that begins a chunk.
    pub(super) fn let_go(&mut self, before: u32) {
        if before <= self.gone.first {
            return;
        }
        if self.gone.chunk.is_empty() {
            self.gone = Gone::new();
        }
        let chunks = self.gone.first as usize / CHUNK_ROWS..before as usize / CHUNK_ROWS;
        let (chunk, outcomes) = (Arc::default(), Arc::default());
        for number in chunks {
            self.chunks[number] = Arc::clone(&chunk);
            self.outcomes[number] = Arc::clone(&outcomes);
        }
        self.gone.first = before;
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

    /// A row for an action that is no longer there: somebody may still have its number.
    pub(super) fn gone_row(&self, ix: ActionIx) -> Row<'_> {
        Row {
            store: self,
            chunk: &self.gone.chunk,
            outcomes: &self.gone.outcomes,
            ix,
            at: 0,
        }
    }
}

impl Gone {
    fn new() -> Gone {
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
        Gone {
            first: 0,
            chunk: Arc::new(chunk),
            outcomes: Arc::new(outcomes),
        }
    }
}

#[cfg(test)]
mod tests;
