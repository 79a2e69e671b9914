use std::path::Path;

use super::{Miss, Target, explain};

#[test]
fn an_ambiguous_id_lists_the_candidates() {
    let miss = Miss::Ambiguous(vec![0, 1]);
    assert_eq!(
        explain(&miss, Path::new("a.jsonl"), &["7f3a91", "7f40aa"]),
        "a.jsonl: 2 run ids begin with that; give a longer prefix\n  a.jsonl#7f3a91\n  a.jsonl#7f40aa"
    );
}

#[track_caller]
fn check(named: &Path, path: &Path, name: Option<&str>) {
    let target = Target::parse(named);
    assert_eq!(
        (target.path.as_path(), target.name.as_deref()),
        (path, name)
    );
}

#[test]
fn without_an_existing_file_the_last_hash_begins_the_run_id() {
    let path = Path::new("dir/no#such.jsonl");
    check(Path::new("dir/no#such.jsonl#r1"), path, Some("r1"));
    check(Path::new("no.jsonl"), Path::new("no.jsonl"), None);
    check(Path::new("-#r1:4"), Path::new("-"), Some("r1:4"));
}

#[test]
fn file_names_and_run_ids_may_both_contain_a_hash() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plain = folder.path().join("plain.jsonl");
    let hashed = folder.path().join("a#b.jsonl");
    for path in [&plain, &hashed] {
        std::fs::write(path, "").expect("the file is written");
    }
    let with = |path: &Path, end: &str| folder.path().join(format!("{}#{end}", path.display()));
    check(&hashed, &hashed, None);
    check(&with(&hashed, "r1"), &hashed, Some("r1"));
    check(&with(&plain, "run#7"), &plain, Some("run#7"));
}
