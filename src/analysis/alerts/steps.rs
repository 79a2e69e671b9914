//! The steps of an agent: one step is the calls of one model response. An agent cannot react between calls that it made
//! together, so a streak counts steps, not calls.

use crate::analysis::alerts::fact::{Call, Outcome};
use crate::analysis::alerts::mask::joined;
use crate::model::action::ActionIx;
use crate::model::symbol::Sym;

/// A step while its calls come in.
#[derive(Debug, Clone)]
pub(super) struct Step {
    /// For each call, a hash of the call and its result.
    pub(super) call_results: Vec<u64>,
    /// Its last call.
    pub(super) end: ActionIx,
    /// Every call failed with a message.
    pub(super) failed: bool,
    /// Every call is unfinished or failed without a message.
    pub(super) neutral: bool,
    /// Every call waits.
    waits: bool,
    /// The tool, if all calls used the same one.
    tool: Option<Sym>,
    first: Call,
    /// The calls that were stopped.
    pub(super) stopped: Vec<(u64, ActionIx)>,
    /// Some call has no result yet.
    pub(super) open: bool,
}

/// What the next step is compared with.
#[derive(Debug, Clone)]
pub(super) struct Last {
    call_results: Vec<u64>,
    tool: Option<Sym>,
    result: Option<u64>,
}

/// Streaks are counted in quarters: four for a step, one for a step that only waits.
pub(super) const WHOLE: u32 = 4;

impl Step {
    /// `number` distinguishes calls without a result: no two of them are equal.
    pub(super) fn new(call: Call, ix: ActionIx, number: u64) -> Step {
        let mut step = Step {
            call_results: Vec::new(),
            end: ix,
            failed: true,
            neutral: true,
            waits: true,
            tool: Some(call.tool),
            first: call,
            stopped: Vec::new(),
            open: false,
        };
        step.add(call, ix, number);
        step
    }

    pub(super) fn add(&mut self, call: Call, ix: ActionIx, number: u64) {
        self.call_results.push(match call.result {
            Some(result) => joined(&[call.key, result]),
            None => joined(&[call.key, 0, number]),
        });
        self.end = ix;
        self.failed &= call.outcome == Outcome::Failed;
        self.neutral &= matches!(call.outcome, Outcome::Quiet | Outcome::Open);
        self.waits &= call.waits;
        self.tool = self.tool.filter(|tool| *tool == call.tool);
        if call.outcome == Outcome::Stopped {
            self.stopped.push((call.key, ix));
        }
        self.open |= call.outcome == Outcome::Open && call.result.is_none();
    }

    pub(super) fn units(&self) -> u32 {
        if self.waits { 1 } else { WHOLE }
    }

    pub(super) fn repeats(&self, last: &Last) -> bool {
        self.call_results == last.call_results
    }

    /// Whether it used one tool, with a result.
    pub(super) fn has_one_result(&self) -> bool {
        self.tool.is_some() && self.first.result.is_some()
    }

    pub(super) fn has_result_of(&self, last: &Last) -> bool {
        self.has_one_result() && self.tool == last.tool && self.first.result == last.result
    }

    /// Whether its one result is empty.
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_empty
    }

    pub(super) fn into_last(self) -> Last {
        Last {
            call_results: self.call_results,
            tool: self.tool,
            result: self.first.result,
        }
    }
}
