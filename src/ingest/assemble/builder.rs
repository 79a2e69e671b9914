//! Builds actions, runs and the news about them, batch by batch.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use super::From;
use super::calls::Call;
use super::interner::Interner;
use super::memory::{Map, Memory};
use super::retain::Retain;
use super::state::{RunState, Told};
use crate::ingest::fact::Fact;
use crate::ingest::loaded::Batch;
use crate::ingest::prices::PriceTable;
use crate::model::action::{ActionIx, Flags, Kind, Place, SourceIx, Status, Verdict};
use crate::model::chunk::{CHUNK_ROWS, Chunk, NewAction};
use crate::model::outcome::{Attached, AttachedKind, Extra, Outcomes, Settled};
use crate::model::quantity::{Elapsed, Time};
use crate::model::run::{Lane, Run, RunIx, RunStatus, Totals, Who};
use crate::model::symbol::Sym;

/// An action about to be added to a run.
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
    /// A row for a fact, with what the fact itself tells: no agent, tool, model or cause yet.
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

/// What is remembered of a run, of an id and of a call takes about so many bytes.
const RUN: u64 = 640;
const ID: u64 = 32;
const CALL: u64 = 112;

/// Turns what rules decide into batches. Runs are found by a key that the rules choose.
#[derive(Debug)]
pub struct Builder {
    pub(super) interner: Interner,
    secret: foldhash::quality::RandomState,
    pub(super) prices: PriceTable,
    runs: Vec<RunState>,
    keys: Map<RunIx>,
    /// The run that was asked for last.
    latest: RunIx,
    /// Memories of runs that ended, for runs to come.
    spare: Vec<Memory>,
    dirty: Vec<RunIx>,
    batch: Batch,
    /// The place of the first action of `batch`.
    first: u32,
    ready: Vec<Batch>,
    retain: Retain,
    /// What stands for runs of which nothing is kept.
    gone: Arc<Run>,
}

impl Builder {
    pub fn new(prices: PriceTable) -> Builder {
        Builder {
            interner: Interner::default(),
            secret: foldhash::quality::RandomState::default(),
            prices,
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

    /// Keeps no more than fits so many bytes.
    #[must_use]
    pub fn within(self, room: u64) -> Builder {
        Builder {
            retain: Retain::within(room),
            ..self
        }
    }

    /// The number that the next action gets.
    pub fn next_action(&self) -> u32 {
        self.first + self.batch.chunk.len() as u32
    }

    /// Lets go of actions before `floor`, and of the oldest where there is no more room.
    pub fn let_go(&mut self, floor: u32) {
        if !self.retain.let_go(floor) {
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
                *state = RunState::of(Told::Shared(Arc::clone(&self.gone)));
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

    /// The symbol of a name that is likely to be the one of `guess`.
    pub fn symbol_like(&mut self, name: &[u8], guess: Sym) -> Sym {
        if self.name(guess).as_bytes() == name {
            return guess;
        }
        self.symbol(name)
    }

    pub fn name(&self, symbol: Sym) -> &str {
        self.interner.name(symbol)
    }

    /// A number for an id that nobody can choose two ids for.
    pub fn key(&self, id: &[u8]) -> u64 {
        let mut hasher = self.secret.build_hasher();
        hasher.write(id);
        hasher.finish()
    }

    /// The run with this id of a group of sources, made when it is new.
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
        let run = Told::Own(Box::new(new_run(source, id)));
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

    /// The facts of a run, to read.
    pub fn peek(&self, ix: RunIx) -> &Run {
        self.runs[ix.0 as usize].run.get()
    }

    /// The facts of a run, to change. Totals are kept by the builder.
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

    /// What is remembered of a run that goes on.
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

    /// Notes that a run has seen a fact at this time.
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

    /// What the end of a run says that all of it took. Where that end has the only time, `was_untimed`
    /// before, the run began so long ago.
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
        if !state.run.get().who.models.contains(&model) {
            self.edit(ix).who.models.push(model);
        }
    }

    /// Notes that an agent other than the main one acted.
    pub fn lane(&mut self, ix: RunIx, agent: Sym, parent: ActionIx) {
        let lanes = &mut self.edit(ix).lanes;
        match lanes.iter_mut().find(|lane| lane.agent == agent) {
            Some(lane) if lane.parent == ActionIx::NONE => lane.parent = parent,
            Some(_) => {}
            None => lanes.push(Lane { agent, parent }),
        }
    }

    /// The action with this id in a run that goes on.
    pub fn by_id(&mut self, ix: RunIx, id: &[u8]) -> ActionIx {
        if id.is_empty() {
            return ActionIx::NONE;
        }
        let key = self.key(id);
        let memory = self.runs[ix.0 as usize].memory.as_mut();
        memory.map_or(ActionIx::NONE, |memory| memory.ids.get(key))
    }

    /// Remembers the id of an action, for those that it causes.
    pub fn remember(&mut self, ix: RunIx, id: &[u8], action: ActionIx) {
        if id.is_empty() || self.runs[ix.0 as usize].ended {
            return;
        }
        let key = self.key(id);
        self.memory(ix).ids.tell(key, action);
        self.retain.take(ID);
    }

    /// Adds an action.
    pub fn act(&mut self, draft: &Draft) -> ActionIx {
        let ix = ActionIx(self.first + self.batch.chunk.len() as u32);
        self.seen(draft.run, draft.time);
        let turn = self.turn(draft.run);
        self.state(draft.run).last = ix;
        let run = self.edit(draft.run);
        let totals = &mut run.totals;
        // A broken line belongs to nobody: it has a row near its neighbours and counts in no run.
        let counts = draft.kind != Kind::Malformed;
        totals.actions += u32::from(counts);
        totals.tool_calls += u32::from(draft.kind == Kind::ToolCall);
        totals.errors += u32::from(draft.kind == Kind::Error);
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
            // An error that stands for itself is its own outcome.
            if let Some(status) = self.batch.outcomes.status.last_mut() {
                *status = Status::Error;
            }
        }
        // Batches end where chunks of a store do, so that whole ones are taken over as they are.
        if (ix.0 as usize + 1).is_multiple_of(CHUNK_ROWS) {
            self.flush();
        }
        ix
    }

    /// The row of an action in the batch that is being built.
    #[inline]
    fn fresh(&self, action: ActionIx) -> Option<usize> {
        let row = action.0.checked_sub(self.first)? as usize;
        (row < self.batch.outcomes.len()).then_some(row)
    }

    /// News about an action; counts in the totals are the caller's, through [`Builder::status`].
    pub fn settle(&mut self, news: &Settled) {
        match self.fresh(news.action) {
            Some(row) => self.batch.outcomes.settle(row, news),
            // Nobody keeps it any more.
            None if news.action.0 < self.retain.first() => {}
            None => self.batch.settled.push(*news),
        }
    }

    /// Gives an action a status and keeps the totals of its run in step.
    pub fn status(&mut self, ix: RunIx, action: ActionIx, change: (Status, Status)) {
        let totals = &mut self.edit(ix).totals;
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

    /// Adds a call that waits for its result. `signature` is a hash of its tool and arguments: when
    /// the last call like it failed, this one is a retry.
    pub fn open_call(&mut self, ix: RunIx, id: &[u8], call: Call, again: bool) {
        let key = self.key(id);
        let memory = self.memory(ix);
        let retry = again || memory.failed.contains(&call.signature);
        // A call without an id can never be answered by name.
        if !id.is_empty() {
            memory.calls.add(key, call);
            self.retain.take(CALL);
        }
        if retry {
            self.edit(ix).totals.retries += 1;
            self.settle(&Settled {
                flags: Flags::RETRY,
                ..Settled::new(call.action)
            });
        }
        self.status(ix, call.action, (Status::Unrecorded, Status::Pending));
    }

    /// Whether a call with this id was seen in the run.
    pub fn knows_call(&self, ix: RunIx, id: &[u8]) -> Option<Call> {
        self.recall(ix)?.calls.known(self.key(id)).copied()
    }

    /// Closes the oldest open call with this id. The status is [`Status::Unrecorded`] when the
    /// result does not tell how it went.
    pub fn close_call(&mut self, ix: RunIx, id: &[u8], status: Status) -> Option<Call> {
        let key = self.key(id);
        // What was never remembered, or forgotten with its run, needs no memory to say so.
        let memory = self.runs[ix.0 as usize].memory.as_mut()?;
        let call = memory.calls.close(key)?;
        if matches!(status, Status::Error | Status::Timeout) {
            memory.failed.insert(call.signature);
        } else {
            memory.failed.remove(&call.signature);
        }
        self.status(ix, call.action, (call.status, status));
        Some(call)
    }

    /// Changes the status of a call that may still get a result (a policy blocked it, say).
    pub fn mark_call(&mut self, ix: RunIx, id: &[u8], status: Status) {
        let key = self.key(id);
        let memory = self.runs[ix.0 as usize].memory.as_mut();
        let Some(call) = memory.and_then(|memory| memory.calls.known_mut(key)) else {
            return;
        };
        if call.closed || call.status == status {
            return;
        }
        let change = (call.status, status);
        call.status = status;
        let action = call.action;
        self.status(ix, action, change);
    }

    /// How many calls of a run wait for a result.
    pub fn open_calls(&self, ix: RunIx) -> u32 {
        self.recall(ix).map_or(0, |memory| memory.calls.open)
    }

    /// A decision or approval on no known call: its own row is what it is attached to, and takes the
    /// status that the call would have.
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
            tool: Sym::NONE,
            signature: 0,
            closed: true,
        }
    }

    /// What a verdict means for the call that it names: stopped, waiting for a person, or no longer.
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

    /// Attaches a verdict to the action it was about; `notes` are those of its own record.
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

    /// Hands on what was built so far as a batch.
    pub fn flush(&mut self) {
        let mut batch = std::mem::take(&mut self.batch);
        batch.outcomes.shrink();
        self.first += batch.chunk.len() as u32;
        if self.first > 0 && (self.first as usize).is_multiple_of(CHUNK_ROWS) {
            // A long file: the next chunk is likely to be full too.
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
            batch.runs.push((ix, state.run.tell(state.ended)));
        }
        if !batch.chunk.is_empty() || !batch.settled.is_empty() || !batch.runs.is_empty() {
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
        lanes: Vec::new(),
        parent_run: None,
        score: None,
        correct: None,
        first_action: ActionIx::NONE,
        first_prompt: ActionIx::NONE,
        title: None,
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
