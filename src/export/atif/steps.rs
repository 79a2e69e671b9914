//! The steps of a trajectory: which actions belong to one inference of a model.

use std::collections::HashMap;

use crate::model::action::{ActionIx, Flags, Kind};
use crate::store::Store;
use crate::store::bodies::{self, Depth};
use crate::store::row::Row;

/// One step: the actions that it consists of.
#[derive(Debug, PartialEq)]
pub(super) enum Step {
    /// An event that is not from the model.
    Event(ActionIx),
    /// The model reasoned, answered and called tools. Any list may be empty, but not all.
    Agent(Agent),
}

#[derive(Debug, Default, PartialEq)]
pub(super) struct Agent {
    pub(super) reasoning: Vec<ActionIx>,
    /// The first carries tokens and cost; the others are more text of the same inference.
    pub(super) messages: Vec<ActionIx>,
    pub(super) calls: Vec<ActionIx>,
}

impl Agent {
    /// The action that represents the inference.
    pub(super) fn first(&self) -> ActionIx {
        let all = [&self.messages, &self.reasoning, &self.calls];
        let first = all.into_iter().find_map(|list| list.first());
        *first.expect("a step has an action")
    }
}

/// Groups the actions of one agent, in order, into steps. A call belongs to the response that requested it
/// if the trace says so, else to the response before it. Calls without a response form their own step.
pub(super) fn of(store: &Store, actions: &[ActionIx]) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut answers: HashMap<ActionIx, usize> = HashMap::new();
    // The step of the inference that continues.
    let mut open: Option<usize> = None;
    for &ix in actions {
        let row = store.row(ix);
        let kind = row.kind();
        if is_silent(&row, actions.len()) {
            continue;
        }
        if !matches!(kind, Kind::Reasoning | Kind::Response | Kind::ToolCall) {
            steps.push(Step::Event(ix));
            open = None;
            continue;
        }
        let asked = row.parent().and_then(|parent| answers.get(&parent));
        let asked = asked.copied().filter(|_| kind == Kind::ToolCall);
        let goes_on = asked.or(open).filter(|at| {
            let Step::Agent(step) = &steps[*at] else {
                return false;
            };
            asked.is_some() || continues(&row, step)
        });
        let at = goes_on.unwrap_or_else(|| {
            steps.push(Step::Agent(Agent::default()));
            steps.len() - 1
        });
        open = Some(at);
        let Step::Agent(step) = &mut steps[at] else {
            continue;
        };
        match kind {
            Kind::Reasoning => step.reasoning.push(ix),
            Kind::Response => {
                step.messages.push(ix);
                answers.insert(ix, at);
            }
            _ => step.calls.push(ix),
        }
    }
    steps
}

/// Whether an action continues the inference of a step.
fn continues(row: &Row<'_>, step: &Agent) -> bool {
    match row.kind() {
        Kind::Reasoning => step.messages.is_empty() && step.calls.is_empty(),
        Kind::Response => {
            row.flags().has(Flags::CONTINUED) || (step.messages.is_empty() && step.calls.is_empty())
        }
        _ => !step.messages.is_empty() || step.calls.is_empty(),
    }
}

/// Run start and end are not steps, unless the run has nothing else.
fn is_silent(row: &Row<'_>, actions: usize) -> bool {
    actions > 1
        && match row.kind() {
            Kind::RunEnd => true,
            Kind::RunStart => !row.flags().has(Flags::META) && !has_words(row),
            _ => false,
        }
}

/// A start of a run may hold the system prompt.
fn has_words(row: &Row<'_>) -> bool {
    bodies::open(row, Depth::Full)
        .text
        .is_some_and(|text| !text.is_empty())
}
