//! Following one path through whatever happens to the file behind it.
//!
//! A file's size says little: between two polls the file may be truncated and grow past the old offset, or
//! be rewritten with the same size. So the bytes just before the offset read last (the fingerprint) are
//! compared before anything after them is trusted, and once more after it was read. Another file with the
//! same name is opened only when the old one is read to its end, and late writes to the old one are still
//! read for a while.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::ingest::bytes::Bytes;
use crate::ingest::bytes::log::Log;
use crate::ingest::discover;
use crate::ingest::notice::NoticeKind;

/// The length of a fingerprint.
const FINGERPRINT: usize = 4 << 10;
/// How many bytes are read at once.
const PIECE: usize = 1 << 20;
/// How long a file that lost its name is still read, because writers keep it open for a while.
const GRACE: Duration = Duration::from_secs(5);

/// What distinguishes files: device and inode.
type Id = (u64, u64);

fn id_of(metadata: &Metadata) -> Id {
    (metadata.dev(), metadata.ino())
}

/// An open file, and how far it was read.
#[derive(Debug)]
struct Opened {
    file: Arc<File>,
    id: Id,
    read: u64,
    /// The last bytes that were read.
    fingerprint: Vec<u8>,
}

/// Something that changes to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) kind: NoticeKind,
    /// The offset in the log at which bytes may be missing that were gone before they were read.
    pub(super) missing: Option<u64>,
}

impl Change {
    fn of(kind: NoticeKind) -> Change {
        Change {
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
    /// Files that had the name before, and until when they are polled.
    old: Vec<(Opened, Instant)>,
    /// Files beside it that need not be read: they were read already, or existed before.
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

    /// How many bytes were read of the file that has the name now.
    pub(super) fn read(&self) -> u64 {
        self.current.as_ref().map_or(0, |opened| opened.read)
    }

    /// Reads what is new; what changes to the file meanwhile.
    pub(super) fn poll(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        self.drain_old();
        self.drain_current(&mut changes);
        match fs::metadata(&self.path) {
            Ok(found) => {
                self.is_missing = false;
                if self.current.as_ref().map(|opened| opened.id) != Some(id_of(&found)) {
                    // What was written before the name moved to another file comes first.
                    self.drain_current(&mut changes);
                    self.switch(&mut changes);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if self.current.is_some() && !self.is_missing {
                    self.is_missing = true;
                    changes.push(Change::of(NoticeKind::Gap));
                }
            }
            // The path cannot be examined now: keep the open file.
            Err(_) => {}
        }
        changes
    }

    fn drain_current(&mut self, changes: &mut Vec<Change>) {
        let Some(opened) = &mut self.current else {
            return;
        };
        // Each restart reads the file from its beginning again.
        while let Ok(Step::Restart(kind)) = opened.drain(&self.log) {
            changes.push(Change {
                kind,
                missing: Some(self.log.len()),
            });
            // Copies of the old content need not be read at the next rotation.
            self.known
                .extend(siblings(&self.path).iter().map(|(_, id, _)| *id));
        }
    }

    /// Reads lines written late to a file that lost its name, but only between two lines of the new one.
    fn drain_old(&mut self) {
        let log = &self.log;
        let now = Instant::now();
        self.old.retain_mut(|(opened, until)| {
            if log.whole() == log.len() {
                // An old file may fail to be read at any time: then nothing more comes of it.
                let _ = opened.drain_lines(log);
            }
            *until > now
        });
    }

    /// Switches to the file that now has this name.
    fn switch(&mut self, changes: &mut Vec<Change>) {
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
            fingerprint: Vec::new(),
        };
        if let Some(before) = self.current.take() {
            let same = Opened {
                read: before.read,
                fingerprint: before.fingerprint.clone(),
                ..new
            };
            if before.read > 0 && found.len() >= before.read && same.is_unchanged().unwrap_or(false)
            {
                // It was saved again with the same beginning: go on at the same offset.
                new = same;
                changes.push(Change::of(NoticeKind::Replaced));
            } else {
                self.log.end_line();
                new = Opened {
                    read: 0,
                    fingerprint: Vec::new(),
                    ..same
                };
                self.known.extend([before.id, new.id]);
                changes.push(Change::of(NoticeKind::Rotated));
                self.old.push((before, Instant::now() + GRACE));
                self.read_missed();
            }
        }
        self.known.insert(new.id);
        self.current = Some(new);
        self.drain_current(changes);
    }

    /// Reads files that had the name only between two polls and have another now.
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
                    fingerprint: Vec::new(),
                };
                // A file that changes again while it is read is read only so far.
                let _ = opened.drain(&self.log);
                self.log.end_line();
            }
        }
    }
}

/// How reading a file went.
enum Step {
    /// It is read to its end.
    Done,
    /// Its content changed: it must be read from its beginning.
    Restart(NoticeKind),
}

impl Opened {
    /// Whether the file still holds the fingerprint where it was read.
    fn is_unchanged(&self) -> io::Result<bool> {
        let mut buffer = vec![0; self.fingerprint.len()];
        let from = self.read - self.fingerprint.len() as u64;
        let read = self.file.read_at(&mut buffer, from)?;
        Ok(read == buffer.len() && buffer == self.fingerprint)
    }

    /// Reads on to the end.
    fn drain(&mut self, log: &Log) -> io::Result<Step> {
        let mut buffer = Vec::new();
        loop {
            let len = self.file.metadata()?.len();
            if len < self.read {
                return Ok(self.restart(log, NoticeKind::Truncated));
            }
            if !self.is_unchanged()? {
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
            // It may have been truncated and rewritten in between.
            if read == 0 || !self.is_unchanged()? {
                continue;
            }
            self.append(&buffer[..read], log);
        }
    }

    /// Reads on to the end of the last complete line.
    fn drain_lines(&mut self, log: &Log) -> io::Result<()> {
        let len = self.file.metadata()?.len();
        if len <= self.read || !self.is_unchanged()? {
            return Ok(());
        }
        let mut buffer = vec![0; usize::try_from(len - self.read).unwrap_or(PIECE).min(PIECE)];
        let read = self.file.read_at(&mut buffer, self.read)?;
        if let Some(end) = memchr::memrchr(b'\n', &buffer[..read]) {
            self.append(&buffer[..=end], log);
        }
        Ok(())
    }

    fn append(&mut self, bytes: &[u8], log: &Log) {
        log.append(&self.file, self.read, bytes);
        self.read += bytes.len() as u64;
        self.fingerprint.extend_from_slice(bytes);
        let surplus = self.fingerprint.len().saturating_sub(FINGERPRINT);
        self.fingerprint.drain(..surplus);
    }

    fn restart(&mut self, log: &Log, kind: NoticeKind) -> Step {
        log.end_line();
        log.forget(&self.file);
        // Pieces that were read before are in no file now: new pieces need another handle.
        if let Ok(again) = self.file.try_clone() {
            self.file = Arc::new(again);
        }
        self.read = 0;
        self.fingerprint.clear();
        Step::Restart(kind)
    }
}

/// Orders rotated files from old to new by name: dates ascend, numbers descend.
fn by_age(a: &Path, b: &Path) -> Ordering {
    let number = |path: &Path| path.extension()?.to_str()?.parse::<u64>().ok();
    match (number(a), number(b)) {
        (Some(a), Some(b)) => b.cmp(&a),
        (_, _) => a.cmp(b),
    }
}

/// Files beside a path whose name is that of the path plus an ending: what a rotation leaves behind, except
/// for compressed files.
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

#[cfg(test)]
mod tests;
