use serde_json::json;

use super::field;

#[test]
fn quotes_what_would_break_a_row() {
    assert_eq!(field(Some(&json!("a,\"b\""))), "\"a,\"\"b\"\"\"");
    assert_eq!(field(Some(&json!(["gpt-5", "gpt-4o"]))), "gpt-5 gpt-4o");
}

#[test]
fn what_was_not_recorded_is_empty() {
    assert_eq!(field(None), "");
}

#[test]
fn a_name_is_never_a_formula() {
    assert_eq!(field(Some(&json!("=cmd()"))), "\"'=cmd()\"");
    assert_eq!(field(Some(&json!(-4))), "-4");
}
