//! The only code that executes anything, and only when the user asks for it.

pub mod events;
pub mod keep;
pub mod viewer;
