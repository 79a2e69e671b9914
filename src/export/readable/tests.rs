use serde_json::{Value, json};

use super::approval;
use crate::ingest::body::ApprovalText;

#[track_caller]
fn check(state: &str, shown: Option<Value>, expected: &str) {
    let text = ApprovalText {
        state: Some(state.to_owned()),
        by: (state != "requested").then(|| "ann".to_owned()),
        args: shown,
        ..ApprovalText::default()
    };
    let called = json!({"order": "8841", "amount": 4200});
    assert_eq!(approval(&text, None, Some(&called)), expected);
}

#[test]
fn an_approval_says_who_answered() {
    check("requested", None, "asked");
    check("approved", None, "approved by ann");
}

#[test]
fn values_that_differ_from_the_call_are_named_by_key() {
    check(
        "approved",
        Some(json!({"amount": 420, "order": "8841"})),
        "approved by ann · amount: shown 420, called with 4200",
    );
    check(
        "approved",
        Some(json!({"order": "8841", "title": "Refund"})),
        "approved by ann",
    );
}
