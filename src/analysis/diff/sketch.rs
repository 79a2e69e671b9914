//! Sets as 256 bits: how alike two are is read off by counting equal bits (one-bit minwise hashing).

/// Two actions that are alike have sketches that are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sketch([u64; WORDS]);

const WORDS: usize = 4;
const BITS: usize = 64 * WORDS;

impl Sketch {
    /// One bit of the least hash of all features, under each of 256 orders of them.
    pub(super) fn new(features: &[u64]) -> Sketch {
        let mut least = [u32::MAX; BITS];
        for feature in features {
            let (low, high) = (*feature as u32, (*feature >> 32) as u32);
            for (order, least) in (0_u32..).zip(&mut least) {
                // Double hashing: one addition an order, which compilers do for several at once.
                let hash = low.wrapping_add(order.wrapping_mul(high | 1));
                *least = (*least).min(hash ^ (hash >> 15));
            }
        }
        let mut words = [0; WORDS];
        for (at, least) in least.iter().enumerate() {
            // Of the least hash the high bits are nearly always 0; the low ones are as good as any.
            let bit = (least ^ (least >> 7)) & 1;
            words[at / 64] |= u64::from(bit) << (at % 64);
        }
        Sketch(words)
    }

    /// Dice of the two sets, estimated, in thousandths.
    pub(super) fn dice(&self, other: &Sketch) -> u32 {
        let pairs = self.0.iter().zip(&other.0);
        let differ: u32 = pairs.map(|(a, b)| (a ^ b).count_ones()).sum();
        // Bits of sets that share nothing are equal half of the time: jaccard = 1 - 2d/256.
        let shared = (BITS as u32).saturating_sub(2 * differ);
        2000 * shared / (BITS as u32 + shared)
    }
}
