//! The time of day as an argument, so that tests can choose it.

/// Tells the time, in microseconds since the Unix epoch.
pub trait Clock: std::fmt::Debug + Send + Sync {
    fn now(&self) -> i64;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

impl Clock for System {
    fn now(&self) -> i64 {
        jiff::Timestamp::now().as_microsecond()
    }
}

/// Always the same time.
#[derive(Debug, Clone, Copy)]
pub struct Fixed(pub i64);

impl Clock for Fixed {
    fn now(&self) -> i64 {
        self.0
    }
}
