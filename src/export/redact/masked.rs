//! Proof that the secrets in a value were masked, or deliberately left, before it leaves the program.

use serde::Serialize;
use serde_json::{Value, json};

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

    /// Masks a value, unless there is a reason not to.
    pub fn unless(reason: Option<Reason>, inner: T) -> Masked<T>
    where
        Masked<T>: From<T>,
    {
        match reason {
            Some(reason) => Masked::as_recorded(inner, reason),
            None => Masked::from(inner),
        }
    }

    /// What a writer of `export` put together from texts that it masked itself.
    pub(in crate::export) fn composed(inner: T, count: usize) -> Masked<T> {
        Masked { inner, count }
    }

    /// The same secrets in another form.
    pub fn map<U>(self, write: impl FnOnce(T) -> U) -> Masked<U> {
        Masked {
            inner: write(self.inner),
            count: self.count,
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

impl From<Value> for Masked<Value> {
    fn from(mut inner: Value) -> Masked<Value> {
        let count = redact::mask(&mut inner);
        Masked { inner, count }
    }
}

impl From<String> for Masked<String> {
    fn from(text: String) -> Masked<String> {
        let (inner, count) = redact::masked(&text);
        Masked { inner, count }
    }
}

impl Masked<String> {
    /// A text under its name, which may say that it is a secret.
    pub fn named(name: &str, text: &str) -> Masked<String> {
        let mut pair = json!({"name": name, "value": text});
        let count = redact::mask(&mut pair);
        match pair["value"].take() {
            Value::String(inner) => Masked { inner, count },
            other => Masked::from(other.to_string()),
        }
    }
}

impl Masked<Value> {
    /// One of our documents, masked.
    ///
    /// # Panics
    /// When a shape of ours cannot be written, for example a map whose keys are not strings.
    pub fn document(document: &impl Serialize) -> Masked<Value> {
        let value = serde_json::to_value(document);
        Masked::from(value.expect("our shapes are JSON"))
    }
}
