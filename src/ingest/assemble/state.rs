//! A run under construction.

use std::sync::Arc;

use super::memory::Memory;
use crate::model::action::ActionIx;
use crate::model::run::Run;
use crate::model::symbol::Sym;

#[derive(Debug)]
pub(super) struct RunState {
    pub(super) run: RunHandle,
    pub(super) dirty: bool,
    pub(super) ended: bool,
    pub(super) turn: u32,
    pub(super) last: ActionIx,
    /// The model that each agent used last.
    pub(super) models: Vec<(Sym, Sym)>,
    /// `None` until it is needed, and after the run ended with nothing open.
    pub(super) memory: Option<Box<Memory>>,
}

impl RunState {
    /// The state of a new run.
    pub(super) fn of(run: RunHandle) -> RunState {
        RunState {
            run,
            dirty: false,
            ended: false,
            turn: 0,
            last: ActionIx(0),
            models: Vec::new(),
            memory: None,
        }
    }
}

/// The run itself. An ended run is shared with the batch that emitted it, because there may be very many.
#[derive(Debug)]
pub(super) enum RunHandle {
    Own(Box<Run>),
    Shared(Arc<Run>),
}

impl RunHandle {
    #[inline]
    pub(super) fn get(&self) -> &Run {
        match self {
            RunHandle::Own(run) => run,
            RunHandle::Shared(run) => run,
        }
    }

    #[inline]
    pub(super) fn edit(&mut self) -> &mut Run {
        if let RunHandle::Shared(run) = self {
            *self = RunHandle::Own(Box::new(Run::clone(run)));
        }
        match self {
            RunHandle::Own(run) => run,
            RunHandle::Shared(run) => Arc::make_mut(run),
        }
    }

    pub(super) fn is(&self, other: &Arc<Run>) -> bool {
        matches!(self, RunHandle::Shared(run) if Arc::ptr_eq(run, other))
    }

    /// A copy to send.
    pub(super) fn tell(&mut self, ended: bool) -> Arc<Run> {
        let run = Arc::new(self.get().clone());
        if ended {
            *self = RunHandle::Shared(Arc::clone(&run));
        }
        run
    }
}
