//! Reads the records of many rows with few reads, for callers that look at one value of each without opening it.

use crate::ingest::json::{Cursor, Marks, Record};
use crate::model::action::ActionIx;
use crate::model::chunk::CHUNK_ROWS;
use crate::store::Store;
use crate::store::stretch::{self, BLOCK, Piece};

/// Kept between chunks, so that its buffers are reused.
#[derive(Debug, Default)]
pub struct Sweep {
    pieces: Vec<Piece>,
    buffer: Vec<u8>,
    marks: Marks,
}

impl Sweep {
    /// Shows the own records of some rows of a chunk, in the order of the files. None stands for a record that could
    /// not be read with others: it is too long, or no longer there.
    pub fn records(
        &mut self,
        store: &Store,
        (chunk, rows): (usize, &[u16]),
        each: &mut dyn FnMut(u16, Option<Cursor<'_>>),
    ) {
        let first = (chunk * CHUNK_ROWS) as u32;
        self.pieces.clear();
        self.pieces.extend(rows.iter().map(|at| {
            let row = store.row(ActionIx(first + u32::from(*at)));
            Piece::of(&row, row.place(), *at)
        }));
        self.pieces.sort_unstable();
        for stretch in stretch::of(&self.pieces) {
            let (from, bytes) = (stretch[0].start, &store.source(stretch[0].source).bytes);
            let end = stretch.iter().map(|it| it.end).max().unwrap_or(from);
            let len = if end - from <= BLOCK { end - from } else { 0 };
            // Never shrunk: growing it again would write zeros for nothing.
            if self.buffer.len() < len as usize {
                self.buffer.resize(len as usize, 0);
            }
            let buffer = &mut self.buffer[..len as usize];
            let read = bytes.read_at(buffer, from).unwrap_or(0);
            let block = &self.buffer[..read];
            self.marks.read(block);
            for piece in stretch {
                let (start, end) = ((piece.start - from) as usize, (piece.end - from) as usize);
                let record = block.get(..end).filter(|_| start < end).map(|block| {
                    Cursor::new(Record {
                        block,
                        start,
                        marks: &self.marks,
                        stop: self.marks.first_from(start),
                        member: &[],
                    })
                });
                each(piece.row, record);
            }
        }
    }
}
