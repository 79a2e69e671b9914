use proptest::prelude::*;
use regex::Regex;

use super::Masked;

fn masked(text: &str) -> Masked {
    let mut masked = Masked::default();
    masked.take(text);
    masked
}

#[track_caller]
fn same(one: &str, other: &str) {
    assert_eq!(masked(one).hash(), masked(other).hash());
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
    assert_ne!(masked("3 left").hash(), masked("2 left").hash());
    assert_ne!(masked("a b").hash(), masked("ab").hash());
}

#[test]
fn a_failure_is_quiet_without_a_reason() {
    for quiet in ["", "Command exited with code 1", "(no output)"] {
        assert!(masked(quiet).is_quiet(), "{quiet}");
    }
    for loud in ["exit status 2", "Exit code 1\nnot found", "ファイルがない"] {
        assert!(!masked(loud).is_quiet(), "{loud}");
    }
}

#[test]
fn length_counts_one_space_between_words() {
    assert!(masked("a  \n b").is_at_least(3));
    assert!(!masked("a  \n b").is_at_least(4));
}

#[test]
fn a_buffer_keeps_nothing_of_the_text_before() {
    let mut buffer = masked("a long text");
    buffer.take(" b ");
    assert_eq!(buffer.0, "b");
}

/// What the masks mean, as patterns applied one after the other.
const PATTERNS: &[(&str, &str)] = &[
    (
        r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b",
        "<uuid>",
    ),
    (
        r"\b[0-9]{4}-[0-9][0-9]-[0-9][0-9][T ][0-9][0-9]:[0-9][0-9](?::[0-9][0-9](?:[.,][0-9]+)?)?(?:Z|[+-][0-9][0-9]:?[0-9][0-9])?",
        "<time>",
    ),
    (
        r"\b(?:call|toolu|srvtoolu|chatcmpl|msg|resp|req)[_-][0-9A-Za-z]{12,}\b",
        "<id>",
    ),
    (
        r"\b[0-9]+(?:\.[0-9]+)?\s?(?:ms|s|sec|secs|seconds)\b",
        "<span>",
    ),
    (r"\b0x[0-9a-fA-F]{6,}\b", "<addr>"),
];

fn by_patterns(text: &str) -> String {
    let mut masked = text.to_owned();
    for (pattern, word) in PATTERNS {
        let pattern = Regex::new(pattern).expect("a pattern");
        masked = pattern.replace_all(&masked, *word).into_owned();
    }
    masked.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Noise, what is nearly noise, and what surrounds it.
const PIECES: &[&str] = &[
    "8c0ffee0-1234-4abc-9def-0123456789ab",
    "8C0FFEE0-1234-4ABC-9DEF-0123456789AB",
    "8c0ffee0-1234-4abc-9def-0123456789a",
    "2026-11-22T10:00:00.5Z",
    "2025-01-02 03:04",
    "2025-01-02 03:04:05,123",
    "2025-01-02 03:04:05+0100",
    "2025-01-02T03:04-05:30",
    "2025-01-02",
    "call_abcdefghijkl",
    "chatcmpl-0123456789abc",
    "req_abcdefghijk",
    "msg",
    "12ms",
    "0.53 s",
    "1.2.3 secs",
    "7\u{202f}seconds",
    "12",
    "s",
    "0xdeadbeef",
    "0x1234",
    "0xdeadbeefs",
    "word",
    "_",
    "é",
    "日本",
    "€",
    "\u{a0}",
    ".",
    "-",
    " ",
    "\n ",
    "(",
    "/",
    ":",
];

proptest! {
    #[test]
    fn masks_what_the_patterns_mask(
        pieces in prop::collection::vec((prop::sample::select(PIECES), prop::sample::select(&["", " ", ", ", "é", "x"][..])), 0..8)
    ) {
        let text: String = pieces.into_iter().flat_map(|(piece, after)| [piece, after]).collect();
        prop_assert_eq!(&masked(&text).0, &by_patterns(&text), "{}", text);
    }
}
