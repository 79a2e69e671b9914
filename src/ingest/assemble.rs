//! Facts in file order become actions: pairing, turns, lanes, retries.
//!
//! A [`Builder`] does what all formats share; the [`Assembler`] of a format decides what each fact means.
//! Nothing here sees bytes of a file but the names that facts point at.

mod builder;
mod calls;
mod charge;
mod from;
mod interner;
mod memory;
pub mod merge;
mod retain;
mod state;

use std::hash::{BuildHasher, Hasher};

pub use builder::{Builder, Draft};
pub use calls::Call;
pub use charge::Charge;
pub use from::From;

use crate::ingest::fact::Fact;

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

/// Equal bytes give equal hashes in one build of the program. Only where a collision does no more
/// harm than a wrong retry mark; ids are hashed by the [`Builder`] with a secret.
pub fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = foldhash::quality::FixedState::with_seed(0).build_hasher();
    hasher.write(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests;
