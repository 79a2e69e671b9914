//! Model calls that are recorded more than once: by a vendor's SDK beside an instrumentor, by logs beside
//! spans. The record with more details wins.

use std::collections::HashSet;

use super::owned::OwnedFact;
use super::trace::Trace;
use crate::ingest::fact::{FactKind, Name, SpanRole};
use crate::model::action::Status;
use crate::model::quantity::{Time, Usage};

/// Which messages of a model call a part belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Input,
    Output,
    Neither,
}

impl OwnedFact {
    /// Takes the span out, leaving an empty one.
    pub(super) fn shell(&mut self) -> OwnedFact {
        let empty = OwnedFact::nothing(self);
        std::mem::replace(self, empty)
    }

    /// Takes details from another record of the same span.
    pub(super) fn absorb(&mut self, mut other: OwnedFact) {
        if other.inside.len() > self.inside.len() {
            let around = (self.parent.clone(), self.fact.time, self.fact.duration);
            std::mem::swap(self, &mut other);
            (self.parent, self.fact.time, self.fact.duration) = around;
        }
        let names = other.names_out();
        if self.fact.span == SpanRole::Plain {
            self.fact.span = other.fact.span;
        }
        self.fact.has_result |= other.fact.has_result;
        if self.usage.is_none() {
            self.usage = other.usage;
        }
        if !self.fact.cost.is_some() {
            self.fact.cost = other.fact.cost;
        }
        if self.fact.status == Status::Unrecorded {
            self.fact.status = other.fact.status;
        }
        for (mine, others) in [
            (&mut self.model, other.model),
            (&mut self.call, other.call),
            (&mut self.agent, other.agent),
        ] {
            if mine.is_empty() {
                *mine = others;
            }
        }
        self.take_names(names);
    }

    /// Merges another version of the span, whichever came first: its start and its end may be recorded
    /// separately, and both may be delivered again. The version that ended last wins.
    pub(super) fn deliver_again(&mut self, mut other: OwnedFact) {
        let ended = |span: &OwnedFact| (span.fact.duration.is_some(), span.end());
        let wins = match (self.is(FactKind::Copy), other.is(FactKind::Copy)) {
            (is_bare, other_is_bare) if is_bare != other_is_bare => is_bare,
            _ => ended(&other) >= ended(self),
        };
        if wins {
            other.inside = std::mem::take(&mut self.inside);
            std::mem::swap(self, &mut other);
        }
        let (mine, others) = (self.record(), other.record());
        for side in [Side::Input, Side::Output, Side::Neither] {
            let of = |part: &OwnedFact, record| part.side() == side && part.record() == record;
            if mine != others && self.inside.iter().any(|part| of(part, mine)) {
                self.inside.retain(|part| !of(part, others));
            }
        }
        if self.source == other.source && other.fact.duration.is_some() {
            self.end = other.place;
        }
        self.end_as(other);
    }

    /// What a span records itself is not taken from its log records too.
    pub(super) fn settle_parts(&mut self) {
        let mine = self.record();
        for side in [Side::Input, Side::Output] {
            let own = |part: &OwnedFact| part.side() == side && part.record() == mine;
            let has_text = side == Side::Output && self.is_text();
            if has_text || self.inside.iter().any(own) {
                let other = |part: &OwnedFact| part.side() != side || part.record() == mine;
                self.inside.retain(other);
            }
        }
        let mut known = HashSet::new();
        self.inside.retain(|part| {
            let named = part.fact.hash != 0 || !part.id.is_empty() || !part.call.is_empty();
            let identity = (part.fact.hash, part.id.clone(), part.call.clone());
            let time = part.fact.time.get();
            // The same log record, delivered again.
            part.record() == mine || !named || known.insert((identity, time, part.place.part))
        });
        let calls = self
            .inside
            .iter()
            .filter(|part| part.is(FactKind::Response));
        let Some(mut call) = calls.map(OwnedFact::copy).next() else {
            return;
        };
        if self.is(FactKind::Response) {
            call.fact.span = self.fact.span;
            let status = self.fact.status;
            let has_text = self.fact.has_result;
            self.absorb(call);
            self.fact.status = status;
            self.fact.has_result = has_text;
        }
    }

    fn side(&self) -> Side {
        match self.fact.kind {
            FactKind::Note | FactKind::Prompt | FactKind::ToolResult | FactKind::Copy => {
                Side::Input
            }
            FactKind::Response | FactKind::Reasoning | FactKind::ToolCall => Side::Output,
            _ => Side::Neither,
        }
    }

    /// A model call recorded only in logs.
    pub(super) fn call_alone(&self) -> OwnedFact {
        let mut call = OwnedFact::copy(self);
        call.id = self.name(Name::InSpan).into();
        call.fact.span = SpanRole::Plain;
        call.fact.has_result = false;
        call
    }

    /// Merges the details of a version of the span that lost.
    fn end_as(&mut self, end: OwnedFact) {
        let fact = &mut self.fact;
        let ended = fact.duration.is_some();
        if !ended {
            fact.duration = end.fact.duration;
        }
        let is_open = fact.status == Status::Unrecorded && self.is(FactKind::ToolCall);
        let is_bare = end.is(FactKind::Copy) && end.fact.status == Status::Unrecorded;
        if is_open && is_bare && end.fact.duration.is_some() {
            self.fact.status = Status::Ok;
        }
        let status = self.fact.status;
        self.absorb(end);
        if ended {
            // An earlier attempt may have failed.
            self.fact.status = status;
        }
    }

    fn tokens(&self) -> u64 {
        let Usage {
            input,
            output,
            cache_read,
            cache_write,
            ..
        } = self.usage;
        [input, output, cache_read, cache_write]
            .iter()
            .map(|it| it.or_zero())
            .sum()
    }

    fn overlaps(&self, other: &OwnedFact) -> bool {
        self.fact.time <= other.end() && other.fact.time <= self.end()
    }

    /// Whether two model calls of different traces are the same one: the same response, or recorded by
    /// different instrumentations at the same time with the same tokens.
    fn is_twin(&self, other: &OwnedFact) -> bool {
        if !self.overlaps(other) {
            return false;
        }
        match (self.name(Name::ResponseId), other.name(Name::ResponseId)) {
            ([], _) | (_, []) => {
                self.name(Name::Scope) != other.name(Name::Scope)
                    && self.tokens() > 0
                    && self.tokens() == other.tokens()
            }
            (mine, others) => mine == others,
        }
    }
}

/// Removes traces that consist only of model calls recorded in another trace: an SDK whose spans lost their
/// parent.
pub(super) fn drop_strays(traces: &mut [Trace]) {
    let is_stray = |trace: &Trace| {
        !trace.spans.is_empty() && trace.spans.iter().all(|span| span.is(FactKind::Response))
    };
    let strays: Vec<usize> = (0..traces.len())
        .filter(|&at| is_stray(&traces[at]))
        .collect();
    if strays.is_empty() {
        return;
    }
    let mut calls: Vec<(Time, usize, usize)> = Vec::new();
    for (at, trace) in traces.iter().enumerate() {
        if strays.contains(&at) {
            continue;
        }
        let places = trace
            .spans
            .iter()
            .enumerate()
            .filter(|(_, span)| span.is(FactKind::Response));
        calls.extend(places.map(|(place, span)| (span.fact.time, at, place)));
    }
    calls.sort_unstable();
    for stray in strays {
        let spans = std::mem::take(&mut traces[stray].spans);
        for span in spans {
            // Only calls that began before the stray ended; those long before it overlap only if they are
            // long.
            let until = calls.partition_point(|(time, ..)| *time <= span.end());
            let near = calls[..until].iter().rev().take(64);
            let twin = near
                .copied()
                .find(|&(_, at, place)| traces[at].spans[place].is_twin(&span));
            match twin {
                Some((_, at, place)) => {
                    traces[at].copies += 1;
                    traces[at].spans[place].absorb(span);
                }
                None => traces[stray].spans.push(span),
            }
        }
    }
}

/// If a program both logs and traces its model calls, keeps the logs, which have more details (Claude Code,
/// Codex). Returns the number of removed spans.
pub(super) fn drop_logged(spans: &mut Vec<OwnedFact>) -> u32 {
    let logged = |span: &OwnedFact| span.is(FactKind::Response) && span.fact.span == SpanRole::Log;
    if !spans.iter().any(logged) {
        return 0;
    }
    let before = spans.len();
    spans.retain(|span| !span.is(FactKind::Response) || span.fact.span != SpanRole::Plain);
    (before - spans.len()) as u32
}

/// How far back tools may be that run concurrently.
const NEAR: usize = 64;

/// A logged model call may have only its end time, and its tools may start while its response is still
/// streaming: it is moved before them.
pub(super) fn put_before_its_tools(spans: &mut [OwnedFact]) {
    for at in 1..spans.len() {
        let call = &spans[at];
        if call.fact.span != SpanRole::Log || call.fact.duration.is_some() {
            continue;
        }
        let time = call.fact.time;
        let runs = |span: &&OwnedFact| !span.is(FactKind::Response) && span.end() >= time;
        let before = spans[..at].iter().rev().take(NEAR).take_while(runs).count();
        spans[at - before..=at].rotate_right(1);
    }
}
