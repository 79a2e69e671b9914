//! Spans are recorded when they end, children first; they are held until their trace is complete, then
//! emitted in order of their start.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::duplicates;
use super::owned::OwnedFact;
use super::run::SpanRun;
use super::trace::Trace;
use crate::ingest::assemble::{Assembler, Builder, Draft, From};
use crate::ingest::fact::{Fact, FactKind, Name};
use crate::model::action::{ActionIx, Kind, SourceIx, Verdict};
use crate::model::quantity::Time;
use crate::model::run::RunIx;
use crate::model::symbol::Sym;

/// How many spans may be held; beyond that, complete traces are emitted.
const WAITING: usize = 20_000;

/// Held traces, and the runs emitted so far.
#[derive(Debug, Default)]
pub(super) struct SpanAssembler {
    /// In the order in which they were first seen.
    traces: Vec<Trace>,
    known: HashMap<u64, usize>,
    waiting: usize,
    /// The run of each trace that was emitted.
    runs: HashMap<u64, RunIx>,
    /// Spans that ended and were emitted: they may be delivered again at any time.
    emitted: HashSet<u64>,
    /// The record of a span that was dropped because it was emitted before.
    dropped: Option<(SourceIx, u32, u64)>,
    run_states: BTreeMap<RunIx, SpanRun>,
    /// Records that are not understood; they belong to no trace.
    loose: Vec<OwnedFact>,
    /// The files of a group share its first source.
    source: Option<SourceIx>,
    stem: String,
}

impl Assembler for SpanAssembler {
    fn take(&mut self, fact: &Fact, from: &From<'_>, build: &mut Builder) {
        if self.source.is_none() {
            self.source = Some(from.source);
            from.stem.clone_into(&mut self.stem);
        }
        let owned = OwnedFact::of(fact, from);
        if matches!(fact.kind, FactKind::Malformed | FactKind::Unknown) {
            self.loose.push(owned);
            return;
        }
        if self.drops(&owned, build) {
            return;
        }
        // A span and its parts arrive one after the other.
        if owned.name(Name::InSpan).is_empty() && self.waiting >= WAITING {
            self.emit(build, |trace| trace.is_whole);
            // No trace is complete: the memory bound takes precedence over order.
            if self.waiting >= WAITING {
                self.emit(build, |_| true);
            }
        }
        let trace = self.trace(&owned, build);
        self.waiting += usize::from(trace.put(owned, build));
    }

    fn pause(&mut self, build: &mut Builder) {
        self.emit(build, |_| true);
    }

    fn finish(&mut self, build: &mut Builder) {
        self.emit(build, |_| true);
        for run_state in self.run_states.values_mut() {
            run_state.finish(build);
        }
    }
}

impl SpanAssembler {
    /// The trace of a span; records without a trace id are grouped by another id they share.
    fn trace(&mut self, owned: &OwnedFact, build: &Builder) -> &mut Trace {
        let id = match owned.name(Name::Trace) {
            [] => owned.joins().map_or(&[] as &[u8], |(_, id)| id),
            id => id,
        };
        let key = build.key(id);
        let traces = &mut self.traces;
        let at = *self.known.entry(key).or_insert_with(|| {
            traces.push(Trace::new(key, id));
            traces.len() - 1
        });
        &mut self.traces[at]
    }

    /// Whether a span was emitted before, or is part of one.
    fn drops(&mut self, owned: &OwnedFact, build: &mut Builder) -> bool {
        if !owned.name(Name::InSpan).is_empty() {
            return self.dropped == Some(owned.record());
        }
        self.dropped = None;
        let trace = build.key(owned.name(Name::Trace));
        let known = !self.emitted.is_empty() && self.emitted.contains(&owned.key(trace, build));
        if known {
            self.dropped = Some(owned.record());
            if let Some(&run) = self.runs.get(&trace) {
                build.edit(run).totals.copies += 1;
            }
        }
        known
    }

    /// Emits the traces for which `when` holds.
    fn emit(&mut self, build: &mut Builder, when: impl Fn(&Trace) -> bool) {
        let (mut now, later): (Vec<_>, Vec<_>) = self.traces.drain(..).partition(when);
        self.known = later
            .iter()
            .enumerate()
            .map(|(at, trace)| (trace.key, at))
            .collect();
        self.waiting = later.iter().map(|trace| trace.spans.len()).sum();
        self.traces = later;
        for trace in &mut now {
            let ended = |span: &&OwnedFact| span.fact.duration.is_some() && !span.id.is_empty();
            let ended = trace.spans.iter().filter(ended);
            self.emitted
                .extend(ended.map(|span| span.key(trace.key, build)));
            trace.settle(build);
        }
        duplicates::drop_strays(&mut now);
        now.sort_by_key(Trace::start);
        let mut groups: Vec<(RunIx, Vec<OwnedFact>, u32)> = Vec::new();
        let mut group_of: HashMap<RunIx, usize> = HashMap::new();
        for trace in now {
            let Some(run) = self.run_of(&trace, build) else {
                continue;
            };
            self.runs.insert(trace.key, run);
            let at = *group_of.entry(run).or_insert_with(|| {
                groups.push((run, Vec::new(), 0));
                groups.len() - 1
            });
            groups[at].1.extend(trace.spans);
            groups[at].2 += trace.copies;
        }
        for (run, mut spans, copies) in groups {
            build.edit(run).totals.copies += copies;
            let logged = duplicates::drop_logged(&mut spans);
            build.edit(run).totals.copies += logged;
            spans.sort_by_key(|span| (span.position(), std::cmp::Reverse(span.fact.duration)));
            duplicates::put_before_its_tools(&mut spans);
            let run_state = self
                .run_states
                .entry(run)
                .or_insert_with(|| SpanRun::new(run));
            let ruling = |span: &OwnedFact| {
                matches!(span.fact.kind, FactKind::Decision | FactKind::Approval)
            };
            run_state.only_rulings = spans.iter().all(ruling);
            let tools = spans.iter().filter(|span| span.is(FactKind::ToolCall));
            run_state.run_here = tools.map(|span| span.call.clone()).collect();
            for span in &spans {
                run_state.emit(span, build);
            }
        }
        self.emit_loose(build);
    }

    /// The run of a trace: the one it shares a thread, conversation or session with, or its own.
    fn run_of(&self, trace: &Trace, build: &mut Builder) -> Option<RunIx> {
        if let Some(&run) = self.runs.get(&trace.key) {
            return Some(run);
        }
        let source = self.source?;
        let joined = trace
            .spans
            .iter()
            .filter_map(OwnedFact::joins)
            .max_by_key(|(rank, _)| *rank);
        match joined {
            Some((_, id)) => Some(build.run(source, id)),
            None if trace.is_noise() => {
                let last = *self.run_states.keys().next_back()?;
                build.edit(last).totals.copies += trace.spans.len() as u32 + trace.copies;
                None
            }
            None if trace.spans.is_empty() => None,
            None => Some(build.run(source, trace.name(&self.stem))),
        }
    }

    /// Records without a trace go to the first run, or to one named after the file.
    fn emit_loose(&mut self, build: &mut Builder) {
        let Some(source) = self.source.filter(|_| !self.loose.is_empty()) else {
            return;
        };
        let known = self.run_states.keys().next().copied();
        let run = known.unwrap_or_else(|| build.run(source, self.stem.as_bytes()));
        for owned in self.loose.drain(..) {
            let kind = if owned.is(FactKind::Malformed) {
                Kind::Malformed
            } else {
                Kind::Unknown
            };
            build.act(&owned.draft(kind, run));
        }
    }
}

impl OwnedFact {
    /// What identifies it among the spans of all traces.
    fn key(&self, trace: u64, build: &Builder) -> u64 {
        trace.rotate_left(1) ^ build.key(&self.id)
    }

    /// The id that joins its trace with others, and how strongly.
    fn joins(&self) -> Option<(u8, &[u8])> {
        [
            (3, Name::Thread),
            (2, Name::Conversation),
            (1, Name::Session),
        ]
        .into_iter()
        .map(|(rank, name)| (rank, self.name(name)))
        .find(|(_, id)| !id.is_empty())
    }

    /// Its position in the run: its start; but a question to a person, or a block, comes at the end of its
    /// wrapper. Of spans with the same start, the longer one is the outer one.
    fn position(&self) -> Time {
        let ends =
            |inside: &OwnedFact| matches!(inside.fact.verdict, Verdict::Requested | Verdict::Block);
        if self.is(FactKind::Copy) && self.inside.iter().any(ends) {
            self.end()
        } else {
            self.fact.time
        }
    }

    pub(super) fn draft(&self, kind: Kind, run: RunIx) -> Draft {
        Draft {
            kind,
            run,
            agent: Sym::NONE,
            tool: Sym::NONE,
            model: Sym::NONE,
            time: self.fact.time,
            parent: ActionIx::NONE,
            flags: self.fact.flags,
            source: self.source,
            line: self.line,
            place: self.place,
        }
    }
}
