//! Floor 6: other ways out, no terminal.

pub mod cohort;
pub mod csv;
pub mod curl;
pub mod diff;
pub mod json;
pub mod readable;
pub mod words;
