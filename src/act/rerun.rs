//! Does a recorded step again: asks a model the same (or something changed), or runs what the user's settings name for
//! a tool. Both are real, and both only after the user said so.

pub mod model;
pub mod tool;
