//! Floor 4: the filter language. Pure functions of a snapshot; knows no screen.
//!
//! [`parse()`] reads an expression, [`eval::Query`] is an expression made ready for a store,
//! [`matches::matches`] and [`runs::runs`] go through all of a store.

pub mod expr;
pub mod fields;
pub mod value;

mod lex;
pub mod parse;
mod print;

pub mod bits;
pub mod body;
pub mod columns;
mod compile;
pub mod eval;
pub mod pattern;

pub mod complete;
pub mod hint;
pub mod matches;
pub mod read;
pub mod runs;

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::model::quantity::Time;
use crate::query::expr::Expr;
use crate::query::parse::ParseError;

/// What an expression may ask about that no trace tells.
#[derive(Debug, Clone)]
pub struct Context {
    /// What `since:10m` counts back from.
    pub now: Time,
    /// The zone of `at:14:02..14:05`.
    pub zone: TimeZone,
    /// The actions (by index) that `is:marked` is true of.
    pub marked: Arc<HashSet<u32>>,
}

impl Default for Context {
    fn default() -> Context {
        Context {
            now: Time::NONE,
            zone: TimeZone::UTC,
            marked: Arc::default(),
        }
    }
}

/// Reads a filter. Empty text means everything.
pub fn parse(text: &str) -> Result<Expr, ParseError> {
    parse::parse(text)
}
