use std::path::Path;

use super::{NotOne, find, split};

#[test]
fn a_beginning_of_the_id_is_enough_when_it_is_the_only_one() {
    let ids = ["7f3a91", "7f40aa", "r1", "r12"];
    assert_eq!(find(&ids, Some("7f3")), Ok(0));
    assert_eq!(find(&ids, Some("r1")), Ok(2));
    assert_eq!(find(&ids, Some("7f")), Err(NotOne::Ambiguous(vec![0, 1])));
    assert_eq!(find(&ids, Some("x")), Err(NotOne::None("x".to_owned())));
    assert_eq!(find(&ids, None), Err(NotOne::Several));
    assert_eq!(find(&["r1"], None), Ok(0));
}

#[test]
fn an_ambiguous_id_lists_what_it_could_be() {
    let words = NotOne::Ambiguous(vec![0, 1]).words(Path::new("a.jsonl"), &["7f3a91", "7f40aa"]);
    assert_eq!(
        words,
        "a.jsonl: 2 runs begin so; write more of it\n  a.jsonl#7f3a91\n  a.jsonl#7f40aa"
    );
}

#[test]
fn the_id_follows_the_last_hash_of_a_name_that_is_no_file() {
    let (path, id) = split(Path::new("dir/no#such.jsonl#r1"));
    assert_eq!(
        (path.as_path(), id.as_deref()),
        (Path::new("dir/no#such.jsonl"), Some("r1"))
    );
    assert_eq!(split(Path::new("no.jsonl")).1, None);
}
