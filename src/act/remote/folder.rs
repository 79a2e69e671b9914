//! The folder of pulled traces. All traces of a run are in one file, in the order in which they began: a trace in
//! another file would be another run to the readers. Complete traces are never rewritten unless they change.

mod cursor;
mod disk;
mod index;
mod journal;
mod layout;
mod lines;
mod traces;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use thiserror::Error;

pub(super) use cursor::{Cursor, Origin};
pub(super) use disk::{Disk, Folder};
use index::Index;
use journal::Patch;
use layout::{Laid, Layout};
pub(super) use lines::Spool;
use lines::{Gather, Line};
use traces::Traces;

use super::record::{Nanos, Reader};

const LOCK: &str = ".lock";

#[derive(Debug, Error)]
pub(super) enum Error {
    #[error("{path}: {source}")]
    Io { path: String, source: io::Error },
    #[error("{path}: another pull writes to this folder")]
    Locked { path: String },
    #[error("{path}: holds {held}; pull {wanted} into another folder")]
    Other {
        path: String,
        held: String,
        wanted: String,
    },
    #[error("{path}: {file} was changed since it was pulled; pull into another folder")]
    Changed { path: String, file: String },
    #[error(
        "{path}: its .saferun-pull.json cannot be read by this version; pull into another folder"
    )]
    Version { path: String },
    #[error("{path}: not empty, and no pull wrote it; pull into another folder")]
    Foreign { path: String },
}

#[derive(Debug)]
pub(super) struct Store {
    path: PathBuf,
    disk: Box<dyn Disk>,
    pub(super) cursor: Cursor,
    index: Index,
    /// The records of traces that may still change.
    open: Vec<Line>,
    reader: Reader,
    /// How old the last record of a trace has to be before the trace counts as complete.
    late: Nanos,
    /// Held until the store is dropped, or the process ends in any way.
    _lock: Option<File>,
}

/// What a commit changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    /// Records that are new, or have changed.
    pub(super) records: usize,
    /// Traces that count as complete without an end of their outermost span.
    pub(super) without_end: usize,
    /// Files whose complete traces were rewritten.
    pub(super) rewritten: usize,
}

impl Store {
    /// Opens a folder, creates it if needed, and finishes what a killed pull had committed.
    pub(super) fn open(
        path: &Path,
        origin: Origin,
        since: Nanos,
        (reader, late): (Reader, Nanos),
    ) -> Result<Store, Error> {
        let shown = path.display().to_string();
        let io = |source| Error::Io {
            path: shown.clone(),
            source,
        };
        let is_ours = path.join(cursor::NAME).exists() || path.join(LOCK).exists();
        let mut entries = std::fs::read_dir(path).into_iter().flatten();
        if !is_ours && entries.next().is_some() {
            return Err(Error::Foreign { path: shown });
        }
        let folder = Folder::create(path).map_err(io)?;
        let lock = folder.lock(LOCK).map_err(io)?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            return Err(Error::Locked { path: shown });
        }
        let store = Store {
            path: path.to_owned(),
            disk: Box::new(folder),
            cursor: Cursor::new(origin, since),
            index: Index::default(),
            open: Vec::new(),
            reader,
            late,
            _lock: Some(lock),
        };
        store.resume()
    }

    /// Reads what the folder holds.
    fn resume(mut self) -> Result<Store, Error> {
        journal::recover(&*self.disk).map_err(|source| self.io(source))?;
        let Some(text) = self.whole(cursor::NAME)? else {
            return Ok(self);
        };
        let path = self.path.display().to_string();
        let Some(held) = Cursor::parse(&text) else {
            return Err(Error::Version { path });
        };
        if held.origin != self.cursor.origin {
            let (held, wanted) = (held.origin.to_string(), self.cursor.origin.to_string());
            return Err(Error::Other { path, held, wanted });
        }
        self.cursor = held;
        for file in &self.cursor.files {
            let size = self.disk.size(&file.name);
            if size.map_err(|source| self.io(source))? != Some(file.bytes) {
                let file = file.name.clone();
                return Err(Error::Changed { path, file });
            }
        }
        for file in 0..self.cursor.files.len() {
            let held = &self.cursor.files[file];
            let tail = self.scan(file, held.settled..held.bytes)?;
            self.open.extend(tail);
        }
        self.index = self.read_index()?;
        Ok(self)
    }

    /// The index; rebuilt from the files if it is missing or damaged.
    fn read_index(&mut self) -> Result<Index, Error> {
        let text = self.whole(index::NAME)?;
        let is_whole = |text: &Vec<u8>| text.len() as u64 == self.cursor.index;
        let text = text.filter(is_whole);
        let text = text.and_then(|text| String::from_utf8(text).ok());
        if let Some(index) = text.and_then(|text| Index::parse(&text)) {
            return Ok(index);
        }
        let mut index = Index::default();
        for file in 0..self.cursor.files.len() {
            let mut traces = Traces::default();
            for line in self.scan(file, 0..self.cursor.files[file].settled)? {
                traces.add(line, true);
            }
            for trace in traces.iter() {
                layout::note(&mut index, trace, file);
            }
        }
        self.cursor.index = 0;
        Ok(index)
    }

    fn whole(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        let read = || {
            let Some(size) = self.disk.size(name)? else {
                return Ok(None);
            };
            let mut text = vec![0; usize::try_from(size).unwrap_or(usize::MAX)];
            self.disk.read(name, 0, &mut text)?;
            Ok(Some(text))
        };
        read().map_err(|source| self.io(source))
    }

    fn scan(&self, file: usize, range: std::ops::Range<u64>) -> Result<Vec<Line>, Error> {
        let name = &self.cursor.files[file].name;
        let lines = lines::scan(&*self.disk, (file, name), range, &self.reader);
        lines.map_err(|source| self.io(source))
    }

    pub(super) fn io(&self, source: io::Error) -> Error {
        let path = self.path.display().to_string();
        Error::Io { path, source }
    }

    /// A place for records that are about to be committed.
    pub(super) fn spool(&self) -> Result<Spool, Error> {
        let file = tempfile::tempfile_in(&self.path).map_err(|source| self.io(source))?;
        Ok(Spool::new(file))
    }

    /// The size of all records in the folder, in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.cursor.files.iter().map(|file| file.bytes).sum()
    }

    /// The traces that may still change, and whether their outermost span was read.
    pub(super) fn open_traces(&self) -> Vec<(String, bool)> {
        let mut traces = Traces::default();
        for line in &self.open {
            traces.add(line.clone(), false);
        }
        let traces = traces.iter();
        traces
            .map(|trace| (trace.id.clone(), trace.has_outermost()))
            .collect()
    }

    /// Writes what was read, up to `read_until`, and the cursor, in one step: after a kill, either all of it is there
    /// or nothing.
    pub(super) fn commit(
        &mut self,
        spool: &Spool,
        read_until: Nanos,
        cursor: Cursor,
    ) -> Result<Tally, Error> {
        let (traces, opened) = self.gather(spool)?;
        let mut tally = Tally {
            records: traces
                .iter()
                .flat_map(|it| &it.lines)
                .filter(|it| it.place.file.is_none())
                .count(),
            ..Tally::default()
        };
        let mut next = cursor;
        next.files.clone_from(&self.cursor.files);
        next.index = self.cursor.index;
        let mut layout = Layout::new(next, &self.index, opened);
        for run in traces.runs() {
            let complete = traces::complete(&run, read_until, self.late);
            let file = layout.file_of(&run);
            let settled = run.iter().take(complete);
            let given_up = settled.filter(|it| !it.has_end() && !it.was_settled);
            tally.without_end += given_up.count();
            layout.put(run, complete, file);
        }
        let mut laid = layout.lay();
        let index = &mut self.index;
        for (trace, file) in &laid.settled {
            layout::note(index, trace, *file);
        }
        tally.rewritten = laid.rewritten;
        let index_keep = laid.cursor.index;
        let added = std::mem::take(&mut index.added).into_bytes();
        laid.cursor.index += added.len() as u64;
        let text = serde_json::to_vec(&laid.cursor).map_err(|error| self.io(error.into()))?;
        let extra = [
            (index::NAME, index_keep, added.as_slice()),
            (cursor::NAME, 0, text.as_slice()),
        ];
        self.write(spool, &laid, extra)?;
        self.cursor = laid.cursor;
        self.open = laid.open;
        Ok(tally)
    }

    /// Every trace in the commit, and the files whose complete traces are among them.
    fn gather(&self, spool: &Spool) -> Result<(Traces, Vec<usize>), Error> {
        let mut opened: Vec<usize> = Vec::new();
        loop {
            let mut traces = Traces::default();
            for file in &opened {
                for line in self.scan(*file, 0..self.cursor.files[*file].settled)? {
                    traces.add(line, true);
                }
            }
            for line in self.open.iter().chain(&spool.lines) {
                traces.add(line.clone(), false);
            }
            let more = traces.unsettled(&self.index).into_iter();
            let before = opened.len();
            opened.extend(more);
            opened.sort_unstable();
            opened.dedup();
            if opened.len() == before {
                return Ok((traces, opened));
            }
        }
    }

    fn write(
        &self,
        spool: &Spool,
        laid: &Laid,
        extra: [(&str, u64, &[u8]); 2],
    ) -> Result<(), Error> {
        let mut patches = laid.patches.clone();
        patches.extend(extra.map(|(name, keep, bytes)| Patch {
            name: name.to_owned(),
            keep,
            more: bytes.len() as u64,
        }));
        let mut places = laid.places.clone();
        places.reverse();
        let names = self.cursor.files.iter().map(|file| file.name.clone());
        let records = Gather {
            disk: &*self.disk,
            names: names.collect(),
            spool,
            places,
        };
        let mut bytes = records.chain(extra[0].2).chain(extra[1].2);
        journal::commit(&*self.disk, &patches, &mut bytes).map_err(|source| self.io(source))
    }
}

#[cfg(test)]
mod tests;
