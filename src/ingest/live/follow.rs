//! One path that is followed, whatever happens to the file behind it.
//!
//! A size says little: a file may be cut and grow past the old place between two looks, or be written
//! anew with the same size. So the bytes before the place read last are compared each time before what
//! follows is trusted, and once more after it was read. Another file under the same name is taken up
//! only when the old one is read to its end, and late writes to that are still read for a while.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::NoticeKind;
use super::log::Log;
use crate::ingest::bytes::Bytes;
use crate::ingest::discover;

/// How many bytes before the place read last are compared.
const PRINT: usize = 4 << 10;
/// How many bytes are read at once.
const PIECE: usize = 1 << 20;
/// How long a file that lost its name is still read: writers keep it open for a while.
const GRACE: Duration = Duration::from_secs(5);

/// What tells files apart: device and inode.
type Id = (u64, u64);

fn id_of(metadata: &Metadata) -> Id {
    (metadata.dev(), metadata.ino())
}

/// A file that is open, and how far it was read.
#[derive(Debug)]
struct Opened {
    file: Arc<File>,
    id: Id,
    read: u64,
    /// The last bytes that were read.
    print: Vec<u8>,
}

/// Something that happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Happening {
    pub(super) kind: NoticeKind,
    /// Where in the log something may be missing that was written and gone before anybody looked.
    pub(super) missing: Option<u64>,
}

impl Happening {
    fn of(kind: NoticeKind) -> Happening {
        Happening {
            kind,
            missing: None,
        }
    }
}

#[derive(Debug)]
pub(super) struct Follower {
    path: PathBuf,
    log: Arc<Log>,
    current: Option<Opened>,
    /// Files that had the name before, and until when they are looked at.
    old: Vec<(Opened, Instant)>,
    /// Files beside it that need not be read: they are known, or were there before.
    known: HashSet<Id>,
    is_missing: bool,
}

impl Follower {
    pub(super) fn new(path: PathBuf) -> Follower {
        let known = siblings(&path).into_iter().map(|(_, id, _)| id).collect();
        Follower {
            path,
            log: Arc::default(),
            current: None,
            old: Vec::new(),
            known,
            is_missing: false,
        }
    }

    pub(super) fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// How many bytes of the file that has the name now were read.
    pub(super) fn read(&self) -> u64 {
        self.current.as_ref().map_or(0, |opened| opened.read)
    }

    /// Reads what is new; what happened to the file meanwhile.
    pub(super) fn look(&mut self) -> Vec<Happening> {
        let mut happened = Vec::new();
        self.drain_old();
        self.drain_current(&mut happened);
        match fs::metadata(&self.path) {
            Ok(found) => {
                self.is_missing = false;
                if self.current.as_ref().map(|opened| opened.id) != Some(id_of(&found)) {
                    // What was written before the name changed hands comes first.
                    self.drain_current(&mut happened);
                    self.take_up(&mut happened);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if self.current.is_some() && !self.is_missing {
                    self.is_missing = true;
                    happened.push(Happening::of(NoticeKind::Gap));
                }
            }
            // Nothing can be said of it now: the file that is open goes on.
            Err(_) => {}
        }
        happened
    }

    fn drain_current(&mut self, happened: &mut Vec<Happening>) {
        let Some(opened) = &mut self.current else {
            return;
        };
        // Each time round something was read, or the file was found anew and read from its start.
        while let Ok(Step::Restart(kind)) = opened.drain(&self.log) {
            happened.push(Happening {
                kind,
                missing: Some(self.log.len()),
            });
            // Copies of what was there before need not be read when the name changes hands.
            self.known
                .extend(siblings(&self.path).iter().map(|(_, id, _)| *id));
        }
    }

    /// Lines that came late to a file that lost its name: only between two lines of the new one.
    fn drain_old(&mut self) {
        let log = &self.log;
        let now = Instant::now();
        self.old.retain_mut(|(opened, until)| {
            if log.whole() == log.len() {
                // A file that nobody looks for any more may be gone: then there is nothing to read.
                let _ = opened.drain_lines(log);
            }
            *until > now
        });
    }

    /// Another file has the name now.
    fn take_up(&mut self, happened: &mut Vec<Happening>) {
        let Ok(Bytes::File(file)) = discover::open_file(&self.path) else {
            return;
        };
        let Ok(found) = file.metadata() else {
            return;
        };
        let mut new = Opened {
            file,
            id: id_of(&found),
            read: 0,
            print: Vec::new(),
        };
        if let Some(before) = self.current.take() {
            let same = Opened {
                read: before.read,
                print: before.print.clone(),
                ..new
            };
            if before.read > 0 && found.len() >= before.read && same.is_as_read().unwrap_or(false) {
                // Saved anew with the same beginning: it goes on where it was.
                new = same;
                happened.push(Happening::of(NoticeKind::Replaced));
            } else {
                self.log.end_line();
                new = Opened {
                    read: 0,
                    print: Vec::new(),
                    ..same
                };
                self.known.extend([before.id, new.id]);
                happened.push(Happening::of(NoticeKind::Rotated));
                self.old.push((before, Instant::now() + GRACE));
                self.read_missed();
            }
        }
        self.known.insert(new.id);
        self.current = Some(new);
        self.drain_current(happened);
    }

    /// Files that had the name between two looks and have another now.
    fn read_missed(&mut self) {
        let mut missed = siblings(&self.path);
        missed.retain(|(_, id, _)| !self.known.contains(id));
        missed.sort_by(|(a, _, a_modified), (b, _, b_modified)| {
            a_modified.cmp(b_modified).then_with(|| by_age(a, b))
        });
        for (path, id, _) in missed {
            self.known.insert(id);
            if let Ok(Bytes::File(file)) = discover::open_file(&path) {
                let mut opened = Opened {
                    file,
                    id,
                    read: 0,
                    print: Vec::new(),
                };
                // A file that changes again while it is read is read as far as it goes.
                let _ = opened.drain(&self.log);
                self.log.end_line();
            }
        }
    }
}

/// How reading a file went.
enum Step {
    /// There is no more for now.
    Done,
    /// It is not what it was, and is to be read from its start.
    Restart(NoticeKind),
}

impl Opened {
    /// Whether what stands before the place read last is what was read there.
    fn is_as_read(&self) -> io::Result<bool> {
        let mut buffer = vec![0; self.print.len()];
        let from = self.read - self.print.len() as u64;
        let read = self.file.read_at(&mut buffer, from)?;
        Ok(read == buffer.len() && buffer == self.print)
    }

    /// Reads on to the end.
    fn drain(&mut self, log: &Log) -> io::Result<Step> {
        let mut buffer = vec![0; 0];
        loop {
            let len = self.file.metadata()?.len();
            if len < self.read {
                return Ok(self.restart(log, NoticeKind::Truncated));
            }
            if !self.is_as_read()? {
                return Ok(self.restart(log, NoticeKind::Replaced));
            }
            if len == self.read {
                return Ok(Step::Done);
            }
            let wanted = usize::try_from(len - self.read)
                .unwrap_or(usize::MAX)
                .min(PIECE);
            buffer.resize(wanted, 0);
            let read = self.file.read_at(&mut buffer, self.read)?;
            // It may have been cut and written anew between the two.
            if read == 0 || !self.is_as_read()? {
                continue;
            }
            self.took(&buffer[..read], log);
        }
    }

    /// Reads on to the end of the last whole line.
    fn drain_lines(&mut self, log: &Log) -> io::Result<()> {
        let len = self.file.metadata()?.len();
        if len <= self.read || !self.is_as_read()? {
            return Ok(());
        }
        let mut buffer = vec![0; usize::try_from(len - self.read).unwrap_or(PIECE).min(PIECE)];
        let read = self.file.read_at(&mut buffer, self.read)?;
        if let Some(end) = memchr::memrchr(b'\n', &buffer[..read]) {
            self.took(&buffer[..=end], log);
        }
        Ok(())
    }

    fn took(&mut self, bytes: &[u8], log: &Log) {
        log.append(&self.file, self.read, bytes);
        self.read += bytes.len() as u64;
        self.print.extend_from_slice(bytes);
        let surplus = self.print.len().saturating_sub(PRINT);
        self.print.drain(..surplus);
    }

    fn restart(&mut self, log: &Log, kind: NoticeKind) -> Step {
        log.end_line();
        log.forget(&self.file);
        // The pieces read before lie in no file any more: those to come need a handle of their own.
        if let Ok(again) = self.file.try_clone() {
            self.file = Arc::new(again);
        }
        self.read = 0;
        self.print.clear();
        Step::Restart(kind)
    }
}

/// The older one first, by its name: dates grow, and numbers count back.
fn by_age(a: &Path, b: &Path) -> Ordering {
    let number = |path: &Path| path.extension()?.to_str()?.parse::<u64>().ok();
    match (number(a), number(b)) {
        (Some(a), Some(b)) => b.cmp(&a),
        (_, _) => a.cmp(b),
    }
}

/// Files beside a path that bear its name and an ending: what a rotation leaves. Packed ones are not
/// among them.
fn siblings(path: &Path) -> Vec<(PathBuf, Id, SystemTime)> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let is_rotated = |entry: &fs::DirEntry| {
        let found = entry.file_name();
        let ending = found.as_encoded_bytes().strip_prefix(name);
        ending.is_some_and(|ending| {
            matches!(ending.first(), Some(b'.' | b'-'))
                && ![&b".gz"[..], b".zst", b".bz2", b".xz", b".tmp", b".swp"]
                    .iter()
                    .any(|packed| ending.ends_with(packed))
        })
    };
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    entries
        .filter_map(Result::ok)
        .filter(is_rotated)
        .filter_map(|entry| {
            let metadata = entry.metadata().ok()?;
            let modified = metadata.modified().ok()?;
            metadata
                .is_file()
                .then(|| (entry.path(), id_of(&metadata), modified))
        })
        .collect()
}
