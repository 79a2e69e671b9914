//! Finding what a record needs elsewhere in its source: values that it refers to, and the record around it.

use memchr::{memmem, memrchr};
use serde_json::Value;

use crate::ingest::Source;
use crate::ingest::json;
use crate::model::action::Place;

const BLOCK: u64 = 256 << 10;

/// Search limit in bytes, in both directions.
const FURTHEST: u64 = 1 << 30;

/// The longest rest of a record after a place inside it.
const LONGEST_REST: usize = 64 << 20;

/// How many object beginnings before the mark of a record are tried.
const OBJECTS_BEFORE: usize = 8;

/// How far to search, and how much to read of what is found; both in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Reach {
    pub far: u64,
    pub limit: usize,
}

impl Reach {
    pub const ALL: Reach = Reach {
        far: FURTHEST,
        limit: usize::MAX,
    };
}

/// Sources up to this size are indexed even for one line of a list; later lines find the index ready.
const QUICKLY_INDEXED: u64 = 128 << 20;

/// The value of a content-addressed member (named after a hash of its value). A list does not wait until a
/// huge source is indexed: then the member is only searched for after the offset `from`.
pub fn member(source: &Source, name: &str, (from, reach): (u64, Reach)) -> Option<Value> {
    let is_quick = || source.bytes.len().is_ok_and(|len| len <= QUICKLY_INDEXED);
    if reach.far < FURTHEST && !source.aside.is_read() && !is_quick() {
        return member_behind(source, name, from, reach);
    }
    match source.aside.find(name, &source.bytes, source.format) {
        Ok(at) => value_at(source, at, reach.limit).map(|(value, _)| value),
        Err(read) => member_behind(source, name, read, reach),
    }
}

/// The value of the next member with this name after the offset `from`.
pub fn member_behind(source: &Source, name: &str, from: u64, reach: Reach) -> Option<Value> {
    let key = format!("\"{name}\"");
    let finder = memmem::Finder::new(&key);
    let mut at = from;
    while at < from.saturating_add(reach.far) {
        let bytes = source.bytes.slice(at, BLOCK as usize + key.len()).ok()?;
        for found in finder.find_iter(&bytes) {
            let behind = at + (found + key.len()) as u64;
            if let Some(value) = colon(source, behind) {
                return value_at(source, value, reach.limit).map(|(value, _)| value);
            }
        }
        if (bytes.len() as u64) < BLOCK {
            return None;
        }
        at += BLOCK;
    }
    None
}

/// The smallest object that encloses a place and whose member `name` is `value`.
pub fn record_around(
    source: &Source,
    (name, value): (&str, &str),
    place: Place,
) -> Option<(u64, Value)> {
    let key = format!("\"{name}\"");
    let finder = memmem::FinderRev::new(&key);
    let end = place.offset + u64::from(place.len);
    let holds = |offset: u64| {
        // An object that ends much later is not the record but the whole file.
        let limit = usize::try_from(end.checked_sub(offset)?).ok()?;
        let (record, len) = value_at(source, offset, limit.saturating_add(LONGEST_REST))?;
        let is_it = record.get(name).and_then(Value::as_str) == Some(value);
        (is_it && offset + len >= end).then_some((offset, record))
    };
    let mut until = place.offset;
    while until > 0 && place.offset - until < FURTHEST {
        let start = until.saturating_sub(BLOCK);
        // A key across two blocks is found with the earlier one.
        let len = (until - start) as usize + key.len();
        let bytes = source.bytes.slice(start, len).ok()?;
        for found in finder.rfind_iter(&bytes) {
            let behind = start + (found + key.len()) as u64;
            let is_value = colon(source, behind).is_some_and(|at| {
                let found = value_at(source, at, value.len() + 2);
                found.is_some_and(|(found, _)| found == value)
            });
            let found = is_value.then(|| beginnings(source, start + found as u64));
            if let Some(record) = found.into_iter().flatten().find_map(holds) {
                return Some(record);
            }
        }
        until = start;
    }
    None
}

/// The longest chain of requests, each recorded as a difference from the one before.
const LONGEST_CHAIN: usize = 1000;

/// Completes a request that is recorded as a difference from an earlier one, which may be a difference itself. Without
/// its base a record stays as it is.
pub fn rebase(source: &Source, record: &mut Value, at: u64) {
    let format = source.format;
    let mut chain = Vec::new();
    let mut before = at;
    loop {
        let told = chain.last().unwrap_or(&*record);
        let Some(base) = format.base(told) else {
            break;
        };
        let is_base = |earlier: &Value| format.is_base(earlier, told);
        let found = line_before(source, ("id", base), before, &is_base);
        match found {
            Some((offset, earlier)) if chain.len() < LONGEST_CHAIN => {
                before = offset;
                chain.push(earlier);
            }
            Some(_) | None => return,
        }
    }
    let mut whole = chain.pop();
    while let (Some(base), Some(mut next)) = (whole.as_ref(), chain.pop()) {
        format.rebase(&mut next, base);
        whole = Some(next);
    }
    if let Some(base) = whole {
        format.rebase(record, &base);
    }
}

/// The last line before an offset whose member `name` is `value`, and that `is_it` accepts.
fn line_before(
    source: &Source,
    (name, value): (&str, &str),
    before: u64,
    is_it: &dyn Fn(&Value) -> bool,
) -> Option<(u64, Value)> {
    let wanted = Value::from(value);
    let needle = wanted.to_string();
    let key = format!("\"{name}\"");
    let finder = memmem::FinderRev::new(&needle);
    let mut until = before;
    while until > 0 && before - until < FURTHEST {
        let start = until.saturating_sub(BLOCK);
        let len = (until - start) as usize + needle.len();
        let bytes = source.bytes.slice(start, len).ok()?;
        for found in finder.rfind_iter(&bytes) {
            let at = start + found as u64;
            if at >= before || !follows(source, &key, at) {
                continue;
            }
            let Some(line) = line_start(source, at) else {
                continue;
            };
            let record = value_at(source, line, usize::MAX).map(|(record, _)| record);
            if let Some(record) = record.filter(|it| it.get(name) == Some(&wanted) && is_it(it)) {
                return Some((line, record));
            }
        }
        until = start;
    }
    None
}

/// Whether a value at an offset is that of this key.
fn follows(source: &Source, key: &str, at: u64) -> bool {
    let start = at.saturating_sub(64);
    let bytes = source.bytes.slice(start, (at - start) as usize);
    let bytes = bytes.unwrap_or_default();
    let before = bytes.trim_ascii_end().strip_suffix(b":");
    before.is_some_and(|it| it.trim_ascii_end().ends_with(key.as_bytes()))
}

/// Where the line of an offset begins.
fn line_start(source: &Source, at: u64) -> Option<u64> {
    let mut until = at;
    while until > 0 {
        let start = until.saturating_sub(BLOCK);
        let bytes = source.bytes.slice(start, (until - start) as usize).ok()?;
        if let Some(end) = memrchr(b'\n', &bytes) {
            return Some(start + end as u64 + 1);
        }
        until = start;
    }
    Some(0)
}

/// Offsets of objects that begin before a member, the nearest first.
fn beginnings(source: &Source, member: u64) -> impl Iterator<Item = u64> {
    let start = member.saturating_sub(BLOCK);
    let bytes = source.bytes.slice(start, (member - start) as usize);
    let bytes = bytes.unwrap_or_default();
    let mut end = bytes.len();
    let begins = std::iter::from_fn(move || {
        end = memrchr(b'{', &bytes[..end])?;
        Some(start + end as u64)
    });
    begins.take(OBJECTS_BEFORE)
}

/// The offset of the value, if a colon comes next.
fn colon(source: &Source, at: u64) -> Option<u64> {
    let bytes = source.bytes.slice(at, 64).ok()?;
    let is_space = |byte: &u8| byte.is_ascii_whitespace();
    let colon = bytes.iter().position(|byte| !is_space(byte))?;
    let behind = bytes.get(colon + 1..).filter(|_| bytes[colon] == b':')?;
    let value = behind.iter().position(|byte| !is_space(byte))?;
    Some(at + (colon + 1 + value) as u64)
}

/// The value at an offset and its length; only the head of one that is longer than `limit`.
fn value_at(source: &Source, at: u64, limit: usize) -> Option<(Value, u64)> {
    let mut len = (BLOCK as usize).min(limit);
    loop {
        let bytes = source.bytes.slice(at, len).ok()?;
        let mut values = serde_json::Deserializer::from_slice(&bytes).into_iter::<Value>();
        match values.next()? {
            Ok(value) => return Some((value, values.byte_offset() as u64)),
            Err(error) if error.is_eof() && bytes.len() == len && len < limit => {
                len = len.saturating_mul(4).min(limit);
            }
            Err(error) if error.is_eof() => {
                return json::value_head(&bytes).map(|value| (value, bytes.len() as u64));
            }
            Err(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::store::testing::source;

    #[test]
    fn finds_a_member_anywhere_after_a_record() {
        let filler = "x".repeat(400 << 10);
        let source = source(format!(
            r#"{{"a":"see b7","filler":"{filler}","said":"\"b7\": no","b7" : "{filler}!","c":1}}"#
        ));
        let found = member_behind(&source, "b7", 5, Reach::ALL).expect("the member");
        assert_eq!(found.as_str().map(str::len), Some(filler.len() + 1));
        let near = Reach {
            far: 1000,
            limit: usize::MAX,
        };
        assert_eq!(member_behind(&source, "b7", 5, near), None);
        let head = Reach {
            far: u64::MAX / 2,
            limit: 100,
        };
        let found = member_behind(&source, "b7", 5, head).expect("its head");
        assert!(
            found
                .as_str()
                .is_some_and(|text| text.starts_with("xx") && text.len() < 100)
        );
        assert_eq!(member_behind(&source, "d", 5, Reach::ALL), None);
    }

    #[test]
    fn the_record_around_a_place_is_the_smallest_enclosing_one() {
        let text = r#"[{"event":"model","n":1},{"id":{"x":2},"event": "model","n":2,"input":[{"event":"model"}],"output":{"said":"HERE"}}]"#;
        let offset = text.find("\"HERE").expect("it") as u64;
        let place = Place {
            offset,
            len: 6,
            ..Place::NONE
        };
        let source = source(text.to_owned());
        let (_, found) = record_around(&source, ("event", "model"), place).expect("a record");
        assert_eq!(found["n"], json!(2));
        assert!(record_around(&source, ("event", "tool"), place).is_none());
    }
}
