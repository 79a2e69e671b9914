//! Runs stored in many small files, read as lines of JSON that are each made of a few files.
//!
//! The bytes of the run are the texts of the files in order, with line ends replaced by spaces (which JSON
//! treats alike) and with the text between them that makes them lines. The offset of each file follows from
//! the sizes of those before; a file is opened only when its bytes are read, is never held open, and only
//! the one in which the last read ended is cached.
//!
//! A file that is not valid JSON must not break the line that it is part of: there it becomes a string of the
//! same length, so that its text can be read and its neighbours stay valid.

use std::ffi::OsString;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ingest::json;
use crate::ingest::open::open_without_waiting;
use crate::ingest::records::limits::{BOM, LONGEST_LINE};

/// The files of a run, in reading order.
#[derive(Debug)]
pub struct Scattered {
    /// The name of the format, which follows from the location of the files.
    pub(crate) format: &'static str,
    folders: Vec<PathBuf>,
    pieces: Vec<Piece>,
    /// The text after the last file.
    end: &'static [u8],
    len: u64,
    state: Mutex<State>,
}

/// One file, and its range in the run.
#[derive(Debug)]
struct Piece {
    folder: u32,
    name: OsString,
    /// The text between the previous file and this one.
    before: &'static [u8],
    start: u64,
    len: u64,
}

#[derive(Debug, Default)]
struct State {
    /// The file in which the last read ended, because the next one is likely to go on there.
    cached: Option<(usize, Arc<Vec<u8>>)>,
    fault: Option<String>,
}

impl Scattered {
    pub(crate) fn new(format: &'static str) -> Scattered {
        Scattered {
            format,
            folders: Vec::new(),
            pieces: Vec::new(),
            end: b"",
            len: 0,
            state: Mutex::default(),
        }
    }

    /// Adds a file with the text `before` it. Returns whether it exists and is not empty.
    pub(crate) fn push(&mut self, path: &Path, before: &'static [u8]) -> bool {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return false;
        };
        let Ok(metadata) = path.metadata() else {
            return false;
        };
        if !metadata.is_file() {
            return false;
        }
        if metadata.len() == 0 {
            self.fail(path, &"it is empty");
            return false;
        }
        if self.folders.last().is_none_or(|last| last != folder) {
            self.folders.push(folder.to_owned());
        }
        let start = self.len + before.len() as u64;
        self.pieces.push(Piece {
            folder: self.folders.len() as u32 - 1,
            name: name.to_owned(),
            before,
            start,
            len: metadata.len(),
        });
        self.len = start.saturating_add(metadata.len());
        true
    }

    /// Sets the text after the last file.
    pub(crate) fn close(&mut self, end: &'static [u8]) {
        self.end = end;
        self.len += end.len() as u64;
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Why a file could not be read as expected, if so.
    pub(crate) fn fault(&self) -> Option<String> {
        self.state().fault.clone()
    }

    /// The file that holds the byte at `offset` (between two files: the second one), and the offset in it.
    pub(crate) fn locate(&self, offset: u64) -> Option<(PathBuf, u64)> {
        let at = self
            .pieces
            .partition_point(|piece| piece.start + piece.len <= offset);
        let piece = self.pieces.get(at)?;
        Some((self.path(at), offset.saturating_sub(piece.start)))
    }

    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> usize {
        let end = offset.saturating_add(buffer.len() as u64).min(self.len);
        let len = end.saturating_sub(offset) as usize;
        // Bytes that cannot be read are white space.
        buffer[..len].fill(b' ');
        let mut window = Window {
            buffer: &mut buffer[..len],
            offset,
        };
        let first = self
            .pieces
            .partition_point(|piece| piece.start + piece.len <= offset);
        for (at, piece) in self.pieces.iter().enumerate().skip(first) {
            let before = piece.start - piece.before.len() as u64;
            if before >= end {
                break;
            }
            window.put(before, piece.before);
            if piece.start < end {
                let text = self.text(at, end < piece.start + piece.len);
                window.put(piece.start, &text);
            }
        }
        window.put(self.len - self.end.len() as u64, self.end);
        len
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, at: usize) -> PathBuf {
        let piece = &self.pieces[at];
        self.folders[piece.folder as usize].join(&piece.name)
    }

    fn fail(&self, path: &Path, what: &dyn std::fmt::Display) {
        let what = format!("{}: {what}; the others are shown", path.display());
        self.state().fault.get_or_insert(what);
    }

    /// The text of a file, with exactly the length that it had when the run was opened.
    fn text(&self, at: usize, goes_on: bool) -> Arc<Vec<u8>> {
        let cached = self.state().cached.take();
        let text = match cached {
            Some((known, text)) if known == at => text,
            _ => Arc::new(self.read(at)),
        };
        if goes_on {
            self.state().cached = Some((at, Arc::clone(&text)));
        }
        text
    }

    fn read(&self, at: usize) -> Vec<u8> {
        let len = self.pieces[at].len;
        if len > LONGEST_LINE {
            // Its line is too long to be loaded anyway.
            return Vec::new();
        }
        let path = self.path(at);
        let mut text = Vec::with_capacity(len as usize);
        let read = open_without_waiting(&path).and_then(|file| {
            // One more byte shows whether it grew.
            file.take(len + 1).read_to_end(&mut text)
        });
        match read {
            Err(error) => self.fail(&path, &error),
            Ok(read) if read as u64 != len => {
                let error = io::Error::other("it changed while it was read");
                self.fail(&path, &error);
            }
            Ok(_) => {}
        }
        text.resize(len as usize, b' ');
        in_line(text)
    }
}

/// A range of the run that is being read.
struct Window<'a> {
    buffer: &'a mut [u8],
    offset: u64,
}

impl Window<'_> {
    /// Copies the part of `text` that is inside the window.
    fn put(&mut self, start: u64, text: &[u8]) {
        let from = start.max(self.offset);
        let end = self.offset + self.buffer.len() as u64;
        let to = (start + text.len() as u64).min(end);
        if from < to {
            let part = &text[(from - start) as usize..(to - start) as usize];
            let place = (from - self.offset) as usize;
            self.buffer[place..place + part.len()].copy_from_slice(part);
        }
    }
}

/// Makes the text of a file fit for a line; the length stays the same.
fn in_line(mut text: Vec<u8>) -> Vec<u8> {
    if text.starts_with(BOM) {
        text[..BOM.len()].fill(b' ');
    }
    if json::check(text.trim_ascii()).is_err() {
        return quoted(text);
    }
    for byte in &mut text {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    text
}

/// Turns invalid JSON into a string, or into a number if it is too short for one.
fn quoted(mut text: Vec<u8>) -> Vec<u8> {
    for byte in &mut text {
        match byte {
            b'"' => *byte = b'\'',
            b'\\' => *byte = b'/',
            0..=0x1f => *byte = b' ',
            _ => {}
        }
    }
    match &mut text[..] {
        [] => {}
        [only] => *only = b'0',
        [first, .., last] => (*first, *last) = (b'"', b'"'),
    }
    text
}

/// The files of a folder whose names end in `.json`, by name.
pub(crate) fn documents(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
    let mut found: Vec<PathBuf> = paths.filter(|path| is_document(path)).collect();
    found.sort_unstable();
    found
}

pub(crate) fn is_document(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "json")
}
