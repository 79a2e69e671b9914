//! All integration tests, in one binary.

mod agents;
mod alerts;
mod approvals;
mod atif;
mod changes;
mod cli;
mod cohort;
mod context;
mod convert;
mod corpus;
mod costs;
mod detection;
mod diff;
mod documents;
#[cfg(feature = "capture")]
mod experiment;
mod exports;
mod files;
mod floors;
mod folders;
mod forks;
mod formats;
mod guard;
mod observability;
mod opencode;
mod oracle;
mod outputs;
mod pictures;
mod policy;
mod properties;
mod pty;
#[cfg(feature = "capture")]
mod record;
mod remote;
mod replay;
mod screens;
#[cfg(feature = "capture")]
mod serve;
mod shapes;
mod stores;
mod support;
mod tail;
#[cfg(feature = "capture")]
mod traced;
mod traffic;
mod wire;
