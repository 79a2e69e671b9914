//! Floor 5: pure functions on snapshots.

pub mod summary;
