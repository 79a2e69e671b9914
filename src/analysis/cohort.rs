//! Compares two cohorts of runs: what changed, by how much, and what the data cannot show.
//!
//! Start at [`ask`]. [`sides`] picks the runs, [`observe`] records one observation per run, and
//! [`compare`] turns the observations into figures with the methods of
//! [`statistics`](crate::analysis::statistics).

pub mod ask;
pub mod baseline;
pub mod sides;

pub mod expect;
pub mod measure;
pub mod observe;
pub mod traits;

mod firsts;

pub mod compare;
pub mod design;
pub mod evidence;
pub mod figure;
mod figures;
pub mod mix;
pub mod outcome;
pub mod sequential;
pub mod tools;
