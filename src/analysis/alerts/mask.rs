//! Equality of texts: noise that changes with every call is masked, and white space does not count.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher};
use std::sync::LazyLock;

use regex::Regex;

/// A cheap test of whether a text can contain the noise at all: patterns with word boundaries are slow on long texts.
type Hint = fn(&str) -> bool;

/// When to look for a kind of noise, its pattern, and its replacement.
type Noise = (Hint, Regex, &'static str);

static NOISE: LazyLock<Vec<Noise>> = LazyLock::new(|| {
    let digit = |text: &str| text.bytes().any(|it| it.is_ascii_digit());
    let dashed = |text: &str| text.contains('-');
    let timed = |text: &str| text.contains('-') && text.contains(':');
    let named = |text: &str| text.contains('_') || text.contains('-');
    let hex = |text: &str| text.contains("0x");
    let all: [(Hint, &str, &str); 5] = [
        (
            dashed,
            r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b",
            "<uuid>",
        ),
        (
            timed,
            r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?",
            "<time>",
        ),
        (
            named,
            r"\b(?:call|toolu|srvtoolu|chatcmpl|msg|resp|req)[_-][0-9A-Za-z]{12,}\b",
            "<id>",
        ),
        (
            digit,
            r"\b\d+(?:\.\d+)?\s?(?:ms|s|sec|secs|seconds)\b",
            "<span>",
        ),
        (hex, r"\b0x[0-9a-fA-F]{6,}\b", "<addr>"),
    ];
    let compiled = all
        .into_iter()
        .filter_map(|(may, pattern, word)| Some((may, Regex::new(pattern).ok()?, word)));
    compiled.collect()
});

/// A text without its noise. Its words and their order are what counts.
#[derive(Debug)]
pub struct Masked<'a>(Cow<'a, str>);

impl<'a> Masked<'a> {
    pub fn new(text: &'a str) -> Masked<'a> {
        let mut masked = Cow::Borrowed(text);
        for (may, pattern, word) in NOISE.iter() {
            if may(&masked)
                && let Cow::Owned(changed) = pattern.replace_all(&masked, *word)
            {
                masked = Cow::Owned(changed);
            }
        }
        Masked(masked)
    }

    pub fn words(&self) -> impl Iterator<Item = &str> {
        let is_space = |it: char| it.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&it);
        self.0.split(is_space).filter(|word| !word.is_empty())
    }

    /// Equal for texts with the same words.
    pub fn hash(&self) -> u64 {
        let mut hasher = hasher();
        for word in self.words() {
            hasher.write(word.as_bytes());
            hasher.write_u8(b' ');
        }
        hasher.finish()
    }

    /// Whether it has no words.
    pub fn is_empty(&self) -> bool {
        self.words().next().is_none()
    }

    /// Whether it has at least this many characters, with one space between words.
    pub fn is_at_least(&self, characters: usize) -> bool {
        let mut length = 0;
        self.words().any(|word| {
            length += word.chars().count() + usize::from(length > 0);
            length >= characters
        })
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
        let lower = self.0.to_lowercase();
        let is_part = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit();
        let mut words = lower.split(|it| !is_part(it)).filter(|it| !it.is_empty());
        words.all(|word| QUIET.contains(&word))
    }
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
mod tests {
    use super::Masked;

    #[track_caller]
    fn same(one: &str, other: &str) {
        assert_eq!(Masked::new(one).hash(), Masked::new(other).hash());
    }

    #[test]
    fn noise_and_spaces_do_not_make_texts_differ() {
        same("ok in 0.53s", "ok  in 12 ms");
        same(
            "at 2026-11-22T10:00:00.5Z\n  done",
            "at 2025-01-02 03:04 done",
        );
        same(
            "id 8c0ffee0-1234-4abc-9def-0123456789ab at 0xdeadbeef",
            "id 00000000-0000-0000-0000-000000000000 at 0x123456",
        );
        same("call_abcdefghijkl failed", "toolu_0123456789ab failed");
        assert_ne!(Masked::new("3 left").hash(), Masked::new("2 left").hash());
        assert_ne!(Masked::new("a b").hash(), Masked::new("ab").hash());
    }

    #[test]
    fn a_failure_is_quiet_without_a_reason() {
        for quiet in ["", "Command exited with code 1", "(no output)"] {
            assert!(Masked::new(quiet).is_quiet(), "{quiet}");
        }
        for loud in ["exit status 2", "Exit code 1\nnot found"] {
            assert!(!Masked::new(loud).is_quiet(), "{loud}");
        }
    }

    #[test]
    fn length_counts_one_space_between_words() {
        assert!(Masked::new("a  \n b").is_at_least(3));
        assert!(!Masked::new("a  \n b").is_at_least(4));
    }
}
