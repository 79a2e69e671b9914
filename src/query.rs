//! The filter language. Pure functions of a snapshot; knows nothing about the screen.
//!
//! [`parse()`] parses an expression, [`eval::Query`] is an expression compiled for a store, and
//! [`matches::matches`] and [`runs::runs`] apply it to a whole store.

pub mod expr;
pub mod fields;
pub mod value;

mod lex;
pub mod parse;
mod print;
mod shown;

pub mod alerted;
pub mod args;
pub mod bits;
pub mod body;
pub mod call_filter;
pub mod columns;
mod compile;
pub mod eval;
pub mod pattern;

pub mod complete;
pub mod evidence;
pub mod guide;
pub mod hint;
pub mod incomplete;
pub mod matches;
pub mod needles;
pub mod read;
pub mod runs;
pub mod sql;
pub mod would;

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::model::quantity::Time;
use crate::query::alerted::Alerts;
use crate::query::expr::Expr;
use crate::query::parse::ParseError;
use crate::query::would::Verdicts;

/// What an expression may refer to that is not in any trace.
#[derive(Debug, Clone)]
pub struct Context {
    /// What `since:10m` counts back from.
    pub now: Time,
    /// The time zone of `at:14:02..14:05`.
    pub zone: TimeZone,
    /// The indices of the actions that match `is:marked`.
    pub marked: Arc<HashSet<u32>>,
    /// The index for `alert:`, `is:alert` and `is:loop`.
    pub alerts: Alerts,
    /// What the policy over the actions says, for `would:`; none without a policy.
    pub would: Option<Arc<Verdicts>>,
}

impl Default for Context {
    fn default() -> Context {
        Context {
            now: Time::NONE,
            zone: TimeZone::UTC,
            marked: Arc::default(),
            alerts: Alerts::default(),
            would: None,
        }
    }
}

/// Parses a filter. An empty filter matches everything.
pub fn parse(text: &str) -> Result<Expr, ParseError> {
    parse::parse(text)
}

/// The same, where a policy lies over the actions: its verdicts can be tested too.
pub fn parse_over_policy(text: &str) -> Result<Expr, ParseError> {
    parse::parse_over_policy(text)
}
