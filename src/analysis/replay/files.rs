//! The files that a run's calls name in their arguments.

use std::collections::HashSet;

use super::Tape;
use crate::analysis::files;
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
        let args = body.args.as_ref();
        let paths = args.map(|args| files::named(row.tool(), args));
        let paths = paths.unwrap_or_default();
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
