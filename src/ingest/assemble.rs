//! Facts in file order become actions: pairing, turns, lanes, retries.

/// The memory of a run that a format needs.
pub trait Rules: std::fmt::Debug + Send {}
