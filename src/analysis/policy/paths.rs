//! Paths and gitignore patterns, compared as text: nothing is looked up on disk. Total for any text.

use regex::Regex;

/// A path with `.`, `..` and doubled slashes resolved, seen from `base` if it is relative.
pub fn resolved(base: &str, path: &str) -> String {
    let joined = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("{base}/{path}")
    };
    let is_absolute = joined.starts_with('/');
    let mut steps: Vec<&str> = Vec::new();
    for step in joined.split('/') {
        match step {
            "" | "." => {}
            ".." if steps.last().is_some_and(|it| *it != "..") => {
                steps.pop();
            }
            ".." if is_absolute => {}
            step => steps.push(step),
        }
    }
    let path = steps.join("/");
    if is_absolute {
        format!("/{path}")
    } else if path.is_empty() {
        ".".to_owned()
    } else {
        path
    }
}

/// What is below a folder: the rest of the path, empty for the folder itself. Both are resolved.
pub fn below<'a>(folder: &str, path: &'a str) -> Option<&'a str> {
    let folder = folder.trim_end_matches('/');
    let rest = path.strip_prefix(folder)?;
    if rest.is_empty() {
        return Some(rest);
    }
    rest.strip_prefix('/')
}

/// Where a pattern begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    /// `//abs`
    Top,
    /// `~/home`
    Home,
    /// `/beside the file of the rule`
    Beside,
    /// `relative`, seen from the working directory
    Cwd,
}

/// A gitignore pattern with its root.
#[derive(Debug, Clone)]
pub struct Pattern {
    pub root: Root,
    inside: Option<Regex>,
}

/// How a pattern is read. A folder's name alone (`src/**`) stops at any depth but allows only at the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    AnyDepth,
    AtRoot,
}

impl Pattern {
    pub fn new(text: &str, reach: Reach) -> Pattern {
        let (root, pattern, is_anchored) = rooted(text);
        let is_named = !is_anchored && !pattern.trim_end_matches('/').contains('/');
        let is_folder = !is_anchored && reach == Reach::AnyDepth && is_one_folder(pattern);
        let depth = if is_named || is_folder {
            "(?:.*/)?"
        } else {
            ""
        };
        let stem = pattern.strip_suffix("/**");
        let stem = stem.unwrap_or_else(|| pattern.trim_end_matches('/'));
        let source = format!("(?s)^{depth}{}(?:/.*)?$", source(stem));
        Pattern {
            root,
            inside: Regex::new(&source).ok(),
        }
    }

    /// Whether it matches a path below its root. `None` if the pattern is too large to compile.
    pub fn matches(&self, inside: &str) -> Option<bool> {
        self.inside.as_ref().map(|it| it.is_match(inside))
    }
}

fn rooted(text: &str) -> (Root, &str, bool) {
    if let Some(rest) = text.strip_prefix("//") {
        return (Root::Top, rest, true);
    }
    if let Some(rest) = text.strip_prefix("~/") {
        return (Root::Home, rest, true);
    }
    if let Some(rest) = text.strip_prefix('/') {
        return (Root::Beside, rest, true);
    }
    match text.strip_prefix("./") {
        Some(rest) => (Root::Cwd, rest, true),
        None => (Root::Cwd, text, false),
    }
}

/// `src/**`: one name, and everything in it.
pub fn is_one_folder(pattern: &str) -> bool {
    let name = pattern.strip_suffix("/**");
    name.is_some_and(|it| !it.is_empty() && !it.contains(['/', '*']))
}

/// A regular expression for a pattern: `**` crosses folders, `*` and `?` do not.
fn source(pattern: &str) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        let (taken, written): (usize, String) = if rest.starts_with("**/") {
            (3, "(?:.*/)?".to_owned())
        } else if rest.starts_with("**") {
            (2, ".*".to_owned())
        } else {
            let written = match first {
                '*' => "[^/]*".to_owned(),
                '?' => "[^/]".to_owned(),
                other => regex::escape(other.encode_utf8(&mut [0; 4])),
            };
            (first.len_utf8(), written)
        };
        out.push_str(&written);
        rest = rest.get(taken..).unwrap_or_default();
    }
    out
}

#[cfg(test)]
mod tests;
