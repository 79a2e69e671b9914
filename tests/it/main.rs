//! All integration tests, in one binary.

mod atif;
mod cli;
mod cohort;
mod context;
mod convert;
mod corpus;
mod detection;
mod diff;
mod files;
mod floors;
mod folders;
mod forks;
mod formats;
mod observability;
mod opencode;
mod oracle;
mod outputs;
mod pictures;
mod policy;
mod properties;
mod pty;
mod replay;
mod screens;
mod shapes;
mod support;
mod tail;
