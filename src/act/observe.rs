//! The files with which a user's own program records itself, without a package. They talk only to the models that the
//! program calls, and to our guard.

use crate::base::sha256;

const PYTHON: &str = include_str!("observe/saferun.py");
const JAVASCRIPT: &str = include_str!("observe/saferun.mjs");

/// What TypeScript has in place of JavaScript. Only what is exported needs types; with them the file passes in strict
/// projects, whose settings it cannot know.
const TYPES: &[(&str, &str)] = &[
    (
        "observe(thing, options = {}) {",
        "observe<T>(thing: T, options: { service?: string; env?: string } = {}): T {",
    ),
    (
        "guarded(inner, { tool } = {}) {",
        "guarded<F extends (...values: any[]) => any>(inner: F, { tool }: { tool?: string } = {}): F {",
    ),
    (
        "run(inside, { task } = {}) {",
        "run<T>(inside: () => T, { task }: { task?: string } = {}): T {",
    ),
    ("\"saferun.mjs\"", "\"saferun.ts\""),
];

/// `saferun.py`. Its first line holds the version and the hash of all other lines, as in the other languages.
pub fn python() -> String {
    signed("# saferun.py", PYTHON)
}

/// `saferun.mjs`.
pub fn javascript() -> String {
    signed("// saferun.mjs", JAVASCRIPT)
}

/// `saferun.ts`.
pub fn typescript() -> String {
    let mut text = format!("// @ts-nocheck: written to run unchanged as JavaScript.\n{JAVASCRIPT}");
    for (javascript, typescript) in TYPES {
        text = text.replacen(javascript, typescript, 1);
    }
    signed("// saferun.ts", &text)
}

fn signed(name: &str, text: &str) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let hash = sha256::hex(text.as_bytes());
    format!("{name} {version} sha256:{hash}\n{text}")
}

#[cfg(test)]
mod tests {
    use super::{JAVASCRIPT, TYPES, javascript, python, typescript};

    #[test]
    fn the_first_line_hashes_the_rest() {
        for text in [python(), javascript(), typescript()] {
            let (first, rest) = text.split_once('\n').expect("lines");
            let hash = crate::base::sha256::hex(rest.as_bytes());
            assert!(first.ends_with(&hash), "{first}");
            // JavaScript waits in two ways, for async functions and for others.
            let most = if text.starts_with("# ") { 700 } else { 760 };
            assert!(text.lines().count() <= most, "it is meant to be read");
        }
    }

    #[test]
    fn everything_exported_has_types() {
        for (javascript, typescript) in TYPES {
            assert_eq!(JAVASCRIPT.matches(javascript).count(), 1, "{typescript}");
        }
        let exported = JAVASCRIPT.matches("\nexport ").count();
        assert_eq!(exported + 1, TYPES.len());
    }
}
