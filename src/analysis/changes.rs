//! The lines that differ between two texts, and how many there are.

use std::time::Duration;

use similar::{ChangeTag, TextDiff};

/// Comparing takes no longer than this; what is left then counts as replaced.
const PATIENCE: Duration = Duration::from_millis(300);

/// Compares two texts line by line.
pub fn compare<'t>(old: &'t str, new: &'t str) -> TextDiff<'t, 't, str> {
    TextDiff::configure().timeout(PATIENCE).diff_lines(old, new)
}

/// Lines that come and go.
pub fn count(old: &str, new: &str) -> (usize, usize) {
    let diff = compare(old, new);
    let changes = |tag| {
        let changes = diff.iter_all_changes();
        changes.filter(|change| change.tag() == tag).count()
    };
    (changes(ChangeTag::Insert), changes(ChangeTag::Delete))
}

/// A line of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    Same(String),
    Came(String),
    Went(String),
    /// This many equal lines were skipped.
    Skipped(usize),
}

/// Equal lines around a change.
pub const AROUND: usize = 3;

/// The lines that differ between two texts, with some equal ones around; raw.
pub fn lines(old: &str, new: &str) -> Vec<Line> {
    let diff = compare(old, new);
    let mut lines = Vec::new();
    let mut seen = 0;
    let skip = |lines: &mut Vec<Line>, count: usize| {
        if count > 0 {
            lines.push(Line::Skipped(count));
        }
    };
    for group in diff.grouped_ops(AROUND) {
        let Some(first) = group.first() else { continue };
        skip(&mut lines, first.old_range().start.saturating_sub(seen));
        seen = group.last().map_or(seen, |last| last.old_range().end);
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let text = change.value().trim_end_matches(['\n', '\r']).to_owned();
            lines.push(match change.tag() {
                ChangeTag::Equal => Line::Same(text),
                ChangeTag::Insert => Line::Came(text),
                ChangeTag::Delete => Line::Went(text),
            });
        }
    }
    skip(&mut lines, old.lines().count().saturating_sub(seen));
    lines
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
    use super::{Line, lines, words};

    #[test]
    fn a_change_is_shown_with_the_lines_around_it() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8";
        let told = lines(old, &old.replace('6', "six"));
        assert_eq!(told.first(), Some(&Line::Skipped(2)));
        assert!(told.contains(&Line::Went("6".to_owned())));
        assert!(told.contains(&Line::Came("six".to_owned())));
        assert_eq!(told.last(), Some(&Line::Same("8".to_owned())));
    }

    #[test]
    fn only_lines_that_differ_are_counted() {
        assert_eq!(words("a\nb\nc", "a\nc"), "−1");
        assert_eq!(words("a\nc", "a\nb\nc"), "+1");
        assert_eq!(words("a\nb", "a\nB"), "−1 +1");
        assert_eq!(words("a", "a"), "no change");
    }
}
