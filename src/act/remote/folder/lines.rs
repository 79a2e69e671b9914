//! The records of the folder and of the current pull, by their places.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::ops::Range as Span;
use std::os::unix::fs::FileExt;

use super::disk::Disk;
use super::journal::Range;
use crate::act::remote::record::{Meta, Reader};
use crate::base::hash::fixed_hash;

/// Where a record is, with its line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// The position of its file in the cursor; none if it was just read.
    pub(super) file: Option<usize>,
    pub(super) at: u64,
    pub(super) len: u64,
}

#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) place: Place,
    /// Equal for equal bytes.
    pub(super) hash: u64,
    pub(super) meta: Meta,
}

/// Records that were read and not yet committed, in a file without a name: after a kill it is gone.
#[derive(Debug)]
pub(in crate::act::remote) struct Spool {
    file: File,
    pub(super) lines: Vec<Line>,
    len: u64,
    /// Its last bytes, which are not in the file yet: single records are too small to be written one by one.
    pending: Vec<u8>,
}

/// How many bytes are written at a time.
const BLOCK: usize = 1 << 20;

impl Spool {
    pub(super) fn new(file: File) -> Spool {
        Spool {
            file,
            lines: Vec::new(),
            len: 0,
            pending: Vec::new(),
        }
    }

    /// Adds a record on one line, without its line end.
    pub(in crate::act::remote) fn add(&mut self, record: &[u8], meta: Meta) -> io::Result<()> {
        self.pending.extend_from_slice(record);
        self.pending.push(b'\n');
        if self.pending.len() >= BLOCK {
            self.file.write_all(&self.pending)?;
            self.pending.clear();
        }
        let place = Place {
            file: None,
            at: self.len,
            len: record.len() as u64 + 1,
        };
        self.len += place.len;
        let hash = fixed_hash(record);
        self.lines.push(Line { place, hash, meta });
        Ok(())
    }

    /// Adds the records of another spool.
    pub(in crate::act::remote) fn append(&mut self, other: &Spool) -> io::Result<()> {
        for line in &other.lines {
            let mut record = vec![0; usize::try_from(line.place.len).unwrap_or(usize::MAX)];
            other.read(line.place.at, &mut record)?;
            record.pop();
            self.add(&record, line.meta.clone())?;
        }
        Ok(())
    }

    pub(in crate::act::remote) fn metas(&self) -> impl Iterator<Item = &Meta> {
        self.lines.iter().map(|line| &line.meta)
    }

    pub(in crate::act::remote) fn records(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn read(&self, at: u64, out: &mut [u8]) -> io::Result<()> {
        let written = self.len - self.pending.len() as u64;
        let in_file = written.saturating_sub(at).min(out.len() as u64) as usize;
        let (from_file, rest) = out.split_at_mut(in_file);
        self.file.read_exact_at(from_file, at)?;
        let from = (at + in_file as u64).saturating_sub(written) as usize;
        let pending = self.pending.get(from..from + rest.len());
        rest.copy_from_slice(pending.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// The records in a range of a file. Damage since they were written is an error.
pub(super) fn scan(
    disk: &dyn Disk,
    (file, name): (usize, &str),
    range: Span<u64>,
    reader: &Reader,
) -> io::Result<Vec<Line>> {
    let whole = Range::new(disk, name, range.start, range.end - range.start);
    let mut whole = BufReader::with_capacity(1 << 20, whole);
    let (mut lines, mut at, mut record) = (Vec::new(), range.start, Vec::new());
    loop {
        record.clear();
        let len = whole.read_until(b'\n', &mut record)? as u64;
        if len == 0 {
            return Ok(lines);
        }
        let content = record.strip_suffix(b"\n").unwrap_or(&record);
        let Some(meta) = reader.meta(content) else {
            let what = format!("{name}: the record at byte {at} was changed");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        };
        let place = Place {
            file: Some(file),
            at,
            len,
        };
        let hash = fixed_hash(content);
        lines.push(Line { place, hash, meta });
        at += len;
    }
}

/// The bytes of places, one after the other.
pub(super) struct Gather<'a> {
    pub(super) disk: &'a dyn Disk,
    pub(super) names: Vec<String>,
    pub(super) spool: &'a Spool,
    /// In reverse.
    pub(super) places: Vec<Place>,
}

impl Read for Gather<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let Some(place) = self.places.last_mut() else {
            return Ok(0);
        };
        let take = out
            .len()
            .min(usize::try_from(place.len).unwrap_or(usize::MAX));
        let piece = &mut out[..take];
        match place.file {
            Some(file) => self.disk.read(&self.names[file], place.at, piece)?,
            None => self.spool.read(place.at, piece)?,
        }
        place.at += take as u64;
        place.len -= take as u64;
        if place.len == 0 {
            self.places.pop();
        }
        Ok(take)
    }
}
