//! How many lines come and go between two texts.

use std::time::Duration;

use similar::{ChangeTag, TextDiff};

/// Comparing takes no longer than this; what is left then counts as replaced.
const PATIENCE: Duration = Duration::from_millis(300);

/// Lines that come and go.
pub fn count(old: &str, new: &str) -> (usize, usize) {
    let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(old, new);
    let changes = |tag| {
        let changes = diff.iter_all_changes();
        changes.filter(|change| change.tag() == tag).count()
    };
    (changes(ChangeTag::Insert), changes(ChangeTag::Delete))
}

/// The same in words, `−6 +2`, without zeros.
pub fn words(old: &str, new: &str) -> String {
    let parts = match count(old, new) {
        (0, 0) => return "no change".to_owned(),
        (0, went) => [String::new(), format!("−{went}")],
        (came, 0) => [String::new(), format!("+{came}")],
        (came, went) => [format!("−{went}"), format!("+{came}")],
    };
    parts.join(" ").trim_start().to_owned()
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn only_lines_that_differ_are_counted() {
        assert_eq!(words("a\nb\nc", "a\nc"), "−1");
        assert_eq!(words("a\nc", "a\nb\nc"), "+1");
        assert_eq!(words("a\nb", "a\nB"), "−1 +1");
        assert_eq!(words("a", "a"), "no change");
    }
}
