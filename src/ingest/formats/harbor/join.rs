//! Which trial a log of an agent belongs to, and what the runs in it get from it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::Harbor;
use crate::ingest::assemble::{Assembler, Builder, Draft, From};
use crate::ingest::fact::{Fact, FactKind, Name};
use crate::ingest::format::{Decode, TELLS};
use crate::ingest::formats::conversation::{set, status};
use crate::ingest::json;
use crate::ingest::open::open_without_waiting;
use crate::model::action::{Kind, Status};
use crate::model::run::{RunIx, RunStatus};

/// The files that describe a trial, the best first.
const DESCRIPTIONS: &[&str] = &["result.json", "results.json", "config.json"];

/// How deep in the folder of a trial an agent keeps its logs, at most.
const DEEPEST: usize = 8;

/// How much of a file is read to see which trial it describes.
const HEAD: u64 = 64 << 10;

/// The folder of the trial that a folder belongs to, and the file that describes it.
pub(crate) fn trial(folder: &Path) -> Option<(PathBuf, PathBuf)> {
    let whole = std::path::absolute(folder).ok()?;
    let mut above = whole.ancestors().take(DEEPEST);
    above.find_map(|folder| {
        let mut files = DESCRIPTIONS.iter().map(|name| folder.join(name));
        Some((folder.to_owned(), files.find(|file| describes(file))?))
    })
}

/// Whether a file describes trials, by its name.
pub(crate) fn describes_trials(path: &Path) -> bool {
    let name = path.file_name().and_then(OsStr::to_str);
    name.is_some_and(|name| DESCRIPTIONS.contains(&name))
}

/// Whether a file describes a trial.
fn describes(path: &Path) -> bool {
    use std::io::Read as _;

    if !path.is_file() {
        return false;
    }
    let mut head = Vec::new();
    let read = open_without_waiting(path).and_then(|file| file.take(HEAD).read_to_end(&mut head));
    let Some(document) = read.ok().and_then(|_| json::value_head(&head)) else {
        return false;
    };
    let is_config = document.get("trial_name").is_some()
        && ["task", "agent"]
            .iter()
            .all(|key| document.get(key).is_some_and(Value::is_object));
    is_config || Harbor.sniff(&document) >= TELLS
}

/// Whether a file is the result of a trial, which is read with the log of its agent if there is one.
pub(super) fn is_result(path: &Path) -> bool {
    describes_trials(path) && describes(path)
}

/// Whether a log repeats the trajectory of its trial, which is the one to show.
pub(crate) fn is_shadowed(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name == "trajectory.json" || name.starts_with("trajectory.cont-") {
        return false;
    }
    let Ok(path) = std::path::absolute(path) else {
        return false;
    };
    let is_log = path.components().any(|part| part.as_os_str() == "agent");
    let Some((folder, _)) = path.parent().filter(|_| is_log).and_then(trial) else {
        return false;
    };
    let agent = folder.join("agent");
    path.starts_with(&agent) && agent.join("trajectory.json").is_file()
}

/// Gives runs the task, trial, reward and exception of their trial.
#[derive(Debug)]
pub(crate) struct Join {
    runs: Vec<RunIx>,
    /// The name of the log. All trials call it the same: runs named after it are named after the trial.
    log: String,
    /// Whether the exception gets a row: of several logs of a trial, in the first one.
    shows: bool,
}

impl Join {
    pub(crate) fn new(runs: Vec<RunIx>, log: &str, shows: bool) -> Join {
        Join {
            runs,
            log: log.to_owned(),
            shows,
        }
    }
}

impl Assembler for Join {
    fn take(&mut self, fact: &Fact, from: &From<'_>, build: &mut Builder) {
        for &run in &self.runs {
            for (name, value) in from.decoded.names(fact) {
                set(run, name, value, build);
                if name == Name::Trial && *build.peek(run).id == *self.log {
                    build.edit(run).id = String::from_utf8_lossy(value).into();
                }
            }
            if !build.peek(run).started.is_some() && fact.kind == FactKind::RunStart {
                build.seen(run, fact.time);
            }
        }
        match fact.kind {
            FactKind::Error if self.shows => {
                if let Some(&run) = self.runs.first() {
                    let draft = Draft {
                        agent: build.peek(run).who.agent,
                        ..Draft::new(Kind::Error, run, fact, from)
                    };
                    build.act(&draft);
                }
            }
            FactKind::Setting => self.end(fact.status, build),
            FactKind::RunStart
            | FactKind::Setup
            | FactKind::ImpliedStart
            | FactKind::RunEnd
            | FactKind::Prompt
            | FactKind::Response
            | FactKind::Reasoning
            | FactKind::ToolCall
            | FactKind::ToolResult
            | FactKind::Decision
            | FactKind::Approval
            | FactKind::Error
            | FactKind::Note
            | FactKind::Usage
            | FactKind::RunningTotal
            | FactKind::RunTotal
            | FactKind::CallNews
            | FactKind::Piece
            | FactKind::Copy
            | FactKind::Unknown
            | FactKind::Malformed => {}
        }
    }

    fn finish(&mut self, _build: &mut Builder) {}
}

impl Join {
    /// An exception is how the trial ended; a reward says so only if the log does not.
    fn end(&self, ended: Status, build: &mut Builder) {
        let Some(ended) = status(ended) else { return };
        for &run in &self.runs {
            let known = build.peek(run).status;
            let is_open = matches!(
                known,
                RunStatus::Unknown | RunStatus::Running | RunStatus::Unfinished
            );
            if ended != RunStatus::Ok || is_open {
                build.end(run, ended);
            }
        }
    }
}
