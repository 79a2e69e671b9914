//! Equality of texts: noise that changes with every call is masked, and white space does not count.

mod noise;

use std::hash::{BuildHasher, Hasher};

/// A text without its noise, with one space between words. Its buffer is used again for the next text.
#[derive(Debug, Default)]
pub struct Masked(String);

/// What a byte can begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Space,
    Word,
    Other,
    /// The first byte of a character that is not ASCII.
    Wide,
}

fn class(byte: u8) -> Class {
    match byte {
        b'\t'..=b'\r' | b' ' | 0x1c..=0x1f => Class::Space,
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'_' => Class::Word,
        0x80.. => Class::Wide,
        _ => Class::Other,
    }
}

impl Masked {
    /// Replaces the text.
    pub fn take(&mut self, text: &str) {
        self.0.clear();
        self.0.reserve(text.len());
        let bytes = text.as_bytes();
        let mut at = 0;
        let (mut is_apart, mut goes_on) = (false, false);
        while let Some(byte) = bytes.get(at) {
            let is_word = match class(*byte) {
                Class::Space => {
                    is_apart = true;
                    at += 1;
                    continue;
                }
                Class::Word => true,
                Class::Other => false,
                Class::Wide => {
                    let Some(wide) = next(text, at) else {
                        return;
                    };
                    if noise::is_space(wide) {
                        is_apart = true;
                        at += wide.len_utf8();
                        continue;
                    }
                    noise::is_word(wide)
                }
            };
            let is_spaced = std::mem::take(&mut is_apart);
            if is_spaced && !self.0.is_empty() {
                self.0.push(' ');
            }
            let is_behind_time = std::mem::take(&mut goes_on) && !is_spaced;
            let found = is_word.then(|| noise::at(text, at, is_behind_time));
            if let Some((end, word)) = found.flatten() {
                self.0.push_str(word);
                goes_on = word == noise::TIME;
                at = end;
            } else {
                let end = end_of(text, at, is_word);
                self.0.push_str(text.get(at..end).unwrap_or_default());
                at = end;
            }
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

/// The character that begins at a place.
fn next(text: &str, at: usize) -> Option<char> {
    text.get(at..)?.chars().next()
}

/// Where a word ends, or what is between words.
fn end_of(text: &str, start: usize, is_word: bool) -> usize {
    let is_part = |it: char| {
        if is_word {
            noise::is_word(it)
        } else {
            !noise::is_word(it) && !noise::is_space(it)
        }
    };
    let own = if is_word { Class::Word } else { Class::Other };
    let bytes = text.as_bytes();
    let mut at = start;
    while let Some(byte) = bytes.get(at) {
        match class(*byte) {
            Class::Wide => match next(text, at).filter(|it| is_part(*it)) {
                Some(wide) => at += wide.len_utf8(),
                None => break,
            },
            class if class == own => at += 1,
            Class::Space | Class::Word | Class::Other => break,
        }
    }
    at
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
