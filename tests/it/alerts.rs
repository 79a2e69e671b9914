//! Alerts on real runs, compared with an independent implementation of the same rules; and the `alert` commands.

mod dialog;
mod golden;
mod program;
mod watch;
