//! Everything that is tested from outside, in one program.

mod corpus;
mod floors;
mod oracle;
mod support;
