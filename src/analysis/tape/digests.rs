//! Digests of recorded requests, so that a request is compared with them in no time: equal digests, equal requests.
//!
//! A request has to be read from the trace before it can be compared. Whoever serves a run has that done ahead, on
//! another thread; what is needed sooner is made when it is needed.

use std::hash::{DefaultHasher, Hasher};
use std::sync::{Arc, OnceLock};

use serde_json::Value;

use crate::analysis::context;
use crate::analysis::tape::class::Class;
use crate::analysis::tape::contents::RequestContents;
use crate::analysis::tape::norm::{self, Ignored};
use crate::analysis::tape::player::Mode;
use crate::analysis::tape::{Call, Recording};
use crate::base::cancel::CancelFlag;
use crate::model::action::ActionIx;
use crate::store::Store;

/// One for each step of a recording.
#[derive(Debug)]
pub struct Digests {
    store: Arc<Store>,
    mode: Mode,
    ignored: Vec<Ignored>,
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    call: ActionIx,
    /// What is rebuilt from earlier records is not read ahead: it takes long, and may never be asked for.
    is_recorded: bool,
    digest: OnceLock<u64>,
}

impl Digests {
    pub(super) fn new(
        store: Arc<Store>,
        recording: &Recording,
        mode: Mode,
        ignored: &[Ignored],
    ) -> Digests {
        let step = |call: &Call| Step {
            call: call.action,
            is_recorded: call.class == Class::Recorded,
            digest: OnceLock::new(),
        };
        Digests {
            store,
            mode,
            ignored: ignored.to_vec(),
            steps: recording.calls.iter().map(step).collect(),
        }
    }

    /// Makes the digests of all recorded requests, unless it is cancelled.
    pub fn prepare(&self, cancel: &CancelFlag) {
        for at in 0..self.steps.len() {
            if cancel.is_raised() {
                return;
            }
            self.get(at);
        }
    }

    /// Whether nothing is left to prepare.
    pub fn are_ready(&self) -> bool {
        let is_ready = |step: &Step| !step.is_recorded || step.digest.get().is_some();
        self.steps.iter().all(is_ready)
    }

    /// The digest of the request of a step; none unless it is recorded.
    pub(super) fn get(&self, at: usize) -> Option<u64> {
        let step = self.steps.get(at).filter(|step| step.is_recorded)?;
        let digest = || {
            let request = context::request(&self.store, step.call, &CancelFlag::new());
            of(&request.unwrap_or_default(), self.mode, &self.ignored)
        };
        Some(*step.digest.get_or_init(digest))
    }
}

/// The digest of a request, of all that a mode compares.
pub(super) fn of(request: &Value, mode: Mode, ignored: &[Ignored]) -> u64 {
    match mode {
        Mode::Order | Mode::Hash => norm::hash(request, ignored),
        Mode::Content | Mode::Loose => contents(&RequestContents::of(request)),
    }
}

pub(super) fn contents(contents: &RequestContents) -> u64 {
    let mut hasher = DefaultHasher::new();
    contents.hash_compared(&mut hasher);
    hasher.finish()
}
