//! Pieces of a screen that know text, theme and terminal cells, and nothing of traces.

pub mod outline;
pub mod paint;
pub mod prompt;
pub mod tone;
pub mod viewport;
