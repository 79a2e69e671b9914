//! Finds the ends of strings and lines for a whole block at once, 64 bytes at a time.
//!
//! Trace text is full of escapes, and a search that stops at each of them mispredicts a branch at each of
//! them. Here the bytes after backslashes are found by bit arithmetic on words, and only *stops* are
//! listed: unescaped quotes, and bytes inside strings that need individual attention. Skipping a string of
//! any length is then taking the next stop from the list.

use std::sync::LazyLock;

use fearless_simd::{Level, SimdBase, SimdMask, dispatch, u8x64};

const WIDTH: usize = 64;

/// The widest instructions of this machine.
static LEVEL: LazyLock<Level> = LazyLock::new(Level::new);

/// The marks of a block of less than 4 GiB.
#[derive(Debug, Default)]
pub struct Marks {
    /// Unescaped quotes, control characters, and escaped letters other than `n` and `t`, in order, with
    /// spare capacity at the end.
    stops: Vec<u32>,
    count: usize,
    ends: Vec<LineEnd>,
    words: Vec<Word>,
}

/// The contents of 64 bytes, one bit per byte.
#[derive(Debug, Clone, Copy, Default)]
struct Word {
    stops: u64,
    backslashes: u64,
    feeds: u64,
}

/// A line feed.
#[derive(Debug, Clone, Copy)]
pub struct LineEnd {
    pub at: usize,
    /// The number of stops up to and including it.
    pub stops: usize,
}

impl Marks {
    pub fn of(bytes: &[u8]) -> Marks {
        let mut marks = Marks::default();
        marks.read(bytes);
        marks
    }

    /// Marks another block, reusing the memory.
    pub fn read(&mut self, bytes: &[u8]) {
        let (whole, tail) = bytes.as_chunks::<WIDTH>();
        let mut padded = [b' '; WIDTH];
        padded[..tail.len()].copy_from_slice(tail);
        let last = if tail.is_empty() { None } else { Some(&padded) };
        // Every word is written below, so those of the last block need not be cleared.
        self.words
            .resize(bytes.len().div_ceil(WIDTH), Word::default());
        mark(whole.iter().chain(last).zip(&mut self.words));
        self.list();
    }

    /// Turns the bits into lists.
    fn list(&mut self) {
        self.count = 0;
        self.ends.clear();
        for (number, word) in self.words.iter().enumerate() {
            let base = (number * WIDTH) as u32;
            if word.feeds != 0 {
                self.ends.extend(line_ends(base, self.count, *word));
            }
            if self.stops.len() < self.count + WIDTH {
                self.stops.resize(self.count * 2 + WIDTH, u32::MAX);
            }
            let Some(room) = self.stops[self.count..].first_chunk_mut::<WIDTH>() else {
                return;
            };
            let mut stops = word.stops;
            let mut noted = 0;
            while stops != 0 {
                room[noted % WIDTH] = base + stops.trailing_zeros();
                noted += 1;
                stops &= stops - 1;
            }
            self.count += noted;
        }
    }

    /// All stops, in order.
    #[inline]
    pub(super) fn stops(&self) -> &[u32] {
        &self.stops[..self.count]
    }

    /// The index of the first stop at or after `from`.
    pub fn first_from(&self, from: usize) -> usize {
        self.stops().partition_point(|&at| (at as usize) < from)
    }

    pub fn line_ends(&self) -> &[LineEnd] {
        &self.ends
    }

    /// Whether these bytes contain a backslash.
    #[inline]
    pub(super) fn has_backslash(&self, start: usize, end: usize) -> bool {
        let (first, last) = (start / WIDTH, end / WIDTH);
        let bits = |at: usize| self.words.get(at).map_or(0, |word| word.backslashes);
        let head = bits(first) >> (start % WIDTH) << (start % WIDTH);
        let tail = (1 << (end % WIDTH)) - 1;
        if first == last {
            return head & tail != 0;
        }
        head != 0 || bits(last) & tail != 0 || (first + 1..last).any(|at| bits(at) != 0)
    }
}

/// Classifies words. The body is inline in the macro because a separate function would be compiled without
/// the instructions selected here.
fn mark<'a>(words: impl Iterator<Item = (&'a [u8; WIDTH], &'a mut Word)>) {
    dispatch!(*LEVEL, simd => {
        let [quote, backslash, n, t, feed] =
            [b'"', b'\\', b'n', b't', b'\n'].map(|byte| u8x64::splat(simd, byte));
        let last_control = u8x64::splat(simd, 0x1f);
        let mut carried = 0;
        for (chunk, word) in words {
            let chunk = u8x64::load_array_ref(simd, chunk);
            let quotes = chunk.simd_eq(quote).to_bitmask();
            let controls = chunk.simd_le(last_control).to_bitmask();
            let backslashes = chunk.simd_eq(backslash).to_bitmask();
            let letters = (chunk.simd_eq(n) | chunk.simd_eq(t)).to_bitmask();
            let (escaped, carry) = escaped(backslashes, carried);
            let plain = quotes | backslashes | letters;
            carried = carry;
            *word = Word {
                stops: (quotes & !escaped) | controls | (escaped & !plain),
                backslashes,
                feeds: chunk.simd_eq(feed).to_bitmask(),
            };
        }
    });
}

/// The line feeds of the 64 bytes at `base`; `before` stops precede them.
fn line_ends(base: u32, before: usize, word: Word) -> impl Iterator<Item = LineEnd> {
    let mut feeds = word.feeds;
    std::iter::from_fn(move || {
        let bit = (feeds != 0).then(|| feeds.trailing_zeros())?;
        let up_to = (word.stops & up_to_first(feeds)).count_ones() as usize;
        feeds &= feeds - 1;
        Some(LineEnd {
            at: (base + bit) as usize,
            stops: before + up_to,
        })
    })
}

/// The lowest set bit and all bits below it.
#[inline]
fn up_to_first(bits: u64) -> u64 {
    bits ^ (bits - 1)
}

/// The bytes after an unescaped backslash. In a run of backslashes every second one is escaped; adding the
/// first bits of runs that begin at odd positions to all backslashes carries through those runs and so
/// shows how each run ends.
#[inline]
fn escaped(backslashes: u64, carry: u64) -> (u64, u64) {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    let escaping = backslashes & !carry;
    let followed = escaping << 1 | carry;
    let odd_starts = escaping & !EVEN & !followed;
    let (runs, carry) = odd_starts.overflowing_add(escaping);
    ((EVEN ^ (runs << 1)) & followed, u64::from(carry))
}
