//! Which actions of endless traces are kept: the oldest are dropped when memory is short.
//!
//! The size of an action is estimated, not measured, by the side that creates it: its columns, its names
//! and what its run remembers. Stores drop the same actions.

use std::collections::VecDeque;

use crate::model::chunk::CHUNK_ROWS;

/// Bytes per action in columns, including what screens keep.
const ROW: u64 = 128;

/// The actions that are kept, in pieces that are dropped as a whole.
#[derive(Debug, Default)]
pub(super) struct Retain {
    /// In bytes; `None` keeps everything.
    room: Option<u64>,
    pieces: VecDeque<Piece>,
    taken: u64,
    /// Names are never dropped.
    names: u64,
    /// Bytes added since the last piece.
    fresh: u64,
    first: u32,
}

#[derive(Debug)]
struct Piece {
    /// One past the last action.
    end: u32,
    bytes: u64,
}

impl Retain {
    pub(super) fn within(room: u64) -> Retain {
        Retain {
            room: Some(room),
            ..Retain::default()
        }
    }

    /// The first action that is kept.
    pub(super) fn first(&self) -> u32 {
        self.first
    }

    #[inline]
    pub(super) fn take(&mut self, bytes: u64) {
        self.fresh += bytes;
    }

    pub(super) fn take_name(&mut self, name: &str) {
        // A name is in two tables, in one of them with a key.
        self.names += 2 * name.len() as u64 + 64;
    }

    /// Records that `actions` more actions were emitted, up to `end`. Pieces are chunks of a store.
    pub(super) fn add(&mut self, actions: u32, end: u32) {
        let bytes = u64::from(actions) * ROW + std::mem::take(&mut self.fresh);
        self.taken += bytes;
        let is_full = |piece: &Piece| (piece.end as usize).is_multiple_of(CHUNK_ROWS);
        match self.pieces.back_mut().filter(|piece| !is_full(piece)) {
            Some(piece) => {
                piece.end = end;
                piece.bytes += bytes;
            }
            None => self.pieces.push_back(Piece { end, bytes }),
        }
    }

    /// Drops actions before `floor`, and the oldest until there is room; whether any were dropped. Dropping
    /// has a fixed cost, so it frees somewhat more than needed.
    pub(super) fn drop_before(&mut self, floor: u32) -> bool {
        let before = self.first;
        let room = self.room.unwrap_or(u64::MAX);
        let is_over = self.taken.saturating_add(self.names) > room;
        let target = if is_over { room / 16 * 15 } else { room };
        while self.pieces.len() > 1 {
            let Some(piece) = self.pieces.front() else {
                break;
            };
            let has_room = self.taken.saturating_add(self.names) <= target;
            if has_room && self.first >= floor {
                break;
            }
            self.first = piece.end;
            self.taken -= piece.bytes;
            self.pieces.pop_front();
        }
        self.first != before
    }
}

#[cfg(test)]
mod tests {
    use super::{CHUNK_ROWS, ROW, Retain};

    const CHUNK: u32 = CHUNK_ROWS as u32;

    #[test]
    fn the_oldest_chunks_are_dropped_when_memory_is_short() {
        let chunk = u64::from(CHUNK) * ROW;
        let mut retain = Retain::within(16 * chunk);
        for number in 1..=16 {
            // A chunk in two parts.
            retain.add(96, (number - 1) * CHUNK + 96);
            retain.add(CHUNK - 96, number * CHUNK);
            assert!(!retain.drop_before(0));
        }
        retain.add(1, 16 * CHUNK + 1);
        assert!(retain.drop_before(0));
        assert_eq!(retain.first(), 2 * CHUNK);
        assert!(!retain.drop_before(0));
        // The caller may ask for more to be dropped; whole chunks still go.
        assert!(retain.drop_before(4 * CHUNK + 7));
        assert_eq!(retain.first(), 5 * CHUNK);
    }

    #[test]
    fn run_memory_counts_and_the_last_actions_are_kept() {
        let mut retain = Retain::within(1);
        retain.take(1 << 30);
        retain.add(CHUNK, CHUNK);
        assert!(!retain.drop_before(0));
        retain.add(5, CHUNK + 5);
        assert!(retain.drop_before(0));
        assert_eq!(retain.first(), CHUNK);
    }
}
