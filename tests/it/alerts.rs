//! Alerts on real runs, against an independent implementation of the same rules; and their program.

mod golden;
mod program;
mod watch;
