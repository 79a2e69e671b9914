//! Where the bytes of a growing source come from, and what happens to them on the way.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use super::follow::{Change, Follower};
use super::pipe::{self, Pipe};
use super::stored::{self, StoredFeed};
use crate::ingest::bytes::log::{Log, RECENT};
use crate::ingest::notice::NoticeKind;

/// A file that is followed under its name, a session in a store, or standard input.
#[derive(Debug)]
pub(super) enum Feed {
    File(Follower),
    Pipe(Pipe),
    Stored(StoredFeed),
}

impl Feed {
    /// Follows `path`; a pipe gives a `hint` whenever something came.
    pub(super) fn open(path: PathBuf, hint: Sender<()>) -> Feed {
        if pipe::is_pipe(&path) {
            Feed::Pipe(Pipe::start(hint))
        } else if stored::is_stored(&path) {
            Feed::Stored(StoredFeed::new(path))
        } else {
            Feed::File(Follower::new(path))
        }
    }

    pub(super) fn log(&self) -> &Arc<Log> {
        match self {
            Feed::File(follower) => follower.log(),
            Feed::Pipe(pipe) => pipe.log(),
            Feed::Stored(session) => session.log(),
        }
    }

    /// The format, if it is known before the first line.
    pub(super) fn format(&self) -> Option<&'static str> {
        match self {
            Feed::File(_) | Feed::Pipe(_) => None,
            Feed::Stored(session) => session.format(),
        }
    }

    /// Reads what is new; what happened to the file meanwhile, and how much of it was read before that.
    pub(super) fn poll(&mut self) -> (Vec<Change>, u64) {
        match self {
            Feed::File(follower) => (follower.poll(), follower.read()),
            // Its own thread reads it.
            Feed::Pipe(_) => (Vec::new(), 0),
            Feed::Stored(session) => {
                session.poll();
                (Vec::new(), 0)
            }
        }
    }

    /// Nothing can come any more.
    pub(super) fn has_ended(&self) -> bool {
        match self {
            Feed::File(_) | Feed::Stored(_) => false,
            Feed::Pipe(pipe) => pipe.has_ended(),
        }
    }

    /// Keeps this much of the last bytes in memory.
    pub(super) fn keep(&self, share: usize) {
        self.log().keep(match self {
            Feed::File(_) => share.min(RECENT),
            // The bytes of a pipe are stored nowhere else, and rows may change.
            Feed::Pipe(_) | Feed::Stored(_) => share,
        });
    }

    /// Bytes before this can no longer be read.
    pub(super) fn lost_before(&self) -> u64 {
        match self {
            Feed::File(_) => 0,
            Feed::Pipe(pipe) => pipe.log().kept_from(),
            Feed::Stored(session) => session.log().kept_from(),
        }
    }
}

/// How long a last line may stay incomplete before that is reported.
const PATIENCE: Duration = Duration::from_secs(2);

/// Watches for a last line that stays incomplete.
#[derive(Debug, Default)]
pub(super) struct HalfLine {
    len: u64,
    since: Option<Instant>,
    /// Where the line begins that was reported last.
    reported: Option<u64>,
}

impl HalfLine {
    /// Reports each incomplete line once, when it has not grown for a while.
    pub(super) fn check(&mut self, log: &Log) -> Option<Change> {
        let (len, whole) = (log.len(), log.whole());
        if self.len != len || self.since.is_none() {
            (self.len, self.since) = (len, Some(Instant::now()));
        }
        let is_old = self.since.is_some_and(|since| since.elapsed() >= PATIENCE);
        if whole == len || !is_old || self.reported == Some(whole) {
            return None;
        }
        self.reported = Some(whole);
        Some(Change {
            kind: NoticeKind::Partial,
            missing: None,
        })
    }
}
