//! Helpers that could be in the standard library: they know nothing of traces.

pub mod cancel;
pub mod clock;
pub mod escape;
pub mod hash;
pub mod human;
pub mod order;
pub mod sha256;
#[cfg(test)]
pub(crate) mod testing;
pub mod text;
