//! Which files the calls of a run named, by their arguments.

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
    /// How many different files were named so far, with this one.
    pub different: usize,
}

/// Arguments in which agents name files.
const KEYS: &[&str] = &[
    "file_path",
    "filePath",
    "notebook_path",
    "path",
    "filepath",
    "filename",
    "file",
];

/// What is opened of a call: names of files stand before their contents, or the call is about something else.
const HEAD: u32 = 64 << 10;

/// All files that calls of the run named, in the order of the steps. Opens every call: not for between two frames.
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
                different: known.len(),
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

/// The files of a patch in the form that Codex writes.
fn patched(text: &str) -> Vec<String> {
    const HEADS: &[&str] = &["*** Add File: ", "*** Update File: ", "*** Delete File: "];
    let heads = text
        .lines()
        .filter_map(|line| HEADS.iter().find_map(|head| line.strip_prefix(head)));
    heads.map(|path| path.trim().to_owned()).collect()
}
