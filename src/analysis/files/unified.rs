//! The change from one text to another as a unified diff that `git apply` takes, and as lines to show.

use std::fmt::Write as _;
use std::time::Duration;

use similar::{ChangeTag, TextDiff};

use crate::analysis::changes::AROUND;

/// Comparing takes no longer than this; what is left then counts as replaced.
const PATIENCE: Duration = Duration::from_secs(2);

/// A line of a unified diff, without its sign and its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub sign: Sign,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// `@@ -1,4 +1,5 @@`, with its at signs.
    Hunk,
    Same,
    Added,
    Removed,
    /// `\ No newline at end of file`.
    NoEnd,
}

impl Sign {
    fn mark(self) -> &'static str {
        match self {
            Sign::Hunk => "",
            Sign::Same => " ",
            Sign::Added => "+",
            Sign::Removed => "-",
            Sign::NoEnd => "\\ ",
        }
    }
}

/// The hunks from `old` to `new`. Only a line feed ends a line, as for git.
pub fn hunks(old: &str, new: &str) -> Vec<Line> {
    let [before, after] = [old, new].map(|text| text.split_inclusive('\n').collect::<Vec<&str>>());
    let diff = TextDiff::configure()
        .timeout(PATIENCE)
        .diff_slices(&before, &after);
    let mut lines = Vec::new();
    for group in diff.grouped_ops(AROUND) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            continue;
        };
        let range = |from: usize, to: usize| match to - from {
            0 => format!("{from},0"),
            1 => format!("{}", from + 1),
            len => format!("{},{len}", from + 1),
        };
        let was = range(first.old_range().start, last.old_range().end);
        let is = range(first.new_range().start, last.new_range().end);
        lines.push(Line {
            sign: Sign::Hunk,
            text: format!("@@ -{was} +{is} @@"),
        });
        for op in &group {
            for change in diff.iter_changes(op) {
                let sign = match change.tag() {
                    ChangeTag::Equal => Sign::Same,
                    ChangeTag::Insert => Sign::Added,
                    ChangeTag::Delete => Sign::Removed,
                };
                put(&mut lines, sign, change.value());
            }
        }
    }
    lines
}

fn put(lines: &mut Vec<Line>, sign: Sign, value: &str) {
    let text = value.strip_suffix('\n');
    lines.push(Line {
        sign,
        text: text.unwrap_or(value).to_owned(),
    });
    if text.is_none() {
        lines.push(Line {
            sign: Sign::NoEnd,
            text: "No newline at end of file".to_owned(),
        });
    }
}

/// The patch of one file; `None` stands for a file that is not there. Empty if nothing changed.
pub fn patch(path: &str, old: Option<&str>, new: Option<&str>) -> String {
    if old == new {
        return String::new();
    }
    let (a, b) = (name("a", path), name("b", path));
    let mut out = format!("diff --git {a} {b}\n");
    match (old, new) {
        (None, _) => out.push_str("new file mode 100644\n"),
        (_, None) => out.push_str("deleted file mode 100644\n"),
        (Some(_), Some(_)) => {}
    }
    let lines = hunks(old.unwrap_or_default(), new.unwrap_or_default());
    if lines.is_empty() {
        return out;
    }
    let side = |text: Option<&str>, name: &str| match text {
        None => "/dev/null".to_owned(),
        // A tab shows where a name with spaces ends.
        Some(_) if name.contains(' ') => format!("{name}\t"),
        Some(_) => name.to_owned(),
    };
    let _ = write!(out, "--- {}\n+++ {}\n", side(old, &a), side(new, &b));
    for line in lines {
        let _ = writeln!(out, "{}{}", line.sign.mark(), line.text);
    }
    out
}

/// `a/PATH`, quoted as git does where a character would be misread.
fn name(side: &str, path: &str) -> String {
    let path = path.trim_start_matches('/');
    if !path.contains(|letter: char| letter.is_control() || matches!(letter, '"' | '\\')) {
        return format!("{side}/{path}");
    }
    let mut quoted = format!("\"{side}/");
    for letter in path.chars() {
        match letter {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(letter);
            }
            letter if letter.is_control() => {
                let mut bytes = [0; 4];
                for byte in letter.encode_utf8(&mut bytes).bytes() {
                    let _ = write!(quoted, "\\{byte:03o}");
                }
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

/// Hunks as some agents record them, with line numbers: each the first line and its signed lines.
pub fn apply<'a>(
    text: &'a str,
    hunks: impl Iterator<Item = (usize, Vec<&'a str>)>,
) -> Option<String> {
    let lines: Vec<&str> = text.split('\n').collect();
    let mut out: Vec<&str> = Vec::new();
    let mut at = 0;
    for (first, signed) in hunks {
        let start = first.saturating_sub(1);
        if start < at || start > lines.len() {
            return None;
        }
        out.extend(&lines[at..start]);
        at = start;
        for line in signed {
            let (sign, rest) = line.split_at_checked(1)?;
            if matches!(sign, " " | "-") {
                if *lines.get(at)? != rest {
                    return None;
                }
                at += 1;
            }
            match sign {
                " " | "+" => out.push(rest),
                "-" => {}
                // A last line without its end: more than lines say.
                _ => return None,
            }
        }
    }
    out.extend(&lines[at..]);
    Some(out.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::patch;

    #[test]
    fn a_change_is_a_patch_for_git() {
        insta::assert_snapshot!(patch("src/a.rs", Some("1\n2\n3\n4\n5\n6\n"), Some("1\n2\n3\n4\nfive\n6")), @r"
        diff --git a/src/a.rs b/src/a.rs
        --- a/src/a.rs
        +++ b/src/a.rs
        @@ -2,5 +2,5 @@
         2
         3
         4
        -5
        -6
        +five
        +6
        \ No newline at end of file
        ");
    }

    #[test]
    fn a_new_file_and_a_deleted_one_have_no_other_side() {
        assert_eq!(
            patch("/x y", None, Some("1\n")),
            "diff --git a/x y b/x y\nnew file mode 100644\n--- /dev/null\n+++ b/x y\t\n@@ -0,0 +1 @@\n+1\n"
        );
        assert_eq!(
            patch("q\"q", Some(""), None),
            "diff --git \"a/q\\\"q\" \"b/q\\\"q\"\ndeleted file mode 100644\n"
        );
        assert_eq!(patch("a", Some("x"), Some("x")), "");
    }
}
