//! Patterns of literal text and `*`, which stands for anything. Linear for practical patterns, never exponential.

/// A pattern whose `*` matches any text, line ends included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stars {
    pieces: Vec<String>,
    /// Also matches where the words end: `git *` matches `git`.
    words: bool,
}

impl Stars {
    /// Every `*` is anything.
    pub fn plain(text: &str) -> Stars {
        Stars {
            pieces: text.split('*').map(str::to_owned).collect(),
            words: false,
        }
    }

    /// A trailing ` *` or `:*` needs the end of a word, and also matches the end of the text.
    pub fn command(text: &str) -> Stars {
        let head = text
            .strip_suffix(":*")
            .or_else(|| text.strip_suffix(" *").filter(|head| !head.is_empty()));
        match head {
            Some(head) => Stars {
                words: true,
                ..Stars::plain(head)
            },
            None => Stars::plain(text),
        }
    }

    pub fn is_literal(&self) -> bool {
        self.pieces.len() == 1 && !self.words
    }

    /// The text before the first `*`.
    pub fn prefix(&self) -> &str {
        self.pieces.first().map_or("", String::as_str)
    }

    pub fn matches(&self, text: &str) -> bool {
        let Some((first, others)) = self.pieces.split_first() else {
            return false;
        };
        let Some(mut rest) = text.strip_prefix(first.as_str()) else {
            return false;
        };
        let Some((last, middle)) = others.split_last() else {
            return self.ends(rest);
        };
        for piece in middle {
            let Some(at) = rest.find(piece.as_str()) else {
                return false;
            };
            rest = rest.get(at + piece.len()..).unwrap_or_default();
        }
        if self.words {
            let starts = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
            let mut tails = starts.filter_map(|at| rest.get(at..)?.strip_prefix(last.as_str()));
            return tails.any(|tail| self.ends(tail));
        }
        rest.ends_with(last.as_str())
    }

    fn ends(&self, rest: &str) -> bool {
        rest.is_empty() || (self.words && rest.starts_with(|it: char| it.is_ascii_whitespace()))
    }

    /// Whether everything that `other` matches is certainly matched by this one. Conservative: may return false where it
    /// is true.
    pub fn contains(&self, other: &Stars) -> bool {
        if self == other {
            return true;
        }
        if other.is_literal() {
            return self.matches(other.prefix());
        }
        match self.pieces.as_slice() {
            [only] if self.words => {
                let rest = other.prefix().strip_prefix(only.as_str());
                rest.is_some_and(|it| self.ends(it) && (!it.is_empty() || other.words))
            }
            [start, end] if end.is_empty() && !self.words => {
                other.prefix().starts_with(start.as_str())
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, text: &str, expected: bool) {
        assert_eq!(
            Stars::command(pattern).matches(text),
            expected,
            "{pattern} on {text}"
        );
    }

    #[test]
    fn a_star_after_a_space_needs_the_end_of_a_word() {
        check("ls *", "ls", true);
        check("ls *", "ls -l", true);
        check("ls *", "lsof", false);
        check("ls*", "lsof", true);
        check("ls:*", "ls\n-l", true);
        check("ls:*", "lsof", false);
    }

    #[test]
    fn stars_inside_match_anything() {
        check("git * main", "git push origin main", true);
        check("git * main", "git push origin", false);
        check("* --version", "npm --version", true);
        check("git * main *", "git a mainly b main c", true);
        check("a*b*c", "a-b-b-c", true);
        check("aa*a", "aa", false);
    }

    #[test]
    fn a_wider_pattern_contains_a_narrower_one() {
        let contains = |a: &str, b: &str| Stars::command(a).contains(&Stars::command(b));
        assert!(contains("git *", "git push *"));
        assert!(contains("git *", "git status"));
        assert!(contains("git*", "git push *"));
        assert!(!contains("git *", "gitk *"));
        assert!(!contains("git push *", "git *"));
        assert!(!contains("git *", "git*"));
    }
}
