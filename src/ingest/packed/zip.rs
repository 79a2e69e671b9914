//! Zip archives of an evaluation: read as one JSON array of the documents in them, unpacked one by one.
//!
//! What is shown as the bytes of the file is the header and then every sample, in the order of the
//! archive, with brackets around and commas between. Where each begins is known from the directory of
//! the archive; nothing is unpacked before somebody reads there, and few entries are kept.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::sync::{Mutex, MutexGuard, PoisonError};

use zip::ZipArchive;

/// Unpacked entries that are kept: who reads one is likely to read it again.
const KEPT: usize = 4;
/// The most that an entry may unpack to.
const LARGEST: u64 = 1 << 30;

/// An archive with a header and samples.
pub struct Archive {
    entries: Vec<Entry>,
    len: u64,
    state: Mutex<State>,
}

/// A document of the archive, where it stands among the others.
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

/// The documents of a file that is a zip archive of an evaluation; none where it is anything else.
pub fn unpack(file: &File) -> io::Result<Option<Archive>> {
    let mut file = file.try_clone()?;
    let mut magic = [0; 4];
    let read = file.read(&mut magic)?;
    file.rewind()?;
    if magic[..read] != *b"PK\x03\x04" {
        return Ok(None);
    }
    // Damaged archives are refused by name, like those of another kind.
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
    for index in wanted {
        let Ok(entry) = archive.by_index_raw(index) else {
            continue;
        };
        let len = entry.size().min(LARGEST);
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
            fault: None,
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

    /// Why a document is not there.
    pub(crate) fn fault(&self) -> Option<String> {
        self.state().fault.clone()
    }

    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> usize {
        let end = offset.saturating_add(buffer.len() as u64).min(self.len);
        let len = end.saturating_sub(offset) as usize;
        let buffer = &mut buffer[..len];
        // What no entry covers is white space, a comma or a bracket.
        buffer.fill(b' ');
        let mut mark = |at: u64, byte: u8| {
            if (offset..end).contains(&at) {
                buffer[(at - offset) as usize] = byte;
            }
        };
        mark(0, b'[');
        for entry in self.entries.iter().skip(1) {
            mark(entry.start - 1, b',');
        }
        mark(self.len - 1, b']');
        let first = self
            .entries
            .partition_point(|entry| entry.start + entry.len <= offset);
        let mut state = self.state();
        for entry in self.entries[first..]
            .iter()
            .take_while(|entry| entry.start < end)
        {
            let text = state.text(*entry);
            let from = offset.max(entry.start);
            let to = end.min(entry.start + entry.len);
            let part = &text[(from - entry.start) as usize..];
            let part = &part[..part.len().min((to - from) as usize)];
            let place = (from - offset) as usize;
            buffer[place..place + part.len()].copy_from_slice(part);
        }
        len
    }
}

impl State {
    /// The text of a document, exactly as long as the directory says.
    fn text(&mut self, entry: Entry) -> &[u8] {
        let known = self
            .kept
            .iter()
            .position(|(index, _)| *index == entry.index);
        let at = known.unwrap_or_else(|| {
            let text = self.read(entry);
            if self.kept.len() == KEPT {
                self.kept.remove(0);
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
        text.resize(entry.len as usize, b' ');
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
    fn an_archive_of_something_else_is_none() {
        let file = packed(&[("notes.json", "{}", CompressionMethod::Stored)]);
        assert!(unpack(&file).expect("it can be read").is_none());
    }
}
