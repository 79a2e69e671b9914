//! Facts that are held until their trace is complete.

use crate::ingest::assemble::From;
use crate::ingest::fact::{Fact, FactKind, Name};
use crate::model::action::{Place, SourceIx};
use crate::model::outcome::{Attached, AttachedKind};
use crate::model::quantity::{Elapsed, Time, Usage};
use crate::model::symbol::Sym;

/// A fact with copies of its texts, which would otherwise go away with their block.
#[derive(Debug)]
pub(super) struct OwnedFact {
    pub(super) fact: Fact,
    pub(super) source: SourceIx,
    pub(super) line: u32,
    pub(super) place: Place,
    /// The place of its end, if that is another record.
    pub(super) end: Place,
    pub(super) id: Box<[u8]>,
    pub(super) parent: Box<[u8]>,
    pub(super) call: Box<[u8]>,
    pub(super) agent: Box<[u8]>,
    pub(super) tool: Box<[u8]>,
    pub(super) model: Box<[u8]>,
    pub(super) usage: Usage,
    names: Vec<(Name, Box<[u8]>)>,
    /// The parts of the span: items of its input and output.
    pub(super) inside: Vec<OwnedFact>,
}

impl OwnedFact {
    pub(super) fn of(fact: &Fact, from: &From<'_>) -> OwnedFact {
        let text = |text| from.text(text).into();
        OwnedFact {
            fact: *fact,
            source: from.source,
            line: from.line(fact),
            place: from.place(fact),
            end: Place::NONE,
            id: text(fact.id),
            parent: text(fact.parent),
            call: text(fact.call),
            agent: text(fact.agent),
            tool: text(fact.tool),
            model: text(fact.model),
            usage: from.decoded.usage(fact).unwrap_or(Usage::NONE),
            names: from
                .decoded
                .names(fact)
                .map(|(name, text)| (name, text.into()))
                .collect(),
            inside: Vec::new(),
        }
    }

    pub(super) fn name(&self, name: Name) -> &[u8] {
        let found = self.names.iter().find(|(known, _)| *known == name);
        found.map_or(&[], |(_, text)| text)
    }

    pub(super) fn end(&self) -> Time {
        match (self.fact.time.get(), self.fact.duration.get()) {
            (Some(start), Some(length)) => Time(start.saturating_add(length)),
            _ => self.fact.time,
        }
    }

    /// The verdict of the fact, without policy, rule or person.
    pub(super) fn attached(&self, kind: AttachedKind) -> Attached {
        Attached {
            kind,
            verdict: self.fact.verdict,
            shadow: false,
            policy: Sym::NONE,
            rule: Sym::NONE,
            by: Sym::NONE,
            time: self.fact.time,
            wait: Elapsed::NONE,
            place: self.place,
            line: self.line,
        }
    }

    pub(super) fn is(&self, kind: FactKind) -> bool {
        self.fact.kind == kind
    }

    /// Whether it is the text of a response.
    pub(super) fn is_text(&self) -> bool {
        self.is(FactKind::Response) && self.fact.has_result
    }

    /// The record that it comes from.
    pub(super) fn record(&self) -> (SourceIx, u32, u64) {
        (self.source, self.line, self.place.offset)
    }
}

impl OwnedFact {
    /// A copy without the parts.
    pub(super) fn copy(of: &OwnedFact) -> OwnedFact {
        OwnedFact {
            fact: of.fact,
            id: of.id.clone(),
            parent: of.parent.clone(),
            call: of.call.clone(),
            agent: of.agent.clone(),
            tool: of.tool.clone(),
            model: of.model.clone(),
            usage: of.usage,
            names: of.names.clone(),
            ..OwnedFact::nothing(of)
        }
    }

    /// An empty span that replaces one that was taken out.
    pub(super) fn nothing(of: &OwnedFact) -> OwnedFact {
        OwnedFact {
            fact: Fact::new(FactKind::Copy),
            source: of.source,
            line: of.line,
            place: of.place,
            end: Place::NONE,
            id: Box::default(),
            parent: Box::default(),
            call: Box::default(),
            agent: Box::default(),
            tool: Box::default(),
            model: Box::default(),
            usage: Usage::NONE,
            names: Vec::new(),
            inside: Vec::new(),
        }
    }

    pub(super) fn names_out(&mut self) -> Vec<(Name, Box<[u8]>)> {
        std::mem::take(&mut self.names)
    }

    /// Adds names that are not set yet.
    pub(super) fn take_names(&mut self, names: Vec<(Name, Box<[u8]>)>) {
        for (name, text) in names {
            if self.name(name).is_empty() {
                self.names.push((name, text));
            }
        }
    }
}
