//! Alerts on real runs, against an independent implementation of the same rules; and their program.

mod dialog;
mod golden;
mod program;
mod watch;
