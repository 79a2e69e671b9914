//! Compressed files (gzip with any number of members, zstd), unpacked in memory as far as they are read.
//!
//! They are detected by their first bytes, never by name. Only one layer is unpacked: content that is
//! compressed again is refused like any other file that is not a trace. The unpacked size is limited in bytes
//! and in proportion to the file, so a decompression bomb costs a moment and a message. Nothing is written
//! to disk.

pub mod converted;
pub mod scattered;
pub mod sqlite;
pub mod zip;

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flate2::read::MultiGzDecoder;

/// The path of the compressed contents: without `.gz` or `.zst`.
pub(crate) fn bare(path: &Path) -> Cow<'_, Path> {
    match path.extension() {
        Some(ending) if ending == "gz" || ending == "zst" => Cow::Owned(path.with_extension("")),
        Some(_) | None => Cow::Borrowed(path),
    }
}

/// The most that a file may unpack to.
const LARGEST: usize = 1 << 30;
/// The highest ratio of unpacked bytes to bytes read of the file; text stays far below it.
const HIGHEST_RATIO: u64 = 400;
/// Up to this size the ratio does not matter: parts of a file may be very repetitive.
const SMALL: usize = 72 << 20;
/// How much is unpacked at once.
const STEP: usize = 256 << 10;

/// The most that a file of `size` bytes may unpack to; anything more is treated as a decompression bomb.
fn plausible(size: u64) -> u64 {
    size.saturating_mul(HIGHEST_RATIO).max(SMALL as u64)
}

/// A compressed file.
pub struct Packed {
    state: Mutex<State>,
}

struct State {
    /// None once everything is unpacked, or no more can be.
    from: Option<Box<dyn Read + Send>>,
    /// Bytes read of the file.
    taken: Arc<AtomicU64>,
    text: Vec<u8>,
    fault: Option<String>,
}

impl std::fmt::Debug for Packed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packed").finish_non_exhaustive()
    }
}

/// The content of a file, if its first bytes are those of a compressed file.
pub fn unpack(file: &File) -> io::Result<Option<Packed>> {
    let mut file = file;
    let mut magic = [0; 4];
    let read = file.read(&mut magic)?;
    file.seek(SeekFrom::Start(0))?;
    let taken = Arc::new(AtomicU64::new(0));
    let counted = Counted {
        file: file.try_clone()?,
        taken: Arc::clone(&taken),
    };
    let from: Box<dyn Read + Send> = match &magic[..read] {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(BufReader::new(counted))),
        [0x28, 0xb5, 0x2f, 0xfd] => Box::new(zstd::Decoder::new(counted)?),
        _ => return Ok(None),
    };
    Ok(Some(Packed {
        state: Mutex::new(State {
            from: Some(from),
            taken,
            text: Vec::new(),
            fault: None,
        }),
    }))
}

/// A file that counts the bytes read.
struct Counted {
    file: File,
    taken: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.taken.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl Packed {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The unpacked length.
    pub(crate) fn len(&self) -> u64 {
        let mut state = self.state();
        state.unpack(usize::MAX);
        state.text.len() as u64
    }

    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> usize {
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let mut state = self.state();
        state.unpack(start.saturating_add(buffer.len()));
        let rest = state.text.get(start..).unwrap_or_default();
        let len = buffer.len().min(rest.len());
        buffer[..len].copy_from_slice(&rest[..len]);
        len
    }

    /// Why the data ends early, if it does.
    pub(crate) fn fault(&self) -> Option<String> {
        self.state().fault.clone()
    }
}

impl State {
    /// Unpacks until this many bytes are there, or no more come.
    fn unpack(&mut self, wanted: usize) {
        while let Some(from) = self.from.as_mut().filter(|_| self.text.len() < wanted) {
            let before = self.text.len();
            let read = from.by_ref().take(STEP as u64).read_to_end(&mut self.text);
            let taken = self.taken.load(Ordering::Relaxed);
            let bound = plausible(taken);
            self.fault = match read {
                Err(error) => Some(format!("{}; what came before it is shown", reason(&error))),
                Ok(_) if self.text.len() > LARGEST => Some(format!(
                    "unpacks to more than {LARGEST} bytes; unpack it first (gunzip -k, zstd -d)"
                )),
                Ok(_) if self.text.len() as u64 > bound => Some(format!(
                    "unpacks to more than {HIGHEST_RATIO} times its size, which no trace does (a decompression bomb?)"
                )),
                Ok(0) => None,
                Ok(_) => continue,
            };
            if self.fault.is_some() && self.text.len() > LARGEST.min(bound as usize) {
                self.text.truncate(before);
            }
            self.from = None;
            self.text.shrink_to_fit();
        }
    }
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "the compressed data is cut short".to_owned(),
        _ => format!("the compressed data is damaged ({error})"),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).expect("into memory");
        encoder.finish().expect("into memory")
    }

    fn opened(bytes: &[u8]) -> Packed {
        let mut file = tempfile::tempfile().expect("a temporary file");
        file.write_all(bytes).expect("written");
        file.seek(SeekFrom::Start(0)).expect("a file");
        unpack(&file)
            .expect("it can be read")
            .expect("it is compressed")
    }

    #[track_caller]
    fn check(bytes: &[u8], text: &[u8], fault: Option<&str>) {
        let packed = opened(bytes);
        let mut buffer = vec![0; text.len() + 9];
        let read = packed.read_at(&mut buffer, 0);
        assert_eq!(&buffer[..read], text);
        assert_eq!(packed.len(), text.len() as u64);
        let found = packed.fault().unwrap_or_default();
        assert!(found.contains(fault.unwrap_or_default()), "{found}");
        assert_eq!(found.is_empty(), fault.is_none(), "{found}");
    }

    #[test]
    fn unpacks_members_one_after_the_other() {
        check(&[gzip(b"a\n"), gzip(b"b\n")].concat(), b"a\nb\n", None);
        let zstd = zstd::encode_all(&b"a\n"[..], 1).expect("into memory");
        check(&zstd, b"a\n", None);
    }

    #[test]
    fn keeps_what_comes_before_the_damage() {
        let text: Vec<u8> = (0..2000_u32)
            .flat_map(|at| format!("{at}\n").into_bytes())
            .collect();
        let whole = gzip(&text);
        let cut = opened(&whole[..whole.len() / 2]);
        assert!(cut.len() > 0 && cut.len() < text.len() as u64);
        assert!(cut.fault().is_some_and(|fault| fault.contains("cut short")));
        let mut wrong = whole.clone();
        let at = wrong.len() - 6;
        wrong[at] ^= 1;
        check(&wrong, &text, Some("damaged"));
        check(
            &[whole, b"garbage".to_vec()].concat(),
            &text,
            Some("compressed data"),
        );
    }

    #[test]
    fn a_decompression_bomb_stays_small() {
        let bomb = gzip(&vec![b'a'; 128 << 20]);
        let packed = opened(&bomb);
        assert!(packed.len() as usize <= SMALL);
        assert!(packed.fault().is_some_and(|fault| fault.contains("bomb")));
    }

    #[test]
    fn plain_text_is_not_unpacked() {
        let mut file = tempfile::tempfile().expect("a temporary file");
        file.write_all(b"{}\n").expect("written");
        file.seek(SeekFrom::Start(0)).expect("a file");
        assert!(unpack(&file).expect("it can be read").is_none());
    }
}
