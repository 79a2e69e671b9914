use super::{Miss, find};

#[track_caller]
fn check(ids: &[&str], name: &str, expected: (usize, Option<u32>)) {
    assert_eq!(find(ids, Some(name)), Ok(expected));
}

#[test]
fn a_unique_prefix_names_a_run_and_an_exact_id_wins() {
    let ids = ["7f3a91", "7f40aa", "r1", "r12"];
    check(&ids, "7f3", (0, None));
    check(&ids, "r1", (2, None));
    assert_eq!(find(&ids, Some("7f")), Err(Miss::Ambiguous(vec![0, 1])));
    assert_eq!(find(&ids, Some("x")), Err(Miss::None("x".to_owned())));
    assert_eq!(find(&ids, None), Err(Miss::Several));
    assert_eq!(find(&["r1"], None), Ok((0, None)));
}

#[test]
fn a_number_after_a_colon_names_an_action() {
    check(&["7f3a91", "r1"], "7f3:42", (0, Some(42)));
    check(&["r1"], ":42", (0, Some(42)));
    assert_eq!(find(&["r1"], Some("x:42")), Err(Miss::None("x".to_owned())));
}

#[test]
fn a_colon_inside_an_id_stays_part_of_it() {
    check(&["task:1", "task:2"], "task:1", (0, None));
    check(&["task:12", "other"], "task:1", (0, None));
    check(&["task:1", "task:2"], "task:1:7", (0, Some(7)));
}
