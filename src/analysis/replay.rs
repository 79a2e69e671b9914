//! A run step by step: the state of the run after each of its actions.
//!
//! The state after `k` steps is the fold of the first `k` actions, and nothing else: going back is
//! folding fewer of them. Only columns of the store are read, so that a step costs no IO.

pub mod events;
pub mod files;

use std::collections::HashMap;

use crate::analysis::context;
use crate::analysis::windows;
use crate::model::action::{ActionIx, Flags, Kind, Place, SourceIx, Status, Verdict};
use crate::model::outcome::{Attached, AttachedKind};
use crate::model::quantity::{Cost, Elapsed, Time, Usage};
use crate::model::run::RunIx;
use crate::model::symbol::Sym;
use crate::store::Store;
use crate::store::row::Row;

#[cfg(test)]
mod tests;

/// The actions of one run, of all its agents, in stream order. Broken lines belong to no run.
#[derive(Debug, Clone, Default)]
pub struct Tape {
    steps: Vec<ActionIx>,
    /// Actions of the store that were looked at.
    seen: u32,
}

impl Tape {
    pub fn new(store: &Store, run: RunIx) -> Tape {
        let mut tape = Tape::default();
        tape.extend(store, run);
        tape
    }

    /// Takes in what has come to the store since.
    pub fn extend(&mut self, store: &Store, run: RunIx) {
        let first = store.run(run).first_action.get().map_or(0, |first| first.0);
        for ix in (self.seen.max(first)..store.len()).map(ActionIx) {
            let row = store.row(ix);
            if row.run_ix() == run && row.kind() != Kind::Malformed {
                self.steps.push(ix);
            }
        }
        self.seen = store.len();
    }

    pub fn len(&self) -> usize {
        self.steps.len()
    }

    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The action of a step; steps are counted from 0.
    pub fn get(&self, step: usize) -> Option<ActionIx> {
        self.steps.get(step).copied()
    }

    pub fn steps(&self) -> &[ActionIx] {
        &self.steps
    }

    /// The step of an action; of one that is no step (a broken line), the one before it.
    pub fn step_of(&self, ix: ActionIx) -> Option<usize> {
        match self.steps.binary_search(&ix) {
            Ok(step) => Some(step),
            Err(after) => after.checked_sub(1),
        }
    }

    /// The state after the first `count` steps.
    pub fn state(&self, store: &Store, count: usize) -> State {
        let mut state = State::default();
        for ix in self.steps.iter().take(count) {
            state.step(&store.row(*ix));
        }
        state
    }
}

/// What is known of a run after some of its actions. An action counts with its outcome from its own step on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    pub steps: usize,
    pub turn: u32,
    pub recorded_cost: Cost,
    pub estimated_cost: Cost,
    /// Model calls whose tokens are known and whose cost is not.
    pub unpriced: u32,
    pub usage: Usage,
    pub model_calls: u32,
    pub tool_calls: u32,
    pub errors: u32,
    pub blocked: u32,
    pub denied: u32,
    pub retries: u32,
    /// Calls per tool, in the order of first use.
    pub tools: Vec<(Sym, u32)>,
    pub decisions: u32,
    /// What people decided, in the order recorded: the action, who, and what.
    pub answers: Vec<(ActionIx, Sym, Verdict)>,
    /// How full the context of the agent was that asked a model last.
    pub context: Option<Fill>,
    /// Prompts that shrank by more than a third from one call of an agent to its next.
    pub compactions: u32,
    pub started: Time,
    /// The latest time that any action so far began.
    pub now: Time,
    /// How long people took to answer, in all.
    pub waited: Elapsed,
    /// The action of the last step.
    last: ActionIx,
    /// Calls whose results came only after the last action began.
    open: Vec<Open>,
    /// The size of the last prompt of each agent.
    prompts: HashMap<Sym, u64>,
}

/// The size of a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fill {
    pub tokens: u64,
    /// What the model takes in, as far as that is known of its name.
    pub window: Option<u64>,
    pub call: ActionIx,
}

impl Fill {
    /// None where no window is known, or a larger one than that must have been there.
    pub fn percent(self) -> Option<u64> {
        let window = self.window.filter(|window| self.tokens <= *window)?;
        Some(self.tokens * 100 / window.max(1))
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Open {
    action: ActionIx,
    source: SourceIx,
    result: Place,
    end: Time,
}

/// A prompt that is this much smaller than the one before was compacted (METHODS.md section C).
const KEPT_PERCENT: u64 = 70;

impl State {
    /// Takes one more action in.
    pub fn step(&mut self, row: &Row<'_>) {
        self.steps += 1;
        self.last = row.ix();
        self.turn = self.turn.max(row.turn());
        self.open.retain(|open| open.is_open_at(row));
        self.count(row);
        self.book(row);
        for attached in row.attached() {
            self.attach(row.ix(), attached);
        }
        if row.time().is_some() {
            if !self.started.is_some() || row.time() < self.started {
                self.started = row.time();
            }
            self.now = self.now.max(row.time());
        }
        if row.kind() == Kind::ToolCall {
            self.open.push(Open::of(row));
        }
    }

    fn count(&mut self, row: &Row<'_>) {
        match row.status() {
            // How the run ended is not one more thing that happened.
            _ if row.kind() == Kind::RunEnd => {}
            Status::Error | Status::Timeout => self.errors += 1,
            Status::Blocked => self.blocked += 1,
            Status::Denied => self.denied += 1,
            Status::Unrecorded | Status::Ok | Status::Pending | Status::Cancelled => {}
        }
        self.retries += u32::from(row.flags().has(Flags::RETRY));
        self.model_calls += u32::from(context::is_call(row));
        if row.kind() == Kind::ToolCall {
            self.tool_calls += 1;
            let tool = row.tool_sym();
            match self.tools.iter_mut().find(|(known, _)| *known == tool) {
                Some((_, calls)) => *calls += 1,
                None => self.tools.push((tool, 1)),
            }
        }
    }

    fn book(&mut self, row: &Row<'_>) {
        let (usage, cost) = (row.usage(), row.cost());
        self.usage = self.usage.plus(&usage);
        self.unpriced += u32::from(!usage.is_none() && !cost.is_some());
        let slot = if row.flags().has(Flags::ESTIMATED) {
            &mut self.estimated_cost
        } else {
            &mut self.recorded_cost
        };
        *slot = *slot + cost;
        let prompt = usage.input + usage.cache_read + usage.cache_write;
        let Some(tokens) = prompt.get().filter(|tokens| *tokens > 0) else {
            return;
        };
        let before = self.prompts.insert(row.agent_sym(), tokens);
        let shrank = before.is_some_and(|before| tokens * 100 < before * KEPT_PERCENT);
        self.compactions += u32::from(shrank);
        self.context = Some(Fill {
            tokens,
            window: windows::window(row.model()),
            call: row.ix(),
        });
    }

    fn attach(&mut self, action: ActionIx, attached: &Attached) {
        if attached.kind == AttachedKind::Decision {
            self.decisions += 1;
        } else if attached.verdict != Verdict::Requested {
            self.answers.push((action, attached.by, attached.verdict));
        }
        if let Some(wait) = attached.wait.get() {
            self.waited = Elapsed(self.waited.get().unwrap_or(0).saturating_add(wait));
        }
    }

    /// Calls that were still at work when the last step began, the oldest first.
    pub fn pending(&self) -> impl Iterator<Item = ActionIx> {
        let open = self.open.iter();
        open.filter(|open| open.action != self.last || !open.result.is_some())
            .map(|open| open.action)
    }

    /// What was spent so far, and whether a part of it is an estimate; none where nothing is known.
    pub fn cost(&self) -> (Cost, bool) {
        let total = self.recorded_cost + self.estimated_cost;
        (total, self.estimated_cost.is_some())
    }

    /// From the first action to the last one so far.
    pub fn elapsed(&self) -> Elapsed {
        self.now.since(self.started)
    }
}

impl Open {
    fn of(row: &Row<'_>) -> Open {
        let end = match (row.time().get(), row.duration().get()) {
            (Some(start), Some(took)) => Time(start.saturating_add(took)),
            _ => Time::NONE,
        };
        Open {
            action: row.ix(),
            source: row.source_ix(),
            result: row.result_place(),
            end,
        }
    }

    /// By the order of the records where they stand in one file, else by their times.
    fn is_open_at(&self, row: &Row<'_>) -> bool {
        if !self.result.is_some() {
            return true;
        }
        if self.source == row.source_ix() {
            return self.result.offset > row.place().offset;
        }
        self.end.is_some() && row.time().is_some() && self.end > row.time()
    }
}
