//! The bytes of a file through all that happens to it: one sequence that only grows.
//!
//! A file that is rotated goes on in another, and a file that was cut begins anew. To whoever reads,
//! these pieces stand one behind the other, so that places in them stay what they are. The last bytes
//! are in memory as well: they may be gone from the disk before anybody looks.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many of the last bytes stay in memory, at least, of what is in a file and of what is not.
const RECENT: usize = 8 << 20;
const PIPED: usize = 256 << 20;

#[derive(Debug)]
pub struct Log {
    state: Mutex<State>,
    keep: usize,
}

impl Default for Log {
    fn default() -> Log {
        Log {
            state: Mutex::default(),
            keep: RECENT,
        }
    }
}

#[derive(Debug, Default)]
struct State {
    pieces: Vec<Piece>,
    len: u64,
    /// Behind the last line feed.
    whole: u64,
    recent: Vec<u8>,
    /// Where `recent` begins.
    recent_at: u64,
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
        Log {
            state: Mutex::default(),
            keep: PIPED,
        }
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
        self.state().append(Some(file), at, bytes, self.keep);
    }

    /// Appends bytes that are in no file.
    pub(super) fn append_piped(&self, bytes: &[u8]) {
        self.state().append(None, 0, bytes, self.keep);
    }

    /// Ends the last line where a file ended without an end of line.
    pub(super) fn end_line(&self) {
        let mut state = self.state();
        if state.whole < state.len {
            state.append(None, 0, b"\n", self.keep);
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
    fn append(&mut self, file: Option<&Arc<File>>, at: u64, bytes: &[u8], keep: usize) {
        let len = bytes.len() as u64;
        let goes_on = |piece: &Piece| match (&piece.file, file) {
            (Some(known), Some(file)) => Arc::ptr_eq(known, file) && piece.at + piece.len == at,
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
        self.recent.extend_from_slice(bytes);
        if self.recent.len() > 2 * keep {
            let dropped = self.recent.len() - keep;
            self.recent.drain(..dropped);
            self.recent_at += dropped as u64;
        }
    }

    /// One read from memory or from one piece.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
        if let Some(from) = offset.checked_sub(self.recent_at) {
            let rest = self.recent.get(from as usize..).unwrap_or_default();
            let len = buffer.len().min(rest.len());
            buffer[..len].copy_from_slice(&rest[..len]);
            return Ok(len);
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
        let wanted = (len - from).min(self.recent_at - offset);
        let wanted = usize::try_from(wanted)
            .unwrap_or(usize::MAX)
            .min(buffer.len());
        file.read_at(&mut buffer[..wanted], at + from)
    }
}
