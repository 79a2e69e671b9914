//! The history of one file: its text, as far as it is known, before and after each call.

use std::sync::Arc;

use crate::analysis::changes;
use crate::analysis::files::calls::{Swap, What};
use crate::analysis::files::patch::{self, Chunk};
use crate::analysis::files::recorded::{FileText, Recorded};
use crate::model::action::ActionIx;

/// A file that calls of a run named.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// Absolute where the trace says which folder it is relative to.
    pub path: String,
    pub events: Vec<Event>,
    /// The first text that is known, if it was seen before the run changed the file. `Some(None)`: there was no file.
    pub base: Option<FileText>,
    /// The text after the last call, if it is known.
    pub now: Option<FileText>,
    /// The run changed it.
    pub is_changed: bool,
    /// Why the first text is not known.
    base_gap: Option<Gap>,
    /// Why the last text is not known.
    gap: Option<Gap>,
}

/// One call, as far as it is about this file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    pub action: ActionIx,
    pub verb: Verb,
    pub outcome: Outcome,
    /// Lines that came and went; none if that is not recorded.
    pub added: Option<usize>,
    pub removed: Option<usize>,
    /// The text was not the one that the call before left: something else had changed it.
    pub is_drifted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Read,
    Write,
    Edit,
    Delete,
    Move,
    /// A command of the shell.
    Shell,
}

impl Verb {
    pub const ALL: &[Verb] = &[
        Verb::Read,
        Verb::Write,
        Verb::Edit,
        Verb::Delete,
        Verb::Move,
        Verb::Shell,
    ];

    pub fn word(self) -> &'static str {
        match self {
            Verb::Read => "read",
            Verb::Write => "write",
            Verb::Edit => "edit",
            Verb::Delete => "delete",
            Verb::Move => "move",
            Verb::Shell => "shell",
        }
    }

    pub fn is_change(self) -> bool {
        self != Verb::Read
    }
}

/// Whether a call did what it asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// It failed, or was stopped: nothing changed.
    Failed,
    /// Its result is not recorded, or it was broken off.
    Unclear,
}

impl Outcome {
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::Failed => "failed",
            Outcome::Unclear => "unclear",
        }
    }
}

/// How well the change of a file is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Certainty {
    /// The first and the last text were seen in full.
    Exact,
    /// Changes of a text that was not seen in full.
    Partial,
    /// A command of the shell may have changed it since its text was seen.
    Unknown,
}

impl Certainty {
    pub fn word(self) -> &'static str {
        match self {
            Certainty::Exact => "exact",
            Certainty::Partial => "partial",
            Certainty::Unknown => "unknown",
        }
    }
}

/// Why a text is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gap {
    /// No call shows the text before the first change.
    Unseen,
    ReadInPart,
    /// No call on it succeeded.
    Unread,
    /// An edit does not fit the text that was seen.
    Mismatch,
    /// A change is recorded without its text.
    NoText,
    NoResult,
    /// The user changed what the call wrote.
    Altered,
    Shell,
}

impl Gap {
    pub fn words(self) -> &'static str {
        match self {
            Gap::Unseen => "the text before the first change is not recorded",
            Gap::ReadInPart => "only part of it was read",
            Gap::Unread => "no call that names it succeeded",
            Gap::Mismatch => "an edit does not fit the text seen before",
            Gap::NoText => "a change is recorded without its text",
            Gap::NoResult => "the result of a change is not recorded",
            Gap::Altered => "the user changed what was written",
            Gap::Shell => "a shell command may have changed it",
        }
    }
}

impl File {
    pub(super) fn new(path: String) -> File {
        File {
            path,
            events: Vec::new(),
            base: None,
            now: None,
            is_changed: false,
            base_gap: None,
            gap: None,
        }
    }

    pub fn certainty(&self) -> Certainty {
        match self.why() {
            None => Certainty::Exact,
            Some(Gap::Shell) => Certainty::Unknown,
            Some(_) => Certainty::Partial,
        }
    }

    /// Why it is not exact.
    pub fn why(&self) -> Option<Gap> {
        match (&self.base, &self.now) {
            (Some(_), Some(_)) => None,
            (_, None) => Some(self.gap.unwrap_or_else(|| self.unseen())),
            (None, Some(_)) => Some(self.base_gap.unwrap_or(Gap::Unseen)),
        }
    }

    fn unseen(&self) -> Gap {
        let mut events = self.events.iter();
        if events.any(|event| event.outcome == Outcome::Done) {
            Gap::ReadInPart
        } else {
            Gap::Unread
        }
    }

    /// The first and the last text, if both are known and differ.
    pub fn net(&self) -> Option<(Option<&str>, Option<&str>)> {
        let (base, now) = (self.base.as_ref()?, self.now.as_ref()?);
        (base != now).then_some((base.as_deref(), now.as_deref()))
    }

    /// The lines that its successful calls added and removed, each call by itself; none if no call says.
    pub fn lines(&self) -> (Option<usize>, Option<usize>) {
        let sum = |of: fn(&Event) -> Option<usize>| {
            let known = self.events.iter().filter_map(of);
            known.reduce(|sum, more| sum + more)
        };
        (sum(|event| event.added), sum(|event| event.removed))
    }

    /// Takes over a text that a call shows as it was before it.
    fn see(&mut self, text: &FileText) -> bool {
        if self.base.is_none() && !self.is_changed {
            self.base = Some(text.clone());
        }
        let is_drifted = self.now.as_ref().is_some_and(|now| now != text);
        self.now = Some(text.clone());
        self.gap = None;
        is_drifted
    }

    /// The text is not known from here on.
    pub(super) fn lose(&mut self, why: Gap) {
        if self.base.is_none() && !self.is_changed {
            self.base_gap = Some(why);
        }
        self.is_changed = true;
        (self.now, self.gap) = (None, Some(why));
    }

    /// Adds a call, and what it did to the text.
    pub(super) fn add(
        &mut self,
        action: ActionIx,
        outcome: Outcome,
        (what, shown): (&What, &Recorded),
    ) {
        let mut event = Event {
            action,
            verb: verb(what),
            outcome,
            added: None,
            removed: None,
            is_drifted: false,
        };
        if let (Outcome::Done, Some(before)) = (outcome, &shown.before) {
            event.is_drifted = self.see(before);
        }
        match (outcome, what) {
            (_, What::Read) | (Outcome::Failed, _) => {}
            (_, What::Touch(_)) => self.lose(Gap::Shell),
            (Outcome::Unclear, _) => self.lose(Gap::NoResult),
            (Outcome::Done, _) => {
                (event.added, event.removed) = self.change(what, shown);
            }
        }
        self.events.push(event);
    }

    fn change(&mut self, what: &What, shown: &Recorded) -> (Option<usize>, Option<usize>) {
        let before = self.now.clone();
        let made = match (&shown.after, what) {
            (Some(after), _) => Ok(Some(Arc::clone(after))),
            (None, _) if shown.is_altered => Err(Gap::Altered),
            (None, What::Delete) => Ok(None),
            (None, _) => self.made(what),
        };
        let is_new = matches!(what, What::Add(_)) && before.is_none();
        if is_new && self.base.is_none() && !self.is_changed {
            self.base = Some(None);
        }
        let lines = match (&before, &made) {
            (Some(before), Ok(after)) => counted(before.as_deref(), after.as_deref()),
            _ if is_new => counted(None, made.as_ref().ok().and_then(Option::as_deref)),
            _ => recorded_lines(what),
        };
        match made {
            Ok(after) => {
                if self.base.is_none() && !self.is_changed {
                    self.base_gap = Some(Gap::Unseen);
                }
                self.is_changed = true;
                (self.now, self.gap) = (Some(after), None);
            }
            Err(why) => self.lose(why),
        }
        lines
    }

    /// The text after a change; the error says why it is not known.
    fn made(&self, what: &What) -> Result<FileText, Gap> {
        if let What::Write(text) | What::Add(text) = what {
            return Ok(Some(Arc::from(text.as_str())));
        }
        let Some(before) = &self.now else {
            return match what {
                // A text that replaces nothing creates the file.
                What::Replace(swaps) if makes(swaps) => Ok(Some(Arc::from(swaps[0].new.as_str()))),
                _ => Err(self.gap.unwrap_or(Gap::Unseen)),
            };
        };
        let before = before.as_deref().unwrap_or_default();
        let after = match what {
            What::Append(text) => Some(format!("{before}{text}")),
            What::Replace(swaps) => swapped(before, swaps),
            What::Insert { line, text } => inserted(before, *line, text),
            What::Patch(chunks) | What::MoveTo(_, chunks) => patch::apply(before, chunks),
            What::Change(_) => return Err(Gap::NoText),
            What::Read | What::Write(_) | What::Add(_) | What::Delete | What::Touch(_) => None,
        };
        after
            .map(|after| Some(Arc::from(after)))
            .ok_or(Gap::Mismatch)
    }
}

fn verb(what: &What) -> Verb {
    match what {
        What::Read => Verb::Read,
        What::Write(_) | What::Append(_) | What::Add(_) => Verb::Write,
        What::Replace(_) | What::Insert { .. } | What::Patch(_) | What::Change(_) => Verb::Edit,
        What::Delete => Verb::Delete,
        What::MoveTo(..) => Verb::Move,
        What::Touch(_) => Verb::Shell,
    }
}

fn makes(swaps: &[Swap]) -> bool {
    matches!(swaps, [only] if only.old.is_empty())
}

fn swapped(text: &str, swaps: &[Swap]) -> Option<String> {
    let mut text = text.to_owned();
    for swap in swaps {
        if swap.old.is_empty() {
            // It occurs everywhere: only an empty text can be meant.
            text = text.is_empty().then(|| swap.new.clone())?;
            continue;
        }
        let mut places = text.match_indices(&swap.old);
        let (_, more) = (places.next()?, places.next());
        text = match (swap.is_all, more) {
            (true, _) => text.replace(&swap.old, &swap.new),
            (false, None) => text.replacen(&swap.old, &swap.new, 1),
            // Which one was meant is not recorded.
            (false, Some(_)) => return None,
        };
    }
    Some(text)
}

fn inserted(text: &str, line: usize, new: &str) -> Option<String> {
    let mut lines: Vec<&str> = text.split('\n').collect();
    if line > lines.len() {
        return None;
    }
    let new = new.strip_suffix('\n').unwrap_or(new);
    lines.splice(line..line, new.split('\n'));
    Some(lines.join("\n"))
}

fn counted(old: Option<&str>, new: Option<&str>) -> (Option<usize>, Option<usize>) {
    let (added, removed) = changes::count(old.unwrap_or_default(), new.unwrap_or_default());
    (Some(added), Some(removed))
}

/// The lines that a call itself records, when the text around them is not known.
fn recorded_lines(what: &What) -> (Option<usize>, Option<usize>) {
    match what {
        What::Write(text) | What::Add(text) => (Some(text.lines().count()), None),
        What::Append(text) | What::Insert { text, .. } => (Some(text.lines().count()), Some(0)),
        // How often a text was replaced everywhere is not recorded.
        What::Replace(swaps) if swaps.iter().all(|swap| !swap.is_all) => {
            let counts = swaps
                .iter()
                .map(|swap| changes::count(&swap.old, &swap.new));
            let (added, removed) =
                counts.fold((0, 0), |(a, r), (added, removed)| (a + added, r + removed));
            (Some(added), Some(removed))
        }
        What::Patch(chunks) | What::MoveTo(_, chunks) => counts(chunks),
        What::Change(Some((added, removed))) => (Some(*added), Some(*removed)),
        What::Replace(_) | What::Change(None) | What::Read | What::Delete | What::Touch(_) => {
            (None, None)
        }
    }
}

fn counts(chunks: &[Chunk]) -> (Option<usize>, Option<usize>) {
    let added = chunks.iter().map(|chunk| chunk.added).sum();
    let removed = chunks.iter().map(|chunk| chunk.removed).sum();
    (Some(added), Some(removed))
}
