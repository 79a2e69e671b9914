//! Masks secrets in what leaves the program: keys of known shapes, values under names of secrets, passwords in
//! addresses and command lines, private keys.
//!
//! A masked secret shows its length, and its first four characters if it is long, so that two keys can still be told
//! apart. Masking again changes nothing. Text is read once, by expressions that take linear time.

mod masked;
mod names;
mod shapes;
mod text;
mod value;

pub use masked::{Masked, Reason};

use serde_json::Value;

/// Masks every secret in a value, and returns how many there were.
pub fn mask(value: &mut Value) -> usize {
    value::mask(value, 0)
}

/// A text with its secrets masked, and how many there were.
pub fn masked(text: &str) -> (String, usize) {
    let mut owned = Value::String(text.to_owned());
    let count = mask(&mut owned);
    match owned {
        Value::String(done) => (done, count),
        other => (other.to_string(), count),
    }
}

const END: &str = "_masked";
/// From this length on, the first characters of a secret are shown.
const LONG: usize = 12;

/// `sk-p…48_masked`: the shape of no secret, and harmless anywhere.
fn hidden(text: &str) -> String {
    let length = text.chars().count();
    let head = if length < LONG { 0 } else { 4 };
    let head: String = text.chars().take(head).collect();
    format!("{head}…{length}{END}")
}

/// Whether a text is the work of [`hidden`], whole.
fn is_hidden(text: &str) -> bool {
    let number = text
        .strip_suffix(END)
        .and_then(|rest| rest.rsplit_once('…'));
    number.is_some_and(|(head, number)| {
        head.chars().count() <= 4
            && !number.is_empty()
            && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests;
