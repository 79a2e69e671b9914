//! What happened to a file, for whoever reads or follows it.

use std::path::{Path, PathBuf};

use crate::ingest::formats::sniff::Caveat;

/// Something that happened to a file, or that was found out about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub kind: NoticeKind,
    pub path: PathBuf,
    /// How many bytes of the file had been read.
    pub at: u64,
    /// Where bytes may be missing, as an offset in what was read so far; none if nothing is lost.
    pub missing: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeKind {
    /// The file was truncated: what was written and not read before is lost.
    Truncated,
    /// Another file has its name now; the old one was read to its end.
    Rotated,
    /// Its content was rewritten.
    Replaced,
    /// Its last line has been incomplete for a while.
    Partial,
    /// The file is gone; a new one with its name will be read.
    Gap,
    /// The system reports changes.
    Watching,
    /// The system does not report changes: files are polled.
    Polling,
    /// It holds records of more than one format.
    Mixed,
    /// A program wrote it whose format has no reader; the words name it.
    Stranger(&'static str),
}

impl Notice {
    /// What was found out about a file that was opened; nothing is missing.
    pub fn found(kind: NoticeKind, path: &Path) -> Notice {
        Notice {
            kind,
            path: path.to_owned(),
            at: 0,
            missing: None,
        }
    }
}

impl From<Caveat> for NoticeKind {
    fn from(caveat: Caveat) -> NoticeKind {
        match caveat {
            Caveat::Mixed => NoticeKind::Mixed,
            Caveat::Stranger(words) | Caveat::Index(words) => NoticeKind::Stranger(words),
        }
    }
}

impl NoticeKind {
    /// What it means, for a person; a path comes before it.
    pub fn words(self) -> &'static str {
        match self {
            NoticeKind::Truncated => "was truncated; what was written just before that may be lost",
            NoticeKind::Rotated => "was rotated; following the new file",
            NoticeKind::Replaced => "was rewritten",
            NoticeKind::Partial => {
                "ends in an incomplete line, which is shown once the rest is written"
            }
            NoticeKind::Gap => "was removed; a new file with its name will be followed",
            NoticeKind::Watching => "is being followed",
            NoticeKind::Polling => "is being followed by polling",
            NoticeKind::Mixed => {
                "holds records of more than one format (saferun-tui formats --explain FILE lists them)"
            }
            NoticeKind::Stranger(words) => words,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            NoticeKind::Truncated => "truncated",
            NoticeKind::Rotated => "rotated",
            NoticeKind::Replaced => "replaced",
            NoticeKind::Partial => "partial",
            NoticeKind::Gap => "gap",
            NoticeKind::Watching => "watching",
            NoticeKind::Polling => "polling",
            NoticeKind::Mixed => "mixed",
            NoticeKind::Stranger(_) => "unsupported",
        }
    }
}
