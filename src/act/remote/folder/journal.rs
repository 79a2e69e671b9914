//! Turns a change of several files into one step: the whole change is written to a journal first. Its rename is the
//! moment of commitment; the journal is then applied, and applied again after a kill, with the same result.

use std::io::{self, Read};

use serde::{Deserialize, Serialize};

use super::disk::Disk;

const JOURNAL: &str = ".saferun-pull.journal";
const UNFINISHED: &str = ".saferun-pull.part";

/// The change of one file: its first bytes are kept, the rest is replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Patch {
    pub(super) name: String,
    pub(super) keep: u64,
    /// How many bytes follow the kept ones.
    pub(super) more: u64,
}

/// Commits patches whose bytes come one after the other, and applies them.
pub(super) fn commit(disk: &dyn Disk, patches: &[Patch], bytes: &mut dyn Read) -> io::Result<()> {
    let mut head = serde_json::to_vec(patches)?;
    head.push(b'\n');
    let size = u64::try_from(head.len()).unwrap_or(u64::MAX).to_be_bytes();
    let mut whole = size.chain(head.as_slice()).chain(bytes);
    disk.patch(UNFINISHED, 0, &mut whole)?;
    disk.rename(UNFINISHED, JOURNAL)?;
    recover(disk)
}

/// Applies a committed journal, if there is one.
pub(super) fn recover(disk: &dyn Disk) -> io::Result<()> {
    if disk.size(JOURNAL)?.is_none() {
        return Ok(());
    }
    let mut size = [0; 8];
    disk.read(JOURNAL, 0, &mut size)?;
    let size = u64::from_be_bytes(size);
    let mut head = vec![0; usize::try_from(size).unwrap_or(usize::MAX)];
    disk.read(JOURNAL, 8, &mut head)?;
    let patches: Vec<Patch> = serde_json::from_slice(&head)?;
    let mut at = 8 + size;
    for patch in &patches {
        let mut bytes = Range::new(disk, JOURNAL, at, patch.more);
        disk.patch(&patch.name, patch.keep, &mut bytes)?;
        at += patch.more;
    }
    disk.remove(JOURNAL)
}

/// A range of a file, read in pieces.
#[derive(Debug)]
pub(super) struct Range<'a> {
    disk: &'a dyn Disk,
    name: &'a str,
    at: u64,
    left: u64,
}

impl<'a> Range<'a> {
    pub(super) fn new(disk: &'a dyn Disk, name: &'a str, at: u64, left: u64) -> Range<'a> {
        Range {
            disk,
            name,
            at,
            left,
        }
    }
}

impl Read for Range<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let take = out
            .len()
            .min(usize::try_from(self.left).unwrap_or(usize::MAX));
        self.disk.read(self.name, self.at, &mut out[..take])?;
        self.at += take as u64;
        self.left -= take as u64;
        Ok(take)
    }
}
