//! Where strings end, 64 bytes at a time: one bit per byte, so that an escape costs no branch.
//!
//! Text of traces is full of escapes, and a search that stops at each of them mispredicts at each of
//! them. Here the bytes after backslashes are found by arithmetic on a word of bits, and a string is
//! left at the first *stop* only: its closing quote, or a byte that needs a look of its own.

use wide::u8x16;

const WIDTH: usize = 64;

/// The marks of 64 bytes of a record. Windows are taken one after the other, from the first byte on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// The first byte after the window.
    end: usize,
    /// Quotes that are not escaped, control characters, and escaped letters other than `n` and `t`.
    stops: u64,
    backslashes: u64,
    /// 1 when the last byte of the window escapes the first one after it.
    carry: u64,
}

/// What a scan from some byte on came to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stop {
    /// The byte to look at; the end of the record when no stop is left.
    pub(super) at: usize,
    /// Not 0 when a backslash was passed.
    pub(super) escapes: u64,
}

impl Window {
    /// Before the first byte.
    pub(super) const START: Window = Window {
        end: 0,
        stops: 0,
        backslashes: 0,
        carry: 0,
    };

    /// The first stop at or after `from`, when it is in this window.
    #[inline]
    pub(super) fn near(&self, from: usize) -> Option<Stop> {
        let left = self.end.wrapping_sub(from);
        if left.wrapping_sub(1) >= WIDTH {
            return None;
        }
        let passed = WIDTH - left;
        let stops = self.stops >> passed;
        (stops != 0).then(|| Stop {
            at: from + stops.trailing_zeros() as usize,
            escapes: (self.backslashes >> passed) & (stops & stops.wrapping_neg()).wrapping_sub(1),
        })
    }

    /// The first stop at or after `from`, which must not lie before this window.
    #[inline(never)]
    pub(super) fn find(&mut self, bytes: &[u8], from: usize) -> Stop {
        let mut escapes = 0;
        let mut from = from;
        loop {
            if from < self.end {
                if let Some(stop) = self.near(from) {
                    return Stop {
                        escapes: escapes | stop.escapes,
                        ..stop
                    };
                }
                escapes |= self.backslashes >> (WIDTH - (self.end - from));
                from = self.end;
            }
            if self.end >= bytes.len() {
                return Stop {
                    at: bytes.len(),
                    escapes,
                };
            }
            self.advance(bytes);
        }
    }

    /// Moves on by 64 bytes.
    #[inline]
    fn advance(&mut self, bytes: &[u8]) {
        let mut padded = [b' '; WIDTH];
        let window = if let Some(whole) = bytes.get(self.end..self.end + WIDTH) {
            whole.try_into().expect("64 bytes")
        } else {
            // What follows the last bytes is no mark.
            let rest = &bytes[self.end..];
            padded[..rest.len()].copy_from_slice(rest);
            &padded
        };
        let parts = parts(window);
        let [quote, backslash] = [b'"', b'\\'].map(u8x16::splat);
        let last_control = u8x16::splat(0x1f);
        let quotes = bits(parts, |part| part.simd_eq(quote));
        let controls = bits(parts, |part| part.min(last_control).simd_eq(part));
        self.backslashes = bits(parts, |part| part.simd_eq(backslash));
        self.end += WIDTH;
        self.stops = quotes | controls;
        if self.backslashes | self.carry != 0 {
            let escaped = self.escaped(self.backslashes);
            let [n, t] = [b'n', b't'].map(u8x16::splat);
            let letters = bits(parts, |part| part.simd_eq(n) | part.simd_eq(t));
            let plain = quotes | self.backslashes | letters;
            self.stops = (quotes & !escaped) | controls | (escaped & !plain);
        }
    }

    /// The bytes that a backslash comes before which is not itself escaped. In a run of backslashes
    /// every second one is escaped; adding the first bits of runs that begin at odd places to all
    /// backslashes carries through those runs and so tells which runs end how.
    #[inline]
    fn escaped(&mut self, backslashes: u64) -> u64 {
        const EVEN: u64 = 0x5555_5555_5555_5555;
        let escaping = backslashes & !self.carry;
        let followed = escaping << 1 | self.carry;
        let odd_starts = escaping & !EVEN & !followed;
        let (runs, carry) = odd_starts.overflowing_add(escaping);
        self.carry = u64::from(carry);
        (EVEN ^ (runs << 1)) & followed
    }
}

#[inline]
fn parts(bytes: &[u8; WIDTH]) -> [u8x16; 4] {
    let (parts, _) = bytes.as_chunks::<16>();
    [0, 1, 2, 3].map(|part| u8x16::new(parts[part]))
}

/// One bit for each byte of 64 that passes a test.
#[inline]
fn bits(parts: [u8x16; 4], test: impl Fn(u8x16) -> u8x16) -> u64 {
    let bits = parts.map(|part| u64::from(test(part).to_bitmask()));
    bits[0] | bits[1] << 16 | bits[2] << 32 | bits[3] << 48
}
