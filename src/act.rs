//! The only code that executes anything, and only when the user asks for it.

pub mod append;
pub mod places;

pub mod ask;
pub mod guard;

pub mod events;
pub mod viewer;
