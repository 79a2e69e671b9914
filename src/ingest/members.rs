//! Byte-offset index of the content-addressed members of a source: texts that are stored once, under a
//! hash, and referred to by records.

use std::collections::HashMap;
use std::sync::OnceLock;

use memchr::{memchr_iter, memrchr};

use crate::ingest::assemble::hash;
use crate::ingest::bytes::Bytes;
use crate::ingest::format::Format;

const BLOCK: usize = 1 << 20;

/// The longest member name, with its quotes and the space before the colon.
const LONGEST: usize = 64;

/// The offsets of such members, collected on the first lookup. Only offsets are kept, not values.
#[derive(Debug, Default)]
pub struct MemberIndex(OnceLock<Index>);

#[derive(Debug)]
struct Index {
    /// Offsets after the colon, by the hashes of the names.
    places: HashMap<u64, u64>,
    /// How much of the source was indexed.
    len: u64,
}

impl MemberIndex {
    /// Whether the index has been built.
    pub fn is_read(&self) -> bool {
        self.0.get().is_some()
    }

    /// The offset of a member's value, or the offset from which it may have been appended since.
    pub fn find(&self, name: &str, bytes: &Bytes, format: &dyn Format) -> Result<u64, u64> {
        let index = self.0.get_or_init(|| read(bytes, format));
        let place = index.places.get(&hash(name.as_bytes()));
        place.copied().ok_or(index.len)
    }
}

fn read(bytes: &Bytes, format: &dyn Format) -> Index {
    let mut places = HashMap::new();
    let mut buffer = vec![0; LONGEST + BLOCK];
    let mut len: u64 = 0;
    let mut kept = 0;
    while let Ok(read @ 1..) = bytes.read_at(&mut buffer[kept..], len) {
        let block = &buffer[..kept + read];
        let start = len - kept as u64;
        for colon in memchr_iter(b':', &block[kept..]) {
            let colon = kept + colon;
            if let Some(name) = name(&block[..colon]).filter(|name| format.refers_to(name)) {
                places.insert(hash(name), start + colon as u64 + 1);
            }
        }
        len += read as u64;
        let end = kept + read;
        kept = end.min(LONGEST);
        buffer.copy_within(end - kept..end, 0);
    }
    Index { places, len }
}

/// The name of the member whose colon comes next.
fn name(before: &[u8]) -> Option<&[u8]> {
    let near = &before[before.len().saturating_sub(LONGEST)..];
    let inner = near.trim_ascii_end().strip_suffix(b"\"")?;
    let begin = memrchr(b'"', inner)?;
    Some(&inner[begin + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::formats::inspect::Inspect;

    #[test]
    fn members_are_found_across_block_boundaries() {
        let hashes = [
            "8af05366093e4c6869bca2eb8ec58fd6",
            "463777a091c1f1d51bd40c4824a48142",
        ];
        // The second name crosses a block boundary.
        let filler = "x".repeat(LONGEST + BLOCK - 60);
        let text = format!(
            r#"{{"{}" : "{filler}","{}":"b","b":"{}"}}"#,
            hashes[0],
            hashes[1],
            "0".repeat(32)
        );
        let bytes = Bytes::Static(Box::leak(text.clone().into_bytes().into_boxed_slice()));
        let aside = MemberIndex::default();
        for hash in hashes {
            let split = text.split_once(hash).expect("it is there");
            let colon = split.1.find(':').expect("a colon");
            let place = split.0.len() + hash.len() + colon + 1;
            let found = aside.find(hash, &bytes, &Inspect).ok();
            assert_eq!(found, Some(place as u64));
        }
        let none = aside.find(&"0".repeat(32), &bytes, &Inspect);
        assert_eq!(none, Err(text.len() as u64));
    }
}
