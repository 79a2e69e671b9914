//! Floor 5: pure functions on snapshots.

pub mod stats;
pub mod summary;
