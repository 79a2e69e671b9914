//! Repeats a recorded step: asks a model the same (or something changed), or runs the command that the user's settings
//! name for a tool. Both have real effects, and need the user's consent.

pub mod model;
pub mod tool;
