use serde_json::json;

use super::field;

#[test]
fn values_that_would_break_a_row_are_quoted() {
    assert_eq!(field(Some(&json!("a,\"b\""))), "\"a,\"\"b\"\"\"");
    assert_eq!(field(Some(&json!(["gpt-5", "gpt-4o"]))), "gpt-5 gpt-4o");
}

#[test]
fn unrecorded_values_are_empty_fields() {
    assert_eq!(field(None), "");
}

#[test]
fn text_is_never_a_formula() {
    assert_eq!(field(Some(&json!("=cmd()"))), "\"'=cmd()\"");
    assert_eq!(field(Some(&json!(-4))), "-4");
}
