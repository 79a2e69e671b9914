//! The usage limits of a subscription, as providers report them with their answers.

use crate::model::quantity::{Elapsed, Time};

/// How much of one window of time was used up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limit {
    /// How long the window is.
    pub window: Elapsed,
    pub used_percent: f64,
    /// When it resets.
    pub resets: Time,
    /// When this was reported.
    pub reported: Time,
}
