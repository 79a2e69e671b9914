//! Paths as text: traces come from other machines, so no path is looked up.

/// An absolute path where the working directory is known, without `.` and `..`.
pub fn normal(folder: Option<&str>, path: &str) -> String {
    let path = path.strip_prefix("file://").unwrap_or(path);
    let joined = match folder {
        Some(folder) if !is_absolute(path) => format!("{}/{path}", folder.trim_end_matches('/')),
        Some(_) | None => path.to_owned(),
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in joined.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if joined.starts_with('/') => {}
            _ => parts.push(part),
        }
    }
    let start = if joined.starts_with('/') { "/" } else { "" };
    format!("{start}{}", parts.join("/"))
}

fn is_absolute(path: &str) -> bool {
    let mut letters = path.chars();
    path.starts_with(['/', '~', '\\'])
        || (letters.next().is_some_and(|it| it.is_ascii_alphabetic())
            && letters.next() == Some(':'))
}

/// Whether `path` is `folder` or lies below it.
pub fn is_within(folder: &str, path: &str) -> bool {
    let rest = path.strip_prefix(folder.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The path from `root`; a path that does not lie below it stays as it is.
pub fn from<'a>(root: &str, path: &'a str) -> &'a str {
    let below = path.strip_prefix(root.trim_end_matches('/'));
    let below = below.and_then(|rest| rest.strip_prefix('/'));
    below.filter(|_| !root.is_empty()).unwrap_or(path)
}

/// The folder that all these paths lie in; empty if there is none.
pub fn common<'a>(mut paths: impl Iterator<Item = &'a str>) -> String {
    let folder = |path: &'a str| path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let Some(first) = paths.next() else {
        return String::new();
    };
    let mut shared = folder(first);
    for path in paths {
        while !shared.is_empty() && !is_within(shared, path) {
            shared = folder(shared);
        }
    }
    shared.to_owned()
}

#[cfg(test)]
mod tests {
    use super::{common, from, normal};

    #[test]
    fn a_path_is_joined_to_its_folder_and_has_no_dots() {
        assert_eq!(
            normal(Some("/work/app"), "./src/../lib.rs"),
            "/work/app/lib.rs"
        );
        assert_eq!(normal(Some("/work"), "/etc/hosts"), "/etc/hosts");
        assert_eq!(normal(None, "a//b/./c"), "a/b/c");
        assert_eq!(normal(None, "/../x"), "/x");
        assert_eq!(normal(None, "../x"), "../x");
    }

    #[test]
    fn paths_are_shown_from_the_root() {
        assert_eq!(from("/work/app", "/work/app/src/a.rs"), "src/a.rs");
        assert_eq!(from("/work/app", "/work/apple"), "/work/apple");
        assert_eq!(common(["/a/b/c.rs", "/a/b/d/e.rs"].into_iter()), "/a/b");
        assert_eq!(common(["/a/b/c.rs", "/x"].into_iter()), "");
    }
}
