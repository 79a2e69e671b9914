//! Bytes in, actions out. Knows no filter and no screen.
//!
//! Only opening and reading may fail. A record that cannot be understood becomes an action of kind
//! `malformed` that keeps its place in the file.

pub mod assemble;
pub mod batch;
pub mod body;
pub mod bytes;
pub mod command;
pub mod composed;
mod convert;
pub mod discover;
pub mod error;
pub mod fact;
pub mod format;
pub mod formats;
pub mod intake;
pub mod json;
pub mod limit;
pub mod loaded;
pub mod members;
pub mod notice;
pub mod open;
pub mod packed;
pub mod prices;
pub mod recent;
pub mod records;
pub mod relations;
pub mod request;
pub mod source;
#[cfg(test)]
pub(crate) mod testing;
pub mod time;
pub mod wire;
mod yaml;

pub use batch::Batch;
pub use error::Error;
pub use loaded::{Loaded, Preview};
pub use source::Source;
