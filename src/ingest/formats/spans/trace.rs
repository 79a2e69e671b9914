//! One trace while its spans arrive, and how they relate once it is complete.

use std::collections::HashMap;

use super::owned::OwnedFact;
use crate::ingest::assemble::Builder;
use crate::ingest::fact::{FactKind, Name, SpanRole};
use crate::model::action::Status;
use crate::model::quantity::Time;

/// Wrappers are never nested deeper than this.
const DEEPEST: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Trace {
    pub(super) key: u64,
    id: Box<[u8]>,
    pub(super) spans: Vec<OwnedFact>,
    /// By the hash of the span's id.
    places: HashMap<u64, usize>,
    /// Parts of spans, which may arrive before their span.
    parts: Vec<OwnedFact>,
    /// Spans that were delivered before, with the place of the first.
    again: Vec<(usize, OwnedFact)>,
    /// Its outermost span has arrived.
    pub(super) is_whole: bool,
    pub(super) copies: u32,
}

impl Trace {
    pub(super) fn new(key: u64, id: &[u8]) -> Trace {
        Trace {
            key,
            id: id.into(),
            ..Trace::default()
        }
    }

    /// Adds a span or a part of one; whether it is a span.
    pub(super) fn put(&mut self, owned: OwnedFact, build: &Builder) -> bool {
        if !owned.name(Name::InSpan).is_empty() {
            self.parts.push(owned);
            return false;
        }
        self.is_whole |= owned.parent.is_empty() && !owned.id.is_empty();
        let own = build.key(&owned.id);
        let known = self.places.get(&own).filter(|_| !owned.id.is_empty());
        if let Some(&place) = known {
            self.copies += 1;
            self.again.push((place, owned));
            return true;
        }
        self.places.insert(own, self.spans.len());
        self.spans.push(owned);
        true
    }

    pub(super) fn start(&self) -> Time {
        let times = self.spans.iter().map(|span| span.fact.time);
        times
            .filter(|time| time.is_some())
            .min()
            .unwrap_or(Time::NONE)
    }

    /// Its id, or the file name if it has none.
    pub(super) fn name<'a>(&'a self, stem: &'a str) -> &'a [u8] {
        if self.id.is_empty() {
            stem.as_bytes()
        } else {
            &self.id
        }
    }

    pub(super) fn is_noise(&self) -> bool {
        self.spans
            .iter()
            .all(|span| span.fact.span == SpanRole::Internal)
    }

    /// Relates the spans: their parts, their agents, and duplicates.
    pub(super) fn settle(&mut self, build: &Builder) {
        self.put_inside(build);
        let parents = self.parents(build);
        self.name_agents(&parents);
        self.name_calls(&parents);
        let gone = self.merge_nested(&parents);
        self.quiet_wrappers(&parents);
        let mut at = 0;
        self.spans.retain(|_| {
            at += 1;
            !gone[at - 1]
        });
        self.places.clear();
        let is_bare = |span: &OwnedFact| span.is(FactKind::Copy) && span.inside.is_empty();
        if self.spans.iter().all(is_bare) && !self.is_noise() {
            // Nothing inside was recorded, so the wrappers are all there is to see.
            for span in &mut self.spans {
                span.fact.kind = FactKind::Note;
            }
        }
    }

    /// Merges what was delivered more than once, and puts the parts into their spans.
    fn put_inside(&mut self, build: &Builder) {
        let mut parts = std::mem::take(&mut self.parts);
        parts.sort_by_key(|part| (part.record(), part.place.part));
        // Parts without a span: the records of a model call may be the only ones of it.
        for part in &parts {
            let own = build.key(part.name(Name::InSpan));
            if part.is(FactKind::Response) && !self.places.contains_key(&own) {
                self.places.insert(own, self.spans.len());
                self.spans.push(part.call_alone());
            }
        }
        for part in parts {
            match self.places.get(&build.key(part.name(Name::InSpan))) {
                Some(&place) => self.spans[place].inside.push(part),
                None => self.spans.push(part),
            }
        }
        for (place, again) in self.again.drain(..) {
            self.spans[place].deliver_again(again);
        }
        for span in &mut self.spans {
            span.settle_parts();
        }
    }

    fn parents(&self, build: &Builder) -> Vec<Option<usize>> {
        let parent = |(at, span): (usize, &OwnedFact)| {
            let found = self.places.get(&build.key(&span.parent)).copied();
            found.filter(|&parent| !span.parent.is_empty() && parent != at)
        };
        self.spans.iter().enumerate().map(parent).collect()
    }

    fn name_agents(&mut self, parents: &[Option<usize>]) {
        for at in 0..self.spans.len() {
            if !self.spans[at].agent.is_empty() {
                continue;
            }
            let named = above(at, parents).find(|&above| !self.spans[above].agent.is_empty());
            if let Some(named) = named {
                self.spans[at].agent = self.spans[named].agent.clone();
            }
        }
    }

    /// A decision inside a tool span refers to its call.
    fn name_calls(&mut self, parents: &[Option<usize>]) {
        for (at, parent) in parents.iter().enumerate() {
            let Some(parent) = parent.filter(|&parent| self.spans[parent].is(FactKind::ToolCall))
            else {
                continue;
            };
            let call = self.spans[parent].call.clone();
            let head = &mut self.spans[at];
            if matches!(head.fact.kind, FactKind::Approval | FactKind::Decision)
                && head.call.is_empty()
            {
                head.call.clone_from(&call);
            }
            for inside in &mut self.spans[at].inside {
                let verdict = matches!(inside.fact.kind, FactKind::Approval | FactKind::Decision);
                if verdict && inside.call.is_empty() && inside.tool.is_empty() {
                    inside.call.clone_from(&call);
                }
            }
        }
    }

    /// Model calls inside model calls, and tools inside the same tool, are one: two instrumentors or two
    /// layers recorded them. Returns which spans were merged into others.
    fn merge_nested(&mut self, parents: &[Option<usize>]) -> Vec<bool> {
        self.unwrap_steps(parents);
        let mut gone = vec![false; self.spans.len()];
        for at in 0..self.spans.len() {
            let span = &self.spans[at];
            if !matches!(span.fact.kind, FactKind::Response | FactKind::ToolCall) {
                continue;
            }
            let outer = above(at, parents).find(|&outer| {
                let around = &self.spans[outer];
                let same = around.tool == span.tool || span.tool.is_empty();
                around.fact.kind == span.fact.kind && (span.is(FactKind::Response) || same)
            });
            if let Some(outer) = outer.filter(|&outer| !gone[outer]) {
                gone[at] = true;
                self.copies += 1;
                let inner = self.spans[at].shell();
                self.spans[outer].absorb(inner);
            }
        }
        gone
    }

    /// A model call around several others sums them up (Vercel AI SDK): it is a wrapper, even around one.
    fn unwrap_steps(&mut self, parents: &[Option<usize>]) {
        let mut steps = vec![0; self.spans.len()];
        let is_call = |span: &OwnedFact| span.is(FactKind::Response);
        for (at, span) in self
            .spans
            .iter()
            .enumerate()
            .filter(|(_, span)| is_call(span))
        {
            let Some(outer) = above(at, parents).find(|&outer| is_call(&self.spans[outer])) else {
                continue;
            };
            let named = self.spans[outer].name(Name::SpanName);
            let step = span.name(Name::SpanName).strip_prefix(named);
            let is_step = !named.is_empty() && step.is_some_and(|rest| rest.starts_with(b".do"));
            let failed = span.fact.status == Status::Error;
            steps[outer] += if is_step { 2 } else { usize::from(!failed) };
        }
        for (span, steps) in self.spans.iter_mut().zip(steps) {
            if steps > 1 {
                span.fact.kind = FactKind::Copy;
            }
        }
    }

    /// An error that a wrapper passes on is reported by what is inside it.
    fn quiet_wrappers(&mut self, parents: &[Option<usize>]) {
        let mut reported = vec![false; self.spans.len()];
        for at in 0..self.spans.len() {
            if self.spans[at].fact.status == Status::Error {
                above(at, parents).for_each(|above| reported[above] = true);
            }
        }
        for (span, reported) in self.spans.iter_mut().zip(reported) {
            let is_outermost = span.parent.is_empty();
            if reported && span.is(FactKind::Copy) && !is_outermost {
                span.fact.status = Status::Unrecorded;
            } else if reported && span.is(FactKind::Copy) {
                // The run failed, but the error has its own row.
                span.fact.status = Status::Cancelled;
            }
        }
    }
}

/// The spans around one, from the inside out.
fn above(at: usize, parents: &[Option<usize>]) -> impl Iterator<Item = usize> {
    std::iter::successors(parents[at], |&at| parents[at]).take(DEEPEST)
}
