use super::{cost, span, usage};
use crate::model::quantity::{Cost, Elapsed, Tokens, Usage};
use crate::model::run::CostSource;

#[test]
fn unrecorded_values_are_a_dash() {
    assert_eq!(span(Elapsed::NONE), "—");
    assert_eq!(cost(None), "—");
    assert_eq!(usage(&Usage::NONE), None);
}

#[test]
fn an_estimate_is_marked() {
    let dollar = Cost(1_000_000_000_000);
    assert!(cost(Some((dollar, CostSource::Estimated))).starts_with('≈'));
    assert!(!cost(Some((dollar, CostSource::Recorded))).starts_with('≈'));
}

#[test]
fn only_recorded_tokens_are_named() {
    let tokens = Usage {
        input: Tokens(812),
        output: Tokens(0),
        ..Usage::NONE
    };
    assert_eq!(usage(&tokens).as_deref(), Some("812 in · 0 out"));
}
