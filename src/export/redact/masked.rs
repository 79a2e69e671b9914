//! Proof that somebody thought of the secrets in a value before it leaves the program.

use serde::Serialize;
use serde_json::Value;

use crate::export::redact;

/// A value that was masked, or that is deliberately as it was recorded. The writers of `export` and the clipboard take
/// nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Masked<T> {
    inner: T,
    count: usize,
}

/// Why a value may leave the program with its secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The user said `--show-secrets`.
    AsTheUserAsked,
    /// It is shown to the user alone, in a pager or an editor, like on the screen.
    ForTheUsersEyes,
}

impl<T> Masked<T> {
    /// The value as it is. `why` is for whoever reads the code.
    pub fn as_recorded(inner: T, why: Reason) -> Masked<T> {
        match why {
            Reason::AsTheUserAsked | Reason::ForTheUsersEyes => Masked { inner, count: 0 },
        }
    }

    /// How many secrets were masked.
    pub fn count(&self) -> usize {
        self.count
    }

    pub fn get(&self) -> &T {
        &self.inner
    }

    pub fn into_inner(self) -> T {
        self.inner
    }
}

impl Masked<Value> {
    pub fn value(mut value: Value) -> Masked<Value> {
        let count = redact::mask(&mut value);
        let inner = value;
        Masked { inner, count }
    }

    /// One of our documents.
    ///
    /// # Panics
    /// When a shape of ours cannot be written, as a map whose keys are no strings.
    pub fn document(document: &impl Serialize) -> Masked<Value> {
        let value = serde_json::to_value(document);
        Masked::value(value.expect("our shapes are JSON"))
    }
}

impl Masked<String> {
    pub fn text(text: &str) -> Masked<String> {
        let (inner, count) = redact::masked(text);
        Masked { inner, count }
    }

    /// Text that was put together from masked values.
    pub fn map<T>(from: Masked<T>, write: impl FnOnce(&T) -> String) -> Masked<String> {
        Masked {
            inner: write(&from.inner),
            count: from.count,
        }
    }
}
