//! Pure functions over a snapshot of the store.

pub mod approvals;
pub mod changes;
pub mod cohort;
pub mod context;
pub mod costs;
pub mod diff;
pub mod grouped;
pub mod insights;
pub mod life;
pub mod naming;
pub mod origin;
pub mod policy;
pub mod profile;
pub mod replay;
pub mod runs;
pub mod shape;
pub mod slow;
pub mod statistics;
pub mod summary;
pub mod timeline;
pub mod title;
pub mod trouble;
pub mod windows;
