//! How every list is sorted: `cost` is rising, `-cost` falling, and what is not recorded comes last in both directions.

use std::cmp::Ordering;

/// The name of what is sorted by, with the sign of its direction.
pub fn words(name: &str, falling: bool) -> String {
    let sign = if falling { "-" } else { "" };
    format!("{sign}{name}")
}

/// The name, and whether the order is falling.
pub fn parse(words: &str) -> (&str, bool) {
    match words.strip_prefix('-') {
        Some(name) => (name, true),
        None => (words, false),
    }
}

/// Compares two values; equal ones keep their order in a stable sort.
pub fn compare<K: PartialOrd>(a: Option<&K>, b: Option<&K>, falling: bool) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => {
            let order = a.partial_cmp(b).unwrap_or(Ordering::Equal);
            if falling { order.reverse() } else { order }
        }
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

#[cfg(test)]
mod tests {
    use super::{compare, parse, words};

    #[test]
    fn the_sign_means_falling_in_both_ways() {
        for (name, falling, text) in [("cost", true, "-cost"), ("cost", false, "cost")] {
            assert_eq!(words(name, falling), text);
            assert_eq!(parse(text), (name, falling));
        }
    }

    #[test]
    fn what_is_not_recorded_comes_last_in_both_directions() {
        let sorted = |falling: bool| {
            let mut values = [None, Some(2), Some(7), None, Some(1)];
            values.sort_by(|a, b| compare(a.as_ref(), b.as_ref(), falling));
            values
        };
        assert_eq!(sorted(false), [Some(1), Some(2), Some(7), None, None]);
        assert_eq!(sorted(true), [Some(7), Some(2), Some(1), None, None]);
    }
}
