//! Repeats a recorded step: asks a model the same (or something changed), or runs the command that the user's settings
//! name for a tool. Both have real effects, and need the user's consent.

use std::path::PathBuf;

#[cfg(feature = "capture")]
pub mod answers;
#[cfg(feature = "capture")]
pub mod attempt_runs;
#[cfg(feature = "capture")]
pub mod call;
#[cfg(feature = "capture")]
pub mod model;
#[cfg(feature = "capture")]
pub mod offer;
#[cfg(all(test, feature = "capture"))]
pub(crate) mod testing;
#[cfg(feature = "capture")]
pub mod tool;
#[cfg(feature = "capture")]
pub mod trial;

/// The user's settings for it.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Where requests to models go.
    pub base_url: Option<String>,
    /// A program that prints the key, and its arguments.
    pub key_command: Vec<String>,
    /// The words of a command by the name of its tool.
    pub tools: Vec<(String, Vec<String>)>,
    /// The folder for new runs; none to keep none.
    pub folder: Option<PathBuf>,
}
