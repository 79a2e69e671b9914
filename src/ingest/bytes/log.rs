//! The bytes of a growing source through rotation, truncation and rewriting: one sequence that only grows.
//!
//! A rotated file continues in another one, and a truncated file starts over. Readers see these pieces
//! concatenated, so offsets never change. The last bytes are also kept in memory, because they may be gone
//! from the disk before anyone reads them.

use std::collections::VecDeque;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The least number of last bytes that stay in memory by default: of a file, and of a pipe.
pub(crate) const RECENT: usize = 8 << 20;
const PIPED: usize = 128 << 20;
/// Memory is freed in blocks of this length.
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
    /// The end of the last complete line.
    whole: u64,
    recent: Recent,
    /// At least this many of the last bytes stay in memory.
    keep: usize,
    /// How far it is decoded.
    decoded: u64,
}

/// The last bytes, in blocks of equal length except for the last.
#[derive(Debug, Default)]
struct Recent {
    blocks: VecDeque<Vec<u8>>,
    /// The offset of the first of them.
    at: u64,
    len: usize,
}

/// `len` bytes of the log from `start`, which are in `file` from `at`; without a file they are on no disk.
#[derive(Debug)]
struct Piece {
    start: u64,
    len: u64,
    file: Option<Arc<File>>,
    at: u64,
}

impl Log {
    /// A log of a pipe: what is not kept in memory is lost.
    pub(crate) fn of_pipe() -> Log {
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

    /// Keeps at least this many of the last bytes in memory from now on.
    pub(crate) fn keep(&self, bytes: usize) {
        self.state().keep = bytes.max(BLOCK);
    }

    /// Bytes before this are no longer in memory.
    pub(crate) fn kept_from(&self) -> u64 {
        self.state().recent.at
    }

    /// Records that everything before this is decoded.
    pub(crate) fn decoded(&self, to: u64) {
        self.state().decoded = to;
    }

    /// Whether complete lines that are not decoded yet are about to leave memory.
    pub(crate) fn is_behind(&self) -> bool {
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

    /// The length up to the end of the last complete line.
    pub fn whole(&self) -> u64 {
        self.state().whole
    }

    /// Appends bytes that were read from a file at `at`.
    pub(crate) fn append(&self, file: &Arc<File>, at: u64, bytes: &[u8]) {
        self.state().append(Some(file), at, bytes);
    }

    /// Appends bytes that are in no file.
    pub(crate) fn append_piped(&self, bytes: &[u8]) {
        self.state().append(None, 0, bytes);
    }

    /// Ends the last line if it is incomplete.
    pub(crate) fn end_line(&self) {
        let mut state = self.state();
        if state.whole < state.len {
            state.append(None, 0, b"\n");
        }
    }

    /// A file no longer holds what was read from it.
    pub(crate) fn forget(&self, file: &Arc<File>) {
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

    /// Reads until `buffer` is full, or up to the end or the first byte that is lost.
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
                let block = self.free(keep).unwrap_or_default();
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
        while self.free(keep).is_some() {}
    }

    /// Frees the oldest block if enough remains without it; its memory can be used again.
    fn free(&mut self, keep: usize) -> Option<Vec<u8>> {
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
    fn keeps_the_last_bytes_of_a_pipe_and_drops_older_ones() {
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
    fn is_behind_while_complete_lines_wait_to_be_decoded() {
        let log = Log::of_pipe();
        log.keep(4 * BLOCK);
        log.append_piped(&vec![b'x'; 3 * BLOCK]);
        // An incomplete line cannot be decoded, so waiting for that would never end.
        assert!(!log.is_behind());
        log.append_piped(b"\n");
        assert!(log.is_behind());
        log.decoded(log.whole());
        assert!(!log.is_behind());
    }
}
