//! Two cohorts of runs compared: what changed, by how much, and what cannot be told.
//!
//! The statistics below know no trace: numbers in, numbers out.

pub mod cluster;
pub mod distribution;
pub mod exact;
pub mod interval;
pub mod multiple;
pub mod power;
pub mod random;
pub mod ranks;
pub mod resample;
pub mod verdict;
