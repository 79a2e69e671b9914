//! The tool calls of all agents that are waiting for approval, as the screens see them.

use std::collections::HashSet;
use std::time::Duration;

use crate::act::ask::Standing;
use crate::act::events::ApprovalRequest;
use crate::base::{human, text};

#[derive(Debug, Default)]
pub struct Asks {
    all: Vec<ApprovalRequest>,
    /// Those already announced to the user.
    announced: HashSet<String>,
}

impl Asks {
    /// Takes the current questions. Returns a message if one is new.
    pub fn update(&mut self, all: Vec<ApprovalRequest>) -> Option<String> {
        self.all = all;
        let open = self.all.iter().filter(|it| it.standing == Standing::Open);
        let new = open.filter(|it| self.announced.insert(it.ask.id.clone()));
        let newest = new.last()?;
        let host = text::sanitize(&newest.ask.host);
        let tool = text::sanitize(&newest.ask.tool);
        Some(format!("{host} asks to run {tool}"))
    }

    /// All questions, oldest first, including those no longer pending.
    pub fn all(&self) -> &[ApprovalRequest] {
        &self.all
    }

    pub fn get(&self, id: &str) -> Option<&ApprovalRequest> {
        self.all.iter().find(|it| it.ask.id == id)
    }

    pub fn open(&self) -> usize {
        let open = self.all.iter().filter(|it| it.standing == Standing::Open);
        open.count()
    }

    /// The earliest deadline of a pending question.
    pub fn next_end(&self) -> Option<i64> {
        let open = self.all.iter().filter(|it| it.standing == Standing::Open);
        open.filter_map(|it| it.ask.until()).min()
    }

    /// `2 asks · 0:41`: how many are pending, and the time until the first expires. Empty if none is.
    pub fn badge(&self, now: i64) -> String {
        let open = self.open();
        if open == 0 {
            return String::new();
        }
        let count = human::counted(open as u64, "ask");
        match self.next_end() {
            Some(end) => format!("{count} · {}", left(end, now)),
            None => count,
        }
    }

    /// The clock ticks while a question is pending.
    pub fn stays(&self) -> Option<Duration> {
        (self.open() > 0).then_some(Duration::from_secs(1))
    }
}

/// `0:41`, `9:59`, `1:02:03`: the time until `end`, rounded up.
pub fn left(end: i64, now: i64) -> String {
    let seconds = end.saturating_sub(now).max(0).saturating_add(999_999) / 1_000_000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}
