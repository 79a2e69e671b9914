//! Plain data. Knows no file, no JSON value and no vendor.

pub mod action;
pub mod chunk;
pub mod class;
pub mod outcome;
pub mod quantity;
pub mod run;
pub mod sparse;
pub mod symbol;
