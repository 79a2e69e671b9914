//! Everything that is tested from outside, in one program.

mod corpus;
mod oracle;
mod support;
