//! Sketches of sets in 256 bits: similarity is estimated by counting equal bits (one-bit minwise
//! hashing).

/// Similar sets have similar sketches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sketch([u64; WORDS]);

const WORDS: usize = 4;
const BITS: usize = 64 * WORDS;

impl Sketch {
    /// One bit of the minimum hash of all features, under each of 256 permutations.
    pub(super) fn new(features: &[u64]) -> Sketch {
        let mut least = [u32::MAX; BITS];
        for feature in features {
            let (low, high) = (*feature as u32, (*feature >> 32) as u32);
            for (order, least) in (0_u32..).zip(&mut least) {
                // Double hashing: one addition per permutation, which compilers vectorise.
                let hash = low.wrapping_add(order.wrapping_mul(high | 1));
                *least = (*least).min(hash ^ (hash >> 15));
            }
        }
        let mut words = [0; WORDS];
        for (at, least) in least.iter().enumerate() {
            // The high bits of a minimum are nearly always 0, so take a low one.
            let bit = (least ^ (least >> 7)) & 1;
            words[at / 64] |= u64::from(bit) << (at % 64);
        }
        Sketch(words)
    }

    /// The estimated Dice coefficient of the two sets, in thousandths.
    pub(super) fn dice(&self, other: &Sketch) -> u32 {
        let pairs = self.0.iter().zip(&other.0);
        let differ: u32 = pairs.map(|(a, b)| (a ^ b).count_ones()).sum();
        // Bits of disjoint sets agree half of the time: Jaccard = 1 − 2d/256.
        let shared = (BITS as u32).saturating_sub(2 * differ);
        2000 * shared / (BITS as u32 + shared)
    }
}
