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
    /// Parts of spans that have not arrived yet.
    early: Vec<OwnedFact>,
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

    /// Adds a span or a part of one; whether it is a new span.
    pub(super) fn put(&mut self, kept: OwnedFact, build: &Builder) -> bool {
        if !kept.name(Name::InSpan).is_empty() {
            self.early.push(kept);
            return false;
        }
        self.is_whole |= kept.parent.is_empty() && !kept.id.is_empty();
        let own = build.key(&kept.id);
        let known = self.places.get(&own).filter(|_| !kept.id.is_empty());
        if let Some(&place) = known {
            // Delivered again: the last version and its parts win.
            self.copies += 1;
            if kept.is(FactKind::Copy) && !self.spans[place].is(FactKind::Copy) {
                self.spans[place].end_as(kept);
                return false;
            }
            let group = kept.id.clone();
            self.early
                .retain(|early| early.name(Name::InSpan) != &*group);
            self.spans[place] = kept;
            return false;
        }
        self.places.insert(own, self.spans.len());
        self.spans.push(kept);
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

    fn put_inside(&mut self, build: &Builder) {
        for kept in self.early.drain(..) {
            let own = build.key(kept.name(Name::InSpan));
            match self.places.get(&own) {
                Some(&place) => self.spans[place].inside.push(kept),
                // Its span never arrived.
                None => self.spans.push(kept),
            }
        }
        for span in &mut self.spans {
            span.inside
                .sort_by_key(|kept| (kept.source, kept.line, kept.place.offset, kept.place.part));
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

    /// An error that a wrapper passes on is reported by what is inside it.
    fn quiet_wrappers(&mut self, parents: &[Option<usize>]) {
        let mut told = vec![false; self.spans.len()];
        for at in 0..self.spans.len() {
            if self.spans[at].fact.status == Status::Error {
                above(at, parents).for_each(|above| told[above] = true);
            }
        }
        for (span, told) in self.spans.iter_mut().zip(told) {
            let is_outermost = span.parent.is_empty();
            if told && span.is(FactKind::Copy) && !is_outermost {
                span.fact.status = Status::Unrecorded;
            } else if told && span.is(FactKind::Copy) {
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
