//! Pseudo-random numbers that depend on nothing but the seed.

/// `SplitMix64` (Steele, Lea, Flood 2014): small, portable, and good enough to shuffle with.
#[derive(Debug, Clone)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    pub fn new(seed: u64) -> SplitMix64 {
        SplitMix64(seed)
    }

    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, by multiply and shift. The bias is below 2⁻⁴⁰ for bounds below 2²⁴.
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }
}

/// Coin flips: the bits of each number, lowest first, 64 per number.
#[derive(Debug)]
pub struct Coins<'a> {
    random: &'a mut SplitMix64,
    bits: u64,
    left: u32,
}

impl Coins<'_> {
    /// Starts with a fresh number.
    pub fn new(random: &mut SplitMix64) -> Coins<'_> {
        Coins {
            random,
            bits: 0,
            left: 0,
        }
    }

    pub fn flip(&mut self) -> bool {
        if self.left == 0 {
            self.bits = self.random.next_u64();
            self.left = 64;
        }
        let heads = self.bits & 1 == 1;
        self.bits >>= 1;
        self.left -= 1;
        heads
    }
}
