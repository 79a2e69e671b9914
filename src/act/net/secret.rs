//! A key that cannot be printed by accident.

use std::env;
use std::fmt;

/// A key. Both ways of printing it show `•••`, so that no log, error or panic contains it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

const HIDDEN: &str = "•••";

impl Secret {
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The value of an environment variable, if it is set and not empty.
    pub fn from_variable(name: &str) -> Option<Secret> {
        let value = env::var(name).ok()?;
        let value = value.trim();
        (!value.is_empty()).then(|| Secret::new(value))
    }

    /// The key itself. For the header that carries it and nothing else.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}
