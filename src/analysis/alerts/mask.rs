//! Equality of texts: noise that changes with every call is masked, and white space does not count.

mod noise;

use std::hash::{BuildHasher, Hasher};

/// A text without its noise, with one space between words. Its buffer is used again for the next text.
#[derive(Debug, Default)]
pub struct Masked(String);

impl Masked {
    /// Replaces the text.
    pub fn take(&mut self, text: &str) {
        self.0.clear();
        self.0.reserve(text.len());
        let mut rest = text;
        let mut is_after_time = false;
        loop {
            let start = rest.trim_start_matches(noise::is_space);
            let is_spaced = start.len() < rest.len();
            let Some(first) = start.chars().next() else {
                return;
            };
            if is_spaced && !self.0.is_empty() {
                self.0.push(' ');
            }
            let is_word = noise::is_word(first);
            let found = is_word.then(|| noise::at(start, is_after_time && !is_spaced));
            let found = found.flatten();
            is_after_time = found.is_some_and(|(_, word)| word == noise::TIME);
            let (length, shown) = found.unwrap_or_else(|| piece(start, is_word));
            self.0.push_str(shown);
            rest = start.split_at(length).1;
        }
    }

    /// Equal for texts with the same words.
    pub fn hash(&self) -> u64 {
        let mut hasher = hasher();
        hasher.write(self.0.as_bytes());
        hasher.finish()
    }

    /// Whether it has no words.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it has at least this many characters.
    pub fn is_at_least(&self, characters: usize) -> bool {
        let last = characters.checked_sub(1);
        last.is_none_or(|last| self.0.chars().nth(last).is_some())
    }

    /// Whether a failure carries no message, like `grep` without a match: a search may find nothing.
    pub fn is_quiet(&self) -> bool {
        const QUIET: &[&str] = &[
            "command",
            "exited",
            "exit",
            "with",
            "code",
            "status",
            "returned",
            "returncode",
            "no",
            "output",
            "error",
            "1",
        ];
        let mut words = self.0.split(|it: char| !it.is_alphanumeric());
        words.all(|word| {
            word.is_empty() || QUIET.iter().any(|quiet| word.eq_ignore_ascii_case(quiet))
        })
    }
}

/// The word at the start of a text, or what is there before the next word or space; with its length.
fn piece(text: &str, is_word: bool) -> (usize, &str) {
    let ends = |it: char| noise::is_word(it) != is_word || noise::is_space(it);
    let length = text.find(ends).unwrap_or(text.len());
    (length, text.split_at(length).0)
}

/// A hash that is the same on every thread.
pub(super) fn hasher() -> impl Hasher {
    foldhash::fast::FixedState::with_seed(0x5afe).build_hasher()
}

/// One hash of several.
pub(super) fn joined(parts: &[u64]) -> u64 {
    let mut hasher = hasher();
    for part in parts {
        hasher.write_u64(*part);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests;
