//! The same model call told more than once: by the SDK of a vendor beside an instrumentor, by logs
//! beside spans. The richer telling counts.

use super::owned::OwnedFact;
use super::trace::Trace;
use crate::ingest::fact::{FactKind, Name, SpanRole};
use crate::model::action::Status;
use crate::model::quantity::{Time, Usage};

impl OwnedFact {
    /// Itself; nothing stays in its place.
    pub(super) fn shell(&mut self) -> OwnedFact {
        let empty = OwnedFact::nothing(self);
        std::mem::replace(self, empty)
    }

    /// Takes over what another telling of the same knows more.
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

    /// Takes over how it ended from somebody who does not tell again what it is.
    pub(super) fn end_as(&mut self, end: OwnedFact) {
        let fact = &mut self.fact;
        if !fact.duration.is_some() {
            fact.duration = end.fact.duration;
        }
        let is_open = fact.status == Status::Unrecorded && self.is(FactKind::ToolCall);
        if is_open && end.fact.status == Status::Unrecorded && end.fact.duration.is_some() {
            self.fact.status = Status::Ok;
        }
        self.absorb(end);
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

    /// Whether two model calls of different traces are one: the same response, or by different
    /// tellers at the same time with the same tokens.
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

/// Traces of nothing but model calls that another trace tells too: an SDK whose spans did not find
/// the one they belong to.
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
            // Calls that began before the stray ended; those long before it overlap only if they are long.
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

/// Where a program logs its model calls and traces them too, the logs say more (Claude Code, Codex).
/// How many spans were left out.
pub(super) fn drop_told_by_logs(spans: &mut Vec<OwnedFact>) -> u32 {
    let logged = |span: &OwnedFact| span.is(FactKind::Response) && span.fact.span == SpanRole::Log;
    if !spans.iter().any(logged) {
        return 0;
    }
    let before = spans.len();
    spans.retain(|span| !span.is(FactKind::Response) || span.fact.span != SpanRole::Plain);
    (before - spans.len()) as u32
}

/// Tools that run at once are not seen far apart.
const NEAR: usize = 64;

/// Of a logged model call only the end may be known, and the tools that it asked for begin while its
/// answer still comes: it is told before them.
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
