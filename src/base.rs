//! Floor 0: what could be in the standard library. No domain word may appear here.

pub mod cancel;
pub mod clock;
pub mod human;
pub mod text;
