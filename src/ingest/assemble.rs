//! Facts in file order become actions: pairing, turns, lanes, retries.
//!
//! A [`Builder`] does what all formats share; the [`Assembler`] of a format decides what each fact means.
//! Nothing here sees bytes of a file but the names that facts point at.

mod builder;
mod calls;
mod charge;
mod interner;
mod memory;
pub mod merge;
mod retain;
mod state;

use std::hash::{BuildHasher, Hasher};

pub use builder::{Builder, Draft};
pub use calls::Call;
pub use charge::Charge;

use crate::ingest::fact::{Decoded, Fact, Text};
use crate::model::action::{Place, SourceIx};
use crate::model::outcome::{Attached, AttachedKind};
use crate::model::quantity::Elapsed;
use crate::model::symbol::Sym;

/// The memory of a run that a format needs.
pub trait Assembler: std::fmt::Debug + Send {
    /// Takes the next fact in file order.
    fn take(&mut self, fact: &Fact, from: &From<'_>, build: &mut Builder);

    /// Nothing came for a while to files that are followed: what was kept back is told now.
    fn pause(&mut self, build: &mut Builder) {
        let _ = build;
    }

    /// The group of files is read to its end.
    fn finish(&mut self, build: &mut Builder);
}

/// Where a fact comes from.
#[derive(Debug, Clone, Copy)]
pub struct From<'a> {
    pub decoded: &'a Decoded,
    pub source: SourceIx,
    /// The file name without its ending, which some formats use as the id of the run.
    pub stem: &'a str,
    /// Lines of the source before this block.
    pub lines_before: u32,
    /// The source is a companion of the first source of its group (a subagent's file).
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

    /// A verdict with what its fact tells: no policy, rule or person yet.
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

/// Equal bytes give equal hashes in one build of the program. Only where a collision does no more
/// harm than a wrong retry mark; ids are hashed by the [`Builder`] with a secret.
pub fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = foldhash::quality::FixedState::with_seed(0).build_hasher();
    hasher.write(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests;
