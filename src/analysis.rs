//! Floor 5: pure functions on snapshots.

pub mod cohort;
pub mod context;
pub mod diff;
pub mod insights;
pub mod life;
pub mod naming;
pub mod origin;
pub mod profile;
pub mod replay;
pub mod runs;
pub mod shape;
pub mod slow;
pub mod stats;
pub mod summary;
pub mod timeline;
pub mod trouble;
pub mod windows;
