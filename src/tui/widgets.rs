//! Pieces of a screen that know text, theme and terminal cells, and nothing of traces.

pub mod chooser;
pub mod consent;
pub mod fuzzy;
pub mod hints;
pub mod letters;
pub mod outline;
pub mod paint;
pub mod popup;
pub mod prompt;
pub mod spark;
pub mod stack;
pub mod tone;
pub mod viewport;
