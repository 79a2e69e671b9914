//! The bytes of a file through all that happens to it: one sequence that only grows.
//!
//! A file that is rotated goes on in another, and a file that was cut begins anew. To whoever reads,
//! these pieces stand one behind the other, so that places in them stay what they are. The last bytes
//! are in memory as well: they may be gone from the disk before anybody looks.

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many of the last bytes stay in memory, at least, of what is in a file and of what is not, as long as
/// nobody says otherwise.
pub(super) const RECENT: usize = 8 << 20;
const PIPED: usize = 128 << 20;
/// The bytes in memory are let go in pieces of this length.
const BLOCK: usize = 256 << 10;

#[derive(Debug)]
pub struct Log {
    state: Mutex<State>,
}

impl Default for Log {
    fn default() -> Log {
        Log::keeping(RECENT)
    }
}

#[derive(Debug, Default)]
struct State {
    pieces: Vec<Piece>,
    len: u64,
    /// Behind the last line feed.
    whole: u64,
    recent: Recent,
    /// At least so many of the last bytes stay in memory.
    keep: usize,
    /// How far it was decoded.
    decoded: u64,
}

/// The last bytes, in blocks of the same length but the last.
#[derive(Debug, Default)]
struct Recent {
    blocks: VecDeque<Vec<u8>>,
    /// Where they begin.
    at: u64,
    len: usize,
}

/// Bytes from `start` on that lie in a file, from `at` on. Without a file they are in no file (any more).
#[derive(Debug)]
struct Piece {
    start: u64,
    len: u64,
    file: Option<Arc<File>>,
    at: u64,
}

impl Log {
    /// Of bytes that come through a pipe: what is not kept is gone.
    pub(super) fn of_pipe() -> Log {
        Log::keeping(PIPED)
    }

    fn keeping(keep: usize) -> Log {
        let state = State {
            keep,
            ..State::default()
        };
        Log {
            state: Mutex::new(state),
        }
    }

    /// Keeps so many of the last bytes in memory from now on.
    pub(super) fn keep(&self, bytes: usize) {
        self.state().keep = bytes.max(BLOCK);
    }

    /// What lies before this is no longer in memory.
    pub(super) fn kept_from(&self) -> u64 {
        self.state().recent.at
    }

    /// Everything before this is decoded.
    pub(super) fn decoded(&self, to: u64) {
        self.state().decoded = to;
    }

    /// Whole lines wait to be decoded that soon will not be in memory any more.
    pub(super) fn is_behind(&self) -> bool {
        let state = self.state();
        state.whole.saturating_sub(state.decoded) > state.keep as u64 / 2
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn len(&self) -> u64 {
        self.state().len
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes there are up to the end of the last whole line.
    pub fn whole(&self) -> u64 {
        self.state().whole
    }

    /// Appends bytes that were read at `at` of a file.
    pub(super) fn append(&self, file: &Arc<File>, at: u64, bytes: &[u8]) {
        self.state().append(Some(file), at, bytes);
    }

    /// Appends bytes that are in no file.
    pub(super) fn append_piped(&self, bytes: &[u8]) {
        self.state().append(None, 0, bytes);
    }

    /// Ends the last line where a file ended without an end of line.
    pub(super) fn end_line(&self) {
        let mut state = self.state();
        if state.whole < state.len {
            state.append(None, 0, b"\n");
        }
    }

    /// What lies in this file is no longer what was read from it.
    pub(super) fn forget(&self, file: &Arc<File>) {
        for piece in &mut self.state().pieces {
            if piece
                .file
                .as_ref()
                .is_some_and(|known| Arc::ptr_eq(known, file))
            {
                piece.file = None;
            }
        }
    }

    /// Reads until `buffer` is full or there is no more; bytes that are gone end it too.
    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
        let state = self.state();
        let mut done = 0;
        while done < buffer.len() {
            let read = state.read_at(&mut buffer[done..], offset + done as u64)?;
            if read == 0 {
                break;
            }
            done += read;
        }
        Ok(done)
    }
}

impl State {
    fn append(&mut self, file: Option<&Arc<File>>, at: u64, bytes: &[u8]) {
        let len = bytes.len() as u64;
        let goes_on = |piece: &Piece| match (&piece.file, file) {
            (Some(known), Some(file)) => Arc::ptr_eq(known, file) && piece.at + piece.len == at,
            (None, None) => true,
            (_, _) => false,
        };
        match self.pieces.last_mut().filter(|piece| goes_on(piece)) {
            Some(piece) => piece.len += len,
            None => self.pieces.push(Piece {
                start: self.len,
                len,
                file: file.map(Arc::clone),
                at,
            }),
        }
        if let Some(end) = memchr::memrchr(b'\n', bytes) {
            self.whole = self.len + end as u64 + 1;
        }
        self.len += len;
        self.recent.append(bytes, self.keep);
    }

    /// One read from memory or from one piece.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
        if let Some(from) = offset.checked_sub(self.recent.at) {
            return Ok(self.recent.read_at(buffer, from as usize));
        }
        let after = self.pieces.partition_point(|piece| piece.start <= offset);
        let piece = after.checked_sub(1).and_then(|at| self.pieces.get(at));
        let Some(Piece {
            start,
            len,
            file: Some(file),
            at,
        }) = piece
        else {
            return Ok(0);
        };
        let from = offset - start;
        let wanted = (len - from).min(self.recent.at - offset);
        let wanted = usize::try_from(wanted)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        file.read_at(&mut buffer[..wanted], at + from)
    }
}

impl Recent {
    fn append(&mut self, mut bytes: &[u8], keep: usize) {
        while !bytes.is_empty() {
            if self.blocks.back().is_none_or(|last| last.len() == BLOCK) {
                // The memory of what is let go is used again.
                let block = self.let_go(keep).unwrap_or_default();
                self.blocks.push_back(block);
            }
            let Some(last) = self.blocks.back_mut() else {
                return;
            };
            let (head, rest) = bytes.split_at(bytes.len().min(BLOCK - last.len()));
            last.extend_from_slice(head);
            self.len += head.len();
            bytes = rest;
        }
        while self.let_go(keep).is_some() {}
    }

    /// Lets go of the oldest block where enough is left without it.
    fn let_go(&mut self, keep: usize) -> Option<Vec<u8>> {
        if self.len < keep + BLOCK {
            return None;
        }
        let mut block = self.blocks.pop_front()?;
        self.at += block.len() as u64;
        self.len -= block.len();
        block.clear();
        Some(block)
    }

    /// Reads from one block.
    fn read_at(&self, buffer: &mut [u8], from: usize) -> usize {
        let Some(block) = self.blocks.get(from / BLOCK) else {
            return 0;
        };
        let rest = block.get(from % BLOCK..).unwrap_or_default();
        let len = buffer.len().min(rest.len());
        buffer[..len].copy_from_slice(&rest[..len]);
        len
    }
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Log};

    #[test]
    fn the_last_bytes_of_a_pipe_are_kept_and_those_before_are_gone() {
        let log = Log::of_pipe();
        log.keep(4 * BLOCK);
        let byte = |at: u64| (at % 251) as u8;
        let mut written = 0_u64;
        for len in [1, 7, BLOCK - 3, 3 * BLOCK + 11, BLOCK, 5 * BLOCK, 100] {
            let piece: Vec<u8> = (written..written + len as u64).map(byte).collect();
            log.append_piped(&piece);
            written += len as u64;
        }
        assert_eq!(log.len(), written);
        let from = log.kept_from();
        assert!(written - from >= 4 * BLOCK as u64);
        assert!(written - from <= 6 * BLOCK as u64);
        let mut kept = vec![0; (written - from) as usize];
        assert_eq!(log.read_at(&mut kept, from).expect("in memory"), kept.len());
        assert!(kept.iter().zip(from..).all(|(kept, at)| *kept == byte(at)));
        assert_eq!(log.read_at(&mut kept, from - 1).expect("no error"), 0);
    }

    #[test]
    fn whole_lines_that_are_not_decoded_hold_the_writer_back() {
        let log = Log::of_pipe();
        log.keep(4 * BLOCK);
        log.append_piped(&vec![b'x'; 3 * BLOCK]);
        // Without its end a line cannot be decoded, so nobody can wait for that.
        assert!(!log.is_behind());
        log.append_piped(b"\n");
        assert!(log.is_behind());
        log.decoded(log.whole());
        assert!(!log.is_behind());
    }
}
