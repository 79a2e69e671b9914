//! The assembler of most agent formats: a conversation of prompts, model calls and tools.
//!
//! Decoders report who speaks; here calls get their results, the parts of one model call share its tokens,
//! subagents get lanes, and runs get ids and ends. Formats that need more state have assemblers of their
//! own.

mod copied;
mod family;
mod settings;
mod tokens;

use std::collections::HashMap;

use self::copied::is_copied;
use self::family::Family;
pub(super) use self::settings::{set, status};
use self::tokens::Total;
use crate::ingest::assemble::{Assembler, Builder, Call, Charge, Draft, From};
use crate::ingest::fact::{Echo, Fact, FactKind, IMPLIED, Name};
use crate::model::action::{ActionIx, Flags, Kind, Place, Status, Verdict};
use crate::model::outcome::{Attached, AttachedKind, Settled};
use crate::model::quantity::{Cost, Usage};
use crate::model::run::{RunIx, RunStatus};
use crate::model::symbol::Sym;

/// The state of the runs in a group of files.
#[derive(Debug)]
pub(super) struct Conversation {
    agent: &'static str,
    /// Whether the source records results; if not, a call without one is not pending.
    answers: bool,
    /// Every run is named: settings before the first one apply to all.
    many: bool,
    /// Totals of a run may come before some of its calls.
    totals_first: bool,
    /// Sessions may begin with a copy of another one, whose records keep their times.
    forks: bool,
    /// Totals that wait for the calls of their runs.
    totals: Vec<(Total, Draft)>,
    /// Records of a companion are those of a subagent, in the run of the main file.
    family: Option<Family>,
    defaults: Vec<(Name, Box<[u8]>)>,
    model: Box<[u8]>,
    current: Option<RunIx>,
    runs: HashMap<RunIx, RunMemory>,
    /// Runs by the names that facts give them.
    named: HashMap<u64, RunIx>,
}

/// The state of a run.
#[derive(Debug, Default)]
struct RunMemory {
    /// The run has the id recorded in the trace.
    named: bool,
    started: bool,
    ended: bool,
    last: Option<RunStatus>,
    groups: HashMap<u64, ModelCall>,
    /// Ids of pending calls, oldest first, for results without an id.
    waiting: Vec<u64>,
    ids: HashMap<u64, Box<[u8]>>,
    nameless: u32,
    /// The row of the last model call, and what running totals have booked on it.
    latest: Option<(ActionIx, Option<Charge>, Cost)>,
    /// Running totals, by model.
    totals: HashMap<Sym, (Usage, Cost)>,
    /// Streamed rows by stream id, with the position of their first piece.
    spans: HashMap<u64, (ActionIx, Place)>,
    /// What was booked for the model calls of each model.
    booked: HashMap<Sym, Usage>,
}

/// One model call.
#[derive(Debug, Default)]
struct ModelCall {
    response: Option<ActionIx>,
    has_text: bool,
    first: Option<ActionIx>,
    charge: Option<(ActionIx, Charge)>,
    /// The parts seen so far, for messages that may be repeated.
    parts: Vec<u16>,
}

impl Conversation {
    pub(super) fn new(agent: &'static str) -> Conversation {
        Conversation {
            agent,
            answers: true,
            many: false,
            totals_first: false,
            forks: false,
            totals: Vec::new(),
            family: None,
            defaults: Vec::new(),
            model: Box::default(),
            current: None,
            runs: HashMap::new(),
            named: HashMap::new(),
        }
    }

    /// For sources that rarely record tool results.
    pub(super) fn without_results(self) -> Conversation {
        Conversation {
            answers: false,
            ..self
        }
    }

    /// For files of many runs, each of which begins with a start fact.
    pub(super) fn many(self) -> Conversation {
        Conversation { many: true, ..self }
    }

    /// For files that may have the tokens of a whole run before all of its calls.
    pub(super) fn totals_first(self) -> Conversation {
        Conversation {
            totals_first: true,
            ..self
        }
    }

    /// For sessions that may begin with a copy of another one.
    pub(super) fn forks(self) -> Conversation {
        Conversation {
            forks: true,
            ..self
        }
    }

    /// For files that are read together with those of their subagents. The run id of a subagent's file is
    /// the id under which the call that started it is remembered.
    pub(super) fn family(self) -> Conversation {
        Conversation {
            family: Some(Family::default()),
            ..self
        }
    }
}

impl Assembler for Conversation {
    fn take(&mut self, fact: &Fact, from: &From<'_>, build: &mut Builder) {
        if self.many && self.is_before(fact) {
            self.remember_for_all(fact, from);
            return;
        }
        let run = self.run(fact, from, build);
        let family = self.family.as_mut().filter(|_| from.companion);
        let side = family.map_or(Sym::NONE, |family| family.lane(fact, from, run, build));
        let copied = self.forks && is_copied(run, fact, from, build);
        let memory = self.runs.entry(run).or_default();
        let incoming = Incoming {
            run,
            side,
            copied,
            fact,
            from,
        };
        match fact.kind {
            // The start of a subagent is shown as the call that started it.
            FactKind::RunStart | FactKind::Setup | FactKind::ImpliedStart if side.is_some() => {
                incoming.copy(build);
            }
            FactKind::RunStart | FactKind::Setup => incoming.start(memory, build),
            FactKind::ImpliedStart => incoming.set(memory, build),
            FactKind::RunEnd => {
                let was_untimed = !build.peek(run).started.is_some();
                let action = incoming.add(Kind::RunEnd, build);
                build.settle(&Settled {
                    status: Some(fact.status),
                    duration: fact.duration,
                    ..Settled::new(action)
                });
                build.took(run, fact.duration, was_untimed);
                if from.decoded.usage(fact).is_some() {
                    incoming.charge(action, None, build);
                }
                incoming.set(memory, build);
            }
            FactKind::Setting => {
                build.seen(run, fact.time);
                incoming.set(memory, build);
            }
            FactKind::Prompt => {
                memory.last = None;
                incoming.prompt(build);
            }
            FactKind::Response | FactKind::Reasoning | FactKind::ToolCall => {
                incoming.model_call(memory, self.answers, build);
            }
            FactKind::ToolResult => incoming.result(memory, build),
            FactKind::Decision | FactKind::Approval => incoming.attach(build),
            FactKind::Error => incoming.error(memory, build),
            FactKind::RunningTotal => incoming.running(memory, build),
            FactKind::RunTotal => {
                let (total, draft) = incoming.total(build);
                if self.totals_first {
                    self.totals.push((total, draft));
                } else {
                    total.book(memory, &draft, build);
                }
            }
            FactKind::Usage => {
                memory.last = Some(RunStatus::Ok);
                incoming.usage(memory, build);
            }
            FactKind::Piece => incoming.piece(memory, build),
            FactKind::CallNews => incoming.news(build),
            FactKind::Note => {
                let action = incoming.add(Kind::Note, build);
                if fact.status != Status::Unrecorded {
                    build.status(run, action, (Status::Unrecorded, fact.status));
                    memory.last = status(fact.status);
                    if fact.status == Status::Cancelled {
                        build.cancel_calls(run, None);
                    }
                }
                build.duration(action, fact.duration);
            }
            FactKind::Copy => incoming.copy(build),
            FactKind::Unknown => {
                incoming.add(Kind::Unknown, build);
            }
            FactKind::Malformed => {
                incoming.add(Kind::Malformed, build);
            }
        }
    }

    fn finish(&mut self, build: &mut Builder) {
        for (total, draft) in self.totals.drain(..) {
            if let Some(memory) = self.runs.get_mut(&draft.run) {
                total.book(memory, &draft, build);
            }
        }
        let mut left: Vec<_> = self.runs.iter().filter(|(_, it)| !it.ended).collect();
        left.sort_unstable_by_key(|(run, _)| **run);
        for (&run, memory) in left {
            if build.open_calls(run) == 0 || !self.answers {
                let recorded = memory.last.filter(|_| !self.many);
                build.end(run, recorded.unwrap_or(RunStatus::Unknown));
            }
        }
    }
}

impl Conversation {
    /// The run of a fact: the one it names, otherwise the current one. Runs without any name are named
    /// after the file.
    fn run(&mut self, fact: &Fact, from: &From<'_>, build: &mut Builder) -> RunIx {
        if let Some(family) = self.family.as_ref().filter(|_| from.companion) {
            let known = family.run();
            // The main file, which comes later, will give it its id.
            return known.unwrap_or_else(|| self.begin(from.stem.as_bytes(), from, build));
        }
        let name = from.text(fact.run);
        if fact.kind == FactKind::Malformed
            && let Some(run) = self.current
        {
            return run;
        }
        if name.is_empty() {
            let begins = matches!(fact.kind, FactKind::RunStart | FactKind::ImpliedStart);
            return match self.current.filter(|_| !begins) {
                Some(run) => run,
                None if begins => {
                    let id = format!("{}:{}", from.stem, from.line(fact));
                    self.begin(id.as_bytes(), from, build)
                }
                None => self.begin(from.stem.as_bytes(), from, build),
            };
        }
        let key = build.key(name);
        if let Some(&run) = self.named.get(&key) {
            self.current = Some(run);
            return run;
        }
        // A log of answers that each name the one before: all of them are one run.
        let before = build.key(from.text(fact.parent));
        if fact.kind == FactKind::ImpliedStart
            && let Some(&run) = self.named.get(&before)
        {
            self.named.insert(key, run);
            self.current = Some(run);
            return run;
        }
        let nameless = self
            .current
            .filter(|run| self.runs.get(run).is_none_or(|it| !it.named));
        let run = match nameless {
            Some(run) => {
                build.edit(run).id = String::from_utf8_lossy(name).into();
                run
            }
            None => self.begin(name, from, build),
        };
        self.named.insert(key, run);
        self.runs.entry(run).or_default().named = true;
        run
    }

    /// Whether a fact is about the file and precedes every run.
    fn is_before(&self, fact: &Fact) -> bool {
        let about_file = matches!(fact.kind, FactKind::Setting | FactKind::Copy);
        about_file && self.current.is_none() && fact.run.is_empty()
    }

    fn remember_for_all(&mut self, fact: &Fact, from: &From<'_>) {
        let names = from.decoded.names(fact);
        self.defaults
            .extend(names.map(|(name, recorded)| (name, recorded.into())));
        let model = from.text(fact.model);
        if !model.is_empty() {
            self.model = model.into();
        }
    }

    fn begin(&mut self, id: &[u8], from: &From<'_>, build: &mut Builder) -> RunIx {
        let run = build.run(from.source, id);
        let agent = build.symbol(self.agent.as_bytes());
        build.edit(run).who.agent = agent;
        let model = build.symbol(&self.model);
        build.set_model(run, agent, model);
        for (name, recorded) in &self.defaults {
            set(run, *name, recorded, build);
        }
        self.current = Some(run);
        if let Some(family) = &mut self.family {
            family.begins(run);
        }
        self.runs.entry(run).or_default();
        run
    }
}

/// A fact with its run, lane and origin.
struct Incoming<'a> {
    run: RunIx,
    /// The lane of the file, if it is a subagent's.
    side: Sym,
    /// Copied from another session.
    copied: bool,
    fact: &'a Fact,
    from: &'a From<'a>,
}

impl Incoming<'_> {
    fn name(&self, name: Name) -> &[u8] {
        self.from.decoded.name(self.fact, name)
    }

    /// The agent that acts: the main one, or one with a lane of its own.
    fn lane(&self, build: &mut Builder) -> Sym {
        if self.side.is_some() {
            return self.side;
        }
        let main = build.peek(self.run).who.agent;
        let lane = build.symbol(self.name(Name::Lane));
        if !lane.is_some() {
            return main;
        }
        let starter = self.name(Name::Starter);
        let call = build.knows_call(self.run, starter);
        build.lane(
            self.run,
            lane,
            call.map_or(ActionIx::NONE, |call| call.action),
        );
        lane
    }

    fn draft(&self, kind: Kind, build: &mut Builder) -> Draft {
        let agent = self.lane(build);
        let recorded = build.symbol(self.from.text(self.fact.model));
        let model = if self.fact.kind == FactKind::Prompt {
            // The model that simulates the user is not the model of the run.
            recorded
        } else if recorded.is_some() {
            build.set_model(self.run, agent, recorded);
            recorded
        } else {
            build.model_of(self.run, agent)
        };
        let mut draft = Draft {
            agent,
            model,
            parent: build.by_id(self.run, self.from.text(self.fact.parent)),
            ..Draft::new(kind, self.run, self.fact, self.from)
        };
        if self.copied {
            draft.flags.set(Flags::COPIED);
        }
        draft
    }

    fn act(&self, draft: &Draft, build: &mut Builder) -> ActionIx {
        let action = build.act(draft);
        build.remember(self.run, self.name(Name::Record), action);
        action
    }

    fn add(&self, kind: Kind, build: &mut Builder) -> ActionIx {
        let draft = self.draft(kind, build);
        self.act(&draft, build)
    }

    /// Counts a duplicate.
    fn copy(&self, build: &mut Builder) {
        build.seen(self.run, self.fact.time);
        build.edit(self.run).totals.copies += 1;
    }

    fn start(&self, memory: &mut RunMemory, build: &mut Builder) {
        self.set(memory, build);
        let kind = if memory.started {
            Kind::Note
        } else {
            Kind::RunStart
        };
        memory.started = true;
        self.add(kind, build);
    }

    /// Applies what a fact says about the whole run.
    fn set(&self, memory: &mut RunMemory, build: &mut Builder) {
        let agent = build.symbol(self.from.text(self.fact.agent));
        if agent.is_some() {
            build.edit(self.run).who.agent = agent;
        }
        let main = build.peek(self.run).who.agent;
        let model = build.symbol(self.from.text(self.fact.model));
        build.set_model(self.run, main, model);
        for (name, recorded) in self.from.decoded.names(self.fact) {
            set(self.run, name, recorded, build);
        }
        let is_start = matches!(
            self.fact.kind,
            FactKind::RunStart | FactKind::Setup | FactKind::ImpliedStart
        );
        if self.fact.cost.is_some() && !is_start {
            build.edit(self.run).totals.run_cost = self.fact.cost;
        }
        if let Some(status) = status(self.fact.status) {
            memory.ended = true;
            build.end(self.run, status);
        }
    }

    /// A prompt to the main agent starts a turn.
    fn prompt(&self, build: &mut Builder) {
        let record = self.name(Name::Record);
        if self.fact.echo == Echo::MayRepeat && build.by_id(self.run, record).get().is_some() {
            build.edit(self.run).totals.copies += 1;
            return;
        }
        let mut draft = self.draft(Kind::Prompt, build);
        let main = draft.agent == build.peek(self.run).who.agent;
        if !main {
            draft.flags.set(Flags::META);
        } else if !draft.flags.has(Flags::META) {
            build.cancel_calls(self.run, Some(draft.agent));
            let turn = build.turn(self.run) + 1;
            build.set_turn(self.run, turn);
        }
        let action = self.act(&draft, build);
        // A simulated user is a model too.
        if let Some(usage) = self.from.decoded.usage(self.fact) {
            let cost = self.fact.cost;
            build.charge(self.run, (action, draft.model), usage, cost, None);
        }
    }

    /// The model call of a fact: the one it names, otherwise one per record.
    fn group(&self, build: &Builder) -> u64 {
        let name = self.name(Name::Group);
        if name.is_empty() {
            let Place { offset, .. } = self.from.place(self.fact);
            return build.key(
                &[
                    offset.to_le_bytes(),
                    u64::from(self.from.source.0).to_le_bytes(),
                ]
                .concat(),
            );
        }
        build.key(name)
    }

    fn model_call(&self, memory: &mut RunMemory, answers: bool, build: &mut Builder) {
        memory.last = match status(self.fact.status) {
            Some(recorded) if self.fact.kind == FactKind::Response => Some(recorded),
            _ => Some(RunStatus::Ok),
        };
        let key = self.group(build);
        let action = if self.is_again(memory, key, build) {
            build.edit(self.run).totals.copies += 1;
            let group = memory.groups.entry(key).or_default();
            let Some(action) = group.response.or(group.first) else {
                return;
            };
            if self.fact.kind == FactKind::Response {
                build.settle(&Settled {
                    result: self.from.place(self.fact),
                    ..Settled::new(action)
                });
            }
            action
        } else {
            match self.fact.kind {
                FactKind::Response => self.response(memory.groups.entry(key).or_default(), build),
                FactKind::Reasoning => self.add(Kind::Reasoning, build),
                _ => self.tool_call(memory, key, answers, build),
            }
        };
        let text = self.name(Name::Stream);
        if !text.is_empty() {
            let place = self.from.place(self.fact);
            memory.spans.insert(build.key(text), (action, place));
        }
        let group = memory.groups.entry(key).or_default();
        group.first = group.first.or(Some(action));
        let call = group.response.unwrap_or(action);
        if memory
            .latest
            .as_ref()
            .is_none_or(|(latest, ..)| *latest != call)
        {
            memory.latest = Some((call, None, Cost::NONE));
        }
        let booked = group.charge.as_ref().map(|(action, _)| *action);
        let on = booked.or(group.response).unwrap_or(action);
        let before = group.charge.take().map(|(_, charge)| charge);
        if let Some(usage) = self.from.decoded.usage(self.fact) {
            let agent = self.lane(build);
            let model = build.model_of(self.run, agent);
            let booked = memory.booked.entry(model).or_default();
            let again = before.as_ref().map_or(Usage::NONE, Charge::usage);
            *booked = booked.minus(&again).plus(&usage);
        }
        let group = memory.groups.entry(key).or_default();
        group.charge = self
            .charge(on, before.as_ref(), build)
            .or(before)
            .map(|it| (on, it));
    }

    /// Whether this part of a model call is a duplicate; a pending call with the same id is enough.
    fn is_again(&self, memory: &mut RunMemory, group: u64, build: &Builder) -> bool {
        if self.fact.echo != Echo::MayRepeat {
            return false;
        }
        let id = self.from.text(self.fact.id);
        let is_call = self.fact.kind == FactKind::ToolCall;
        let known = build.knows_call(self.run, id).filter(|_| is_call);
        let parts = &mut memory.groups.entry(group).or_default().parts;
        let recorded = parts.contains(&self.fact.part);
        if !recorded {
            parts.push(self.fact.part);
        }
        known.is_some_and(|call| !call.closed) || recorded
    }

    fn response(&self, group: &mut ModelCall, build: &mut Builder) -> ActionIx {
        if let Some(response) = group.response {
            if group.has_text {
                let mut draft = self.draft(Kind::Response, build);
                draft.flags.set(Flags::CONTINUED);
                return self.act(&draft, build);
            }
            // The row was created for a tool call: now the text has arrived.
            group.has_text = true;
            build.settle(&Settled {
                result: self.from.place(self.fact),
                clear: Flags::IMPLIED,
                ..Settled::new(response)
            });
            return response;
        }
        let response = self.add(Kind::Response, build);
        build.duration(response, self.fact.duration);
        if self.fact.status != Status::Unrecorded {
            build.status(self.run, response, (Status::Unrecorded, self.fact.status));
        }
        group.response = Some(response);
        group.has_text = true;
        response
    }

    /// A tool call; the row of the model call comes first.
    fn tool_call(
        &self,
        memory: &mut RunMemory,
        group: u64,
        answers: bool,
        build: &mut Builder,
    ) -> ActionIx {
        let id = self.from.text(self.fact.id);
        let group = memory.groups.entry(group).or_default();
        let response = group.response.unwrap_or_else(|| {
            let mut draft = self.draft(Kind::Response, build);
            draft.flags.set(Flags::IMPLIED);
            draft.place.part |= IMPLIED;
            build.act(&draft)
        });
        group.response = Some(response);
        let mut draft = self.draft(Kind::ToolCall, build);
        draft.tool = build.symbol(self.from.text(self.fact.tool));
        draft.parent = response;
        let action = self.act(&draft, build);
        let call = Call {
            agent: draft.agent,
            ..Call::open(action, self.fact, draft.tool)
        };
        let own;
        let id = if id.is_empty() {
            memory.nameless += 1;
            own = format!("#{}", memory.nameless);
            own.as_bytes()
        } else {
            id
        };
        let key = build.key(id);
        build.open_call(self.run, id, call, false);
        memory.waiting.push(key);
        memory.ids.insert(key, id.into());
        if !answers {
            build.mark_call(self.run, id, Status::Unrecorded);
        }
        action
    }

    fn result(&self, memory: &mut RunMemory, build: &mut Builder) {
        let named = self.from.text(self.fact.call);
        // A result without an id belongs to the oldest pending call, as does every result of calls without
        // ids.
        let oldest = memory.waiting.first().and_then(|key| memory.ids.get(key));
        let is_strange = build.knows_call(self.run, named).is_none();
        let id: Box<[u8]> = match oldest {
            Some(oldest) if named.is_empty() || is_strange && oldest.starts_with(b"#") => {
                oldest.clone()
            }
            _ => named.into(),
        };
        let key = build.key(&id);
        let known = build.knows_call(self.run, &id);
        let status = match known {
            Some(call)
                if self.fact.status == Status::Unrecorded && call.status != Status::Pending =>
            {
                call.status
            }
            _ => self.fact.status,
        };
        let Some(call) = build.close_call(self.run, &id, status) else {
            if known.is_some() && self.fact.echo == Echo::MayRepeat {
                build.edit(self.run).totals.copies += 1;
                return;
            }
            match known {
                Some(call) => build.settle(&Settled {
                    flags: Flags::SECOND_RESULT,
                    ..Settled::new(call.action)
                }),
                None => memory.last = None,
            }
            // A failed tool is an error even if its call is unknown.
            let tool = build.symbol(self.from.text(self.fact.tool));
            let failed = matches!(self.fact.status, Status::Error | Status::Timeout);
            let kind = if failed && known.is_none() && tool.is_some() {
                Kind::Error
            } else {
                Kind::Note
            };
            let mut draft = self.draft(kind, build);
            draft.tool = known.map_or(tool, |call| call.tool);
            self.act(&draft, build);
            return;
        };
        if let Some(at) = memory.waiting.iter().position(|it| *it == key) {
            memory.waiting.remove(at);
            if !memory.waiting.contains(&key) {
                memory.ids.remove(&key);
            }
        }
        build.seen(self.run, self.fact.time);
        build.settle(&Settled {
            result: self.span(memory, &id, build).1,
            duration: self.fact.duration.or(self.fact.time.since(call.time)),
            flags: self.fact.flags.without(Flags::META),
            clear: Flags::WAITING,
            ..Settled::new(call.action)
        });
        build.remember(self.run, self.name(Name::Record), call.action);
        if self.fact.cost.is_some() {
            build.cost(self.run, call.action, self.fact.cost);
        }
        if self.fact.verdict != Verdict::Unrecorded {
            let by = build.symbol(self.name(Name::By));
            let attached = Attached {
                by,
                ..self.from.attached(self.fact, AttachedKind::Approval)
            };
            build.attach(call.action, attached, Flags::NONE);
        }
    }

    /// From the first piece of a row to this one; only this one if there is no first piece.
    fn span(&self, memory: &RunMemory, id: &[u8], build: &Builder) -> (Option<ActionIx>, Place) {
        let last = self.from.place(self.fact);
        let Some((action, first)) = memory.spans.get(&build.key(id)) else {
            return (None, last);
        };
        let end = last.offset + u64::from(last.len);
        match u32::try_from(end.saturating_sub(first.offset)) {
            Ok(len) if last.offset >= first.offset => (Some(*action), Place { len, ..*first }),
            _ => (Some(*action), last),
        }
    }

    /// Another piece of a row.
    fn piece(&self, memory: &RunMemory, build: &mut Builder) {
        build.edit(self.run).totals.copies += 1;
        build.seen(self.run, self.fact.time);
        if let (Some(action), result) = self.span(memory, self.name(Name::Stream), build) {
            build.settle(&Settled {
                result,
                ..Settled::new(action)
            });
        }
    }

    /// Details of a call beyond its result.
    fn news(&self, build: &mut Builder) {
        let id = self.from.text(self.fact.call);
        let Some(call) = build.knows_call(self.run, id) else {
            self.add(Kind::Note, build);
            return;
        };
        build.seen(self.run, self.fact.time);
        if self.fact.status != Status::Unrecorded {
            if call.closed {
                build.status(self.run, call.action, (call.status, self.fact.status));
            } else {
                build.mark_call(self.run, id, self.fact.status);
            }
        }
        build.duration(call.action, self.fact.duration);
        if self.fact.cost.is_some() {
            build.cost(self.run, call.action, self.fact.cost);
        }
    }

    /// Attaches a decision or approval to the call it names; without one it is a row.
    fn attach(&self, build: &mut Builder) {
        let (fact, run) = (self.fact, self.run);
        let id = self.from.text(fact.call);
        let kind = fact.attached_kind();
        let known = build.knows_call(run, id);
        let call = known.unwrap_or_else(|| {
            let action = self.add(kind.row(), build);
            build.alone(run, action, fact.verdict)
        });
        build.seen(run, fact.time);
        let [policy, rule, by] =
            [Name::Policy, Name::Rule, Name::By].map(|name| build.symbol(self.name(name)));
        let attached = Attached {
            policy,
            rule,
            by,
            wait: fact.duration,
            ..self.from.attached(fact, kind)
        };
        build.attach(call.action, attached, fact.flags);
        if known.is_some() {
            build.weigh(run, id, &call, fact.verdict);
        }
    }

    /// An error that names a pending call is its result; any other is a row.
    fn error(&self, memory: &mut RunMemory, build: &mut Builder) {
        let id = self.from.text(self.fact.call);
        if !id.is_empty()
            && build
                .knows_call(self.run, id)
                .is_some_and(|call| !call.closed)
        {
            self.result(memory, build);
            return;
        }
        memory.last = Some(RunStatus::Error);
        self.add(Kind::Error, build);
    }
}

/// A cost that is really known: many writers report 0 for "unknown".
pub(super) fn known(cost: Cost) -> Cost {
    if cost == Cost(0) { Cost::NONE } else { cost }
}
