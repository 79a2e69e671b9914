//! Assembles `saferun` events into runs.

use std::collections::HashMap;

use crate::ingest::assemble::{Assembler, Builder, Call, Draft, From};
use crate::ingest::fact::{Fact, FactKind, Name};
use crate::ingest::formats::saferun::writers::{self, Again, Answer, Via, Writers};
use crate::model::action::{ActionIx, Flags, Kind, Status};
use crate::model::outcome::{Attached, Extra, Settled};
use crate::model::quantity::Elapsed;
use crate::model::run::{RunIx, RunStatus};
use crate::model::symbol::Sym;

/// Events are complete in themselves; only malformed ones need state.
#[derive(Debug, Default)]
pub(super) struct SaferunAssembler {
    /// The run of the last event, which malformed lines are placed next to.
    last: Option<RunIx>,
    /// Events without a run id belong to a run named after the file.
    of_files: bool,
    writers: Writers,
    /// The rows of the starts and ends of runs, and their writers.
    edges: HashMap<(RunIx, Kind), (Via, ActionIx)>,
}

impl SaferunAssembler {
    pub(super) fn of_files() -> SaferunAssembler {
        SaferunAssembler {
            of_files: true,
            ..SaferunAssembler::default()
        }
    }
}

impl Assembler for SaferunAssembler {
    fn take(&mut self, fact: &Fact, from: &From<'_>, build: &mut Builder) {
        let run = match self.last {
            Some(last) if fact.kind == FactKind::Malformed => last,
            _ if fact.run.is_empty() && self.of_files => {
                build.run(from.source, from.stem.as_bytes())
            }
            _ => build.run(from.source, from.text(fact.run)),
        };
        self.last = Some(run);
        self.writers.see(from.decoded.name(fact, Name::Via));
        match fact.kind {
            FactKind::RunStart => self.edge(Kind::RunStart, fact, from, build, run),
            FactKind::Setup | FactKind::ImpliedStart => {
                start(fact, from, build, run);
            }
            FactKind::RunEnd => self.edge(Kind::RunEnd, fact, from, build, run),
            FactKind::Prompt => prompt(fact, from, build, run),
            FactKind::Response => response(fact, from, build, run),
            FactKind::ToolCall => self.call(fact, from, build, run),
            FactKind::ToolResult => self.result(fact, from, build, run),
            FactKind::Decision | FactKind::Approval => attach(fact, from, build, run),
            FactKind::Error => error(fact, from, build, run),
            FactKind::Reasoning => {
                plain(Kind::Reasoning, fact, from, build, run);
            }
            FactKind::Setting => setting(fact, from, build, run),
            FactKind::Note => note(fact, from, build, run),
            FactKind::Usage
            | FactKind::RunningTotal
            | FactKind::RunTotal
            | FactKind::CallNews
            | FactKind::Piece
            | FactKind::Copy => {
                plain(Kind::Note, fact, from, build, run);
            }
            FactKind::Unknown => {
                plain(Kind::Unknown, fact, from, build, run);
            }
            FactKind::Malformed => {
                plain(Kind::Malformed, fact, from, build, run);
            }
        }
    }

    fn finish(&mut self, _build: &mut Builder) {}
}

impl SaferunAssembler {
    /// The start or the end of a run. If another writer has recorded it already, it gets no second row.
    fn edge(&mut self, kind: Kind, fact: &Fact, from: &From<'_>, build: &mut Builder, run: RunIx) {
        let via = Via::of(from.decoded.name(fact, Name::Via));
        match self.edges.get(&(run, kind)) {
            Some((by, action)) if *by != via && self.writers.is_used() => {
                build.seen(run, fact.time);
                if kind == Kind::RunStart {
                    who(fact, from, build, run);
                } else if fact.status != Status::Unrecorded {
                    build.end(run, ended(fact.status));
                    build.settle(&Settled {
                        status: Some(fact.status),
                        ..Settled::new(*action)
                    });
                }
                note_record(*action, fact, from, build);
            }
            Some(_) | None => {
                let action = if kind == Kind::RunStart {
                    start(fact, from, build, run)
                } else {
                    end(fact, from, build, run)
                };
                self.edges.insert((run, kind), (via, action));
            }
        }
    }

    /// A call. If another writer has recorded it already, it gets no second row.
    fn call(&mut self, fact: &Fact, from: &From<'_>, build: &mut Builder, run: RunIx) {
        let id = from.text(fact.id);
        if !self.writers.is_used() || id.is_empty() {
            call(fact, from, build, run);
            return;
        }
        let key = (run, build.key(id));
        let via = Via::of(from.decoded.name(fact, Name::Via));
        if let Some(action) = self.writers.joins(key, via, build.knows_call(run, id)) {
            build.seen(run, fact.time);
            note_record(action, fact, from, build);
        } else {
            let call = call(fact, from, build, run);
            self.writers.called(key, via, &call);
        }
    }

    fn result(&mut self, fact: &Fact, from: &From<'_>, build: &mut Builder, run: RunIx) {
        let id = from.text(fact.call);
        if !self.writers.is_used() || id.is_empty() {
            result(fact, from, build, run);
            return;
        }
        let known = build.knows_call(run, id);
        let answer = writers::Result {
            via: Via::of(from.decoded.name(fact, Name::Via)),
            status: status_of(fact),
            place: from.place(fact),
            has_duration: fact.duration.is_some(),
            has_cost: fact.cost.is_some(),
        };
        let key = (run, build.key(id));
        match self.writers.answered(key, answer, known) {
            Answer::First => result(fact, from, build, run),
            Answer::Again(again) => result_again(&again, fact, from, build),
        }
    }
}

/// Another writer's record of an action, or of its result.
fn note_record(action: ActionIx, fact: &Fact, from: &From<'_>, build: &mut Builder) {
    build.settle(&Settled {
        extra: Extra::Record(from.place(fact)),
        flags: fact.flags,
        ..Settled::new(action)
    });
}

/// A result that another writer has recorded already: the better source wins.
fn result_again(again: &Again, fact: &Fact, from: &From<'_>, build: &mut Builder) {
    let Again { call, status, .. } = *again;
    let run = build.run(from.source, from.text(fact.run));
    build.seen(run, fact.time);
    if status != call.status {
        let change = (call.status, status);
        build.correct_call(run, from.text(fact.call), call.action, change);
    }
    if again.takes_duration {
        build.duration(call.action, fact.duration);
    }
    if again.takes_cost {
        build.cost(run, call.action, fact.cost);
    }
    match again.instead_of {
        Some(before) => {
            build.settle(&Settled {
                result: from.place(fact),
                flags: fact.flags,
                ..Settled::new(call.action)
            });
            if before.is_some() {
                build.settle(&Settled {
                    extra: Extra::Record(before),
                    ..Settled::new(call.action)
                });
            }
        }
        None => note_record(call.action, fact, from, build),
    }
}

/// A note. If it says that a call ran unguarded, it marks that call.
fn note(fact: &Fact, from: &From<'_>, build: &mut Builder, run: RunIx) {
    plain(Kind::Note, fact, from, build, run);
    if fact.flags.has(Flags::UNGUARDED)
        && let Some(call) = build.knows_call(run, from.text(fact.call))
    {
        build.settle(&Settled {
            flags: Flags::UNGUARDED,
            ..Settled::new(call.action)
        });
    }
}

/// The common part of all rows.
fn draft(kind: Kind, fact: &Fact, from: &From<'_>, build: &mut Builder, run: RunIx) -> Draft {
    let main = build.peek(run).who.agent;
    let named = build.symbol_like(from.text(fact.agent), main);
    let agent = if named.is_some() { named } else { main };
    if fact.turn > 0 {
        build.set_turn(run, fact.turn);
    }
    let parent = build.by_id(run, from.text(fact.parent));
    if named.is_some() {
        if main.is_some() && named != main {
            build.lane(run, named, parent);
        } else if !main.is_some() {
            build.edit(run).who.agent = named;
        }
    }
    let model = build.symbol(from.text(fact.model));
    build.set_model(run, agent, model);
    Draft {
        agent,
        model: if model.is_some() {
            model
        } else {
            build.model_of(run, agent)
        },
        parent,
        ..Draft::new(kind, run, fact, from)
    }
}

fn add(draft: &Draft, fact: &Fact, from: &From<'_>, build: &mut Builder) -> ActionIx {
    let action = build.act(draft);
    build.remember(draft.run, from.text(fact.id), action);
    action
}

fn plain(kind: Kind, fact: &Fact, from: &From<'_>, build: &mut Builder, run: RunIx) -> ActionIx {
    let draft = draft(kind, fact, from, build, run);
    let action = add(&draft, fact, from, build);
    build.duration(action, fact.duration);
    // Only a model uses tokens, whatever its response is called.
    if let Some(usage) = from.decoded.usage(fact) {
        build.charge(run, (action, draft.model), usage, fact.cost, None);
    }
    if kind == Kind::Note && fact.kind == FactKind::Note && fact.status != Status::Unrecorded {
        build.status(run, action, (Status::Unrecorded, fact.status));
    }
    action
}

fn start(fact: &Fact, from: &From<'_>, build: &mut Builder, run: RunIx) -> ActionIx {
    who(fact, from, build, run);
    plain(Kind::RunStart, fact, from, build, run)
}

/// Settings of the run, without a row of their own.
fn setting(fact: &Fact, from: &From<'_>, build: &mut Builder, run: RunIx) {
    who(fact, from, build, run);
    draft(Kind::Note, fact, from, build, run);
}

/// Sets the properties of the run.
fn who(fact: &Fact, from: &From<'_>, build: &mut Builder, run: RunIx) {
    let title = from.decoded.name(fact, Name::Title);
    if !title.is_empty() {
        build.edit(run).title = Some(String::from_utf8_lossy(title).into());
    }
    let named = |name| from.decoded.name(fact, name);
    let symbols = [
        Name::User,
        Name::Service,
        Name::Env,
        Name::Task,
        Name::Trial,
        Name::Release,
        Name::Provider,
    ]
    .map(|name| build.symbol(named(name)));
    let who = &mut build.edit(run).who;
    let slots = [
        &mut who.user,
        &mut who.service,
        &mut who.env,
        &mut who.task,
        &mut who.trial,
        &mut who.release,
        &mut who.provider,
    ];
    for (slot, symbol) in slots.into_iter().zip(symbols) {
        if symbol.is_some() {
            *slot = symbol;
        }
    }
    let parent_run = named(Name::ParentRun);
    if !parent_run.is_empty() {
        build.edit(run).parent_run = Some(String::from_utf8_lossy(parent_run).into());
    }
}

fn end(fact: &Fact, from: &From<'_>, build: &mut Builder, run: RunIx) -> ActionIx {
    let was_untimed = !build.peek(run).started.is_some();
    let draft = draft(Kind::RunEnd, fact, from, build, run);
    let action = add(&draft, fact, from, build);
    build.settle(&Settled {
        status: Some(fact.status),
        duration: fact.duration,
        ..Settled::new(action)
    });
    build.took(run, fact.duration, was_untimed);
    let number = |name| {
        std::str::from_utf8(from.decoded.name(fact, name))
            .ok()
            .and_then(|text| text.parse().ok())
    };
    let edited = build.edit(run);
    edited.score = number(Name::Score)
        .filter(|score: &f64| score.is_finite())
        .or(edited.score);
    edited.correct = match from.decoded.name(fact, Name::Correct) {
        b"true" => Some(true),
        b"false" => Some(false),
        _ => edited.correct,
    };
    if fact.cost.is_some() {
        edited.totals.run_cost = fact.cost;
    }
    // The usage of the whole run, if nothing is known about its model calls.
    if let Some(usage) = from.decoded.usage(fact) {
        build.charge(run, (action, draft.model), usage, fact.cost, None);
    }
    build.end(run, ended(fact.status));
    action
}

fn ended(status: Status) -> RunStatus {
    match status {
        Status::Ok => RunStatus::Ok,
        Status::Error | Status::Timeout => RunStatus::Error,
        Status::Blocked | Status::Denied => RunStatus::Blocked,
        Status::Cancelled => RunStatus::Cancelled,
        Status::Unrecorded | Status::Pending => RunStatus::Unknown,
    }
}

fn prompt(fact: &Fact, from: &From<'_>, build: &mut Builder, run: RunIx) {
    // Without an explicit turn, a user prompt starts the next one; a prompt from one agent to its subagent
    // belongs to the current turn.
    let main = build.peek(run).who.agent;
    let agent = build.symbol_like(from.text(fact.agent), main);
    let to_subagent = agent.is_some() && main.is_some() && agent != main;
    if fact.turn == 0 && !fact.flags.has(Flags::META) && !to_subagent {
        let turn = build.turn(run) + 1;
        build.set_turn(run, turn);
    }
    plain(Kind::Prompt, fact, from, build, run);
}

fn response(fact: &Fact, from: &From<'_>, build: &mut Builder, run: RunIx) {
    let draft = draft(Kind::Response, fact, from, build, run);
    let action = add(&draft, fact, from, build);
    build.duration(action, fact.duration);
    let failed = fact.flags.has(Flags::HAS_ERROR);
    let status = match fact.status {
        Status::Unrecorded if failed => Status::Error,
        other => other,
    };
    if status != Status::Unrecorded {
        build.status(run, action, (Status::Unrecorded, status));
    }
    match from.decoded.usage(fact) {
        Some(usage) => {
            build.charge(run, (action, draft.model), usage, fact.cost, None);
        }
        None => build.cost(run, action, fact.cost),
    }
}

fn call(fact: &Fact, from: &From<'_>, build: &mut Builder, run: RunIx) -> Call {
    let mut draft = draft(Kind::ToolCall, fact, from, build, run);
    draft.tool = build.symbol(from.text(fact.tool));
    let action = add(&draft, fact, from, build);
    let attempt = from.decoded.name(fact, Name::Attempt);
    let again = std::str::from_utf8(attempt)
        .ok()
        .and_then(|text| text.parse::<f64>().ok())
        .is_some_and(|n| n > 1.0);
    let call = Call::open(action, fact, draft.tool);
    build.open_call(run, from.text(fact.id), call, again);
    call
}

fn status_of(fact: &Fact) -> Status {
    match fact.status {
        Status::Unrecorded if fact.flags.has(Flags::HAS_ERROR) => Status::Error,
        other => other,
    }
}

fn result(fact: &Fact, from: &From<'_>, build: &mut Builder, run: RunIx) {
    let id = from.text(fact.call);
    let status = status_of(fact);
    let known = build.knows_call(run, id);
    let Some(call) = build.close_call(run, id, status) else {
        // A result that no open call waits for is a row of its own, and flags the call it names.
        if let Some(call) = known {
            build.settle(&Settled {
                flags: Flags::SECOND_RESULT,
                ..Settled::new(call.action)
            });
        }
        let mut draft = draft(Kind::Note, fact, from, build, run);
        draft.tool = known.map_or(Sym::NONE, |call| call.tool);
        add(&draft, fact, from, build);
        return;
    };
    build.seen(run, fact.time);
    build.settle(&Settled {
        result: from.place(fact),
        duration: fact.duration.or(fact.time.since(call.time)),
        flags: fact.flags,
        clear: Flags::WAITING,
        ..Settled::new(call.action)
    });
    build.cost(run, call.action, fact.cost);
}

/// A row for a decision or approval on an unknown call, with its own contents.
fn orphan(fact: &Fact, from: &From<'_>, build: &mut Builder, run: RunIx) -> Call {
    let draft = draft(fact.attached_kind().row(), fact, from, build, run);
    let action = add(&draft, fact, from, build);
    if fact.kind == FactKind::Decision {
        build.duration(action, fact.duration);
    }
    build.alone(run, action, fact.verdict)
}

/// Attaches a decision or approval to the call it names; without one it is a row.
fn attach(fact: &Fact, from: &From<'_>, build: &mut Builder, run: RunIx) {
    let id = from.text(fact.call);
    let known = build.knows_call(run, id);
    // It may refer to something other than a call, such as an earlier decision.
    let about = build.by_id(run, id);
    let call = known.unwrap_or_else(|| match about.get() {
        Some(action) => build.alone(run, action, fact.verdict),
        None => orphan(fact, from, build, run),
    });
    build.seen(run, fact.time);
    let shadow = !from.decoded.name(fact, Name::Shadow).is_empty();
    let [policy, rule, by] = [Name::Policy, Name::Rule, Name::By]
        .map(|name| build.symbol(from.decoded.name(fact, name)));
    let attached = Attached {
        shadow,
        policy,
        rule,
        by,
        // A policy does not wait: the time it took is a duration.
        wait: if fact.kind == FactKind::Approval {
            fact.duration
        } else {
            Elapsed::NONE
        },
        ..from.attached(fact, fact.attached_kind())
    };
    build.attach(call.action, attached, fact.flags);
    if !shadow && known.is_some() {
        build.weigh(run, id, &call, fact.verdict);
    }
}

/// An error that names a call is its result; any other is a row.
fn error(fact: &Fact, from: &From<'_>, build: &mut Builder, run: RunIx) {
    let id = from.text(fact.call);
    match build.close_call(run, id, Status::Error) {
        Some(call) => {
            build.seen(run, fact.time);
            build.settle(&Settled {
                result: from.place(fact),
                duration: fact.time.since(call.time),
                flags: fact.flags,
                ..Settled::new(call.action)
            });
        }
        None => {
            plain(Kind::Error, fact, from, build, run);
        }
    }
}
