//! The result of a test for one chunk: one bit per row.

use std::ops::{BitAnd, BitAndAssign, BitOr, BitOrAssign, Range};

use crate::model::chunk::CHUNK_ROWS;

const WORDS: usize = CHUNK_ROWS / 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bits([u64; WORDS]);

impl Bits {
    pub const NONE: Bits = Bits([0; WORDS]);

    /// A range of rows, cut off at [`CHUNK_ROWS`].
    pub fn range(rows: Range<usize>) -> Bits {
        let mut bits = Bits::NONE;
        for (number, word) in bits.0.iter_mut().enumerate() {
            let first = number * 64;
            let from = rows.start.clamp(first, first + 64) - first;
            let to = rows.end.clamp(first, first + 64) - first;
            if from < to {
                *word = (u64::MAX >> (64 - (to - from))) << from;
            }
        }
        bits
    }

    /// One bit per value of a column. Vectorises if `test` is a plain comparison: results are
    /// written as bytes first, then packed eight at a time.
    pub fn of<T: Copy>(column: &[T], test: impl Fn(T) -> bool) -> Bits {
        let mut bits = Bits::NONE;
        let (blocks, rest) = column.as_chunks::<64>();
        for (word, block) in bits.0.iter_mut().zip(blocks) {
            let mut answers = [0_u8; 64];
            for (answer, value) in answers.iter_mut().zip(block) {
                *answer = u8::from(test(*value));
            }
            *word = gather(&answers);
        }
        if let Some(word) = bits.0.get_mut(blocks.len()) {
            for (number, value) in rest.iter().enumerate() {
                *word |= u64::from(test(*value)) << number;
            }
        }
        bits
    }

    pub fn get(&self, row: usize) -> bool {
        self.0
            .get(row / 64)
            .is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    /// Sets the bit of a row.
    pub fn set(&mut self, row: usize) {
        self.0[row / 64] |= 1 << (row % 64);
    }

    pub fn is_empty(&self) -> bool {
        self.0.iter().fold(0, |all, word| all | word) == 0
    }

    pub fn count(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// The rows of `self` that are not in `other`.
    #[must_use]
    pub fn without(mut self, other: &Bits) -> Bits {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= !other;
        }
        self
    }

    /// The rows whose bit is set, in ascending order.
    pub fn rows(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().flat_map(|(number, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros() as usize;
                left &= left.wrapping_sub(1);
                (bit < 64).then_some(number * 64 + bit)
            })
        })
    }
}

/// Packs eight bytes of 0 or 1 into eight bits with one multiplication that shifts each into place.
fn gather(answers: &[u8; 64]) -> u64 {
    let (eights, _) = answers.as_chunks::<8>();
    eights.iter().enumerate().fold(0, |word, (number, eight)| {
        let byte = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        word | byte << (number * 8)
    })
}

impl BitAndAssign<&Bits> for Bits {
    fn bitand_assign(&mut self, other: &Bits) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= other;
        }
    }
}

impl BitOrAssign<&Bits> for Bits {
    fn bitor_assign(&mut self, other: &Bits) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }
}

impl BitAnd<&Bits> for Bits {
    type Output = Bits;

    fn bitand(mut self, other: &Bits) -> Bits {
        self &= other;
        self
    }
}

impl BitOr<&Bits> for Bits {
    type Output = Bits;

    fn bitor(mut self, other: &Bits) -> Bits {
        self |= other;
        self
    }
}
