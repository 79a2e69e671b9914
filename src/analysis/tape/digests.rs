//! Digests of recorded requests, prepared ahead: reading a request from the trace takes longer than comparing it.
//!
//! A server prepares them on another thread while the agent starts; one that is needed earlier is made on demand.

use std::sync::{Arc, OnceLock};

use crate::analysis::context;
use crate::analysis::tape::class::Class;
use crate::analysis::tape::norm::Ignored;
use crate::analysis::tape::player::Mode;
use crate::analysis::tape::request::ParsedRequest;
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
    /// Rebuilt requests are not prepared: rebuilding takes long, and the request may never come.
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
            ParsedRequest::new(request.unwrap_or_default()).digest(self.mode, &self.ignored)
        };
        Some(*step.digest.get_or_init(digest))
    }
}
