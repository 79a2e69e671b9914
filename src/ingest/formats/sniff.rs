//! Identifies the format of a source, from its content alone.

use std::path::Path;

use serde_json::Value;

use super::{FORMATS, all, any_json, by_name, declared};
use crate::ingest::bytes::Bytes;
use crate::ingest::error::Error;
use crate::ingest::format::Format;
use crate::ingest::json;
use crate::ingest::records::limits::{BOM, LARGEST_DOCUMENT};
use crate::ingest::records::{Framing, document};

/// How many records are examined: preambles may push the first telling one far down.
const RECORDS: usize = 60;
/// How many bytes are examined at most.
const HEAD: usize = 4 << 20;
/// How many bytes are examined first: enough for most files.
const GLANCE: usize = 128 << 10;

/// The format of a source, or why it is not a trace. `forced` skips the detection; `anything` takes unknown
/// content as lines.
pub fn identify(
    path: &Path,
    bytes: &Bytes,
    forced: Option<&'static dyn Format>,
    anything: bool,
) -> Result<(&'static dyn Format, Framing), Error> {
    // A scattered run is recognized by its path: nothing needs to be opened.
    if let Bytes::Scattered(files) = bytes {
        let known = || by_name(files.format).unwrap_or(&any_json::AnyJson);
        return Ok((forced.unwrap_or_else(known), Framing::Lines));
    }
    let name = || path.to_string_lossy().into_owned();
    let read = |len| {
        bytes.slice(0, len).map_err(|source| Error::Read {
            path: name(),
            source,
        })
    };
    let mut head = read(GLANCE)?;
    if !head.is_empty() && bytes.is_empty().unwrap_or(false) {
        let what = "has no size (a file of the kernel?); read it with `cat FILE | saferun-tui -`";
        return Err(Error::NotATrace {
            path: name(),
            what: what.to_owned(),
        });
    }
    let mut found = look(&head);
    if found.records.len() < RECORDS && found.best().is_none() && head.len() == GLANCE {
        head = read(HEAD)?;
        found = look(&head);
    }
    let framing = found.framing;
    let format = forced.or(found.best());
    // An archive may contain readable lines, but it is still an archive.
    let refused = if anything {
        None
    } else {
        magic(&head)
            .or_else(|| binary(&head).filter(|_| found.records.is_empty() && found.whole.is_none()))
    };
    if let (None, Some(what)) = (forced, refused) {
        return Err(Error::NotATrace {
            path: name(),
            what: what.to_owned(),
        });
    }
    let in_pieces = format.is_some_and(|format| format.lists().is_some());
    let size = match framing {
        Framing::Document if !in_pieces => bytes.len().unwrap_or(0),
        Framing::Lines | Framing::Document => 0,
    };
    if size > LARGEST_DOCUMENT {
        return Err(Error::NotATrace {
            path: name(),
            what: format!(
                "one JSON document of {size} bytes (the limit is {LARGEST_DOCUMENT}); make it JSON Lines first (jq -c '.[]')"
            ),
        });
    }
    Ok((format.unwrap_or(&any_json::AnyJson), framing))
}

/// With this much confidence in a record no other format is possible.
const SURE: u8 = 40;

struct Found {
    framing: Framing,
    records: Vec<Value>,
    /// The format of the document as a whole.
    whole: Option<&'static dyn Format>,
}

impl Found {
    /// The format with the most confidence in the records. Declared formats are asked if no built-in one is
    /// sure.
    fn best(&self) -> Option<&'static dyn Format> {
        if self.whole.is_some() {
            return self.whole;
        }
        let records = |format: &dyn Format| {
            self.records
                .iter()
                .map(|record| u32::from(format.sniff(record)))
                .sum::<u32>()
        };
        let built_in = surest(FORMATS, records);
        let sure = u32::from(SURE) * self.records.len() as u32;
        match built_in {
            Some((score, format)) if score >= sure => Some(format),
            _ => surest(declared(), records)
                .or(built_in)
                .map(|(_, format)| format),
        }
    }
}

/// The format with the best score; of equals the first.
fn surest(
    formats: &[&'static dyn Format],
    score: impl Fn(&dyn Format) -> u32,
) -> Option<(u32, &'static dyn Format)> {
    let scored = formats.iter().map(|&format| (score(format), format));
    // max_by_key would return the last of equals.
    scored
        .rev()
        .max_by_key(|(score, _)| *score)
        .filter(|(score, _)| *score > 0)
}

/// The format of a document that is not lines: one value, or values that ignore line boundaries.
fn whole(head: &[u8], first: &[u8], has_more: bool) -> Option<&'static dyn Format> {
    let is_line = has_more && json::check(first.trim_ascii()).is_ok();
    if is_line || !matches!(first.trim_ascii_start().first(), Some(b'[' | b'{')) {
        return None;
    }
    let document = json::value_head(head)?;
    let (score, format) = surest(FORMATS, |format| {
        u32::from(format.sniff_document(&document))
    })?;
    let is_declared = || declared().iter().any(|it| it.sniff(&document) > 0);
    (score >= u32::from(SURE) || !is_declared()).then_some(format)
}

fn look(head: &[u8]) -> Found {
    let head = head.strip_prefix(BOM).unwrap_or(head);
    let lines = head
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.trim_ascii().is_empty());
    let first = lines.clone().next().unwrap_or_default();
    let begins = first.trim_ascii_start().first().copied();
    let whole = whole(head, first, lines.clone().nth(1).is_some());
    if whole.is_some() {
        return Found {
            framing: Framing::Document,
            records: Vec::new(),
            whole,
        };
    }
    let mut records: Vec<Value> = lines
        .filter_map(json::value)
        .filter(Value::is_object)
        .take(RECORDS)
        .collect();
    if matches!(begins, Some(b'[' | b'{' | 0x1e)) {
        let found = document::find(head);
        // An object on a line of its own is a record. A bracket that is not closed on its line may begin a
        // document or be a malformed line: the interpretation that finds more records wins.
        let one_line = json::check(first.trim_ascii()).is_ok();
        // The telling part of a document may be what surrounds its records.
        let is_whole = begins == Some(b'{') && (found.wrapped || !one_line);
        if let Some(whole) = json::value_head(head).filter(|_| is_whole)
            && all().any(|format| format.takes_whole() && format.sniff(&whole) >= SURE)
        {
            return Found {
                framing: Framing::Document,
                records: vec![whole],
                whole: None,
            };
        }
        if found.wrapped || !one_line && found.records.len() > records.len() {
            let ranges = found.records.iter().take(RECORDS);
            return Found {
                framing: Framing::Document,
                records: ranges
                    .filter_map(|range| json::value(&head[range.start..range.end]))
                    .collect(),
                whole: None,
            };
        }
    }
    if records.is_empty() && head.len() >= GLANCE - BOM.len() {
        // The first line is longer than what was read.
        records.extend(json::value_head(first).filter(Value::is_object));
    }
    Found {
        framing: Framing::Lines,
        records,
        whole: None,
    }
}

/// What the first bytes say about a file that is not a trace, and what to do about it.
fn magic(head: &[u8]) -> Option<&'static str> {
    const MAGIC: &[(&[u8], &str)] = &[
        (
            b"\x1f\x8b",
            "compressed with gzip; unpack it first (gunzip -k)",
        ),
        (
            b"\x28\xb5\x2f\xfd",
            "compressed with zstd; unpack it first (zstd -d)",
        ),
        (
            b"\xfd7zXZ\0",
            "compressed with xz; unpack it first (xz -dk)",
        ),
        (
            b"BZh",
            "compressed with bzip2; unpack it first (bunzip2 -k)",
        ),
        (
            b"PK\x03\x04",
            "a zip archive, but not an Inspect AI log; unpack it first (unzip)",
        ),
        (b"\x7fELF", "a program, not a trace"),
        (b"\x89PNG", "a picture, not a trace"),
        (
            b"\xff\xfe",
            "text in UTF-16 or UTF-32; convert it first (iconv -t UTF-8)",
        ),
        (
            b"\xfe\xff",
            "text in UTF-16; convert it first (iconv -t UTF-8)",
        ),
    ];
    if head.starts_with(b"SQLite format 3\0") {
        return Some(database(head));
    }
    MAGIC
        .iter()
        .find(|(magic, _)| head.starts_with(magic))
        .map(|(_, what)| *what)
}

/// Which program an SQLite database belongs to, by the names of its tables, and how to export it.
fn database(head: &[u8]) -> &'static str {
    const STORES: &[(&str, &str)] = &[
        (
            "CREATE TABLE `session`",
            "an SQLite store of OpenCode; export a session first (opencode export SESSION > session.json)",
        ),
        (
            "CREATE TABLE blobs",
            "an SQLite store of Cursor; its transcripts are in ~/.cursor/projects/*/agent-transcripts",
        ),
        (
            "CREATE TABLE sessions",
            "an SQLite store of Goose; export a session first (goose session export --format json)",
        ),
        (
            "CREATE TABLE checkpoints",
            "an SQLite store of LangGraph; write out get_state_history() as JSON first",
        ),
    ];
    let found = STORES
        .iter()
        .find(|(table, _)| memchr::memmem::find(head, table.as_bytes()).is_some());
    found.map_or(
        "an SQLite database; export its sessions as JSON Lines first",
        |(_, what)| what,
    )
}

/// What a file without a single record looks like, if it is not text.
fn binary(head: &[u8]) -> Option<&'static str> {
    let start = &head[..head.len().min(4096)];
    let every_other = |from: usize| start.iter().take(8).skip(from).step_by(2);
    if start.len() >= 8
        && every_other(0).all(|&byte| byte != 0)
        && every_other(1).all(|&byte| byte == 0)
    {
        return Some("text in UTF-16; convert it first (iconv -f UTF-16LE -t UTF-8)");
    }
    let nuls = memchr::memchr_iter(0, start).count();
    let is_text =
        std::str::from_utf8(start).map_or_else(|error| error.error_len().is_none(), |_| true);
    (nuls > 0 && nuls < start.len() || !is_text).then_some("binary data, not a trace")
}
