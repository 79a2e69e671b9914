//! Spans are recorded when they end, children first; they are held until their trace is complete, then
//! emitted in order of their start.

use std::collections::{BTreeMap, HashMap};

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
    stories: BTreeMap<RunIx, SpanRun>,
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
        let kept = OwnedFact::of(fact, from);
        if matches!(fact.kind, FactKind::Malformed | FactKind::Unknown) {
            self.loose.push(kept);
            return;
        }
        // A span and its parts arrive one after the other.
        if kept.name(Name::InSpan).is_empty() && self.waiting >= WAITING {
            self.tell(build, |trace| trace.is_whole);
            // No trace is complete: the memory bound takes precedence over order.
            if self.waiting >= WAITING {
                self.tell(build, |_| true);
            }
        }
        let trace = self.trace(&kept, build);
        self.waiting += usize::from(trace.put(kept, build));
    }

    fn pause(&mut self, build: &mut Builder) {
        self.tell(build, |_| true);
    }

    fn finish(&mut self, build: &mut Builder) {
        self.tell(build, |_| true);
        for story in self.stories.values_mut() {
            story.finish(build);
        }
    }
}

impl SpanAssembler {
    /// The trace of a span; records without a trace id are grouped by another id they share.
    fn trace(&mut self, kept: &OwnedFact, build: &Builder) -> &mut Trace {
        let id = match kept.name(Name::Trace) {
            [] => kept.joins().map_or(&[] as &[u8], |(_, id)| id),
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

    /// Emits the traces for which `when` holds.
    fn tell(&mut self, build: &mut Builder, when: impl Fn(&Trace) -> bool) {
        let (mut now, later): (Vec<_>, Vec<_>) = self.traces.drain(..).partition(when);
        self.known = later
            .iter()
            .enumerate()
            .map(|(at, trace)| (trace.key, at))
            .collect();
        self.waiting = later.iter().map(|trace| trace.spans.len()).sum();
        self.traces = later;
        for trace in &mut now {
            trace.settle(build);
        }
        duplicates::drop_strays(&mut now);
        now.sort_by_key(Trace::start);
        let mut groups: Vec<(RunIx, Vec<OwnedFact>, u32)> = Vec::new();
        for trace in now {
            let Some(run) = self.run_of(&trace, build) else {
                continue;
            };
            self.runs.insert(trace.key, run);
            match groups.iter_mut().find(|(known, ..)| *known == run) {
                Some((_, spans, copies)) => {
                    spans.extend(trace.spans);
                    *copies += trace.copies;
                }
                None => groups.push((run, trace.spans, trace.copies)),
            }
        }
        for (run, mut spans, copies) in groups {
            build.edit(run).totals.copies += copies;
            let told_twice = duplicates::drop_told_by_logs(&mut spans);
            build.edit(run).totals.copies += told_twice;
            spans.sort_by_key(|span| (span.told_at(), std::cmp::Reverse(span.fact.duration)));
            duplicates::put_before_its_tools(&mut spans);
            let story = self.stories.entry(run).or_insert_with(|| SpanRun::new(run));
            let ruling = |span: &OwnedFact| {
                matches!(span.fact.kind, FactKind::Decision | FactKind::Approval)
            };
            story.only_rulings = spans.iter().all(ruling);
            let tools = spans.iter().filter(|span| span.is(FactKind::ToolCall));
            story.run_here = tools.map(|span| span.call.clone()).collect();
            for span in &spans {
                story.tell(span, build);
            }
        }
        self.tell_loose(build);
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
                let last = *self.stories.keys().next_back()?;
                build.edit(last).totals.copies += trace.spans.len() as u32 + trace.copies;
                None
            }
            None if trace.spans.is_empty() => None,
            None => Some(build.run(source, trace.name(&self.stem))),
        }
    }

    /// Records without a trace go to the first run, or to one named after the file.
    fn tell_loose(&mut self, build: &mut Builder) {
        let Some(source) = self.source.filter(|_| !self.loose.is_empty()) else {
            return;
        };
        let known = self.stories.keys().next().copied();
        let run = known.unwrap_or_else(|| build.run(source, self.stem.as_bytes()));
        for kept in self.loose.drain(..) {
            let kind = if kept.is(FactKind::Malformed) {
                Kind::Malformed
            } else {
                Kind::Unknown
            };
            build.act(&kept.draft(kind, run));
        }
    }
}

impl OwnedFact {
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
    fn told_at(&self) -> Time {
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
