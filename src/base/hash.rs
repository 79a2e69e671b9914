//! A hash that never changes, for what is written to files and compared by later versions.

/// FNV-1a, 64 bits.
pub fn fixed_hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_have_the_published_hashes() {
        assert_eq!(fixed_hash(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fixed_hash(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
