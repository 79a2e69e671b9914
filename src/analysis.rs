//! Floor 5: pure functions on snapshots.

pub mod profile;
pub mod runs;
pub mod stats;
pub mod summary;
