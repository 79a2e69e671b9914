//! The files of a run: what its calls read and changed, and the text of each as far as the trace shows it.
//!
//! It is computed from the record alone. Only calls that succeeded change a text; a text that cannot be followed any
//! further is not guessed, and is known again where a later call shows it in full. A program that rewrites files
//! without naming them on its command line is not seen.

mod calls;
mod history;
pub mod names;
mod patch;
pub mod paths;
mod recorded;
mod shell;
pub mod unified;

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

pub use history::{Certainty, Event, File, Gap, Outcome, Verb};

use crate::analysis::files::calls::{FileEffect, What};
use crate::analysis::files::recorded::Recorded;
use crate::base::cancel::CancelFlag;
use crate::ingest::body::Body;
use crate::model::action::{ActionIx, Flags, Kind, Status};
use crate::store::Store;
use crate::store::bodies::{self, Depth};
use crate::store::row::Row;

#[cfg(test)]
mod tests;

/// The files that some actions of one run named, by path.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Files {
    /// The folder that paths are shown from; empty if there is none.
    pub root: String,
    pub all: Vec<File>,
}

impl Files {
    /// The files after `steps`, which are actions of one run in order. Opens every call. `None` if cancelled.
    pub fn of(store: &Store, steps: &[ActionIx], cancel: &CancelFlag) -> Option<Files> {
        let mut reader = Reader::default();
        for ix in steps {
            if cancel.is_raised() {
                return None;
            }
            reader.add(&store.row(*ix));
        }
        Some(reader.finish())
    }

    /// The path from the root.
    pub fn name<'a>(&self, file: &'a File) -> &'a str {
        paths::from(&self.root, &file.path)
    }

    /// The file with this path: as it is shown, in full, or the only one that ends like this.
    pub fn find(&self, path: &str) -> Option<&File> {
        let is_it = |file: &&File| file.path == path || self.name(file) == path;
        let tail = format!("/{}", path.trim_start_matches("./"));
        let mut ends = self.all.iter().filter(|file| file.path.ends_with(&tail));
        let only = ends.next().filter(|_| ends.next().is_none());
        self.all.iter().find(is_it).or(only)
    }
}

/// The paths that a call names, as it names them.
pub fn named(tool: &str, args: &Value) -> Vec<String> {
    let effects = calls::effects(tool, args, None).into_iter();
    effects
        .map(|effect| effect.path)
        .filter(|path| path != ".")
        .collect()
}

#[derive(Default)]
struct Reader {
    files: Vec<File>,
    by_path: HashMap<String, usize>,
    /// The folder that the agent works in, as of the last record that says it, and the first one.
    folder: Option<String>,
    first_folder: Option<String>,
}

/// How much of a record is read for the folder that it names.
const HEAD: u32 = 64 << 10;

impl Reader {
    fn add(&mut self, row: &Row<'_>) {
        match row.kind() {
            Kind::ToolCall => {}
            Kind::RunStart | Kind::Note | Kind::Prompt => {
                if self.folder.is_none() || row.kind() == Kind::Note {
                    self.settle(&bodies::open(row, Depth::UpTo(HEAD)));
                }
                return;
            }
            Kind::Response
            | Kind::Reasoning
            | Kind::PolicyDecision
            | Kind::Approval
            | Kind::Error
            | Kind::RunEnd
            | Kind::Malformed
            | Kind::Unknown => return,
        }
        let body = bodies::open(row, Depth::Full);
        self.settle(&body);
        let Some(args) = &body.args else {
            return;
        };
        let result = body.result.as_ref().and_then(Value::as_str);
        for effect in calls::effects(row.tool(), args, result) {
            self.put(row, &body, &effect);
        }
    }

    fn settle(&mut self, body: &Body) {
        let told = body.labels.iter().find(|(name, _)| name == "cwd");
        if let Some((_, folder)) = told.filter(|(_, folder)| !folder.is_empty()) {
            self.first_folder.get_or_insert_with(|| folder.clone());
            self.folder = Some(folder.clone());
        }
    }

    fn put(&mut self, row: &Row<'_>, body: &Body, effect: &FileEffect) {
        let path = paths::normal(self.folder.as_deref(), &effect.path);
        let outcome = outcome(row, &effect.what);
        if let What::Touch(_) = effect.what {
            self.touch(row.ix(), outcome, (&path, &effect.what));
            return;
        }
        let shown = shown(row, body, effect);
        if let (What::MoveTo(to, _), Outcome::Done) = (&effect.what, outcome) {
            let to = paths::normal(self.folder.as_deref(), to);
            self.rename(row.ix(), (&path, &to), &effect.what);
            return;
        }
        let is_copied = row.flags().has(Flags::COPIED);
        let file = self.file(&path);
        file.add(row.ix(), outcome, (&effect.what, &shown));
        if is_copied {
            // Done in another session, where it counts: here it is only what was there before.
            file.events.pop();
            (file.base, file.is_changed) = (file.now.clone(), false);
        }
    }

    fn file(&mut self, path: &str) -> &mut File {
        let at = *self.by_path.entry(path.to_owned()).or_insert_with(|| {
            self.files.push(File::new(path.to_owned()));
            self.files.len() - 1
        });
        &mut self.files[at]
    }

    /// A command that names a folder or a pattern may change every known file below it.
    fn touch(&mut self, action: ActionIx, outcome: Outcome, (path, what): (&str, &What)) {
        let is_pattern = path.contains(['*', '?', '[']);
        let plain = path.split(['*', '?', '[']).next().unwrap_or(path);
        let below = |file: &&mut File| {
            if is_pattern {
                file.path.starts_with(plain)
            } else {
                file.path != path && paths::is_within(path, &file.path)
            }
        };
        let mut is_folder = is_pattern || self.folder.as_deref() == Some(path) || path.is_empty();
        for file in self.files.iter_mut().filter(below) {
            file.add(action, outcome, (what, &Recorded::default()));
            is_folder = true;
        }
        if !is_folder {
            self.file(path)
                .add(action, outcome, (what, &Recorded::default()));
        }
    }

    fn rename(&mut self, action: ActionIx, (from, to): (&str, &str), what: &What) {
        let shown = Recorded::default();
        let file = self.file(from);
        file.add(action, Outcome::Done, (what, &shown));
        let moved = file.now.clone();
        // Where it was, there is nothing any more.
        file.now = Some(None);
        let target = self.file(to);
        match moved.flatten() {
            Some(text) => {
                let what = What::Add(text.as_ref().to_owned());
                target.add(action, Outcome::Done, (&what, &shown));
            }
            None => target.add(action, Outcome::Done, (&What::Change(None), &shown)),
        }
    }

    fn finish(mut self) -> Files {
        self.files.retain(|file| !file.events.is_empty());
        self.files.sort_by(|a, b| a.path.cmp(&b.path));
        let changed = || {
            self.files
                .iter()
                .filter(|file| file.is_changed)
                .map(|file| &*file.path)
        };
        let first = self.first_folder.unwrap_or_default();
        let is_within = !first.is_empty() && changed().any(|path| paths::is_within(&first, path));
        let root = if is_within || changed().next().is_none() {
            first
        } else {
            paths::common(changed())
        };
        Files {
            root,
            all: self.files,
        }
    }
}

/// Whether the call did what it asked for.
fn outcome(row: &Row<'_>, what: &What) -> Outcome {
    match row.status() {
        Status::Ok => Outcome::Done,
        Status::Unrecorded if row.result_place().is_some() => Outcome::Done,
        // A script may have failed after it changed something.
        Status::Error if matches!(what, What::Touch(_)) => Outcome::Unclear,
        Status::Error | Status::Blocked | Status::Denied => Outcome::Failed,
        Status::Unrecorded | Status::Pending | Status::Timeout | Status::Cancelled => {
            Outcome::Unclear
        }
    }
}

/// What the result shows of the text.
fn shown(row: &Row<'_>, body: &Body, effect: &FileEffect) -> Recorded {
    let place = row.result_place();
    let record = place
        .is_some()
        .then(|| bodies::record(row, place, Depth::Full))
        .flatten();
    let mut shown = record.map_or_else(Recorded::default, |record| {
        recorded::beside(&record, &effect.path)
    });
    if shown.before.is_some() {
        return shown;
    }
    let (Some(args), Some(Value::String(result))) = (&body.args, &body.result) else {
        return shown;
    };
    shown.before = match &effect.what {
        What::Read => recorded::whole(row.tool(), args, result).map(|text| Some(Arc::from(text))),
        What::Write(_) if recorded::is_new(result) => Some(None),
        _ => None,
    };
    shown
}
