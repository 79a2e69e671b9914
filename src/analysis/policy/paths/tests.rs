use proptest::prelude::proptest;

use super::*;

#[track_caller]
fn check(pattern: &str, inside: &str, expected: bool) {
    let pattern = Pattern::new(pattern, Reach::AtRoot);
    assert_eq!(
        pattern.matches(inside),
        Some(expected),
        "{pattern:?} on {inside}"
    );
}

#[test]
fn paths_are_resolved_as_text() {
    assert_eq!(resolved("/w", "a/../b"), "/w/b");
    assert_eq!(resolved("/w", "../../../x"), "/x");
    assert_eq!(resolved("/w", "/a//b/."), "/a/b");
    assert_eq!(resolved("", "../a"), "/a");
    assert_eq!(resolved("/w", "."), "/w");
}

#[test]
fn a_path_is_below_a_folder_only_at_a_slash() {
    assert_eq!(below("/w", "/w/a"), Some("a"));
    assert_eq!(below("/w", "/w"), Some(""));
    assert_eq!(below("/w", "/water"), None);
    assert_eq!(below("/", "/a"), Some("a"));
}

#[test]
fn a_name_matches_at_any_depth_and_a_path_at_its_root() {
    check(".env", ".env", true);
    check(".env", "a/b/.env", true);
    check("*.env", "a/x.env", true);
    check("/src/*.ts", "src/a.ts", true);
    check("/src/*.ts", "src/a/b.ts", false);
    check("/src/**/*.ts", "src/b.ts", true);
    check("/src/**/*.ts", "src/a/b/c.ts", true);
    check("//tmp/s.txt", "tmp/s.txt", true);
    check("docs/", "docs/a/b", true);
}

#[test]
fn a_folder_stops_at_any_depth_but_allows_only_at_the_root() {
    let matches = |reach| Pattern::new("src/**", reach).matches("vendor/src/lib.js");
    assert_eq!(matches(Reach::AnyDepth), Some(true));
    assert_eq!(matches(Reach::AtRoot), Some(false));
    check("**/src/**", "vendor/src/lib.js", true);
}

proptest! {
    #[test]
    fn any_pattern_and_any_path_have_an_answer(pattern in "[a-b/*?.~\\\\\\[\\]]{0,24}|\\PC{0,24}", path in "\\PC{0,24}") {
        let resolved = resolved("/w", &path);
        assert!(!resolved.contains("//"));
        assert!(!resolved.split('/').any(|it| it == ".."));
        for reach in [Reach::AnyDepth, Reach::AtRoot] {
            Pattern::new(&pattern, reach).matches(&resolved);
        }
    }
}
