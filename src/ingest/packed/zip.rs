//! Zip archives of an evaluation, read as one JSON array of the documents inside.
//!
//! The array holds the header and then every sample in archive order. The archive's directory says where each
//! document begins, so an entry is unpacked only when it is read. The directory is not trusted: sizes that
//! the file cannot hold at a plausible ratio are refused, and the memory for unpacked entries is bounded in bytes.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::sync::{Mutex, MutexGuard, PoisonError};

use zip::ZipArchive;

use crate::base::human;

/// Bytes of unpacked entries that are kept for the next read; the entry being read may exceed it alone.
const KEPT: usize = 64 << 20;

/// An archive with a header and samples.
pub struct Archive {
    /// In ascending order of `start`.
    entries: Vec<Entry>,
    len: u64,
    state: Mutex<State>,
}

/// A document of the archive and its place in the array.
#[derive(Debug, Clone, Copy)]
struct Entry {
    index: usize,
    start: u64,
    len: u64,
}

struct State {
    archive: ZipArchive<File>,
    kept: Vec<(usize, Vec<u8>)>,
    fault: Option<String>,
}

impl std::fmt::Debug for Archive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Archive").finish_non_exhaustive()
    }
}

/// The documents of an evaluation's zip archive; `None` for any other file.
pub fn unpack(file: &File) -> io::Result<Option<Archive>> {
    let mut file = file.try_clone()?;
    let plausible = super::plausible(file.metadata()?.len());
    let mut magic = [0; 4];
    let read = file.read(&mut magic)?;
    file.rewind()?;
    if magic[..read] != *b"PK\x03\x04" {
        return Ok(None);
    }
    // A damaged archive is reported as unsupported, like an archive of another kind.
    let Ok(mut archive) = ZipArchive::new(file) else {
        return Ok(None);
    };
    let names: Vec<String> = archive
        .file_names()
        .map(|name| name.map(Cow::into_owned).unwrap_or_default())
        .collect();
    let place = |name: &str| names.iter().position(|it| it == name);
    let Some(header) = place("header.json").or_else(|| place("_journal/start.json")) else {
        return Ok(None);
    };
    let is_sample = |index: &usize| {
        let name = &names[*index];
        name.starts_with("samples/") && name.to_lowercase().ends_with(".json")
    };
    let wanted = std::iter::once(header).chain((0..names.len()).filter(is_sample));
    let mut entries = Vec::new();
    let mut at = 0;
    let (mut unpacked, mut left_out) = (0_u64, 0);
    for index in wanted {
        let Ok(entry) = archive.by_index_raw(index) else {
            continue;
        };
        let len = entry.size();
        if len > super::LARGEST as u64 || unpacked.saturating_add(len) > plausible {
            left_out += 1;
            continue;
        }
        unpacked += len;
        // A bracket or a comma comes first.
        entries.push(Entry {
            index,
            start: at + 1,
            len,
        });
        at += 1 + len;
    }
    Ok(Some(Archive {
        entries,
        len: at + 1,
        state: Mutex::new(State {
            archive,
            kept: Vec::new(),
            fault: (left_out > 0).then(|| {
                let what = human::counted(left_out, "sample");
                format!(
                    "{what} left out: they unpack to more than an archive of this size can hold"
                )
            }),
        }),
    }))
}

impl Archive {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Why a document is missing.
    pub(crate) fn fault(&self) -> Option<String> {
        self.state().fault.clone()
    }

    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> usize {
        let end = offset.saturating_add(buffer.len() as u64).min(self.len);
        let len = end.saturating_sub(offset) as usize;
        let buffer = &mut buffer[..len];
        // Every byte outside an entry is white space, a comma or a bracket.
        buffer.fill(b' ');
        let first = self
            .entries
            .partition_point(|entry| entry.start + entry.len < offset);
        let mut state = self.state();
        for entry in self.entries[first..]
            .iter()
            .take_while(|entry| entry.start <= end)
        {
            mark(buffer, offset, entry.start - 1, b',');
            let from = offset.max(entry.start);
            let to = end.min(entry.start + entry.len);
            if from >= to {
                continue;
            }
            let text = state.text(*entry);
            // An entry may hold less than its declared size; the rest stays blank.
            let part = text
                .get((from - entry.start) as usize..)
                .unwrap_or_default();
            let part = &part[..part.len().min((to - from) as usize)];
            let place = (from - offset) as usize;
            buffer[place..place + part.len()].copy_from_slice(part);
        }
        mark(buffer, offset, 0, b'[');
        mark(buffer, offset, self.len - 1, b']');
        len
    }
}

/// Puts a byte of the array where it falls into the buffer, which begins at `offset`.
fn mark(buffer: &mut [u8], offset: u64, at: u64, byte: u8) {
    let place = at
        .checked_sub(offset)
        .and_then(|at| usize::try_from(at).ok());
    if let Some(place) = place.and_then(|at| buffer.get_mut(at)) {
        *place = byte;
    }
}

impl State {
    /// The text of a document, at most as long as the directory says.
    fn text(&mut self, entry: Entry) -> &[u8] {
        let known = self
            .kept
            .iter()
            .position(|(index, _)| *index == entry.index);
        let at = known.unwrap_or_else(|| {
            let text = self.read(entry);
            let mut bytes =
                text.len() + self.kept.iter().map(|(_, text)| text.len()).sum::<usize>();
            while bytes > KEPT && !self.kept.is_empty() {
                bytes -= self.kept.remove(0).1.len();
            }
            self.kept.push((entry.index, text));
            self.kept.len() - 1
        });
        &self.kept[at].1
    }

    fn read(&mut self, entry: Entry) -> Vec<u8> {
        let mut text = Vec::new();
        let read = match self.archive.by_index(entry.index) {
            Ok(packed) => packed.take(entry.len).read_to_end(&mut text).map(|_| ()),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = read {
            let what = format!("a sample cannot be unpacked ({error}); the others are shown");
            self.fault = Some(what);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};

    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipWriter};

    use super::*;

    fn packed(entries: &[(&str, &str, CompressionMethod)]) -> File {
        let mut writer = ZipWriter::new(tempfile::tempfile().expect("a temporary file"));
        for (name, text, method) in entries {
            let options = SimpleFileOptions::default().compression_method(*method);
            writer.start_file(*name, options).expect("an entry");
            writer.write_all(text.as_bytes()).expect("written");
        }
        let mut file = writer.finish().expect("an archive");
        file.rewind().expect("a file");
        file
    }

    fn evaluation() -> Archive {
        let file = packed(&[
            ("_journal/start.json", "{}", CompressionMethod::Deflated),
            (
                "samples/b_epoch_1.json",
                r#"{"id":"b"}"#,
                CompressionMethod::Zstd,
            ),
            (
                "samples/a_epoch_1.json",
                r#"{"id":"a"}"#,
                CompressionMethod::Deflated,
            ),
            ("summaries.json", "[]", CompressionMethod::Stored),
            ("header.json", r#"{"eval":{}}"#, CompressionMethod::Zstd),
        ]);
        unpack(&file)
            .expect("it can be read")
            .expect("an evaluation")
    }

    const WHOLE: &str = r#"[{"eval":{}},{"id":"b"},{"id":"a"}]"#;

    #[test]
    fn an_evaluation_is_one_array_of_its_documents_however_they_are_packed() {
        let archive = evaluation();
        assert_eq!(archive.len(), WHOLE.len() as u64);
        let mut buffer = vec![0; 99];
        let read = archive.read_at(&mut buffer, 0);
        assert_eq!(String::from_utf8_lossy(&buffer[..read]), WHOLE);
        assert_eq!(archive.fault(), None);
    }

    #[test]
    fn any_stretch_of_it_can_be_read() {
        let archive = evaluation();
        for start in 0..WHOLE.len() {
            for len in 1..=WHOLE.len() - start {
                let mut buffer = vec![0; len];
                assert_eq!(archive.read_at(&mut buffer, start as u64), len);
                assert_eq!(buffer, WHOLE.as_bytes()[start..start + len]);
            }
        }
        assert_eq!(archive.read_at(&mut [0; 4], WHOLE.len() as u64 + 9), 0);
    }

    #[test]
    fn a_directory_with_sizes_that_the_file_cannot_hold_costs_no_memory() {
        let mut bytes = Vec::new();
        let samples = ["samples/a.json", "samples/b.json", "samples/c.json"];
        let mut packed = packed(&[
            ("header.json", "{}", CompressionMethod::Deflated),
            (samples[0], "{}", CompressionMethod::Deflated),
            (samples[1], "{}", CompressionMethod::Deflated),
            (samples[2], "{}", CompressionMethod::Deflated),
        ]);
        packed.read_to_end(&mut bytes).expect("read");
        // The directory repeats each entry: its unpacked size is 24 bytes after the signature.
        let directory = memchr::memmem::find_iter(&bytes, b"PK\x01\x02").collect::<Vec<_>>();
        for at in &directory[2..] {
            bytes[at + 24..at + 28].copy_from_slice(&(1_u32 << 30).to_le_bytes());
        }
        let mut file = tempfile::tempfile().expect("a temporary file");
        file.write_all(&bytes).expect("written");
        file.rewind().expect("a file");
        let archive = unpack(&file).expect("read").expect("an evaluation");
        assert!(archive.len() < 64);
        let fault = archive.fault().expect("two are left out");
        assert!(fault.starts_with("2 samples left out"), "{fault}");
        let mut buffer = vec![0; 64];
        let read = archive.read_at(&mut buffer, 0);
        assert_eq!(String::from_utf8_lossy(&buffer[..read]), "[{},{}]");
    }

    #[test]
    fn an_archive_of_something_else_is_none() {
        let file = packed(&[("notes.json", "{}", CompressionMethod::Stored)]);
        assert!(unpack(&file).expect("it can be read").is_none());
    }
}
