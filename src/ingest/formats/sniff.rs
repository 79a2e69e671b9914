//! Identifies the format of a source, from its content alone.

mod magic;
mod strangers;
mod weigh;

use std::path::Path;

use serde_json::Value;

use super::{all, any_json, by_name};
use crate::ingest::bytes::Bytes;
use crate::ingest::error::Error;
use crate::ingest::format::Format;
use crate::ingest::json;
use crate::ingest::records::limits::{BOM, LARGEST_DOCUMENT};
use crate::ingest::records::{Framing, document};

use magic::{binary, magic};
use weigh::{SURE, whole};
pub use weigh::{SampledHead, Weighed};

/// How many records are examined: preambles may push the first telling one far down.
const RECORDS: usize = 60;
/// How many bytes are examined at most.
const HEAD: usize = 4 << 20;
/// How many bytes are examined first: enough for most files.
const GLANCE: usize = 128 << 10;

/// How a source is to be read.
#[derive(Debug, Clone, Copy)]
pub struct ReadAs {
    pub format: &'static dyn Format,
    pub framing: Framing,
    /// What a reader should know about a format that was detected.
    pub caveat: Option<Caveat>,
}

impl ReadAs {
    pub fn of(self) -> (&'static dyn Format, Framing) {
        (self.format, self.framing)
    }
}

/// Why a detected format is not the whole truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caveat {
    /// Records of another format, or of several, are among those that were examined.
    Mixed,
    /// The trace of a program whose format has no reader: the words say which.
    Stranger(&'static str),
    /// Not a trace but a list of traces, or what a program keeps beside them.
    Index(&'static str),
}

/// The format of a source, or why it is not a trace. `forced` skips the detection; `anything` takes unknown
/// content as lines.
pub fn identify(
    path: &Path,
    bytes: &Bytes,
    forced: Option<&'static dyn Format>,
    anything: bool,
) -> Result<ReadAs, Error> {
    // A run made of many files or of rows is recognised before it is opened.
    let made_for = match bytes {
        Bytes::Scattered(files) => Some(files.format),
        Bytes::Stored(session) => Some(session.format()),
        Bytes::Converted(made) => Some(made.format),
        Bytes::File(_)
        | Bytes::Memory(_)
        | Bytes::Packed(_)
        | Bytes::Archive(_)
        | Bytes::Live(_)
        | Bytes::Static(_) => None,
    };
    if let Some(name) = made_for {
        let known = || by_name(name).unwrap_or(&any_json::AnyJson);
        return Ok(ReadAs {
            format: forced.unwrap_or_else(known),
            framing: Framing::Lines,
            caveat: None,
        });
    }
    by_content(path, bytes, forced, anything).map(|(read_as, _)| read_as)
}

/// As [`identify`], with what was examined.
fn by_content(
    path: &Path,
    bytes: &Bytes,
    forced: Option<&'static dyn Format>,
    anything: bool,
) -> Result<(ReadAs, SampledHead), Error> {
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
    if found.records.len() < RECORDS && !found.is_claimed() && head.len() == GLANCE {
        head = read(HEAD)?;
        found = look(&head);
    }
    let framing = found.framing;
    let best = found.best();
    let format = forced.or(best);
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
    let read_as = ReadAs {
        format: format.unwrap_or(&any_json::AnyJson),
        framing,
        caveat: match forced {
            Some(_) => None,
            None => found.caveat(best),
        },
    };
    Ok((read_as, found))
}

/// How many bytes usually show whether a file in a folder is a trace.
const PEEK: usize = 16 << 10;

/// Whether a file holds JSON that no format claims and that no agent is known to write.
pub fn is_other_json(path: &Path, bytes: &Bytes) -> bool {
    let claimed = |head: &[u8]| look(head).is_claimed();
    if bytes.slice(0, PEEK).is_ok_and(|head| claimed(&head)) {
        return false;
    }
    let Ok((read_as, found)) = by_content(path, bytes, None, false) else {
        return false;
    };
    let is_other = read_as.format.name() == any_json::AnyJson.name();
    match read_as.caveat {
        _ if !is_other => false,
        Some(Caveat::Mixed | Caveat::Stranger(_)) => false,
        Some(Caveat::Index(_)) => true,
        None => !found.records.is_empty(),
    }
}

/// What is weighed to find the format of a source.
pub fn examine(path: &Path, bytes: &Bytes) -> Result<SampledHead, Error> {
    let head = bytes.slice(0, HEAD).map_err(|source| Error::Read {
        path: path.to_string_lossy().into_owned(),
        source,
    })?;
    Ok(look(&head))
}

fn look(head: &[u8]) -> SampledHead {
    let head = head.strip_prefix(BOM).unwrap_or(head);
    let lines = head
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.trim_ascii().is_empty());
    let first = lines.clone().next().unwrap_or_default();
    let begins = first.trim_ascii_start().first().copied();
    let whole = whole(head, first, lines.clone().nth(1).is_some());
    if whole.is_some() {
        return SampledHead {
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
            return SampledHead {
                framing: Framing::Document,
                records: vec![whole],
                whole: None,
            };
        }
        if found.wrapped || !one_line && found.records.len() > records.len() {
            let ranges = found.records.iter().take(RECORDS);
            return SampledHead {
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
    SampledHead {
        framing: Framing::Lines,
        records,
        whole: None,
    }
}
