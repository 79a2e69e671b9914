//! Statistics: numbers in, numbers out. Nothing here knows about runs, traces or the store.

pub mod choose;
pub mod cluster;
pub mod distribution;
pub mod exact;
pub mod interval;
pub mod multiple;
pub mod power;
pub mod random;
pub mod ranks;
pub mod resample;
pub mod sample;
pub mod sequence;
pub mod verdict;
