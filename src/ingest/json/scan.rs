//! Where strings end, 64 bytes at a time: one bit per byte, so that an escape costs no branch.
//!
//! Text of traces is full of escapes, and a search that stops at each of them mispredicts at each of
//! them. Here the bytes after backslashes are found by arithmetic on a word of bits, and a string is
//! left at the first *stop* only: its closing quote, or a byte that needs a look of its own.

use std::sync::LazyLock;

use fearless_simd::{Level, SimdBase, SimdMask, dispatch, u8x64};

const WIDTH: usize = 64;
/// Words of marks that are made at once: enough that choosing the instructions for it costs little.
const WORDS: usize = 8;
const SPAN: usize = WIDTH * WORDS;

/// The widest instructions that this machine has.
static LEVEL: LazyLock<Level> = LazyLock::new(Level::new);

/// The marks of some hundred bytes of a record. Windows are taken one after the other, from the
/// first byte on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// The first byte of the window.
    start: usize,
    /// How many bytes from there have marks, a multiple of 64.
    len: usize,
    words: [Word; WORDS],
    /// 1 when the last byte of the window escapes the first one after it.
    carry: u64,
}

/// The marks of 64 bytes.
#[derive(Debug, Clone, Copy)]
struct Word {
    /// Quotes that are not escaped, control characters, and escaped letters other than `n` and `t`.
    stops: u64,
    backslashes: u64,
}

/// What a scan from some byte on came to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stop {
    /// The byte to look at; the end of the record or more when no stop is left.
    pub(super) at: usize,
    /// Not 0 when a backslash was passed.
    pub(super) escapes: u64,
}

impl Window {
    /// Before the first byte.
    pub(super) const START: Window = Window {
        start: 0,
        len: 0,
        words: [Word {
            stops: 0,
            backslashes: 0,
        }; WORDS],
        carry: 0,
    };

    /// The first stop at or after `from`, when its word has one and is in this window.
    #[inline]
    pub(super) fn near(&self, from: usize) -> Option<Stop> {
        let offset = from.wrapping_sub(self.start);
        if offset >= self.len {
            return None;
        }
        let word = &self.words[offset / WIDTH % WORDS];
        let passed = offset % WIDTH;
        let stops = word.stops >> passed;
        (stops != 0).then(|| Stop {
            at: from + stops.trailing_zeros() as usize,
            escapes: (word.backslashes >> passed) & (stops & stops.wrapping_neg()).wrapping_sub(1),
        })
    }

    /// The first stop at or after `from`, which must not lie before this window.
    #[inline(never)]
    pub(super) fn find(&mut self, bytes: &[u8], from: usize) -> Stop {
        let mut escapes = 0;
        let mut from = from;
        loop {
            while from < self.start + self.len {
                if let Some(stop) = self.near(from) {
                    return Stop {
                        at: stop.at,
                        escapes: escapes | stop.escapes,
                    };
                }
                let offset = from - self.start;
                escapes |= self.words[offset / WIDTH % WORDS].backslashes >> (offset % WIDTH);
                from += WIDTH - offset % WIDTH;
            }
            if self.start + self.len >= bytes.len() {
                return Stop {
                    at: bytes.len(),
                    escapes,
                };
            }
            self.advance(bytes);
        }
    }

    /// Moves on to the bytes after this window.
    fn advance(&mut self, bytes: &[u8]) {
        self.start += self.len;
        let rest = &bytes[self.start..];
        let (whole, tail) = rest[..rest.len().min(SPAN)].as_chunks::<WIDTH>();
        let mut padded = [b' '; WIDTH];
        padded[..tail.len()].copy_from_slice(tail);
        let last = if tail.is_empty() { None } else { Some(&padded) };
        self.len = (whole.len() + usize::from(last.is_some())) * WIDTH;
        self.read(whole.iter().chain(last));
    }

    /// The body stands in the macro as it is: a function of its own would be compiled without the
    /// instructions that are chosen here.
    fn read<'a>(&mut self, chunks: impl Iterator<Item = &'a [u8; WIDTH]>) {
        dispatch!(*LEVEL, simd => {
            let [quote, backslash, n, t] = [b'"', b'\\', b'n', b't'].map(|byte| u8x64::splat(simd, byte));
            let last_control = u8x64::splat(simd, 0x1f);
            for (chunk, word) in chunks.zip(&mut self.words) {
                let chunk = u8x64::load_array_ref(simd, chunk);
                let quotes = chunk.simd_eq(quote).to_bitmask();
                let controls = chunk.simd_le(last_control).to_bitmask();
                let backslashes = chunk.simd_eq(backslash).to_bitmask();
                let letters = (chunk.simd_eq(n) | chunk.simd_eq(t)).to_bitmask();
                let (escaped, carry) = escaped(backslashes, self.carry);
                let plain = quotes | backslashes | letters;
                self.carry = carry;
                *word = Word {
                    stops: (quotes & !escaped) | controls | (escaped & !plain),
                    backslashes,
                };
            }
        });
    }
}

/// The bytes that a backslash comes before which is not itself escaped. In a run of backslashes
/// every second one is escaped; adding the first bits of runs that begin at odd places to all
/// backslashes carries through those runs and so tells which runs end how.
#[inline]
fn escaped(backslashes: u64, carry: u64) -> (u64, u64) {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    let escaping = backslashes & !carry;
    let followed = escaping << 1 | carry;
    let odd_starts = escaping & !EVEN & !followed;
    let (runs, carry) = odd_starts.overflowing_add(escaping);
    ((EVEN ^ (runs << 1)) & followed, u64::from(carry))
}
