//! Turns facts in file order into actions: pairing, turns, lanes, retries.
//!
//! A [`Builder`] does what all formats share; the [`Assembler`] of a format decides what each fact means.
//! Neither sees bytes of a file other than the names in facts.

mod builder;
mod calls;
mod charge;
mod copies;
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

/// The per-run state that a format needs.
pub trait Assembler: std::fmt::Debug + Send {
    /// Takes the next fact in file order.
    fn take(&mut self, fact: &Fact, from: &From<'_>, build: &mut Builder);

    /// Followed files have been quiet for a while: emits whatever was held back.
    fn pause(&mut self, build: &mut Builder) {
        let _ = build;
    }

    /// The group of files has been read to its end.
    fn finish(&mut self, build: &mut Builder);
}

/// A hash that is stable within one build of the program. Use it only where a collision does no more harm
/// than a wrong retry mark; the [`Builder`] hashes ids with a secret.
pub fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = foldhash::quality::FixedState::with_seed(0).build_hasher();
    hasher.write(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests;
