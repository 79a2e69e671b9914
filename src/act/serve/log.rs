//! Logs the requests and answers of a served run, so that they can be kept as a new run.
//!
//! An entry costs next to nothing while an agent waits for its answer: events are made of it afterwards.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use tempfile::NamedTempFile;

use crate::act::serve::events::Writer;
use crate::analysis::tape::player::Player;
use crate::ingest::wire::answer::ModelAnswer;

/// What was asked and answered so far.
#[derive(Debug)]
pub struct Log {
    pub run_id: String,
    entries: Vec<Entry>,
}

#[derive(Debug)]
pub(super) struct Entry {
    /// Microseconds since 1970.
    pub(super) at: i64,
    pub(super) what: Logged,
}

/// Requests are bodies as sent.
#[derive(Debug)]
pub(super) enum Logged {
    /// A request that got the answer of a step, counting from 0.
    Answered { step: usize, request: Arc<Value> },
    /// A request that the real model answered.
    Live {
        request: Arc<Value>,
        answer: Box<ModelAnswer>,
    },
    /// A request outside the conversation, and the text it got.
    Beside(String),
    /// A request without an answer, and why.
    Missed(String),
}

impl Log {
    pub(super) fn new(player: &Player, now: i64) -> Log {
        let run = player.store.run(player.recording.run);
        Log {
            run_id: format!("{}-served-{now}", run.id),
            entries: Vec::new(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What happens before the first answer is not part of the run.
    pub(super) fn push(&mut self, what: Logged, now: i64) {
        let is_answer = matches!(what, Logged::Answered { .. } | Logged::Live { .. });
        if is_answer || !self.is_empty() {
            self.entries.push(Entry { at: now, what });
        }
    }

    /// The run, with a start, and with an end if its agent has ended. None without an answer.
    pub fn events(&self, player: &Player, status: Option<&str>, now: i64) -> Vec<Value> {
        let mut writer = Writer::new(player, &self.run_id);
        self.entries.iter().for_each(|entry| writer.entry(entry));
        if let Some(status) = status.filter(|_| !self.is_empty()) {
            writer.end(status, now);
        }
        writer.events
    }
}

/// Events in a file that is deleted when this is dropped.
#[derive(Debug)]
pub struct Written {
    file: NamedTempFile,
    pub is_empty: bool,
}

impl Written {
    pub fn path(&self) -> &Path {
        self.file.path()
    }
}

pub fn written(events: &[Value]) -> io::Result<Written> {
    let mut file = tempfile::Builder::new().suffix(".jsonl").tempfile()?;
    for event in events {
        writeln!(file, "{event}")?;
    }
    file.flush()?;
    Ok(Written {
        file,
        is_empty: events.is_empty(),
    })
}
