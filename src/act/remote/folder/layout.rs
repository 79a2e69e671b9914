//! What the files of the folder will contain after a commit, and which of their bytes change.

use jiff::Timestamp;

use super::cursor::{Cursor, Held};
use super::index::{Index, Key, Known};
use super::journal::Patch;
use super::lines::{Line, Place};
use super::traces::{Trace, order};
use crate::act::remote::record::Nanos;

/// A file longer than this takes no further runs.
const SPLIT: u64 = 256 << 20;

#[derive(Debug)]
pub(super) struct Layout<'a> {
    cursor: Cursor,
    index: &'a Index,
    /// The files whose complete traces are laid out again.
    opened: Vec<usize>,
    contents: Vec<Contents>,
}

/// The traces of a file in the commit.
#[derive(Debug, Default)]
struct Contents {
    settled: Vec<Trace>,
    open: Vec<Trace>,
    /// The new length of the file.
    size: u64,
}

/// How the files change.
#[derive(Debug)]
pub(super) struct Laid {
    pub(super) cursor: Cursor,
    pub(super) patches: Vec<Patch>,
    /// The sources of the bytes, in the order of the patches.
    pub(super) places: Vec<Place>,
    /// The records of traces that may still change, at their new places.
    pub(super) open: Vec<Line>,
    /// Traces that are complete now.
    pub(super) settled: Vec<(Trace, usize)>,
    pub(super) rewritten: usize,
}

impl<'a> Layout<'a> {
    pub(super) fn new(cursor: Cursor, index: &'a Index, opened: Vec<usize>) -> Layout<'a> {
        let contents = cursor
            .files
            .iter()
            .enumerate()
            .map(|(file, held)| Contents {
                size: if opened.contains(&file) {
                    0
                } else {
                    held.settled
                },
                ..Contents::default()
            });
        Layout {
            contents: contents.collect(),
            cursor,
            index,
            opened,
        }
    }

    /// The file of a run: the oldest that holds complete traces of it, else the one that it was in, else one of the day
    /// on which it began.
    pub(super) fn file_of(&mut self, run: &[Trace]) -> usize {
        let known = run.iter().flat_map(|trace| {
            let join = trace.join().and_then(|id| self.index.get(Key::Run(id)));
            [join, self.index.get(Key::Trace(&trace.id))]
        });
        let settled = known.flatten().map(|known| known.file).min();
        let before = || run.iter().filter_map(|trace| trace.file).min();
        settled
            .or_else(before)
            .unwrap_or_else(|| self.file_of_day(run[0].began()))
    }

    fn file_of_day(&mut self, began: Nanos) -> usize {
        let day = Timestamp::from_nanosecond(i128::from(began)).unwrap_or_default();
        let day = day.strftime("%Y-%m-%d").to_string();
        let of_day = |held: &&Held| held.name.starts_with(&day);
        let parts = self.cursor.files.iter().filter(of_day).count();
        let last = self.cursor.files.iter().rposition(|it| of_day(&it));
        if let Some(last) = last.filter(|last| self.contents[*last].size < SPLIT) {
            return last;
        }
        let name = match parts {
            0 => format!("{day}.jsonl"),
            parts => format!("{day}.{}.jsonl", parts + 1),
        };
        self.cursor.files.push(Held {
            name,
            ..Held::default()
        });
        self.contents.push(Contents::default());
        self.contents.len() - 1
    }

    /// Puts a run into a file; its first `complete` traces are complete.
    pub(super) fn put(&mut self, run: Vec<Trace>, complete: usize, file: usize) {
        let contents = &mut self.contents[file];
        for (at, trace) in run.into_iter().enumerate() {
            contents.size += trace.lines.iter().map(|it| it.place.len).sum::<u64>();
            if at < complete {
                contents.settled.push(trace);
            } else {
                contents.open.push(trace);
            }
        }
    }

    /// The order of all records, and the first byte of each file that differs from its present contents.
    pub(super) fn lay(self) -> Laid {
        let mut laid = Laid {
            cursor: self.cursor,
            patches: Vec::new(),
            places: Vec::new(),
            open: Vec::new(),
            settled: Vec::new(),
            rewritten: 0,
        };
        for (file, mut contents) in self.contents.into_iter().enumerate() {
            for traces in [&mut contents.settled, &mut contents.open] {
                traces.sort_by(|a, b| order(a).cmp(&order(b)));
            }
            laid.file(file, contents, self.opened.contains(&file));
        }
        laid
    }
}

impl Laid {
    fn file(&mut self, file: usize, contents: Contents, is_opened: bool) {
        let before = self.cursor.files[file].clone();
        let start = if is_opened { 0 } else { before.settled };
        let mut sheet = Sheet {
            file,
            at: start,
            keep: start,
            places: &mut self.places,
        };
        let mut records = 0;
        for trace in &contents.settled {
            records += trace.lines.len() as u64;
            trace.lines.iter().for_each(|line| {
                sheet.put(line);
            });
        }
        let settled = sheet.at;
        for line in contents.open.iter().flat_map(|trace| &trace.lines) {
            self.open.push(sheet.put(line));
        }
        let (keep, bytes) = (sheet.keep, sheet.at);
        let held = &mut self.cursor.files[file];
        held.records = records + if is_opened { 0 } else { held.records };
        (held.settled, held.bytes) = (settled, bytes);
        self.rewritten += usize::from(keep < before.settled);
        if keep < before.bytes || keep < bytes {
            self.patches.push(Patch {
                name: held.name.clone(),
                keep,
                more: bytes - keep,
            });
        }
        let settled = contents.settled.into_iter();
        self.settled.extend(settled.map(|trace| (trace, file)));
    }
}

/// A file while its records are being ordered.
struct Sheet<'a> {
    file: usize,
    at: u64,
    /// Up to here, the file already holds these records.
    keep: u64,
    places: &'a mut Vec<Place>,
}

impl Sheet<'_> {
    fn put(&mut self, line: &Line) -> Line {
        let place = Place {
            file: Some(self.file),
            at: self.at,
            len: line.place.len,
        };
        if self.keep == self.at && line.place == place {
            self.keep += place.len;
        } else {
            self.copy(line.place);
        }
        self.at += place.len;
        Line {
            place,
            ..line.clone()
        }
    }

    fn copy(&mut self, from: Place) {
        match self.places.last_mut() {
            Some(last) if last.file == from.file && last.at + last.len == from.at => {
                last.len += from.len;
            }
            _ => self.places.push(from),
        }
    }
}

/// Notes where a complete trace is.
pub(super) fn note(index: &mut Index, trace: &Trace, file: usize) {
    let last = trace.began();
    index.put(Key::Trace(&trace.id), Known { file, last });
    if let Some(join) = trace.join() {
        index.put(Key::Run(join), Known { file, last });
    }
}
