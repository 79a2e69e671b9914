//! Up to 4096 actions in columns: what is known when an action is read, and never changes afterwards.

use crate::model::action::{ActionIx, Flags, Kind, Place, SourceIx};
use crate::model::quantity::Time;
use crate::model::run::RunIx;
use crate::model::sparse::Places;
use crate::model::symbol::Sym;

/// Rows per chunk. All chunks of a store but the last are full, so the chunk of a row is its index / 4096.
pub const CHUNK_ROWS: usize = 4096;

/// The columns of consecutive actions; all vectors have the same length.
#[derive(Debug, Clone, Default)]
pub struct Chunk {
    pub kind: Vec<Kind>,
    pub run: Vec<RunIx>,
    /// The 1-based turn in the run; 0 before the first turn.
    pub turn: Vec<u32>,
    /// The 1-based position in the run; 0 for a malformed line, which belongs to no run.
    pub seq: Vec<u32>,
    pub agent: Vec<Sym>,
    pub tool: Vec<Sym>,
    pub model: Vec<Sym>,
    pub time: Vec<Time>,
    /// The action that caused this one, or [`ActionIx::NONE`].
    pub parent: Vec<ActionIx>,
    pub source: Vec<SourceIx>,
    /// 1-based line in the source.
    pub line: Vec<u32>,
    places: Places,
    pub stat: ChunkStat,
}

/// What a chunk can contain, so that a query may skip it.
#[derive(Debug, Clone, Copy)]
pub struct ChunkStat {
    /// Bit `1 << kind` for each kind that occurs.
    pub kinds: u16,
    pub earliest: Time,
    pub latest: Time,
}

impl Default for ChunkStat {
    fn default() -> ChunkStat {
        ChunkStat {
            kinds: 0,
            earliest: Time(i64::MAX),
            latest: Time::NONE,
        }
    }
}

/// One action, before it is added to a chunk.
#[derive(Debug, Clone, Copy)]
pub struct NewAction {
    pub kind: Kind,
    pub run: RunIx,
    pub turn: u32,
    pub seq: u32,
    pub agent: Sym,
    pub tool: Sym,
    pub model: Sym,
    pub time: Time,
    pub parent: ActionIx,
    pub source: SourceIx,
    pub line: u32,
    pub place: Place,
    pub flags: Flags,
}

impl Chunk {
    /// An empty chunk with capacity for exactly `rows` rows.
    pub fn with_room(rows: usize) -> Chunk {
        Chunk {
            kind: Vec::with_capacity(rows),
            run: Vec::with_capacity(rows),
            turn: Vec::with_capacity(rows),
            seq: Vec::with_capacity(rows),
            agent: Vec::with_capacity(rows),
            tool: Vec::with_capacity(rows),
            model: Vec::with_capacity(rows),
            time: Vec::with_capacity(rows),
            parent: Vec::with_capacity(rows),
            source: Vec::with_capacity(rows),
            line: Vec::with_capacity(rows),
            places: Places::with_room(rows),
            stat: ChunkStat::default(),
        }
    }

    pub fn len(&self) -> usize {
        self.kind.len()
    }

    pub fn is_empty(&self) -> bool {
        self.kind.is_empty()
    }

    pub fn push(&mut self, action: &NewAction) {
        self.kind.push(action.kind);
        self.run.push(action.run);
        self.turn.push(action.turn);
        self.seq.push(action.seq);
        self.agent.push(action.agent);
        self.tool.push(action.tool);
        self.model.push(action.model);
        self.time.push(action.time);
        self.parent.push(action.parent);
        self.source.push(action.source);
        self.line.push(action.line);
        self.places.push(action.place);
        self.stat.kinds |= 1 << action.kind as u16;
        if action.time.is_some() {
            self.stat.earliest = self.stat.earliest.min(action.time);
            self.stat.latest = self.stat.latest.max(action.time);
        }
    }

    /// Appends the given rows of `other`.
    pub fn append_range(&mut self, other: &Chunk, rows: std::ops::Range<usize>) {
        self.kind.extend_from_slice(&other.kind[rows.clone()]);
        self.run.extend_from_slice(&other.run[rows.clone()]);
        self.turn.extend_from_slice(&other.turn[rows.clone()]);
        self.seq.extend_from_slice(&other.seq[rows.clone()]);
        self.agent.extend_from_slice(&other.agent[rows.clone()]);
        self.tool.extend_from_slice(&other.tool[rows.clone()]);
        self.model.extend_from_slice(&other.model[rows.clone()]);
        self.time.extend_from_slice(&other.time[rows.clone()]);
        self.parent.extend_from_slice(&other.parent[rows.clone()]);
        self.source.extend_from_slice(&other.source[rows.clone()]);
        self.line.extend_from_slice(&other.line[rows.clone()]);
        self.places.append_range(&other.places, rows);
        self.stat.kinds |= other.stat.kinds;
        self.stat.earliest = self.stat.earliest.min(other.stat.earliest);
        self.stat.latest = self.stat.latest.max(other.stat.latest);
    }

    pub fn place(&self, row: usize) -> Place {
        self.places.get(row)
    }
}
