//! Which actions are still kept of traces that never end: the oldest go when there is no more room.
//!
//! What an action takes is counted here, on the side that makes it, and not measured: in columns, in names
//! and in what is remembered of its run. Whoever stores actions lets go of the same ones.

use std::collections::VecDeque;

use crate::model::chunk::CHUNK_ROWS;

/// Columns of an action, in bytes, with what screens keep of it.
const ROW: u64 = 128;

/// The actions that are kept, in pieces that go as a whole.
#[derive(Debug, Default)]
pub(super) struct Retain {
    /// In bytes; none keeps everything.
    room: Option<u64>,
    pieces: VecDeque<Piece>,
    taken: u64,
    /// Names are never let go.
    names: u64,
    /// What was taken since the last piece was told.
    fresh: u64,
    first: u32,
}

#[derive(Debug)]
struct Piece {
    /// Behind its last action.
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
        // It stands in two tables, and in one of them with a key.
        self.names += 2 * name.len() as u64 + 64;
    }

    /// So many more actions were handed on, up to `end`. Pieces are chunks of a store.
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

    /// Lets go of actions before `floor`, and of the oldest as long as there is no room; whether any went. When
    /// room must be made, some more is made than is needed now, since letting go has its price.
    pub(super) fn let_go(&mut self, floor: u32) -> bool {
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
    fn whole_chunks_go_from_the_oldest_when_there_is_no_room() {
        let chunk = u64::from(CHUNK) * ROW;
        let mut retain = Retain::within(16 * chunk);
        for number in 1..=16 {
            // A chunk in two parts.
            retain.add(96, (number - 1) * CHUNK + 96);
            retain.add(CHUNK - 96, number * CHUNK);
            assert!(!retain.let_go(0));
        }
        retain.add(1, 16 * CHUNK + 1);
        assert!(retain.let_go(0));
        assert_eq!(retain.first(), 2 * CHUNK);
        assert!(!retain.let_go(0));
        // Others may want more to go, which still goes by chunks.
        assert!(retain.let_go(4 * CHUNK + 7));
        assert_eq!(retain.first(), 5 * CHUNK);
    }

    #[test]
    fn what_is_remembered_takes_room_and_the_last_actions_stay() {
        let mut retain = Retain::within(1);
        retain.take(1 << 30);
        retain.add(CHUNK, CHUNK);
        assert!(!retain.let_go(0));
        retain.add(5, CHUNK + 5);
        assert!(retain.let_go(0));
        assert_eq!(retain.first(), CHUNK);
    }
}
