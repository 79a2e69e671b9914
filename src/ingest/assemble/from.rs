//! The origin of a fact.

use crate::ingest::fact::{Decoded, Fact, Text};
use crate::model::action::{Place, SourceIx};
use crate::model::outcome::{Attached, AttachedKind};
use crate::model::quantity::Elapsed;
use crate::model::symbol::Sym;

/// Where a fact comes from.
#[derive(Debug, Clone, Copy)]
pub struct From<'a> {
    pub decoded: &'a Decoded,
    pub source: SourceIx,
    /// The file name without its extension, which some formats use as the run id.
    pub stem: &'a str,
    /// The number of lines in the source before this block.
    pub lines_before: u32,
    /// Whether the source is a companion of the first source of its group (a subagent's file).
    pub companion: bool,
}

impl<'a> From<'a> {
    pub fn text(&self, text: Text) -> &'a [u8] {
        self.decoded.text(text)
    }

    pub fn place(&self, fact: &Fact) -> Place {
        Place {
            offset: self.decoded.base + u64::from(fact.start),
            len: fact.len,
            part: fact.part,
        }
    }

    /// The verdict of a fact, without policy, rule or person.
    pub fn attached(&self, fact: &Fact, kind: AttachedKind) -> Attached {
        Attached {
            kind,
            verdict: fact.verdict,
            shadow: false,
            policy: Sym::NONE,
            rule: Sym::NONE,
            by: Sym::NONE,
            time: fact.time,
            wait: Elapsed::NONE,
            place: self.place(fact),
            line: self.line(fact),
        }
    }

    /// The 1-based line of a fact in its source.
    pub fn line(&self, fact: &Fact) -> u32 {
        self.lines_before
            .saturating_add(fact.line)
            .saturating_add(1)
    }
}
