//! Compares the matchers that policies use for paths and commands with slow, simple ones, on arbitrary patterns.

#![no_main]

use libfuzzer_sys::fuzz_target;
use saferun_tui::analysis::policy::paths::{self, Pattern, Reach};
use saferun_tui::analysis::policy::stars::Stars;

fuzz_target!(|input: (&str, &str, &str)| {
    let (pattern, other, path) = input;
    if pattern.len() + other.len() + path.len() > 300 {
        return;
    }
    paths_are_resolved(other, path);
    patterns_match(pattern, path);
    stars_match(pattern, other, path);
});

fn paths_are_resolved(base: &str, path: &str) {
    let resolved = paths::resolved(&format!("/{base}"), path);
    assert!(resolved.starts_with('/'), "{resolved:?}");
    let mut steps = resolved.split('/').skip(1);
    let is_root = resolved == "/";
    assert!(
        is_root || steps.all(|it| !matches!(it, "" | "." | "..")),
        "{resolved:?}"
    );
    assert_eq!(paths::resolved("/elsewhere", &resolved), resolved);
    assert_eq!(paths::below(&resolved, &resolved), Some(""));
    assert!(paths::below("/", &resolved).is_some());
    if let Some(inside) = paths::below(base, path)
        && !inside.is_empty()
    {
        let folder = base.trim_end_matches('/');
        assert_eq!(format!("{folder}/{inside}"), path);
    }
}

fn patterns_match(pattern: &str, path: &str) {
    let at_root = Pattern::new(pattern, Reach::AtRoot).matches(path);
    let any_depth = Pattern::new(pattern, Reach::AnyDepth).matches(path);
    assert!(
        at_root != Some(true) || any_depth == Some(true),
        "{pattern:?} on {path:?}"
    );
    let Some(rest) = pattern.strip_prefix("//") else {
        return;
    };
    let stem = rest
        .strip_suffix("/**")
        .unwrap_or_else(|| rest.trim_end_matches('/'));
    let stem: Vec<char> = stem.chars().collect();
    let letters: Vec<char> = path.chars().collect();
    let ends = (0..=letters.len()).filter(|end| letters.get(*end).is_none_or(|it| *it == '/'));
    let expected = ends.into_iter().any(|end| globbed(&stem, &letters[..end]));
    assert_eq!(at_root, Some(expected), "{pattern:?} on {path:?}");
}

/// Whether the pattern matches the whole text: piece by piece, from the ends of all prefixes matched so far.
fn globbed(pattern: &[char], text: &[char]) -> bool {
    let mut at = 0;
    let mut ends = vec![false; text.len() + 1];
    ends[0] = true;
    while let Some(first) = pattern.get(at) {
        let rest = &pattern[at..];
        let mut next = vec![false; text.len() + 1];
        let reached = (0..=text.len()).filter(|it| ends[*it]);
        if rest.starts_with(&['*', '*', '/']) {
            for start in reached {
                next[start] = true;
                let slashes = (start..text.len()).filter(|it| text[*it] == '/');
                slashes.for_each(|slash| next[slash + 1] = true);
            }
            at += 3;
        } else if rest.starts_with(&['*', '*']) {
            reached.for_each(|start| next[start..].fill(true));
            at += 2;
        } else {
            for start in reached {
                let mut tail = text[start..].iter();
                let is_one = match first {
                    '*' => {
                        let len = tail.take_while(|it| **it != '/').count();
                        next[start..=start + len].fill(true);
                        continue;
                    }
                    '?' => tail.next().is_some_and(|it| *it != '/'),
                    letter => tail.next() == Some(letter),
                };
                if is_one {
                    next[start + 1] = true;
                }
            }
            at += 1;
        }
        ends = next;
    }
    ends[text.len()]
}

fn stars_match(pattern: &str, other: &str, text: &str) {
    let plain = Stars::plain(pattern);
    assert_eq!(
        plain.matches(text),
        starred(pattern, text),
        "{pattern:?} on {text:?}"
    );
    let (wide, narrow) = (Stars::command(pattern), Stars::command(other));
    if wide.contains(&narrow) && narrow.matches(text) {
        assert!(
            wide.matches(text),
            "{pattern:?} contains {other:?}, not {text:?}"
        );
    }
}

/// The same, where `*` is any text and nothing else is special.
fn starred(pattern: &str, text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut ends = vec![false; text.len() + 1];
    ends[0] = true;
    for letter in pattern.chars() {
        if letter == '*' {
            let first = ends.iter().position(|it| *it).unwrap_or(ends.len());
            ends[first..].fill(true);
        } else {
            let steps = text
                .iter()
                .enumerate()
                .map(|(at, it)| ends[at] && *it == letter);
            ends = [false].into_iter().chain(steps).collect();
        }
    }
    ends[text.len()]
}
