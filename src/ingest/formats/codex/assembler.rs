//! Assembles the lines of a rollout: duplicates, model calls, running token totals.

use std::collections::HashMap;

use super::history::History;
use crate::ingest::assemble::{Assembler, Builder, Call, Charge, Draft, From};
use crate::ingest::fact::{Echo, Fact, FactKind, IMPLIED, Name};
use crate::model::action::{ActionIx, Flags, Kind, Status, Verdict};
use crate::model::outcome::{Attached, Settled};
use crate::model::quantity::{Cost, Elapsed, Usage};
use crate::model::run::{RunIx, RunStatus};

/// The state of a rollout.
#[derive(Debug, Default)]
pub(super) struct CodexAssembler {
    run: Option<RunIx>,
    started: bool,
    /// How often each text was recorded as an item and as an event.
    texts_seen: HashMap<u64, [u32; 2]>,
    total: Usage,
    history: History,
    call: Option<ModelCall>,
    last: Option<RunStatus>,
}

/// One model call: everything up to a result or a prompt.
#[derive(Debug)]
struct ModelCall {
    first: ActionIx,
    response: Option<ActionIx>,
    has_text: bool,
    over: bool,
    charge: Option<Charge>,
}

struct Incoming<'a> {
    run: RunIx,
    /// Copied from another rollout.
    copied: bool,
    fact: &'a Fact,
    from: &'a From<'a>,
}

impl Incoming<'_> {
    fn draft(&self, kind: Kind, build: &mut Builder) -> Draft {
        let agent = build.peek(self.run).who.agent;
        let mut draft = Draft {
            agent,
            model: build.model_of(self.run, agent),
            ..Draft::new(kind, self.run, self.fact, self.from)
        };
        if self.copied {
            draft.flags.set(Flags::COPIED);
        }
        draft
    }

    fn add(&self, kind: Kind, build: &mut Builder) -> ActionIx {
        let draft = self.draft(kind, build);
        build.act(&draft)
    }
}

impl Assembler for CodexAssembler {
    fn take(&mut self, fact: &Fact, from: &From<'_>, build: &mut Builder) {
        let run = self.run(fact, from, build);
        let incoming = Incoming {
            run,
            copied: self.history.has(run, fact, from, build),
            fact,
            from,
        };
        match fact.kind {
            FactKind::RunStart | FactKind::Setup | FactKind::ImpliedStart => {
                self.start(&incoming, build);
            }
            FactKind::Setting => {
                let agent = build.peek(run).who.agent;
                let model = build.symbol(from.text(fact.model));
                build.set_model(run, agent, model);
            }
            FactKind::Prompt => self.prompt(&incoming, build),
            FactKind::Response | FactKind::Reasoning => self.response(&incoming, build),
            FactKind::ToolCall => self.tool_call(&incoming, build),
            FactKind::ToolResult => self.result(&incoming, build),
            FactKind::CallNews | FactKind::Piece => call_news(&incoming, build),
            FactKind::Usage | FactKind::RunningTotal | FactKind::RunTotal => {
                self.usage(&incoming, build);
            }
            FactKind::Decision | FactKind::Approval => attach(&incoming, build),
            FactKind::RunEnd => {
                self.last = Some(RunStatus::Ok);
                build.seen(run, fact.time);
                build.edit(run).totals.copies += 1;
            }
            FactKind::Copy => {
                build.seen(run, fact.time);
                build.edit(run).totals.copies += 1;
            }
            FactKind::Error => {
                self.last = Some(RunStatus::Error);
                incoming.add(Kind::Error, build);
            }
            FactKind::Note => {
                let action = incoming.add(Kind::Note, build);
                if fact.status == Status::Cancelled {
                    self.last = Some(RunStatus::Cancelled);
                    build.cancel_calls(run, None);
                    build.status(run, action, (Status::Unrecorded, Status::Cancelled));
                }
            }
            FactKind::Unknown => {
                incoming.add(Kind::Unknown, build);
            }
            FactKind::Malformed => {
                incoming.add(Kind::Malformed, build);
            }
        }
    }

    fn finish(&mut self, build: &mut Builder) {
        if let (Some(run), Some(status)) = (self.run, self.last) {
            build.end(run, status);
        }
    }
}

impl CodexAssembler {
    /// One rollout is one run; the first meta line names it.
    fn run(&mut self, fact: &Fact, from: &From<'_>, build: &mut Builder) -> RunIx {
        if let Some(run) = self.run {
            return run;
        }
        let named = from.text(fact.run);
        let run = build.run(
            from.source,
            if named.is_empty() {
                from.stem.as_bytes()
            } else {
                named
            },
        );
        let agent = build.symbol(b"codex");
        build.edit(run).who.agent = agent;
        self.run = Some(run);
        run
    }

    /// A forked rollout repeats the meta lines of its parent: the first one wins.
    fn start(&mut self, incoming: &Incoming<'_>, build: &mut Builder) {
        if self.started {
            incoming.add(Kind::Note, build);
        } else {
            self.started = true;
            let named = |name| incoming.from.decoded.name(incoming.fact, name);
            let [release, provider] =
                [Name::Release, Name::Provider].map(|name| build.symbol(named(name)));
            let run = build.edit(incoming.run);
            run.who.release = release;
            run.who.provider = provider;
            let parent = named(Name::ParentRun);
            run.parent_run = (!parent.is_empty()).then(|| String::from_utf8_lossy(parent).into());
            incoming.add(Kind::RunStart, build);
        }
    }

    /// Whether this text was already recorded in the other form (item or event).
    fn is_mirror(&mut self, incoming: &Incoming<'_>, build: &Builder) -> bool {
        let side = usize::from(incoming.fact.echo == Echo::Event);
        let mut texts = incoming
            .from
            .decoded
            .names(incoming.fact)
            .filter(|(name, _)| *name == Name::Text)
            .peekable();
        if texts.peek().is_none() {
            return false;
        }
        let salt = [incoming.fact.kind as u8];
        let mut new = false;
        for (_, text) in texts {
            let counts = self
                .texts_seen
                .entry(build.key(&[&salt[..], text].concat()))
                .or_default();
            counts[side] += 1;
            new |= counts[side] > counts[1 - side];
        }
        !new
    }

    fn prompt(&mut self, incoming: &Incoming<'_>, build: &mut Builder) {
        self.over();
        if self.is_mirror(incoming, build) {
            build.edit(incoming.run).totals.copies += 1;
            return;
        }
        build.cancel_calls(incoming.run, None);
        let turn = build.turn(incoming.run) + 1;
        build.set_turn(incoming.run, turn);
        incoming.add(Kind::Prompt, build);
    }

    /// Ends the model call: whatever comes next belongs to another one.
    fn over(&mut self) {
        if let Some(call) = &mut self.call {
            call.over = true;
        }
    }

    fn current(&mut self, action: ActionIx) -> &mut ModelCall {
        let begins = self.call.as_ref().is_none_or(|call| call.over);
        if begins {
            self.call = Some(ModelCall {
                first: action,
                response: None,
                has_text: false,
                over: false,
                charge: None,
            });
        }
        self.call.get_or_insert(ModelCall {
            first: action,
            response: None,
            has_text: false,
            over: false,
            charge: None,
        })
    }

    fn response(&mut self, incoming: &Incoming<'_>, build: &mut Builder) {
        if self.is_mirror(incoming, build) {
            build.edit(incoming.run).totals.copies += 1;
            return;
        }
        if incoming.fact.kind == FactKind::Reasoning {
            let action = incoming.add(Kind::Reasoning, build);
            self.current(action);
            return;
        }
        let open = self.call.as_mut().filter(|call| !call.over);
        match open {
            Some(ModelCall {
                response: Some(response),
                has_text,
                ..
            }) if !*has_text => {
                *has_text = true;
                build.settle(&Settled {
                    result: incoming.from.place(incoming.fact),
                    clear: Flags::IMPLIED,
                    ..Settled::new(*response)
                });
            }
            _ => {
                let action = incoming.add(Kind::Response, build);
                let call = self.current(action);
                call.response = Some(action);
                call.has_text = true;
            }
        }
    }

    /// A tool call; the row of the model call comes first.
    fn tool_call(&mut self, incoming: &Incoming<'_>, build: &mut Builder) {
        let (fact, from, run) = (incoming.fact, incoming.from, incoming.run);
        let id = from.text(fact.id);
        if let Some(known) = (!id.is_empty())
            .then(|| build.knows_call(run, id))
            .flatten()
        {
            if fact.echo == Echo::Event {
                settle_status(run, id, known, fact, build);
                build.edit(run).totals.copies += 1;
            } else {
                // An id names one call: a duplicate is a row, not a second call.
                let mut draft = incoming.draft(Kind::Note, build);
                draft.tool = build.symbol(from.text(fact.tool));
                build.act(&draft);
            }
            return;
        }
        let needs_response = self
            .call
            .as_ref()
            .is_none_or(|call| call.over || call.response.is_none());
        if needs_response {
            let mut draft = incoming.draft(Kind::Response, build);
            draft.flags.set(Flags::IMPLIED);
            draft.place.part |= IMPLIED;
            let response = build.act(&draft);
            self.current(response).response = Some(response);
        }
        let mut draft = incoming.draft(Kind::ToolCall, build);
        draft.tool = build.symbol(from.text(fact.tool));
        draft.parent = self
            .call
            .as_ref()
            .and_then(|call| call.response)
            .unwrap_or(ActionIx::NONE);
        let action = build.act(&draft);
        let call = Call::open(action, fact, draft.tool);
        let anonymous = format!("{}", action.0);
        let id = if id.is_empty() {
            anonymous.as_bytes()
        } else {
            id
        };
        build.open_call(run, id, call, false);
        if fact.status != Status::Unrecorded {
            // Complete in one line; an output may still follow and is then its result.
            build.close_call(run, id, fact.status);
        }
    }

    fn result(&mut self, incoming: &Incoming<'_>, build: &mut Builder) {
        self.over();
        let (fact, from, run) = (incoming.fact, incoming.from, incoming.run);
        let id = from.text(fact.call);
        let known = build.knows_call(run, id);
        let status = match known {
            // A status from an event is better than none.
            Some(call) if fact.status == Status::Unrecorded && call.status != Status::Pending => {
                call.status
            }
            _ => fact.status,
        };
        let closed = build.close_call(run, id, status);
        let Some(call) = closed.or(known) else {
            incoming.add(Kind::Note, build);
            return;
        };
        build.seen(run, fact.time);
        build.settle(&Settled {
            result: from.place(fact),
            duration: if closed.is_some() {
                fact.time.since(call.time)
            } else {
                Elapsed::NONE
            },
            flags: fact.flags,
            ..Settled::new(call.action)
        });
    }

    /// A running total: the increase is booked on the last model call. A smaller total starts a new
    /// segment.
    fn usage(&mut self, incoming: &Incoming<'_>, build: &mut Builder) {
        let Some(total) = incoming.from.decoded.usage(incoming.fact) else {
            build.edit(incoming.run).totals.copies += 1;
            return;
        };
        build.seen(incoming.run, incoming.fact.time);
        let total = match incoming.fact.kind {
            FactKind::Usage => self.total.plus(&total),
            _ => total,
        };
        if total == self.total {
            build.edit(incoming.run).totals.copies += 1;
            return;
        }
        let grown = total.total().or_zero() >= self.total.total().or_zero();
        let news = if grown {
            total.minus(&self.total)
        } else {
            total
        };
        self.total = total;
        if self.call.is_none() {
            let action = incoming.add(Kind::Note, build);
            self.current(action);
        }
        let agent = build.peek(incoming.run).who.agent;
        let model = build.model_of(incoming.run, agent);
        if let Some(call) = &mut self.call {
            let usage = call
                .charge
                .as_ref()
                .map_or(news, |charge| charge.usage().plus(&news));
            let action = call.response.unwrap_or(call.first);
            call.charge = Some(build.charge(
                incoming.run,
                (action, model),
                usage,
                Cost::NONE,
                call.charge.as_ref(),
            ));
            call.over = true;
        }
    }
}

/// Details of a call beyond its output: status and duration.
fn call_news(incoming: &Incoming<'_>, build: &mut Builder) {
    let (fact, run) = (incoming.fact, incoming.run);
    let id = incoming.from.text(fact.call);
    match build.knows_call(run, id) {
        Some(call) => {
            settle_status(run, id, call, fact, build);
            build.settle(&Settled {
                duration: fact.duration,
                ..Settled::new(call.action)
            });
        }
        None => {
            incoming.add(Kind::Note, build);
        }
    }
}

fn settle_status(run: RunIx, id: &[u8], call: Call, fact: &Fact, build: &mut Builder) {
    if fact.status == Status::Unrecorded {
        return;
    }
    if call.closed {
        if call.status == Status::Unrecorded {
            build.status(run, call.action, (call.status, fact.status));
        }
    } else {
        build.mark_call(run, id, fact.status);
    }
}

fn attach(incoming: &Incoming<'_>, build: &mut Builder) {
    let (fact, from, run) = (incoming.fact, incoming.from, incoming.run);
    let id = from.text(fact.call);
    let kind = fact.attached_kind();
    let known = build.knows_call(run, id);
    let call = known.unwrap_or_else(|| {
        let action = incoming.add(kind.row(), build);
        build.alone(run, action, fact.verdict)
    });
    let policy = build.symbol(from.decoded.name(fact, Name::Policy));
    let attached = Attached {
        policy,
        ..from.attached(fact, kind)
    };
    build.attach(call.action, attached, Flags::NONE);
    if known.is_some() && fact.verdict == Verdict::Block {
        build.mark_call(run, id, Status::Blocked);
    }
}
