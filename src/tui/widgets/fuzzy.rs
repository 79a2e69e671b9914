//! Which of many texts a few typed letters mean, the best first.

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

/// The places of the texts that hold the typed letters in their order, the best match first and equals
/// as they stand. Words that are typed with a space between may match in any order.
pub fn rank<'a>(typed: &str, texts: impl IntoIterator<Item = &'a str>) -> Vec<usize> {
    let pattern = Pattern::parse(typed, CaseMatching::Smart, Normalization::Smart);
    let mut matcher = Matcher::new(Config::DEFAULT.match_paths());
    let mut letters = Vec::new();
    let mut found: Vec<(usize, u32)> = texts
        .into_iter()
        .enumerate()
        .filter_map(|(at, text)| {
            let score = pattern.score(Utf32Str::new(text, &mut letters), &mut matcher)?;
            Some((at, score))
        })
        .collect();
    found.sort_by_key(|(_, score)| std::cmp::Reverse(*score));
    found.into_iter().map(|(at, _)| at).collect()
}

/// The positions of the texts that contain all the typed words, whole and in any order, in the given order. For long
/// texts, in which letters far apart mean nothing.
pub fn containing<'a>(typed: &str, texts: impl IntoIterator<Item = &'a str>) -> Vec<usize> {
    let (case, normal) = (CaseMatching::Smart, Normalization::Smart);
    let pattern = Pattern::new(typed, case, normal, AtomKind::Substring);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut letters = Vec::new();
    let texts = texts.into_iter().enumerate();
    texts
        .filter(|(_, text)| {
            let text = Utf32Str::new(text, &mut letters);
            pattern.score(text, &mut matcher).is_some()
        })
        .map(|(at, _)| at)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{containing, rank};

    #[track_caller]
    fn check(typed: &str, expected: &[usize]) {
        let texts = ["next-error", "prev-error", "filter", "runs"];
        assert_eq!(rank(typed, texts), expected, "{typed}");
    }

    #[test]
    fn letters_in_their_order_are_enough_and_all_of_them_are_needed() {
        check("nerr", &[0]);
        check("error prev", &[1]);
        check("xyz", &[]);
        check("", &[0, 1, 2, 3]);
        check("r", &[3, 0, 1, 2]);
    }

    #[test]
    fn words_are_found_whole_and_what_is_found_keeps_its_order() {
        let texts = [
            "fix the Refund test",
            "codex",
            "claude-code explained",
            "refund it",
        ];
        assert_eq!(containing("refund", texts), [0, 3]);
        assert_eq!(containing("test fix", texts), [0]);
        assert_eq!(containing("codex", texts), [1]);
        assert_eq!(containing("Refund", texts), [0]);
    }
}
