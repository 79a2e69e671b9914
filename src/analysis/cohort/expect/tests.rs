use jiff::tz::TimeZone;

use super::{Rule, broken};
use crate::base::cancel::CancelFlag;
use crate::model::quantity::Time;
use crate::query::Context;
use crate::store::testing::load;

const RUNS: &str = r#"{"type":"prompt","run_id":"right","content":"refund it"}
{"type":"tool_call","run_id":"right","id":"1","tool":"refund","args":{}}
{"type":"tool_call","run_id":"right","id":"2","tool":"send","args":{}}
{"type":"prompt","run_id":"wrong","content":"refund it"}
{"type":"tool_call","run_id":"wrong","id":"1","tool":"send","args":{}}
{"type":"tool_call","run_id":"wrong","id":"2","tool":"refund","args":{}}
{"type":"prompt","run_id":"none","content":"refund it"}
{"type":"prompt","run_id":"other","content":"where is it"}
{"type":"tool_call","run_id":"other","id":"1","tool":"send","args":{}}
"#;

fn found(rules: &[&str]) -> Vec<(String, bool)> {
    let store = load(RUNS);
    let rules: Vec<Rule> = (rules.iter())
        .map(|text| Rule::parse(text).expect("a rule"))
        .collect();
    let context = Context {
        now: Time(0),
        zone: TimeZone::UTC,
        marked: std::sync::Arc::default(),
        ..Context::default()
    };
    let broken = broken(&store, &rules, &context, &CancelFlag::new());
    let mut outcomes: Vec<_> = broken
        .into_iter()
        .map(|(run, broken)| (store.run(run).id.to_string(), broken))
        .collect();
    outcomes.sort();
    outcomes
}

#[test]
fn the_next_call_must_match_and_making_none_is_wrong() {
    let outcomes = found(&["when kind:prompt text~refund expect tool:refund"]);
    let expected = [("none", true), ("right", false), ("wrong", true)];
    assert_eq!(
        outcomes,
        expected.map(|(run, broken)| (run.to_owned(), broken))
    );
}

#[test]
fn breaking_one_of_several_rules_is_wrong() {
    let outcomes = found(&[
        "when kind:prompt text~refund expect tool:refund|send",
        "when tool:refund expect tool:send",
    ]);
    let expected = [("none", true), ("right", false), ("wrong", true)];
    assert_eq!(
        outcomes,
        expected.map(|(run, broken)| (run.to_owned(), broken))
    );
}

#[test]
fn expect_may_occur_in_a_quoted_text() {
    let rule = Rule::parse("when text~\"we expect that\" expect tool:x").expect("a rule");
    assert_eq!(rule.expect.to_string(), "tool:x");
}

#[test]
fn rejects_text_that_is_not_a_rule() {
    for text in ["tool:refund", "when tool:a", "when tool:( expect tool:b"] {
        assert!(Rule::parse(text).is_err(), "{text}");
    }
}
