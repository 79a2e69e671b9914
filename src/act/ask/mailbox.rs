//! The folder of questions and answers. The first answer wins: `link(2)` puts it in place and never replaces.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;
use thiserror::Error;

use crate::act::ask::{Answer, Ask, Standing};
use crate::act::places::{self, Places};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    folder: PathBuf,
}

/// Why an answer was not accepted.
#[derive(Debug, Error)]
pub enum Lost {
    #[error("already {} by {}", .0.state.word(), .0.by)]
    Earlier(Box<Answer>),
    #[error("the agent is no longer waiting")]
    Gone,
    #[error("the deadline has passed")]
    Expired,
    #[error("the answer could not be written: {0}")]
    Failed(#[from] io::Error),
}

/// The largest question that is read. Arguments are bounded by the largest hook payload.
const LARGEST_ASK: u64 = 32 << 20;
const LARGEST_ANSWER: u64 = 64 << 10;
/// How long abandoned questions are kept, so that a person sees what became of them.
const KEPT: Duration = Duration::from_hours(1);

const ASK: &str = ".ask.json";
const ANSWER: &str = ".answer.json";

impl Mailbox {
    /// The user's first usable folder.
    pub fn usable(places: &Places) -> io::Result<Mailbox> {
        let mut last = io::Error::from(io::ErrorKind::NotFound);
        for meeting in places.meeting() {
            match Mailbox::at(&meeting) {
                Ok(mailbox) => return Ok(mailbox),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// All folders in which an agent of the user may ask.
    pub fn all(places: &Places) -> Vec<Mailbox> {
        let meeting = places.meeting();
        meeting
            .iter()
            .filter_map(|it| Mailbox::at(it).ok())
            .collect()
    }

    /// The mailbox of a meeting place.
    pub fn at(meeting: &Path) -> io::Result<Mailbox> {
        let folder = meeting.join("ask");
        places::private(meeting)?;
        places::private(&folder)?;
        if is_remote(&folder) {
            let what = format!("{} is on a network file system", folder.display());
            return Err(io::Error::new(io::ErrorKind::Unsupported, what));
        }
        Ok(Mailbox { folder })
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn ask_file(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}{ASK}"))
    }

    fn answer_file(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{id}{ANSWER}"))
    }

    /// Posts a question: from now on it can be answered.
    pub fn put(&self, ask: &Ask) -> io::Result<()> {
        let temporary = self.written(ask)?;
        temporary.persist_noclobber(self.ask_file(&ask.id))?;
        Ok(())
    }

    /// Withdraws a question. Its answer, if any, stays, so that a late one learns of it.
    pub fn withdraw(&self, ask: &Ask) {
        let _ = fs::remove_file(self.ask_file(&ask.id));
    }

    /// The answer to a question. One by another user or to another question is moved aside.
    pub fn answer_to(&self, ask: &Ask) -> Option<Answer> {
        let path = self.answer_file(&ask.id);
        let bytes = match places::read_private(&path, LARGEST_ANSWER) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(_) => {
                set_aside(&path);
                return None;
            }
        };
        let answer: Option<Answer> = serde_json::from_slice(&bytes).ok();
        let answer = answer.filter(|answer| ask.is_answered_by(answer));
        if answer.is_none() {
            set_aside(&path);
        }
        answer
    }

    /// Answers a question. Only the first answer counts.
    pub fn answer(&self, ask: &Ask, answer: &Answer, now: i64) -> Result<(), Lost> {
        match self.standing(ask, now) {
            Standing::Open => {}
            Standing::Answered => return Err(self.lost(ask)),
            Standing::Gone => return Err(Lost::Gone),
            Standing::Expired => return Err(Lost::Expired),
        }
        let written = self.written(answer)?;
        match fs::hard_link(written.path(), self.answer_file(&ask.id)) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(self.lost(ask)),
            Err(error) => Err(Lost::Failed(error)),
        }
    }

    fn lost(&self, ask: &Ask) -> Lost {
        let earlier = places::read_private(&self.answer_file(&ask.id), LARGEST_ANSWER);
        let earlier = earlier.map(|bytes| serde_json::from_slice(&bytes));
        match earlier {
            Ok(Ok(answer)) => Lost::Earlier(Box::new(answer)),
            Ok(Err(_)) | Err(_) => Lost::Gone,
        }
    }

    /// A private file with a value, not yet in place.
    fn written(&self, value: &impl Serialize) -> io::Result<tempfile::NamedTempFile> {
        let mut file = tempfile::Builder::new()
            .prefix(".new-")
            .tempfile_in(&self.folder)?;
        file.write_all(&serde_json::to_vec(value)?)?;
        Ok(file)
    }

    /// Whether a question can still be answered.
    pub fn standing(&self, ask: &Ask, now: i64) -> Standing {
        if self.answer_file(&ask.id).exists() {
            Standing::Answered
        } else if !self.ask_file(&ask.id).exists() || !ask.is_waited_for() {
            Standing::Gone
        } else if ask.until().is_none_or(|until| until <= now) {
            Standing::Expired
        } else {
            Standing::Open
        }
    }

    /// The questions, oldest first. Anything else, and questions of other users, are skipped.
    pub fn list(&self) -> Vec<Ask> {
        let mut asks: Vec<Ask> = self.ids().iter().filter_map(|id| self.read(id)).collect();
        asks.sort_by(|a, b| (&a.asked_at, &a.id).cmp(&(&b.asked_at, &b.id)));
        asks
    }

    /// The ids of files that may be questions.
    pub fn ids(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        names
            .filter_map(|name| name.strip_suffix(ASK).map(str::to_owned))
            .filter(|id| !id.starts_with('.'))
            .collect()
    }

    /// The question with this id.
    pub fn read(&self, id: &str) -> Option<Ask> {
        let bytes = places::read_private(&self.ask_file(id), LARGEST_ASK).ok()?;
        let ask: Ask = serde_json::from_slice(&bytes).ok()?;
        (ask.id == id && super::hash(&ask.args) == ask.args_sha256).then_some(ask)
    }

    /// Removes questions and answers abandoned for more than an hour.
    pub fn clean(&self, now: SystemTime) {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let written = entry.metadata().and_then(|it| it.modified());
            let age = written.ok().and_then(|at| now.duration_since(at).ok());
            if age.is_none_or(|age| age < KEPT) {
                continue;
            }
            let name = entry.file_name().into_string().unwrap_or_default();
            let ask = name.strip_suffix(ASK).and_then(|id| self.read(id));
            if ask.is_none_or(|ask| !ask.is_waited_for()) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Whether `link` and locks in a folder may depend on another machine.
#[cfg(target_os = "linux")]
fn is_remote(folder: &Path) -> bool {
    // NFS, SMB, CIFS, SMB2, CODA, AFS, 9P, Ceph.
    const REMOTE: &[u32] = &[
        0x6969,
        0x517b,
        0xff53_4d42,
        0xfe53_4d42,
        0x7375_7245,
        0x5346_414f,
        0x0102_1997,
        0x00c3_6400,
    ];
    rustix::fs::statfs(folder).is_ok_and(|it| REMOTE.contains(&(it.f_type as u32)))
}

#[cfg(not(target_os = "linux"))]
fn is_remote(_folder: &Path) -> bool {
    false
}

/// Keeps an answer that does not count under another name.
fn set_aside(path: &Path) {
    let aside = (0..100).map(|n| path.with_extension(format!("refused-{n}")));
    for name in aside {
        if !name.exists() && fs::rename(path, &name).is_ok() {
            return;
        }
    }
    let _ = fs::remove_file(path);
}

#[cfg(test)]
mod tests;
