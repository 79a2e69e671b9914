//! Assembles the lines of a transcript: model calls, lanes, duplicates, final usage.

use std::collections::{HashMap, HashSet};

use crate::ingest::assemble::{Assembler, Builder, Call, Charge, Draft, From};
use crate::ingest::fact::{Fact, FactKind, IMPLIED, Name};
use crate::model::action::{ActionIx, Flags, Kind, Status, Verdict};
use crate::model::outcome::{Attached, AttachedKind, Settled};
use crate::model::quantity::{Cost, Usage};
use crate::model::run::{RunIx, RunStatus};
use crate::model::symbol::Sym;

/// The sessions of a file and its companions: one, unless transcripts were concatenated.
#[derive(Debug, Default)]
pub(super) struct ClaudeAssembler {
    sessions: Vec<Session>,
    /// Which session records of an id belong to.
    by_id: HashMap<u64, usize>,
    current: usize,
    /// The id of the first session, as its records give it.
    first_id: Option<Box<str>>,
}

/// The state of a session and its subagents.
#[derive(Debug)]
struct Session {
    run: RunIx,
    groups: HashMap<u64, ModelCall>,
    /// Lanes by agent id, and by the record that a side chain continues from.
    lanes: HashMap<u64, Sym>,
    /// Calls that started a subagent, by the prompt they gave it.
    started: HashMap<u64, (ActionIx, Sym)>,
    records: HashSet<(u64, u32)>,
    /// The line that was found to be a duplicate: all its facts are.
    copy: Option<(u32, u32)>,
    /// Calls that a policy is known to have stopped.
    hooked: HashSet<ActionIx>,
    side_chains: u32,
    last: Option<RunStatus>,
}

/// One model call, reported in several lines.
#[derive(Debug, Default)]
struct ModelCall {
    /// The row of the call, once there is one.
    response: Option<ActionIx>,
    has_text: bool,
    /// Another row of the call, which gets the tokens if there is no response.
    first: Option<ActionIx>,
    charge: Option<Charge>,
    usage: Option<(Usage, Sym)>,
}

impl Assembler for ClaudeAssembler {
    fn take(&mut self, fact: &Fact, from: &From<'_>, build: &mut Builder) {
        self.session(fact, from, build).take(fact, from, build);
    }

    fn finish(&mut self, build: &mut Builder) {
        for session in &self.sessions {
            session.finish(build);
        }
    }
}

impl Session {
    fn new(run: RunIx) -> Session {
        Session {
            run,
            groups: HashMap::new(),
            lanes: HashMap::new(),
            started: HashMap::new(),
            records: HashSet::new(),
            copy: None,
            hooked: HashSet::new(),
            side_chains: 0,
            last: None,
        }
    }

    fn take(&mut self, fact: &Fact, from: &From<'_>, build: &mut Builder) {
        let run = self.run;
        if self.is_copy(fact, from, build) || fact.kind == FactKind::Copy {
            build.edit(run).totals.copies += 1;
            return;
        }
        let lane = self.lane(fact, from, build, run);
        let copied = is_inherited(run, fact, from, build);
        let incoming = Incoming {
            run,
            lane,
            copied,
            fact,
            from,
        };
        match fact.kind {
            FactKind::Prompt => prompt(&incoming, build),
            FactKind::Response | FactKind::Reasoning | FactKind::ToolCall => {
                self.model_call(&incoming, build);
            }
            FactKind::ToolResult => self.result(&incoming, build),
            FactKind::Usage => self.inner_call(&incoming, build),
            FactKind::Decision => self.decision(&incoming, build),
            FactKind::Setting => {
                let title = from.decoded.name(fact, Name::Title);
                if !title.is_empty() && is_about(run, fact, from, build) {
                    build.edit(run).title = Some(String::from_utf8_lossy(title).into());
                }
            }
            FactKind::Error => {
                self.last = Some(RunStatus::Error);
                incoming.add(Kind::Error, build);
            }
            FactKind::Note => {
                if fact.status == Status::Cancelled {
                    self.last = Some(RunStatus::Cancelled);
                    build.cancel_calls(run, None);
                }
                let action = incoming.add(Kind::Note, build);
                if fact.status == Status::Cancelled {
                    build.status(run, action, (Status::Unrecorded, Status::Cancelled));
                }
            }
            FactKind::Malformed => {
                incoming.add(Kind::Malformed, build);
            }
            FactKind::RunStart
            | FactKind::Setup
            | FactKind::ImpliedStart
            | FactKind::RunEnd
            | FactKind::Approval
            | FactKind::RunningTotal
            | FactKind::RunTotal
            | FactKind::CallNews
            | FactKind::Piece
            | FactKind::Copy
            | FactKind::Unknown => {
                incoming.add(Kind::Unknown, build);
            }
        }
    }

    fn finish(&self, build: &mut Builder) {
        let run = self.run;
        let mut left: Vec<&ModelCall> = self
            .groups
            .values()
            .filter(|group| group.charge.is_none())
            .collect();
        left.sort_by_key(|group| group.first);
        for group in left {
            if let (Some(action), Some((usage, model))) = (group.first, group.usage) {
                build.charge(run, (action, model), usage, Cost::NONE, None);
            }
        }
        if build.open_calls(run) == 0 {
            build.end(run, self.last.unwrap_or(RunStatus::Unknown));
        }
    }
}

/// A fact with its run, lane and origin.
struct Incoming<'a> {
    run: RunIx,
    lane: Sym,
    /// Copied from another session.
    copied: bool,
    fact: &'a Fact,
    from: &'a From<'a>,
}

impl Incoming<'_> {
    fn draft(&self, kind: Kind, build: &mut Builder) -> Draft {
        let mut draft = Draft {
            agent: self.lane,
            model: build.model_of(self.run, self.lane),
            parent: build.by_id(self.run, self.from.text(self.fact.parent)),
            ..Draft::new(kind, self.run, self.fact, self.from)
        };
        if self.copied {
            draft.flags.set(Flags::COPIED);
        }
        draft
    }

    /// The model call of a record; one that names none is a call of its own.
    fn group(&self, build: &Builder) -> u64 {
        let name = self.from.decoded.name(self.fact, Name::Group);
        if !name.is_empty() {
            return build.key(name);
        }
        let (source, line) = (self.from.source.0, self.from.line(self.fact));
        build.key_of(&(source, line))
    }

    fn add(&self, kind: Kind, build: &mut Builder) -> ActionIx {
        let draft = self.draft(kind, build);
        self.act(&draft, build)
    }

    fn act(&self, draft: &Draft, build: &mut Builder) -> ActionIx {
        let action = build.act(draft);
        build.remember(
            self.run,
            self.from.decoded.name(self.fact, Name::Record),
            action,
        );
        action
    }
}

impl ClaudeAssembler {
    /// The session of a fact. A file named after a session is that session, whatever ids the records have that
    /// it copied from another one. In other files each id is a session, unless its first record continues a
    /// record of the session before it.
    fn session(&mut self, fact: &Fact, from: &From<'_>, build: &mut Builder) -> &mut Session {
        let id = from.text(fact.run);
        let is_part = from.companion || from.stem.starts_with("agent-");
        let at = match self.sessions.get(self.current) {
            None => self.begin(id, from, build),
            Some(_) if is_part => 0,
            Some(_) if id.is_empty() => self.current,
            Some(_) => self.by_id(id, fact, from, build),
        };
        self.current = at;
        &mut self.sessions[at]
    }

    fn by_id(&mut self, id: &[u8], fact: &Fact, from: &From<'_>, build: &mut Builder) -> usize {
        let key = build.key(id);
        if let Some(&known) = self.by_id.get(&key) {
            return known;
        }
        let at = match &self.first_id {
            None => {
                self.name_first(id, from, build);
                0
            }
            Some(first) if is_session_name(from.stem) || **first == *from.stem => self.current,
            Some(first) => {
                let run = self.sessions[self.current].run;
                if build.by_id(run, from.text(fact.parent)) == ActionIx::NONE {
                    build.edit(self.sessions[0].run).id = first.clone();
                    self.begin(id, from, build)
                } else {
                    self.current
                }
            }
        };
        self.by_id.insert(key, at);
        at
    }

    /// Begins a session. The first one is named after its file, whose first records may not have the id.
    fn begin(&mut self, id: &[u8], from: &From<'_>, build: &mut Builder) -> usize {
        let at = self.sessions.len();
        let is_first = at == 0 && !from.stem.is_empty() && from.stem != "-";
        let name = if is_first { from.stem.as_bytes() } else { id };
        let run = build.run(from.source, name);
        let agent = build.symbol(b"claude-code");
        build.edit(run).who.agent = agent;
        self.sessions.push(Session::new(run));
        if at == 0 && !id.is_empty() {
            self.name_first(id, from, build);
            self.by_id.insert(build.key(id), 0);
        }
        at
    }

    fn name_first(&mut self, id: &[u8], from: &From<'_>, build: &mut Builder) {
        let id: Box<str> = String::from_utf8_lossy(id).into();
        let run = build.edit(self.sessions[0].run);
        if run.id.is_empty() {
            run.id = id.clone();
        }
        if from.stem.starts_with("agent-") {
            run.parent_run = Some(id.clone());
        }
        self.first_id = Some(id);
    }
}

impl Session {
    /// A resumed or forked session repeats earlier lines.
    fn is_copy(&mut self, fact: &Fact, from: &From<'_>, build: &Builder) -> bool {
        let place = (from.source.0, from.line(fact));
        if self.copy == Some(place) {
            return true;
        }
        let record = from.decoded.name(fact, Name::Record);
        if fact.part > 0 || record.is_empty() || fact.kind == FactKind::Malformed {
            return false;
        }
        let copy = !self.records.insert((build.key(record), fact.len));
        self.copy = copy.then_some(place);
        copy
    }

    /// The agent that acts: the main one, a subagent with an id, or an old side chain.
    fn lane(&mut self, fact: &Fact, from: &From<'_>, build: &mut Builder, run: RunIx) -> Sym {
        let main = build.peek(run).who.agent;
        let agent = from.text(fact.agent);
        let side = !from.decoded.name(fact, Name::SideChain).is_empty();
        // A malformed line belongs to no agent and must not create a subagent.
        let alone = build.peek(run).parent_run.is_some() || fact.kind == FactKind::Malformed;
        let named = !agent.is_empty() && (side || from.companion);
        if alone || !(named || side || from.companion) {
            return main;
        }
        let chain = |build: &Builder, text| build.key(&[b"chain/", from.text(text)].concat());
        let key = if named {
            build.key(agent)
        } else {
            chain(build, fact.parent)
        };
        let known = self.lanes.get(&key).copied();
        let lane = known.unwrap_or_else(|| self.new_lane(fact, from, build, run));
        self.lanes.insert(key, lane);
        if !named {
            let own = build.key(&[b"chain/", from.decoded.name(fact, Name::Record)].concat());
            self.lanes.insert(own, lane);
        }
        lane
    }

    fn new_lane(&mut self, fact: &Fact, from: &From<'_>, build: &mut Builder, run: RunIx) -> Sym {
        let prompt = from.decoded.name(fact, Name::TaskPrompt);
        let starter = (!prompt.is_empty())
            .then(|| self.started.get(&build.key(prompt)).copied())
            .flatten();
        let agent = from.text(fact.agent);
        let id = if agent.is_empty() {
            self.side_chains += 1;
            format!("sidechain-{}", self.side_chains)
        } else {
            String::from_utf8_lossy(agent).into_owned()
        };
        let (parent, name) = match starter {
            Some((action, kind)) if kind.is_some() => {
                (action, format!("{}/{id}", build.name(kind)))
            }
            Some((action, _)) => (action, format!("agent/{id}")),
            None => (ActionIx::NONE, format!("agent/{id}")),
        };
        let lane = build.symbol(name.as_bytes());
        build.lane(run, lane, parent);
        lane
    }

    /// A block of a message: the message is one model call, each block a row.
    fn model_call(&mut self, incoming: &Incoming<'_>, build: &mut Builder) {
        let (fact, from) = (incoming.fact, incoming.from);
        let model = from.text(fact.model);
        let model = if model == b"<synthetic>" {
            Sym::NONE
        } else {
            build.symbol(model)
        };
        build.set_model(incoming.run, incoming.lane, model);
        self.last = Some(RunStatus::Ok);
        let key = incoming.group(build);
        let group = self.groups.entry(key).or_default();
        let action = match fact.kind {
            FactKind::Response => response(group, incoming, build),
            FactKind::Reasoning => incoming.add(Kind::Reasoning, build),
            _ => tool_call(group, incoming, build),
        };
        group.first = group.first.or(Some(action));
        if let Some(usage) = from.decoded.usage(fact) {
            group.usage = Some((usage, priced(model, incoming, build)));
        }
        if let (Some(response), Some((usage, model))) = (group.response, group.usage) {
            group.charge = Some(build.charge(
                incoming.run,
                (response, model),
                usage,
                Cost::NONE,
                group.charge.as_ref(),
            ));
        }
        if fact.kind == FactKind::ToolCall {
            let prompt = from.decoded.name(fact, Name::TaskPrompt);
            if !prompt.is_empty() {
                let kind = build.symbol(from.decoded.name(fact, Name::SubagentType));
                self.started.insert(build.key(prompt), (action, kind));
            }
        }
    }

    /// Attaches who or what refused the call of a result.
    fn refused(&mut self, incoming: &Incoming<'_>, call: ActionIx, build: &mut Builder) {
        let (fact, from) = (incoming.fact, incoming.from);
        let attached = match fact.verdict {
            Verdict::Denied => Attached {
                by: build.symbol(b"user"),
                ..from.attached(fact, AttachedKind::Approval)
            },
            // The record of a hook says more than the result.
            Verdict::Block if self.hooked.insert(call) => Attached {
                policy: build.symbol(from.decoded.name(fact, Name::Policy)),
                ..from.attached(fact, AttachedKind::Decision)
            },
            _ => return,
        };
        build.attach(call, attached, Flags::NONE);
    }

    /// A model call inside another one: a row of its own, whose tokens every line of the message repeats.
    fn inner_call(&mut self, incoming: &Incoming<'_>, build: &mut Builder) {
        let (fact, from, run) = (incoming.fact, incoming.from, incoming.run);
        let usage = from.decoded.usage(fact).unwrap_or(Usage::NONE);
        let model = build.symbol(from.text(fact.model));
        build.uses_model(run, model);
        let key = incoming.group(build);
        let group = self.groups.entry(key).or_default();
        let row = group.response.unwrap_or_else(|| {
            let draft = Draft {
                model,
                ..incoming.draft(Kind::Response, build)
            };
            build.act(&draft)
        });
        group.response = Some(row);
        let before = group.charge.take();
        group.charge = Some(build.charge(run, (row, model), usage, Cost::NONE, before.as_ref()));
    }

    /// A hook that stopped something: attached to the call it names, otherwise a row.
    fn decision(&mut self, incoming: &Incoming<'_>, build: &mut Builder) {
        let id = incoming.from.text(incoming.fact.call);
        let policy = build.symbol(incoming.from.decoded.name(incoming.fact, Name::Policy));
        let known = build.knows_call(incoming.run, id);
        let call = known.unwrap_or_else(|| {
            let action = incoming.add(Kind::PolicyDecision, build);
            build.alone(incoming.run, action, incoming.fact.verdict)
        });
        let attached = Attached {
            policy,
            ..incoming
                .from
                .attached(incoming.fact, AttachedKind::Decision)
        };
        build.attach(call.action, attached, Flags::NONE);
        self.hooked.insert(call.action);
        if known.is_some() {
            build.mark_call(incoming.run, id, Status::Blocked);
        }
    }

    fn result(&mut self, incoming: &Incoming<'_>, build: &mut Builder) {
        let (fact, from, run) = (incoming.fact, incoming.from, incoming.run);
        let id = from.text(fact.call);
        let known = build.knows_call(run, id);
        let Some(call) = build.close_call(run, id, fact.status) else {
            if let Some(call) = known {
                build.settle(&Settled {
                    flags: Flags::SECOND_RESULT,
                    ..Settled::new(call.action)
                });
            }
            orphan(incoming, build);
            return;
        };
        build.seen(run, fact.time);
        build.settle(&Settled {
            result: from.place(fact),
            duration: fact.duration.or(fact.time.since(call.time)),
            flags: fact.flags.without(Flags::META),
            ..Settled::new(call.action)
        });
        build.remember(run, from.decoded.name(fact, Name::Record), call.action);
        self.refused(incoming, call.action, build);
        let agent = from.decoded.name(fact, Name::Subagent);
        if let Some(&lane) = self
            .lanes
            .get(&build.key(agent))
            .filter(|_| !agent.is_empty())
        {
            build.lane(run, lane, call.action);
        }
    }
}

/// Whether a file name is the id of a session.
fn is_session_name(stem: &str) -> bool {
    let is_group = |(group, len): (&str, usize)| {
        group.len() == len && group.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let lengths = [8, 4, 4, 4, 12];
    stem.split('-').count() == lengths.len() && stem.split('-').zip(lengths).all(is_group)
}

/// Whether a title is that of the run it stands in. Those without a session id name the last record of their
/// session and stand before it, in a concatenated file behind another session.
fn is_about(run: RunIx, fact: &Fact, from: &From<'_>, build: &mut Builder) -> bool {
    !fact.run.is_empty()
        || is_session_name(from.stem)
        || build.peek(run).first_action == ActionIx::NONE
        || build.by_id(run, from.text(fact.parent)) != ActionIx::NONE
}

/// The name under which the price list has the model: a mode with prices of its own is part of it.
fn priced(model: Sym, incoming: &Incoming<'_>, build: &mut Builder) -> Sym {
    let speed = incoming.from.decoded.name(incoming.fact, Name::Speed);
    if speed.is_empty() || !model.is_some() {
        return model;
    }
    let name = [build.name(model).as_bytes(), b"-", speed].concat();
    build.symbol(&name)
}

/// Whether another session has the record, or the model call that it belongs to. Forks keep the ids of
/// records; ids of messages and requests together name one call.
fn is_inherited(run: RunIx, fact: &Fact, from: &From<'_>, build: &mut Builder) -> bool {
    if fact.kind == FactKind::Malformed {
        return false;
    }
    let record = from.decoded.name(fact, Name::Record);
    let key = build.key_of(&("claude/record", record));
    let known = !record.is_empty() && build.is_copied(run, key);
    let call = from.decoded.name(fact, Name::Group);
    let mut ids = call.splitn(2, |&byte| byte == b'/');
    let is_named =
        ids.next().is_some_and(|id| !id.is_empty()) && ids.next().is_some_and(|id| !id.is_empty());
    let key = build.key_of(&("claude/call", call));
    known | (is_named && build.is_copied(run, key))
}

/// A prompt typed by a person starts a turn; the prompt of a subagent does not.
fn prompt(incoming: &Incoming<'_>, build: &mut Builder) {
    let main = incoming.lane == build.peek(incoming.run).who.agent;
    if main && !incoming.fact.flags.has(Flags::META) {
        build.cancel_calls(incoming.run, Some(incoming.lane));
        let turn = build.turn(incoming.run) + 1;
        build.set_turn(incoming.run, turn);
    }
    let mut draft = incoming.draft(Kind::Prompt, build);
    if !main {
        draft.flags.set(Flags::META);
    }
    incoming.act(&draft, build);
}

/// A result that no open call waits for. A refusal is recognized by its words even then.
fn orphan(incoming: &Incoming<'_>, build: &mut Builder) {
    if incoming.fact.status == Status::Denied {
        let action = incoming.add(Kind::Approval, build);
        build.alone(incoming.run, action, Verdict::Denied);
        let by = build.symbol(b"user");
        let attached = Attached {
            by,
            ..incoming
                .from
                .attached(incoming.fact, AttachedKind::Approval)
        };
        build.attach(action, attached, Flags::NONE);
    } else {
        incoming.add(Kind::Note, build);
    }
}

/// Text of a message: the response row, or a continuation of it.
fn response(group: &mut ModelCall, incoming: &Incoming<'_>, build: &mut Builder) -> ActionIx {
    match group.response {
        // The row was created for a tool call: now the text has arrived.
        Some(response) if !group.has_text => {
            group.has_text = true;
            build.settle(&Settled {
                result: incoming.from.place(incoming.fact),
                clear: Flags::IMPLIED,
                ..Settled::new(response)
            });
            build.remember(
                incoming.run,
                incoming.from.decoded.name(incoming.fact, Name::Record),
                response,
            );
            response
        }
        Some(_) => {
            let mut draft = incoming.draft(Kind::Response, build);
            draft.flags.set(Flags::CONTINUED);
            incoming.act(&draft, build)
        }
        None => {
            let response = incoming.add(Kind::Response, build);
            group.response = Some(response);
            group.has_text = true;
            response
        }
    }
}

/// A tool call of a message; the row of the message comes first.
fn tool_call(group: &mut ModelCall, incoming: &Incoming<'_>, build: &mut Builder) -> ActionIx {
    if group.response.is_none() {
        let mut draft = incoming.draft(Kind::Response, build);
        draft.flags.set(Flags::IMPLIED);
        draft.place.part |= IMPLIED;
        group.response = Some(build.act(&draft));
    }
    let mut draft = incoming.draft(Kind::ToolCall, build);
    draft.tool = build.symbol(incoming.from.text(incoming.fact.tool));
    draft.parent = group.response.unwrap_or(draft.parent);
    let id = incoming.from.text(incoming.fact.id);
    if build.knows_call(incoming.run, id).is_some() {
        // A duplicate of the call (a fork): a row, but not a second call.
        draft.kind = Kind::Note;
        return build.act(&draft);
    }
    let action = incoming.act(&draft, build);
    let call = Call {
        agent: draft.agent,
        ..Call::open(action, incoming.fact, draft.tool)
    };
    build.open_call(incoming.run, id, call, false);
    action
}
