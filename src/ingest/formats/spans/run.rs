//! Turns the spans of a run, in order of their start, into its actions: new items in the history of a model
//! call, its output, tools that ran, decisions of people.

use std::collections::{HashMap, HashSet};

use super::owned::OwnedFact;
use crate::ingest::assemble::{Builder, Call, Draft};
use crate::ingest::fact::{FactKind, Name, SpanRole};
use crate::model::action::{ActionIx, Flags, Kind, Place, SourceIx, Status, Verdict};
use crate::model::outcome::{Attached, AttachedKind, Settled};
use crate::model::run::{RunIx, RunStatus};
use crate::model::symbol::Sym;

/// The state of a run.
#[derive(Debug)]
pub(super) struct SpanRun {
    run: RunIx,
    /// Messages of the conversation, each with the number of equal ones before it.
    history: HashSet<(u64, u32)>,
    /// The system messages seen so far, by agent.
    systems: HashSet<(Sym, u64)>,
    /// The trace of the last model call: a new trace may restart the conversation.
    conversation: Box<[u8]>,
    calls: Vec<SpanCall>,
    /// The latest call of each id.
    by_key: HashMap<Vec<u8>, usize>,
    /// The calls of each tool that no span is known to have run, oldest first.
    not_run: HashMap<Sym, Vec<usize>>,
    /// Decisions about calls that have not arrived yet.
    early: Vec<OwnedFact>,
    /// Guardrails so far, by name.
    guards: Vec<(Sym, ActionIx)>,
    /// The last model call, while its text may still arrive.
    textless: Option<(ActionIx, SourceIx)>,
    last_response: ActionIx,
    /// The ids of calls that have tool spans.
    pub(super) run_here: HashSet<Box<[u8]>>,
    /// There are only decisions: their calls will not arrive.
    pub(super) only_rulings: bool,
    /// How the outermost spans ended.
    ended: RunStatus,
}

/// A call that a model requested, or that a tool span reports.
#[derive(Debug)]
struct SpanCall {
    key: Vec<u8>,
    /// The file of its row: records in other files cannot be opened with it.
    source: SourceIx,
    tool: Sym,
    hash: u64,
    action: ActionIx,
    ran: Execution,
    closed: bool,
    /// A person was asked and has not answered yet.
    waits: bool,
    decided: bool,
}

/// Whether a span shows that the tool ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Execution {
    NoSpan,
    /// A span without a result: the call was held back.
    HeldBack,
    Ran,
}

impl SpanCall {
    /// The place of a record about the call, if it can be opened with it.
    fn place_of(&self, owned: &OwnedFact) -> Place {
        if owned.source == self.source {
            owned.place
        } else {
            Place::NONE
        }
    }
}

impl SpanRun {
    pub(super) fn new(run: RunIx) -> SpanRun {
        SpanRun {
            run,
            history: HashSet::new(),
            systems: HashSet::new(),
            conversation: Box::default(),
            calls: Vec::new(),
            by_key: HashMap::new(),
            not_run: HashMap::new(),
            early: Vec::new(),
            guards: Vec::new(),
            textless: None,
            last_response: ActionIx::NONE,
            run_here: HashSet::new(),
            only_rulings: false,
            ended: RunStatus::Unknown,
        }
    }

    pub(super) fn emit(&mut self, span: &OwnedFact, build: &mut Builder) {
        self.who(span, build);
        build.seen(self.run, span.fact.time);
        build.seen(self.run, span.end());
        match span.fact.kind {
            FactKind::Response if span.fact.span == SpanRole::Text => self.text(span, build),
            FactKind::Response => self.model_call(span, build),
            FactKind::ToolCall => self.tool(span, build),
            FactKind::Prompt => self.prompt(span, build),
            FactKind::Decision if span.fact.span == SpanRole::Guardrail => self.guard(span, build),
            FactKind::Decision | FactKind::Approval => self.ruling(span, build),
            FactKind::Error => {
                self.add(Kind::Error, span, span, build);
            }
            FactKind::Copy => self.wrapper(span, build),
            FactKind::Note
            | FactKind::RunStart
            | FactKind::Setup
            | FactKind::ImpliedStart
            | FactKind::RunEnd
            | FactKind::Reasoning
            | FactKind::ToolResult
            | FactKind::Usage
            | FactKind::RunningTotal
            | FactKind::RunTotal
            | FactKind::CallNews
            | FactKind::Piece
            | FactKind::Setting
            | FactKind::Unknown
            | FactKind::Malformed => self.note(span, build),
        }
        if !matches!(span.fact.kind, FactKind::Response) {
            for inside in &span.inside {
                self.inside(inside, span, build);
            }
        }
    }

    /// Whether its agent had no such system message before. While a file is followed, the run's agent may
    /// be known only after the first messages.
    fn is_new_system(&mut self, note: &Draft, hash: u64, build: &mut Builder) -> bool {
        let unnamed = note.agent == build.peek(self.run).who.agent
            && self.systems.contains(&(Sym::NONE, hash));
        self.systems.insert((note.agent, hash)) && !unnamed
    }

    /// All spans have been emitted.
    pub(super) fn finish(&mut self, build: &mut Builder) {
        for owned in std::mem::take(&mut self.early) {
            self.alone(&owned, build);
        }
        if build.open_calls(self.run) == 0 {
            build.end(self.run, self.ended);
        }
    }

    fn who(&mut self, span: &OwnedFact, build: &mut Builder) {
        let names = [
            Name::User,
            Name::Service,
            Name::Env,
            Name::Release,
            Name::Provider,
            Name::Task,
        ];
        let symbols = names.map(|name| build.symbol(span.name(name)));
        let agent = build.symbol(&span.agent);
        let title = span.name(Name::SpanName).to_vec();
        let is_outermost = span.parent.is_empty() && span.is(FactKind::Copy);
        let run = build.edit(self.run);
        if run.span_name.is_none() && is_outermost && !title.is_empty() {
            run.span_name = Some(String::from_utf8_lossy(&title).into());
        }
        let who = &mut run.who;
        let slots = [
            &mut who.user,
            &mut who.service,
            &mut who.env,
            &mut who.release,
            &mut who.provider,
            &mut who.task,
        ];
        for (slot, symbol) in slots.into_iter().zip(symbols) {
            if !slot.is_some() {
                *slot = symbol;
            }
        }
        if !who.agent.is_some() {
            who.agent = agent;
        }
    }

    /// A row for a fact of a span.
    fn draft(&self, kind: Kind, owned: &OwnedFact, span: &OwnedFact, build: &mut Builder) -> Draft {
        let main = build.peek(self.run).who.agent;
        let named = build.symbol(&span.agent);
        let agent = if named.is_some() { named } else { main };
        if agent != main {
            build.lane(self.run, agent, ActionIx::NONE);
        }
        let model = build.symbol(&span.model);
        build.set_model(self.run, agent, model);
        Draft {
            agent,
            model: if model.is_some() {
                model
            } else {
                build.model_of(self.run, agent)
            },
            time: if owned.fact.time.is_some() {
                owned.fact.time
            } else {
                span.fact.time
            },
            ..owned.draft(kind, self.run)
        }
    }

    fn add(
        &self,
        kind: Kind,
        owned: &OwnedFact,
        span: &OwnedFact,
        build: &mut Builder,
    ) -> ActionIx {
        let draft = self.draft(kind, owned, span, build);
        build.act(&draft)
    }

    fn new_turn(&self, build: &mut Builder) {
        let turn = build.turn(self.run) + 1;
        build.set_turn(self.run, turn);
    }

    fn prompt(&mut self, span: &OwnedFact, build: &mut Builder) {
        self.new_turn(build);
        self.add(Kind::Prompt, span, span, build);
        self.history.insert((span.fact.hash, 0));
    }

    fn note(&self, span: &OwnedFact, build: &mut Builder) {
        let action = self.add(Kind::Note, span, span, build);
        build.duration(action, span.fact.duration);
        if span.fact.status == Status::Error {
            build.status(self.run, action, (Status::Unrecorded, Status::Error));
        }
    }

    /// Wrappers have no rows, except for an error that nothing inside them reports.
    fn wrapper(&mut self, span: &OwnedFact, build: &mut Builder) {
        build.edit(self.run).totals.copies += 1;
        let failed = span.fact.status == Status::Error;
        if failed && span.inside.is_empty() {
            self.add(Kind::Error, span, span, build);
        }
        if span.parent.is_empty() && span.fact.span != SpanRole::Internal {
            self.ended = match span.fact.status {
                Status::Error | Status::Cancelled => RunStatus::Error,
                _ if self.ended == RunStatus::Blocked => RunStatus::Blocked,
                _ => RunStatus::Ok,
            };
        }
    }

    fn model_call(&mut self, span: &OwnedFact, build: &mut Builder) {
        self.history(span, build);
        for inside in span.inside.iter().filter(|it| it.is(FactKind::Reasoning)) {
            self.add(Kind::Reasoning, inside, span, build);
        }
        // If the text is in another file, the row is placed there.
        let elsewhere = |it: &&OwnedFact| it.is_text() && it.source != span.source;
        let text = span.inside.iter().find(elsewhere);
        let mut draft = self.draft(Kind::Response, text.unwrap_or(span), span, build);
        draft.time = span.fact.time;
        let response = build.act(&draft);
        build.duration(response, span.fact.duration);
        if span.fact.status == Status::Error {
            build.status(self.run, response, (Status::Unrecorded, Status::Error));
        }
        let model = build.symbol(&span.model);
        if span.usage.is_none() {
            build.cost(self.run, response, span.fact.cost);
        } else {
            build.charge(
                self.run,
                (response, model),
                span.usage,
                span.fact.cost,
                None,
            );
        }
        self.last_response = response;
        self.textless = (text.is_none()).then_some((response, span.source));
        for inside in &span.inside {
            match inside.fact.kind {
                FactKind::ToolCall => self.requested(inside, span, build),
                FactKind::Response if text.is_none() && inside.is_text() => {
                    self.text(inside, build);
                }
                FactKind::Approval | FactKind::Decision => self.ruling(inside, build),
                _ => {}
            }
        }
    }

    /// Emits the new items in the input of a model call.
    fn history(&mut self, span: &OwnedFact, build: &mut Builder) {
        let recorded = |kind| {
            span.inside
                .iter()
                .any(move |inside: &OwnedFact| inside.is(kind))
        };
        let trace = span.name(Name::Trace);
        let anew = !recorded(FactKind::Copy) && !recorded(FactKind::ToolResult);
        if anew && *self.conversation != *trace && !span.name(Name::Trace).is_empty() {
            self.history.clear();
        }
        self.conversation = trace.into();
        let mut counts: HashMap<u64, u32> = HashMap::new();
        for inside in &span.inside {
            match inside.fact.kind {
                FactKind::Note => {
                    // System messages are repeated with every request.
                    let draft = self.draft(Kind::Note, inside, span, build);
                    if self.is_new_system(&draft, inside.fact.hash, build) {
                        build.act(&draft);
                    }
                }
                FactKind::Prompt => {
                    let count = counts.entry(inside.fact.hash).or_default();
                    *count += 1;
                    if self.history.insert((inside.fact.hash, *count - 1)) {
                        self.new_turn(build);
                        self.add(Kind::Prompt, inside, span, build);
                    }
                }
                FactKind::ToolResult => self.answer(inside, build),
                _ => {}
            }
        }
    }

    /// More text of the last model call, from a record of its own.
    fn text(&mut self, owned: &OwnedFact, build: &mut Builder) {
        let before = self.textless.take();
        if let Some((response, _)) = before.filter(|(_, source)| *source == owned.source) {
            build.settle(&Settled {
                result: owned.place,
                clear: Flags::IMPLIED,
                ..Settled::new(response)
            });
        } else {
            let mut draft = self.draft(Kind::Response, owned, owned, build);
            draft.flags.set(Flags::CONTINUED);
            build.act(&draft);
        }
    }

    /// A tool call of a model.
    fn requested(&mut self, owned: &OwnedFact, span: &OwnedFact, build: &mut Builder) {
        let known = !owned.id.is_empty() && self.by_key.contains_key(&*owned.id);
        // The span that ran the tool has more details than a call in another file.
        let run_here = owned.source != span.source && self.run_here.contains(&owned.id);
        if run_here || known {
            build.edit(self.run).totals.copies += 1;
            return;
        }
        let mut draft = self.draft(Kind::ToolCall, owned, span, build);
        draft.parent = self.last_response;
        draft.time = span.end();
        self.open(&draft, owned, &owned.id, build);
    }

    /// Opens a call. Without an id it is identified by its number.
    fn open(&mut self, draft: &Draft, owned: &OwnedFact, id: &[u8], build: &mut Builder) -> usize {
        let key = if id.is_empty() {
            format!("#{}", self.calls.len()).into_bytes()
        } else {
            id.to_vec()
        };
        let tool = build.symbol(&owned.tool);
        let action = build.act(&Draft { tool, ..*draft });
        let call = Call {
            time: draft.time,
            ..Call::open(action, &owned.fact, tool)
        };
        build.open_call(self.run, &key, call, false);
        self.by_key.insert(key.clone(), self.calls.len());
        self.not_run.entry(tool).or_default().push(self.calls.len());
        self.calls.push(SpanCall {
            key,
            source: draft.source,
            tool,
            hash: owned.fact.hash,
            action,
            ran: Execution::NoSpan,
            closed: false,
            waits: false,
            decided: false,
        });
        let at = self.calls.len() - 1;
        self.early_rulings(at, build);
        at
    }

    /// The call that a tool span ran: by id, then by tool and arguments, then by tool.
    fn call_of(&mut self, span: &OwnedFact, tool: Sym) -> Option<usize> {
        let known = self.by_key.get(&*span.call).copied();
        if known.is_some() && !span.call.is_empty() {
            return known;
        }
        let calls = &self.calls;
        let not_run = self.not_run.entry(tool).or_default();
        not_run.retain(|&at| calls[at].ran != Execution::Ran);
        let by = |holds: &dyn Fn(&SpanCall) -> bool| {
            not_run.iter().copied().find(|&at| holds(&calls[at]))
        };
        by(&|call| call.hash == span.fact.hash && !call.closed)
            .or_else(|| by(&|call| call.ran == Execution::NoSpan && !call.closed))
            .or_else(|| by(&|call| call.hash == span.fact.hash && call.ran == Execution::NoSpan))
    }

    fn tool(&mut self, span: &OwnedFact, build: &mut Builder) {
        let tool = build.symbol(&span.tool);
        let found = self.call_of(span, tool);
        let at = found.unwrap_or_else(|| {
            let mut draft = self.draft(Kind::ToolCall, span, span, build);
            draft.parent = self.last_response;
            self.open(&draft, span, &span.call, build)
        });
        let status = span.fact.status;
        if status == Status::Unrecorded {
            if self.calls[at].ran == Execution::NoSpan {
                self.calls[at].ran = Execution::HeldBack;
            }
            return;
        }
        let (held, again) = (
            self.calls[at].ran == Execution::HeldBack,
            self.calls[at].ran == Execution::Ran,
        );
        self.calls[at].ran = Execution::Ran;
        if held && !self.calls[at].decided {
            self.conclude(at, span, Verdict::Approved, build);
        }
        if self.calls[at].closed {
            build.edit(self.run).totals.copies += u32::from(again);
            if !again {
                build.duration(self.calls[at].action, span.fact.duration);
            }
            return;
        }
        let says_nothing = !span.fact.has_result && status != Status::Error;
        let result = if says_nothing {
            Place::NONE
        } else if span.end.is_some() && span.source == self.calls[at].source {
            span.end
        } else {
            self.calls[at].place_of(span)
        };
        self.close(at, status, build);
        build.settle(&Settled {
            result,
            duration: span.fact.duration,
            flags: span.fact.flags,
            clear: Flags::WAITING,
            ..Settled::new(self.calls[at].action)
        });
        build.cost(self.run, self.calls[at].action, span.fact.cost);
    }

    fn close(&mut self, at: usize, status: Status, build: &mut Builder) {
        let call = &mut self.calls[at];
        call.closed = true;
        call.waits = false;
        build.close_call(self.run, &call.key, status);
    }

    /// What the history says about a call: its result, or that it was refused.
    fn answer(&mut self, owned: &OwnedFact, build: &mut Builder) {
        let tool = build.symbol(&owned.tool);
        let found = if owned.call.is_empty() {
            let mut calls = self.calls.iter();
            calls.rposition(|call| tool.is_some() && call.tool == tool && !call.closed)
        } else {
            self.by_key.get(&*owned.call).copied()
        };
        let Some(at) = found else {
            return;
        };
        if self.calls[at].closed {
            return;
        }
        let call = &self.calls[at];
        let held = call.waits || call.ran == Execution::HeldBack;
        let refused = owned.fact.verdict == Verdict::Denied || held && call.ran != Execution::Ran;
        let action = call.action;
        if refused && !call.decided {
            self.conclude(at, owned, Verdict::Denied, build);
        }
        let refused = refused && owned.fact.status != Status::Ok;
        let status = if refused {
            Status::Denied
        } else {
            owned.fact.status
        };
        self.close(at, status, build);
        build.settle(&Settled {
            result: self.calls[at].place_of(owned),
            flags: owned.fact.flags,
            clear: Flags::WAITING,
            ..Settled::new(action)
        });
    }

    /// Infers an approval or refusal that was not recorded from what happened next.
    fn conclude(&mut self, at: usize, owned: &OwnedFact, verdict: Verdict, build: &mut Builder) {
        let call = &mut self.calls[at];
        call.decided = true;
        let part = if verdict == Verdict::Approved {
            Attached::INFERRED_APPROVAL
        } else {
            Attached::INFERRED_DENIAL
        };
        let mut attached = owned.attached(AttachedKind::Approval);
        attached.verdict = verdict;
        attached.place = Place {
            part,
            ..call.place_of(owned)
        };
        build.attach(call.action, attached, Flags::NONE);
    }

    /// A guardrail that was consulted.
    fn guard(&mut self, span: &OwnedFact, build: &mut Builder) {
        let action = self.add(Kind::PolicyDecision, span, span, build);
        build.duration(action, span.fact.duration);
        let name = build.symbol(span.name(Name::SpanName));
        self.guards.push((name, action));
        for inside in &span.inside {
            let attached = SpanRun::attached(inside, build);
            build.attach(action, attached, Flags::NONE);
            if attached.verdict == Verdict::Block {
                build.status(self.run, action, (Status::Unrecorded, Status::Blocked));
                self.ended = RunStatus::Blocked;
            }
        }
        if span.inside.is_empty() {
            // Nothing else is known about it.
            let policy = name;
            let attached = Attached {
                policy,
                ..span.attached(AttachedKind::Decision)
            };
            build.attach(action, attached, Flags::NONE);
        }
    }

    fn attached(owned: &OwnedFact, build: &mut Builder) -> Attached {
        let kind = owned.fact.attached_kind();
        let [policy, rule, by] =
            [Name::Policy, Name::Rule, Name::By].map(|name| build.symbol(owned.name(name)));
        Attached {
            policy,
            rule,
            by,
            wait: owned.fact.duration,
            ..owned.attached(kind)
        }
    }

    fn inside(&mut self, owned: &OwnedFact, span: &OwnedFact, build: &mut Builder) {
        match owned.fact.kind {
            FactKind::Approval | FactKind::Decision if span.fact.span != SpanRole::Guardrail => {
                self.ruling(owned, build);
            }
            _ => {}
        }
    }

    /// Attaches a decision to the call it names, to the latest call of its tool, to a pending call, or, if
    /// it is not about a call, to the guardrail of its name.
    fn ruling(&mut self, owned: &OwnedFact, build: &mut Builder) {
        let at = if !owned.call.is_empty() {
            let found = self.by_key.get(&*owned.call).copied();
            if found.is_none() && !self.only_rulings {
                self.early.push(OwnedFact::copy(owned));
                return;
            }
            found
        } else if !owned.tool.is_empty() {
            let tool = build.symbol(&owned.tool);
            self.calls
                .iter()
                .rposition(|call| call.tool == tool && !call.closed)
        } else if owned.is(FactKind::Approval) {
            let hash = owned.fact.hash;
            let same = |call: &SpanCall| hash != 0 && call.hash == hash && !call.closed;
            let waits = |call: &SpanCall| call.waits && !call.decided;
            let calls = &self.calls;
            calls
                .iter()
                .position(same)
                .or_else(|| calls.iter().position(waits))
        } else {
            None
        };
        match at {
            Some(at) => self.rule(at, owned, build),
            None => self.alone(owned, build),
        }
    }

    fn early_rulings(&mut self, at: usize, build: &mut Builder) {
        let mut at_last = Vec::new();
        let key = self.calls[at].key.clone();
        self.early.retain_mut(|owned| {
            let mine = *owned.call == *key;
            if mine {
                at_last.push(OwnedFact::copy(owned));
            }
            !mine
        });
        for owned in at_last {
            self.rule(at, &owned, build);
        }
    }

    fn rule(&mut self, at: usize, owned: &OwnedFact, build: &mut Builder) {
        let attached = SpanRun::attached(owned, build);
        let (run, call) = (self.run, &mut self.calls[at]);
        let place = call.place_of(owned);
        let attached = Attached { place, ..attached };
        build.attach(call.action, attached, Flags::NONE);
        let mut news = Settled::new(call.action);
        match attached.verdict {
            Verdict::Requested | Verdict::RequireApproval => {
                call.waits = true;
                call.decided = false;
                news.flags = Flags::WAITING;
            }
            Verdict::Approved => {
                (call.waits, call.decided) = (false, true);
                news.clear = Flags::WAITING;
            }
            Verdict::Denied | Verdict::Expired => {
                (call.waits, call.decided) = (true, true);
                news.clear = Flags::WAITING;
                build.mark_call(run, &call.key, Status::Denied);
            }
            Verdict::Block => build.mark_call(run, &call.key, Status::Blocked),
            Verdict::Unrecorded | Verdict::Allow | Verdict::Redact | Verdict::Warn => {}
        }
        build.settle(&news);
    }

    /// A decision about no known call: attached to the guardrail of its name, otherwise a row of its own.
    fn alone(&mut self, owned: &OwnedFact, build: &mut Builder) {
        let attached = SpanRun::attached(owned, build);
        let is_decision = attached.kind == AttachedKind::Decision;
        let guard = self
            .guards
            .iter()
            .rev()
            .find(|(name, _)| is_decision && *name == attached.policy);
        let action = match guard {
            Some((_, action)) => *action,
            None => self.add(attached.kind.row(), owned, owned, build),
        };
        build.alone(self.run, action, attached.verdict);
        build.attach(action, attached, Flags::NONE);
        if attached.verdict == Verdict::Block {
            self.ended = RunStatus::Blocked;
        }
    }
}
