//! Finding lines of a source that have no action.

use memchr::{memchr, memmem, memrchr};

use crate::ingest::Source;

const BLOCK: u64 = 256 << 10;

/// Lines longer than this are not looked for.
const LONGEST: u64 = 4 << 20;

/// The last line before the offset `before` that contains `mark`: its offset and its bytes.
pub fn line_before(source: &Source, mark: &str, before: u64) -> Option<(u64, Vec<u8>)> {
    let finder = memmem::FinderRev::new(mark);
    let mut end = before;
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        // A mark across two blocks is found with the earlier one.
        let bytes = read(source, start, end + mark.len() as u64 - 1, before)?;
        if let Some(at) = finder.rfind(&bytes) {
            return whole(source, start + at as u64);
        }
        end = start;
    }
    None
}

fn read(source: &Source, start: u64, end: u64, limit: u64) -> Option<Vec<u8>> {
    let len = end.min(limit).saturating_sub(start);
    source.bytes.slice(start, len as usize).ok()
}

/// The line that contains the byte at `at`.
fn whole(source: &Source, at: u64) -> Option<(u64, Vec<u8>)> {
    let from = at.saturating_sub(LONGEST);
    let head = source.bytes.slice(from, (at - from) as usize).ok()?;
    let start = memrchr(b'\n', &head).map_or(from, |end| from + end as u64 + 1);
    let mut line = source
        .bytes
        .slice(start, (at - start + LONGEST) as usize)
        .ok()?;
    if let Some(end) = memchr(b'\n', &line) {
        line.truncate(end);
    }
    Some((start, line))
}

#[cfg(test)]
mod tests {
    use super::line_before;
    use crate::store::testing::source;

    #[test]
    fn finds_the_last_line_before_an_offset_across_blocks() {
        let filler = "x".repeat(300 << 10);
        let source = source(format!(
            "a mark 1\n{filler}\nb mark 2\n{filler}\nc mark 3\n"
        ));
        let len = source.bytes.len().expect("its length");
        let text = |found: Option<(u64, Vec<u8>)>| {
            found.map(|(at, line)| (at, String::from_utf8(line).expect("text")))
        };
        let (third, line) = text(line_before(&source, "mark", len)).expect("a line");
        assert_eq!(line, "c mark 3");
        let (second, line) = text(line_before(&source, "mark", third)).expect("a line");
        assert_eq!(line, "b mark 2");
        let first = text(line_before(&source, "mark", second));
        assert_eq!(first, Some((0, "a mark 1".to_owned())));
        assert_eq!(line_before(&source, "mark", 0), None);
        assert_eq!(line_before(&source, "other", len), None);
    }
}
