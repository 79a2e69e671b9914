//! Builds actions, runs and updates to them, batch by batch.

use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use super::calls::{Call, Map};
use super::copies::Copies;
use super::from::From;
use super::interner::Interner;
use super::memory::Memory;
use super::retain::Retain;
use super::state::{RunHandle, RunState};
use crate::ingest::batch::Batch;
use crate::ingest::fact::Fact;
use crate::ingest::prices::PriceTable;
use crate::model::action::{ActionIx, Flags, Kind, Place, SourceIx, Status, Verdict};
use crate::model::chunk::{CHUNK_ROWS, Chunk, NewAction};
use crate::model::outcome::{Attached, AttachedKind, Extra, Outcomes, Settled};
use crate::model::quantity::{Elapsed, Time};
use crate::model::run::{Lane, Run, RunIx, RunStatus, Totals, Who};
use crate::model::symbol::Sym;

/// An action that is about to be added to a run.
#[derive(Debug, Clone, Copy)]
pub struct Draft {
    pub kind: Kind,
    pub run: RunIx,
    pub agent: Sym,
    pub tool: Sym,
    pub model: Sym,
    pub time: Time,
    pub parent: ActionIx,
    pub flags: Flags,
    pub source: SourceIx,
    pub line: u32,
    pub place: Place,
}

impl Draft {
    /// A row for a fact, without agent, tool, model or cause.
    pub fn new(kind: Kind, run: RunIx, fact: &Fact, from: &From<'_>) -> Draft {
        Draft {
            kind,
            run,
            agent: Sym::NONE,
            tool: Sym::NONE,
            model: Sym::NONE,
            time: fact.time,
            parent: ActionIx::NONE,
            flags: fact.flags,
            source: from.source,
            line: from.line(fact),
            place: from.place(fact),
        }
    }
}

/// The approximate bytes kept per run, per id and per call.
const RUN: u64 = 640;
const ID: u64 = 32;
const CALL: u64 = 112;

/// Collects what assemblers decide into batches. Runs are found by a key that the assembler chooses.
#[derive(Debug)]
pub struct Builder {
    pub(super) interner: Interner,
    secret: foldhash::quality::RandomState,
    pub(super) prices: PriceTable,
    pub(super) copies: Copies,
    runs: Vec<RunState>,
    keys: Map<RunIx>,
    /// The run requested last.
    latest: RunIx,
    /// The memory of ended runs, for reuse.
    spare: Vec<Memory>,
    dirty: Vec<RunIx>,
    batch: Batch,
    /// The index of the first action of `batch`.
    first: u32,
    ready: Vec<Batch>,
    retain: Retain,
    /// Placeholder for runs that have been dropped.
    gone: Arc<Run>,
}

impl Builder {
    pub fn new(prices: PriceTable) -> Builder {
        Builder {
            interner: Interner::default(),
            secret: foldhash::quality::RandomState::default(),
            prices,
            copies: Copies::default(),
            runs: Vec::new(),
            keys: Map::default(),
            latest: RunIx(0),
            spare: Vec::new(),
            dirty: Vec::new(),
            batch: Batch::default(),
            first: 0,
            ready: Vec::new(),
            retain: Retain::default(),
            gone: Arc::new(new_run(SourceIx(0), b"")),
        }
    }

    /// Limits what is kept to `room` bytes.
    #[must_use]
    pub fn within(self, room: u64) -> Builder {
        Builder {
            retain: Retain::within(room),
            ..self
        }
    }

    /// The index that the next action gets.
    pub fn next_action(&self) -> u32 {
        self.first + self.batch.chunk.len() as u32
    }

    /// Drops actions before `floor`, and the oldest if memory is short.
    pub fn drop_before(&mut self, floor: u32) {
        if !self.retain.drop_before(floor) {
            return;
        }
        let first = ActionIx(self.retain.first());
        for number in 0..self.runs.len() {
            let state = &mut self.runs[number];
            if let Some(memory) = &mut state.memory {
                memory.forget_before(first);
            }
            let is_over = state.ended && state.last < first && !state.dirty;
            if is_over && !state.run.is(&self.gone) {
                let run = state.run.get();
                let key = run_key(&self.secret, run.source, run.id.as_bytes());
                self.keys.remove(&key);
                *state = RunState::of(RunHandle::Shared(Arc::clone(&self.gone)));
                (state.ended, state.last) = (true, ActionIx(0));
                self.batch
                    .runs
                    .push((RunIx(number as u32), Arc::clone(&self.gone)));
            }
        }
    }

    pub fn symbol(&mut self, name: &[u8]) -> Sym {
        self.interner.symbol(name)
    }

    /// The symbol of a name that is probably `guess`.
    pub fn symbol_like(&mut self, name: &[u8], guess: Sym) -> Sym {
        if self.name(guess).as_bytes() == name {
            return guess;
        }
        self.symbol(name)
    }

    pub fn name(&self, symbol: Sym) -> &str {
        self.interner.name(symbol)
    }

    /// A keyed hash of an id, so that a trace cannot construct collisions.
    pub fn key(&self, id: &[u8]) -> u64 {
        let mut hasher = self.secret.build_hasher();
        hasher.write(id);
        hasher.finish()
    }

    /// How many runs there are; the next one gets this index.
    pub fn run_count(&self) -> u32 {
        self.runs.len() as u32
    }

    /// The same for several values together.
    pub fn key_of(&self, values: &impl Hash) -> u64 {
        self.secret.hash_one(values)
    }

    /// The run of this id in a group of sources; created if it is new.
    pub fn run(&mut self, source: SourceIx, id: &[u8]) -> RunIx {
        let latest = self.runs.get(self.latest.0 as usize);
        if latest
            .is_some_and(|it| it.run.get().source == source && it.run.get().id.as_bytes() == id)
        {
            return self.latest;
        }
        self.latest = self.find_run(source, id);
        self.latest
    }

    fn find_run(&mut self, source: SourceIx, id: &[u8]) -> RunIx {
        let key = run_key(&self.secret, source, id);
        if let Some(&known) = self.keys.get(&key) {
            return known;
        }
        let ix = RunIx(self.runs.len() as u32);
        self.keys.insert(key, ix);
        let run = RunHandle::Own(Box::new(new_run(source, id)));
        self.runs.push(RunState {
            dirty: true,
            ..RunState::of(run)
        });
        self.retain.take(RUN);
        self.dirty.push(ix);
        ix
    }

    fn state(&mut self, ix: RunIx) -> &mut RunState {
        let state = &mut self.runs[ix.0 as usize];
        if !state.dirty {
            state.dirty = true;
            self.dirty.push(ix);
        }
        state
    }

    /// Read access to a run.
    pub fn peek(&self, ix: RunIx) -> &Run {
        self.runs[ix.0 as usize].run.get()
    }

    /// Write access to a run. The builder maintains the totals.
    pub fn edit(&mut self, ix: RunIx) -> &mut Run {
        self.state(ix).run.edit()
    }

    pub fn end(&mut self, ix: RunIx, status: RunStatus) {
        self.edit(ix).status = status;
        let state = self.state(ix);
        state.ended = true;
        if let Some(mut memory) = state.memory.take() {
            memory.end();
            if memory.calls.open > 0 {
                state.memory = Some(memory);
            } else {
                self.spare.push(*memory);
            }
        }
    }

    /// Ends the runs from number `first` on that wait for results and have had none since before `limit`; a
    /// run without times ended with its file, at `file`.
    pub fn give_up(&mut self, first: u32, limit: Time, file: Time) {
        for ix in (first..self.run_count()).map(RunIx) {
            let last = self.peek(ix).ended;
            let last = if last.is_some() { last } else { file };
            let is_waiting = !self.runs[ix.0 as usize].ended && self.open_calls(ix) > 0;
            if is_waiting && last.is_some() && last < limit {
                self.end(ix, RunStatus::Unfinished);
            }
        }
    }

    /// The memory of a run that has not ended.
    fn memory(&mut self, ix: RunIx) -> &mut Memory {
        let memory = &mut self.runs[ix.0 as usize].memory;
        memory.get_or_insert_with(|| Box::new(self.spare.pop().unwrap_or_default()))
    }

    fn recall(&self, ix: RunIx) -> Option<&Memory> {
        self.runs[ix.0 as usize].memory.as_deref()
    }

    pub fn turn(&self, ix: RunIx) -> u32 {
        self.runs[ix.0 as usize].turn
    }

    pub fn set_turn(&mut self, ix: RunIx, turn: u32) {
        self.state(ix).turn = turn;
        let totals = &mut self.edit(ix).totals;
        totals.turns = totals.turns.max(turn);
    }

    /// Extends the time range of a run to include `time`.
    pub fn seen(&mut self, ix: RunIx, time: Time) {
        if !time.is_some() {
            return;
        }
        let run = self.edit(ix);
        if !run.started.is_some() || time < run.started {
            run.started = time;
        }
        run.ended = run.ended.max(time);
    }

    /// Sets the duration stated by the end of a run. If that end has the only time of the run
    /// (`was_untimed` before it), the start is derived from it.
    pub fn took(&mut self, ix: RunIx, span: Elapsed, was_untimed: bool) {
        let run = self.edit(ix);
        run.took = span;
        if let (true, Some(end), Some(span)) = (was_untimed, run.ended.get(), span.get()) {
            run.started = Time(end.saturating_sub(span));
        }
    }

    /// The model that an agent of a run used last.
    pub fn model_of(&self, ix: RunIx, agent: Sym) -> Sym {
        let models = &self.runs[ix.0 as usize].models;
        models
            .iter()
            .find(|(known, _)| *known == agent)
            .map_or(Sym::NONE, |(_, model)| *model)
    }

    pub fn set_model(&mut self, ix: RunIx, agent: Sym, model: Sym) {
        if !model.is_some() || self.model_of(ix, agent) == model {
            return;
        }
        let state = self.state(ix);
        let models = &mut state.models;
        match models.iter_mut().find(|(known, _)| *known == agent) {
            Some(entry) => entry.1 = model,
            None => models.push((agent, model)),
        }
        self.uses_model(ix, model);
    }

    /// Adds a model to those of a run.
    pub fn uses_model(&mut self, ix: RunIx, model: Sym) {
        if model.is_some() && !self.peek(ix).who.models.contains(&model) {
            self.edit(ix).who.models.push(model);
        }
    }

    /// Records that an agent other than the main one acted.
    pub fn lane(&mut self, ix: RunIx, agent: Sym, parent: ActionIx) {
        let lanes = &mut self.edit(ix).lanes;
        match lanes.iter_mut().find(|lane| lane.agent == agent) {
            Some(lane) if lane.parent == ActionIx::NONE => lane.parent = parent,
            Some(_) => {}
            None => lanes.push(Lane { agent, parent }),
        }
    }

    /// The action of this id in a run that has not ended.
    pub fn by_id(&mut self, ix: RunIx, id: &[u8]) -> ActionIx {
        if id.is_empty() {
            return ActionIx::NONE;
        }
        let key = self.key(id);
        let memory = self.runs[ix.0 as usize].memory.as_mut();
        memory.map_or(ActionIx::NONE, |memory| memory.ids.get(key))
    }

    /// Remembers the id of an action, so that later actions can name it as their cause.
    pub fn remember(&mut self, ix: RunIx, id: &[u8], action: ActionIx) {
        if id.is_empty() || self.runs[ix.0 as usize].ended {
            return;
        }
        let key = self.key(id);
        self.memory(ix).ids.add(key, action);
        self.retain.take(ID);
    }

    pub fn act(&mut self, draft: &Draft) -> ActionIx {
        let ix = ActionIx(self.first + self.batch.chunk.len() as u32);
        self.seen(draft.run, draft.time);
        let turn = self.turn(draft.run);
        self.state(draft.run).last = ix;
        if draft.flags.has(Flags::COPIED) {
            self.copies.add(ix);
        }
        if matches!(draft.kind, Kind::ToolCall | Kind::Error) {
            let totals = self.totals_of(draft.run, ix);
            totals.tool_calls += u32::from(draft.kind == Kind::ToolCall);
            totals.errors += u32::from(draft.kind == Kind::Error);
        }
        let run = self.edit(draft.run);
        let totals = &mut run.totals;
        // A malformed line belongs to no run: it has a row next to its neighbors and counts in no total.
        let counts = draft.kind != Kind::Malformed;
        totals.actions += u32::from(counts);
        let (seq, turn) = if counts {
            (totals.actions, turn)
        } else {
            (0, 0)
        };
        if run.first_action == ActionIx::NONE {
            run.first_action = ix;
        }
        if draft.kind == Kind::Prompt
            && !draft.flags.has(Flags::META)
            && run.first_prompt == ActionIx::NONE
        {
            run.first_prompt = ix;
        }
        self.batch.chunk.push(&NewAction {
            kind: draft.kind,
            run: draft.run,
            turn,
            seq,
            agent: if counts { draft.agent } else { Sym::NONE },
            tool: draft.tool,
            model: if counts { draft.model } else { Sym::NONE },
            time: draft.time,
            parent: draft.parent,
            source: draft.source,
            line: draft.line,
            place: draft.place,
            flags: draft.flags,
        });
        self.batch.outcomes.push(draft.flags);
        if draft.kind == Kind::Error {
            // An error with a row of its own is its own outcome.
            if let Some(status) = self.batch.outcomes.status.last_mut() {
                *status = Status::Error;
            }
        }
        // Batches end at the chunk boundaries of the store, so that full chunks are taken over as they are.
        if (ix.0 as usize + 1).is_multiple_of(CHUNK_ROWS) {
            self.flush();
        }
        ix
    }

    /// The row of an action in the batch under construction.
    #[inline]
    fn fresh(&self, action: ActionIx) -> Option<usize> {
        let row = action.0.checked_sub(self.first)? as usize;
        (row < self.batch.outcomes.len()).then_some(row)
    }

    /// Updates an action. Totals are the caller's job, through [`Builder::status`].
    pub fn settle(&mut self, news: &Settled) {
        match self.fresh(news.action) {
            Some(row) => self.batch.outcomes.settle(row, news),
            // The action has been dropped.
            None if news.action.0 < self.retain.first() => {}
            None => self.batch.settled.push(*news),
        }
    }

    /// Sets the status of an action and keeps the totals of its run in step.
    pub fn status(&mut self, ix: RunIx, action: ActionIx, change: (Status, Status)) {
        let totals = self.totals_of(ix, action);
        if let Some(slot) = counter(totals, change.0) {
            *slot -= 1;
        }
        if let Some(slot) = counter(totals, change.1) {
            *slot += 1;
        }
        match self.fresh(action) {
            Some(row) => self.batch.outcomes.status[row] = change.1,
            None if action.0 < self.retain.first() => {}
            None => self.batch.settled.push(Settled {
                status: Some(change.1),
                ..Settled::new(action)
            }),
        }
    }

    /// Adds a call that waits for its result. `signature` is a hash of its tool and arguments: if the last
    /// call with the same signature failed, this one is a retry.
    pub fn open_call(&mut self, ix: RunIx, id: &[u8], call: Call, again: bool) {
        let key = self.key(id);
        let memory = self.memory(ix);
        let retry = again || memory.failed.contains(&call.signature);
        // A call without an id cannot be matched by name.
        if !id.is_empty() {
            memory.calls.add(key, call);
            self.retain.take(CALL);
        }
        if retry {
            self.totals_of(ix, call.action).retries += 1;
            self.settle(&Settled {
                flags: Flags::RETRY,
                ..Settled::new(call.action)
            });
        }
        self.status(ix, call.action, (Status::Unrecorded, Status::Pending));
    }

    /// The call of this id, if the run has one.
    pub fn knows_call(&self, ix: RunIx, id: &[u8]) -> Option<Call> {
        self.recall(ix)?.calls.known(self.key(id)).copied()
    }

    /// Closes the oldest open call of this id. The status is [`Status::Unrecorded`] if the result does not
    /// state one.
    pub fn close_call(&mut self, ix: RunIx, id: &[u8], status: Status) -> Option<Call> {
        let key = self.key(id);
        // A run without memory has no calls: none were added, or the run has ended.
        let memory = self.runs[ix.0 as usize].memory.as_mut()?;
        let call = memory.calls.close(key, status)?;
        if matches!(status, Status::Error | Status::Timeout) {
            memory.failed.insert(call.signature);
        } else {
            memory.failed.remove(&call.signature);
        }
        self.status(ix, call.action, (call.status, status));
        Some(call)
    }

    /// Sets the status of a call that may still get a result (for example because a policy blocked it).
    pub fn mark_call(&mut self, ix: RunIx, id: &[u8], status: Status) {
        let key = self.key(id);
        let memory = self.runs[ix.0 as usize].memory.as_mut();
        let Some(call) = memory.and_then(|memory| memory.calls.known_mut(key)) else {
            return;
        };
        // A refusal explains an error that the call had already.
        let explains = call.status == Status::Error
            && matches!(status, Status::Denied | Status::Blocked | Status::Cancelled);
        if call.closed && !explains || call.status == status {
            return;
        }
        let change = (call.status, status);
        call.status = status;
        let action = call.action;
        self.status(ix, action, change);
    }

    /// Corrects the status of a call that has a result: a more reliable writer reported another one.
    pub fn correct_call(
        &mut self,
        ix: RunIx,
        id: &[u8],
        action: ActionIx,
        change: (Status, Status),
    ) {
        let key = self.key(id);
        let memory = self.runs[ix.0 as usize].memory.as_mut();
        if let Some(memory) = memory
            && let Some(call) = memory.calls.known_mut(key)
            && call.action == action
        {
            call.status = change.1;
            if matches!(change.1, Status::Error | Status::Timeout) {
                memory.failed.insert(call.signature);
            } else {
                memory.failed.remove(&call.signature);
            }
        }
        self.status(ix, action, change);
    }

    /// Cancels the pending calls of a run, because it was interrupted or continued without them. With an agent,
    /// only its calls.
    pub fn cancel_calls(&mut self, ix: RunIx, agent: Option<Sym>) {
        let memory = self.runs[ix.0 as usize].memory.as_mut();
        let Some(memory) = memory.filter(|memory| memory.calls.open > 0) else {
            return;
        };
        let is_of = |call: &Call| agent.is_none_or(|agent| call.agent == agent);
        for call in memory.calls.cancel(is_of) {
            self.status(ix, call.action, (call.status, Status::Cancelled));
        }
    }

    /// The number of calls of a run that wait for a result.
    pub fn open_calls(&self, ix: RunIx) -> u32 {
        self.recall(ix).map_or(0, |memory| memory.calls.open)
    }

    /// Makes the row of a decision or approval its own target, because the call is unknown; the row takes
    /// the status that the call would have.
    pub fn alone(&mut self, ix: RunIx, action: ActionIx, verdict: Verdict) -> Call {
        let status = match verdict {
            Verdict::Block => Status::Blocked,
            Verdict::Denied | Verdict::Expired => Status::Denied,
            Verdict::Unrecorded
            | Verdict::Allow
            | Verdict::RequireApproval
            | Verdict::Redact
            | Verdict::Warn
            | Verdict::Requested
            | Verdict::Approved => Status::Unrecorded,
        };
        if status != Status::Unrecorded {
            self.status(ix, action, (Status::Unrecorded, status));
        }
        Call {
            action,
            time: Time::NONE,
            status,
            agent: Sym::NONE,
            tool: Sym::NONE,
            signature: 0,
            closed: true,
        }
    }

    /// Applies a verdict to the call it refers to: stopped, waiting for a person, or no longer waiting.
    pub fn weigh(&mut self, ix: RunIx, id: &[u8], call: &Call, verdict: Verdict) {
        let news = Settled::new(call.action);
        match verdict {
            Verdict::Block => self.mark_call(ix, id, Status::Blocked),
            Verdict::Denied | Verdict::Expired => {
                self.settle(&Settled {
                    clear: Flags::WAITING,
                    ..news
                });
                self.mark_call(ix, id, Status::Denied);
            }
            Verdict::Approved => self.settle(&Settled {
                clear: Flags::WAITING,
                ..news
            }),
            Verdict::RequireApproval | Verdict::Requested if !call.closed => {
                self.settle(&Settled {
                    flags: Flags::WAITING,
                    ..news
                });
            }
            Verdict::Unrecorded
            | Verdict::Allow
            | Verdict::Redact
            | Verdict::Warn
            | Verdict::RequireApproval
            | Verdict::Requested => {}
        }
    }

    /// Attaches a verdict to the action it refers to; `notes` are those of the verdict's record.
    pub fn attach(&mut self, action: ActionIx, attached: Attached, notes: Flags) {
        let mark = match attached.kind {
            AttachedKind::Decision => Flags::HAS_POLICY,
            AttachedKind::Approval => Flags::HAS_APPROVAL,
        };
        self.settle(&Settled {
            extra: Extra::Attached(attached),
            flags: mark.with(notes),
            ..Settled::new(action)
        });
    }

    pub fn duration(&mut self, action: ActionIx, duration: Elapsed) {
        if !duration.is_some() {
            return;
        }
        if let Some(row) = self.fresh(action) {
            self.batch.outcomes.duration[row] = duration;
            return;
        }
        self.settle(&Settled {
            duration,
            ..Settled::new(action)
        });
    }

    /// Finishes the current batch.
    pub fn flush(&mut self) {
        let mut batch = std::mem::take(&mut self.batch);
        batch.outcomes.shrink();
        self.first += batch.chunk.len() as u32;
        if self.first > 0 && (self.first as usize).is_multiple_of(CHUNK_ROWS) {
            // A long file: the next chunk will probably be full too.
            self.batch.chunk = Chunk::with_room(CHUNK_ROWS);
            self.batch.outcomes = Outcomes::with_room(CHUNK_ROWS);
        }
        batch.symbols = self.interner.take_new();
        for name in &batch.symbols {
            self.retain.take_name(name);
        }
        self.retain.add(batch.chunk.len() as u32, self.first);
        batch.kept_from = self.retain.first();
        self.dirty.sort_unstable();
        for ix in self.dirty.drain(..) {
            let state = &mut self.runs[ix.0 as usize];
            state.dirty = false;
            if !state.ended {
                state.run.edit().status =
                    if state.memory.as_ref().is_some_and(|it| it.calls.open > 0) {
                        RunStatus::Running
                    } else {
                        RunStatus::Unknown
                    };
            }
            batch.runs.push((ix, state.run.snapshot(state.ended)));
        }
        let is_empty = batch.chunk.is_empty()
            && batch.settled.is_empty()
            && batch.runs.is_empty()
            && batch.symbols.is_empty();
        if !is_empty {
            self.ready.push(batch);
        }
    }

    pub fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    pub fn take_ready(&mut self) -> Vec<Batch> {
        std::mem::take(&mut self.ready)
    }
}

fn new_run(source: SourceIx, id: &[u8]) -> Run {
    Run {
        id: String::from_utf8_lossy(id).into(),
        source,
        who: Who::default(),
        started: Time::NONE,
        ended: Time::NONE,
        took: Elapsed::NONE,
        status: RunStatus::Unknown,
        totals: Totals::default(),
        inherited: None,
        lanes: Vec::new(),
        parent_run: None,
        score: None,
        correct: None,
        first_action: ActionIx::NONE,
        first_prompt: ActionIx::NONE,
        title: None,
        span_name: None,
    }
}

fn run_key(secret: &foldhash::quality::RandomState, source: SourceIx, id: &[u8]) -> u64 {
    let mut hasher = secret.build_hasher();
    hasher.write_u32(source.0);
    hasher.write(id);
    hasher.finish()
}

fn counter(totals: &mut Totals, status: Status) -> Option<&mut u32> {
    match status {
        Status::Error | Status::Timeout => Some(&mut totals.errors),
        Status::Blocked => Some(&mut totals.blocked),
        Status::Denied => Some(&mut totals.denied),
        Status::Pending => Some(&mut totals.pending),
        Status::Unrecorded | Status::Ok | Status::Cancelled => None,
    }
}
