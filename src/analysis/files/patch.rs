//! Patches in the format of `apply_patch`: chunks that are found by their lines, not by numbers.

/// What a patch does to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) path: String,
    pub(super) action: Action,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    Add(String),
    Delete,
    Update {
        to: Option<String>,
        chunks: Vec<Chunk>,
    },
}

/// Lines that replace others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Chunk {
    /// An anchor: a line that occurs somewhere before.
    pub(super) after: Option<String>,
    pub(super) old: Vec<String>,
    pub(super) new: Vec<String>,
    pub(super) added: usize,
    pub(super) removed: usize,
}

/// Every change of a patch; the text around it, such as a command line, is passed over.
pub(super) fn read(text: &str) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    let begun = text
        .lines()
        .skip_while(|line| line.trim() != "*** Begin Patch" && !line.contains("*** Begin Patch"));
    for line in begun.skip(1) {
        if line.trim() == "*** End Patch" {
            break;
        }
        if let Some(change) = head(line) {
            changes.push(change);
            continue;
        }
        match changes.last_mut().map(|change| &mut change.action) {
            Some(Action::Add(text)) => {
                text.push_str(line.strip_prefix('+').unwrap_or(line));
                text.push('\n');
            }
            Some(Action::Update { to, chunks }) => match line.strip_prefix("*** Move to: ") {
                Some(path) => *to = Some(path.trim().to_owned()),
                None => put(chunks, line),
            },
            Some(Action::Delete) | None => {}
        }
    }
    changes
}

fn head(line: &str) -> Option<Change> {
    let heads: [(&str, Action); 3] = [
        ("*** Add File: ", Action::Add(String::new())),
        ("*** Delete File: ", Action::Delete),
        (
            "*** Update File: ",
            Action::Update {
                to: None,
                chunks: Vec::new(),
            },
        ),
    ];
    let found = heads
        .into_iter()
        .find_map(|(head, action)| Some((line.strip_prefix(head)?, action)));
    found.map(|(path, action)| Change {
        path: path.trim().to_owned(),
        action,
    })
}

fn put(chunks: &mut Vec<Chunk>, line: &str) {
    if let Some(after) = line.strip_prefix("@@") {
        let after = after.trim();
        chunks.push(Chunk {
            after: (!after.is_empty()).then(|| after.to_owned()),
            ..Chunk::default()
        });
        return;
    }
    if line.starts_with("*** ") {
        return;
    }
    if chunks.is_empty() {
        chunks.push(Chunk::default());
    }
    let Some(chunk) = chunks.last_mut() else {
        return;
    };
    match line.split_at_checked(1) {
        Some(("+", added)) => {
            chunk.new.push(added.to_owned());
            chunk.added += 1;
        }
        Some(("-", removed)) => {
            chunk.old.push(removed.to_owned());
            chunk.removed += 1;
        }
        other => {
            let kept = match other {
                Some((" ", kept)) => kept,
                Some(_) | None => line,
            };
            chunk.old.push(kept.to_owned());
            chunk.new.push(kept.to_owned());
        }
    }
}

/// The text with the chunks applied; none if it does not contain one of them.
pub(super) fn apply(text: &str, chunks: &[Chunk]) -> Option<String> {
    let mut lines: Vec<&str> = text.split('\n').collect();
    if lines.last() == Some(&"") {
        lines.pop();
    }
    let mut out: Vec<&str> = Vec::new();
    let mut at = 0;
    for chunk in chunks {
        let mut from = at;
        if let Some(after) = &chunk.after {
            let found = lines[from..]
                .iter()
                .position(|line| line.trim() == after.trim())?;
            from += found + 1;
        }
        let start = if chunk.old.is_empty() {
            lines.len()
        } else {
            from + find(&lines[from..], &chunk.old)?
        };
        out.extend(&lines[at..start]);
        out.extend(chunk.new.iter().map(String::as_str));
        at = start + chunk.old.len();
    }
    out.extend(&lines[at..]);
    Some(out.iter().flat_map(|line| [*line, "\n"]).collect())
}

/// Where these lines are; trailing blanks are ignored if there is no exact match.
fn find(lines: &[&str], wanted: &[String]) -> Option<usize> {
    let same: [fn(&str, &str) -> bool; 2] = [
        |line, wanted| line == wanted,
        |line, wanted| line.trim_end() == wanted.trim_end(),
    ];
    let all = |is_same: fn(&str, &str) -> bool| {
        let mut windows = lines.windows(wanted.len());
        windows.position(|window| {
            window
                .iter()
                .zip(wanted)
                .all(|(line, wanted)| is_same(line, wanted))
        })
    };
    same.into_iter().find_map(all)
}

#[cfg(test)]
mod tests {
    use super::{Action, apply, read};

    const PATCH: &str = "apply_patch <<'EOF'\n*** Begin Patch\n*** Update File: a.rs\n@@ fn two\n-    2\n+    3\n*** Add File: b.rs\n+x\n+\n*** Delete File: c.rs\n*** End Patch\nEOF";

    #[test]
    fn chunks_are_found_by_their_lines() {
        let changes = read(PATCH);
        let [update, add, delete] = changes.as_slice() else {
            panic!("three changes: {changes:?}");
        };
        let Action::Update { chunks, .. } = &update.action else {
            panic!("an update");
        };
        let text = "fn one\n    2\nfn two\n    2\n";
        let after = apply(text, chunks);
        assert_eq!(after.as_deref(), Some("fn one\n    2\nfn two\n    3\n"));
        assert_eq!(apply("something else\n", chunks), None);
        assert_eq!(add.action, Action::Add("x\n\n".to_owned()));
        assert_eq!(delete.action, Action::Delete);
    }
}
