//! Searching the raw bytes of the sources for text: finds the actions that may contain it, in order.
//!
//! A hit is a candidate: the caller opens the body to see whether the text is in a value (and not in a
//! field name of the format, say). An action that is not found does not contain the text.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use memchr::memmem;

use crate::base::cancel::CancelFlag;
use crate::ingest::bytes::Bytes;
use crate::ingest::composed;
use crate::model::action::{ActionIx, Flags, Place};
use crate::model::chunk::CHUNK_ROWS;
use crate::store::Store;
use crate::store::stretch::{self, BLOCK, Piece};

#[cfg(test)]
mod tests;

/// The text to search for, reduced to what raw JSON must contain byte for byte.
#[derive(Debug, Clone)]
pub struct Needle(Finder);

#[derive(Debug, Clone)]
enum Finder {
    /// Too little of the text has only one spelling in JSON: every action may contain it.
    Everything,
    Exact(Box<memmem::Finder<'static>>),
    AnyCase {
        len: usize,
        regex: regex::bytes::Regex,
    },
}

/// The shortest piece worth searching for.
const SHORTEST: usize = 2;

impl Needle {
    /// Keeps the longest word of `text` that has only one spelling in JSON, because writers differ in how
    /// they escape quotes, slashes, `<>&`, control characters and non-ASCII characters; and that only a
    /// trace can hold, because readers join texts ("kind: message") and add words of their own.
    pub fn new(text: &str, case_sensitive: bool) -> Needle {
        let is_certain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let words = text.split(|c| !is_certain(c));
        let words = words.map(|word| word.trim_matches(['-', '.', '_']));
        let words = words.filter(|word| !composed::is_composed(word) && !is_number(word));
        let piece = words.max_by_key(|word| word.len()).unwrap_or_default();
        if piece.len() < SHORTEST {
            return Needle(Finder::Everything);
        }
        if case_sensitive || !piece.bytes().any(|byte| byte.is_ascii_alphabetic()) {
            let finder = memmem::Finder::new(piece).into_owned();
            return Needle(Finder::Exact(Box::new(finder)));
        }
        let source = format!("(?i-u){}", regex::escape(piece));
        let finder =
            regex::bytes::Regex::new(&source).map_or(Finder::Everything, |regex| Finder::AnyCase {
                len: piece.len(),
                regex,
            });
        Needle(finder)
    }

    fn find(&self, bytes: &[u8]) -> Option<usize> {
        match &self.0 {
            Finder::Everything => Some(0),
            Finder::Exact(finder) => finder.find(bytes),
            Finder::AnyCase { regex, .. } => regex.find(bytes).map(|found| found.start()),
        }
    }

    fn len(&self) -> usize {
        match &self.0 {
            Finder::Everything => 0,
            Finder::Exact(finder) => finder.needle().len(),
            Finder::AnyCase { len, .. } => *len,
        }
    }
}

/// Numbers have several spellings: 1e3 is 1000.
fn is_number(word: &str) -> bool {
    word.bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'e' | b'E'))
}

/// Reads and searches the records of chunks; its buffers are used again.
#[derive(Debug, Default)]
pub struct Reader {
    pieces: Vec<Piece>,
    buffer: Vec<u8>,
    hits: Vec<bool>,
}

impl Reader {
    /// Keeps those `rows` of a chunk that may contain the needle.
    pub fn narrow(&mut self, store: &Store, chunk: usize, needle: &Needle, rows: &mut Vec<u16>) {
        if matches!(needle.0, Finder::Everything) {
            return;
        }
        self.hits.clear();
        self.hits.resize(CHUNK_ROWS, false);
        self.collect(store, chunk, rows);
        let pieces = std::mem::take(&mut self.pieces);
        for stretch in stretch::of(&pieces) {
            self.search(&store.source(stretch[0].source).bytes, stretch, needle);
        }
        self.pieces = pieces;
        rows.retain(|row| self.hits[usize::from(*row)]);
    }

    /// The pieces of all rows, in the order of the files.
    fn collect(&mut self, store: &Store, chunk: usize, rows: &[u16]) {
        self.pieces.clear();
        for at in rows {
            let row = store.row(ActionIx((chunk * CHUNK_ROWS) as u32 + u32::from(*at)));
            // Letters written as \u0061 would not be found, nor a word whose parts are in several records.
            let is_apart = row.source().format.is_pieced();
            if row.flags().has(Flags::ESCAPED_ASCII) || is_apart {
                self.hits[usize::from(*at)] = true;
                continue;
            }
            let own = [row.place(), row.result_place()];
            let places = own
                .into_iter()
                .chain(row.attached().map(|attached| attached.place))
                .chain(row.other_records());
            self.pieces.extend(
                places
                    .filter(Place::is_some)
                    .map(|place| Piece::of(&row, place, *at)),
            );
        }
        self.pieces.sort_unstable();
    }

    /// Searches adjacent pieces with one read, unless a single record is longer than a block: that one is
    /// read in blocks that overlap by the length of the needle.
    fn search(&mut self, bytes: &Bytes, pieces: &[Piece], needle: &Needle) {
        let (Some(first), Some(end)) = (pieces.first(), pieces.iter().map(|piece| piece.end).max())
        else {
            return;
        };
        let overlap = needle.len().saturating_sub(1) as u64;
        let mut at = first.start;
        loop {
            let len = (end - at).min(BLOCK + overlap);
            // Never shrunk: growing it again would write zeros for nothing.
            if self.buffer.len() < len as usize {
                self.buffer.resize(len as usize, 0);
            }
            match bytes.read_at(&mut self.buffer[..len as usize], at) {
                Ok(read) => self.mark(at, read, pieces, needle),
                // Unreadable pieces stay candidates: opening them will show.
                Err(_) => pieces
                    .iter()
                    .for_each(|piece| self.hits[usize::from(piece.row)] = true),
            }
            if at + len >= end {
                return;
            }
            at += BLOCK;
        }
    }

    /// Marks the pieces with a hit in the first `read` bytes of the buffer, whose offset is `base`.
    fn mark(&mut self, base: u64, read: usize, pieces: &[Piece], needle: &Needle) {
        let bytes = &self.buffer[..read];
        let mut from = 0;
        while let Some(found) = bytes.get(from..).and_then(|rest| needle.find(rest)) {
            let hit = base + (from + found) as u64;
            let hit_end = hit + needle.len() as u64;
            // Pieces of one record have the same range; those of different records do not overlap.
            let after = pieces.partition_point(|piece| piece.start <= hit);
            let mut next = hit + 1;
            if let Some(last) = pieces[..after].last() {
                let same = pieces[..after]
                    .iter()
                    .rev()
                    .take_while(|piece| piece.start == last.start);
                for piece in same.filter(|piece| hit_end <= piece.end) {
                    self.hits[usize::from(piece.row)] = true;
                    next = next.max(piece.end);
                }
            }
            from = (next - base) as usize;
        }
    }
}

/// Finds all actions that may contain the needle, in order, on two threads. `on_hit` gets those of one
/// chunk at a time, on the calling thread.
pub fn candidates(
    store: &Store,
    needle: &Needle,
    cancel: &CancelFlag,
    on_hit: &mut dyn FnMut(&[ActionIx]),
) {
    let work = |reader: &mut Reader, number: usize| {
        let len = store.chunk(number).map_or(0, |(chunk, _)| chunk.len());
        let mut rows: Vec<u16> = (0..len as u16).collect();
        reader.narrow(store, number, needle, &mut rows);
        let first = (number * CHUNK_ROWS) as u32;
        rows.into_iter()
            .map(|row| ActionIx(first + u32::from(row)))
            .collect::<Vec<_>>()
    };
    in_order(store.chunks().len(), cancel, work, &mut |_,
                                                       rows: Vec<
        ActionIx,
    >| {
        if !rows.is_empty() {
            on_hit(&rows);
        }
    });
}

/// The number of threads that search.
const THREADS: usize = 2;

/// Does `work` for the numbers below `count` on two threads, each with a state of its own, and passes the
/// results to `deliver` in order on the calling thread. Stops early when cancelled.
pub fn in_order<S: Default, T: Send>(
    count: usize,
    cancel: &CancelFlag,
    work: impl Fn(&mut S, usize) -> T + Sync,
    deliver: &mut dyn FnMut(usize, T),
) {
    let next = AtomicUsize::new(0);
    let (sender, answers) = crossbeam_channel::bounded(4 * THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS.min(count) {
            let (sender, next, work) = (sender.clone(), &next, &work);
            scope.spawn(move || {
                let mut state = S::default();
                while !cancel.is_raised() {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count || sender.send((number, work(&mut state, number))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        let mut due = 0;
        for (number, answer) in answers {
            waiting.insert(number, answer);
            while let Some(answer) = waiting.remove(&due) {
                if !cancel.is_raised() {
                    deliver(due, answer);
                }
                due += 1;
            }
        }
    });
}
