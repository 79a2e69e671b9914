//! Replays a run: its state after each action.
//!
//! The state after `k` steps is the fold of the first `k` actions and nothing else, so going back
//! means folding fewer. It reads only columns of the store, so a step costs no IO.

pub mod events;
pub mod files;

use std::collections::{BTreeMap, HashMap};

use crate::analysis::context;
use crate::analysis::windows;
use crate::model::action::{ActionIx, Flags, Kind, SourceIx, Status, Verdict};
use crate::model::outcome::{Attached, AttachedKind};
use crate::model::quantity::{Cost, Elapsed, Time, Usage};
use crate::model::run::RunIx;
use crate::model::symbol::Sym;
use crate::store::Store;
use crate::store::row::Row;

#[cfg(test)]
mod tests;

/// The actions of one run, of all its agents, in stream order. Malformed lines belong to no run.
#[derive(Debug, Clone, Default)]
pub struct Tape {
    steps: Vec<ActionIx>,
    /// How many of the store's actions have been scanned.
    scanned: u32,
}

impl Tape {
    pub fn new(store: &Store, run: RunIx) -> Tape {
        let mut tape = Tape::default();
        tape.extend(store, run);
        tape
    }

    /// Adds the actions that the store has gained since.
    pub fn extend(&mut self, store: &Store, run: RunIx) {
        let first = store.run(run).first_action.get().map_or(0, |first| first.0);
        for ix in (self.scanned.max(first)..store.len()).map(ActionIx) {
            let row = store.row(ix);
            if row.run_ix() == run && row.kind() != Kind::Malformed {
                self.steps.push(ix);
            }
        }
        self.scanned = store.len();
    }

    pub fn len(&self) -> usize {
        self.steps.len()
    }

    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// The action of a step, counting from 0.
    pub fn get(&self, step: usize) -> Option<ActionIx> {
        self.steps.get(step).copied()
    }

    pub fn steps(&self) -> &[ActionIx] {
        &self.steps
    }

    /// The step of an action. For a row that is not a step, such as a malformed line, the step
    /// before it.
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

/// The state of a run after some of its actions. An action's outcome counts from its own step on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct State {
    pub steps: usize,
    pub turn: u32,
    pub recorded_cost: Cost,
    pub estimated_cost: Cost,
    /// Model calls with known tokens but unknown cost.
    pub unpriced: u32,
    pub usage: Usage,
    pub model_calls: u32,
    pub tool_calls: u32,
    pub errors: u32,
    pub blocked: u32,
    pub denied: u32,
    pub retries: u32,
    /// Calls per tool, in order of first use.
    pub tools: Vec<(Sym, u32)>,
    pub decisions: u32,
    /// Approval decisions in the order recorded: the action, the person, and the decision.
    pub answers: Vec<(ActionIx, Sym, Verdict)>,
    /// The context size of the agent that called a model last.
    pub context: Option<Fill>,
    /// How often an agent's prompt shrank by more than 30 % from one call to the next.
    pub compactions: u32,
    pub started: Time,
    /// The latest start time of any action so far.
    pub now: Time,
    /// The total time people took to answer.
    pub waited: Elapsed,
    /// The action of the last step.
    last: ActionIx,
    /// Calls whose results arrived only after the last action began, by where the results are.
    open: BTreeMap<(SourceIx, u64, ActionIx), Time>,
    /// Calls without a result, oldest first.
    unanswered: Vec<ActionIx>,
    /// The place of each tool among the tools.
    places: HashMap<Sym, usize>,
    /// The size of each agent's last prompt.
    prompts: HashMap<Sym, u64>,
}

/// The size of a prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fill {
    pub tokens: u64,
    /// The model's context window, if its name is known.
    pub window: Option<u64>,
    pub call: ActionIx,
}

impl Fill {
    /// `None` if the window is unknown, or evidently larger than we think.
    pub fn percent(self) -> Option<u64> {
        let window = self.window.filter(|window| self.tokens <= *window)?;
        Some(self.tokens * 100 / window.max(1))
    }
}

/// A prompt below this percentage of the previous one was compacted.
const KEPT_PERCENT: u64 = 70;

impl State {
    /// Adds one action.
    pub fn step(&mut self, row: &Row<'_>) {
        self.steps += 1;
        self.last = row.ix();
        self.turn = self.turn.max(row.turn());
        self.close(row);
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
            self.call(row);
        }
    }

    /// Adds a call that is open until its result.
    fn call(&mut self, row: &Row<'_>) {
        let result = row.result_place();
        if !result.is_some() {
            self.unanswered.push(row.ix());
            return;
        }
        let end = match (row.time().get(), row.duration().get()) {
            (Some(start), Some(took)) => Time(start.saturating_add(took)),
            _ => Time::NONE,
        };
        let key = (row.source_ix(), result.offset, row.ix());
        self.open.insert(key, end);
    }

    /// Closes the calls whose results came before an action: by record order within one file, otherwise by time.
    fn close(&mut self, row: &Row<'_>) {
        let (source, offset, time) = (row.source_ix(), row.place().offset, row.time());
        let first = (source, 0, ActionIx(0));
        let after = (source, offset.saturating_add(1), ActionIx(0));
        while let Some((&answered, _)) = self.open.range(first..after).next() {
            self.open.remove(&answered);
        }
        let others = [self.open.first_key_value(), self.open.last_key_value()];
        let has_others = others.iter().flatten().any(|(key, _)| key.0 != source);
        if has_others {
            let is_later = |end: &Time| end.is_some() && time.is_some() && *end > time;
            self.open
                .retain(|key, end| key.0 == source || is_later(end));
        }
    }

    fn count(&mut self, row: &Row<'_>) {
        match row.status() {
            // The run's own status is not one more event.
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
            let place = *self.places.entry(tool).or_insert(self.tools.len());
            match self.tools.get_mut(place) {
                Some((_, calls)) => *calls += 1,
                None => self.tools.push((tool, 1)),
            }
        }
    }

    fn book(&mut self, row: &Row<'_>) {
        let (usage, cost) = (row.usage(), row.cost());
        self.usage = self.usage.plus(&usage);
        self.unpriced += u32::from(usage.is_unpriced(cost));
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

    /// Calls still open when the last step began, oldest first.
    pub fn pending(&self) -> Vec<ActionIx> {
        let answered = self.open.keys().map(|(_, _, action)| *action);
        let answered = answered.filter(|action| *action != self.last);
        let mut open: Vec<ActionIx> = answered.chain(self.unanswered.iter().copied()).collect();
        open.sort_unstable();
        open
    }

    /// The cost so far, and whether part of it is estimated.
    pub fn cost(&self) -> (Cost, bool) {
        let total = self.recorded_cost + self.estimated_cost;
        (total, self.estimated_cost.is_some())
    }

    /// From the first action to the latest so far.
    pub fn elapsed(&self) -> Elapsed {
        self.now.since(self.started)
    }
}
