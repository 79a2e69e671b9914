//! Finding lines of a source that have no action.

use memchr::{memchr, memmem, memrchr};

use crate::ingest::Source;

const BLOCK: u64 = 256 << 10;

/// Lines longer than this are not looked for.
const LONGEST: u64 = 4 << 20;

/// Hands every line that contains `mark` to `each` with its offset, in order, until that says `false`.
pub fn each_line(source: &Source, mark: &str, mut each: impl FnMut(u64, &[u8]) -> bool) {
    let finder = memmem::Finder::new(mark);
    let (mut pending, mut start, mut at) = (Vec::new(), 0, 0);
    while let Ok(bytes) = source.bytes.slice(at, BLOCK as usize) {
        let is_end = bytes.is_empty();
        at += bytes.len() as u64;
        pending.extend_from_slice(&bytes);
        let whole = match memrchr(b'\n', &pending) {
            Some(end) => end + 1,
            None if is_end => pending.len(),
            None => continue,
        };
        let mut offset = start;
        for line in pending[..whole].split_inclusive(|byte| *byte == b'\n') {
            if finder.find(line).is_some() && !each(offset, line) {
                return;
            }
            offset += line.len() as u64;
        }
        pending.drain(..whole);
        start += whole as u64;
        if is_end && pending.is_empty() {
            return;
        }
    }
}

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
    use super::{each_line, line_before};
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

    #[test]
    fn finds_every_line_with_a_mark_across_blocks() {
        let filler = "x".repeat(300 << 10);
        let source = source(format!("mark 1\n{filler}\nno\na mark 2\n{filler}\nmark 3"));
        let mut found = Vec::new();
        each_line(&source, "mark", |at, line| {
            found.push((at, String::from_utf8_lossy(line).trim().to_owned()));
            true
        });
        let far = filler.len() as u64;
        let expected = [
            (0, "mark 1"),
            (far + 11, "a mark 2"),
            (2 * far + 21, "mark 3"),
        ];
        let expected: Vec<_> = expected.map(|(at, line)| (at, line.to_owned())).to_vec();
        assert_eq!(found, expected);
        let mut count = 0;
        each_line(&source, "mark", |_, _| {
            count += 1;
            false
        });
        assert_eq!(count, 1);
    }
}
