//! The files that a run's calls name in their arguments.

use std::collections::HashSet;

use serde_json::Value;

use super::Tape;
use crate::base::cancel::CancelFlag;
use crate::model::action::Kind;
use crate::store::Store;
use crate::store::bodies::{self, Depth};

/// A file that a call named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touch {
    /// The step of the call.
    pub step: usize,
    pub path: String,
    /// No earlier call named it.
    pub is_new: bool,
    /// The number of distinct files so far, including this one.
    pub distinct: usize,
}

/// Argument names that hold file paths.
const KEYS: &[&str] = &[
    "file_path",
    "filePath",
    "notebook_path",
    "path",
    "filepath",
    "filename",
    "file",
];

/// How much of a call is opened. Paths come before file contents.
const HEAD: u32 = 64 << 10;

/// All files that the run's calls named, in step order. Opens every call, so it is too slow for the
/// UI thread.
pub fn touched(store: &Store, tape: &Tape, cancel: &CancelFlag) -> Vec<Touch> {
    let mut touched = Vec::new();
    let mut known = HashSet::new();
    for (step, ix) in tape.steps().iter().enumerate() {
        let row = store.row(*ix);
        if cancel.is_raised() {
            break;
        }
        if row.kind() != Kind::ToolCall {
            continue;
        }
        let body = bodies::open(&row, Depth::UpTo(HEAD));
        let paths = body.args.as_ref().map(named).unwrap_or_default();
        for path in paths {
            let is_new = known.insert(path.clone());
            touched.push(Touch {
                step,
                path,
                is_new,
                distinct: known.len(),
            });
        }
    }
    touched
}

fn named(args: &Value) -> Vec<String> {
    match args {
        Value::Object(members) => {
            let direct = KEYS.iter().find_map(|key| members.get(*key)?.as_str());
            let patch = ["input", "patch"]
                .iter()
                .find_map(|key| members.get(*key)?.as_str());
            match (direct, patch) {
                (Some(path), _) => vec![path.to_owned()],
                (None, Some(patch)) => patched(patch),
                (None, None) => Vec::new(),
            }
        }
        Value::String(text) => patched(text),
        _ => Vec::new(),
    }
}

/// The files of a patch in Codex's format.
fn patched(text: &str) -> Vec<String> {
    const HEADS: &[&str] = &["*** Add File: ", "*** Update File: ", "*** Delete File: "];
    let heads = text
        .lines()
        .filter_map(|line| HEADS.iter().find_map(|head| line.strip_prefix(head)));
    heads.map(|path| path.trim().to_owned()).collect()
}
