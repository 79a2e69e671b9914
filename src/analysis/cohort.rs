//! Two cohorts of runs compared: what changed, by how much, and what cannot be told.
//!
//! [`ask`] is the way in: [`sides`] says which runs, [`observe`] what is remembered of them,
//! [`compare`] what follows. The
//! statistics below know no trace: numbers in, numbers out.

pub mod ask;
pub mod baseline;
pub mod sides;

pub mod expect;
pub mod measure;
pub mod observe;
pub mod traits;

mod firsts;
mod loops;

pub mod compare;
pub mod design;
pub mod evidence;
pub mod figure;
mod figures;
pub mod mix;
pub mod outcome;
pub mod tools;

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
pub mod verdict;
