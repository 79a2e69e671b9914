use serde_json::json;

use super::*;
use crate::analysis::policy::{Before, Scope};

fn read(text: &str) -> Result<Native, String> {
    let file = File {
        path: "policy.toml".to_owned(),
        text: text.to_owned(),
        root: None,
        in_force: true,
        scope: Scope::User,
    };
    Native::read(&[file]).map_err(|it| it.mistake.words("policy.toml"))
}

const POLICY: &str = r#"
version = 1
default = "ask"
[[rule]]
id = "refund-cap"
effect = "deny"
tool = ["refund", "mcp__shop__*"]
when = "args.amount>500 -user:ops*"
reason = "over 500 needs a person"
match = [{ tool = "refund", args = { amount = 4200 } }]
not_match = [{ tool = "refund", args = { amount = 20 } }]
[[rule]]
id = "reads"
effect = "allow"
class = "read"
[[rule]]
id = "refunds"
effect = "warn"
tool = "refund"
[[rule]]
id = "too-many"
effect = "ask"
tool = "refund"
when = "calls>=10"
"#;

#[track_caller]
fn check(call: Call<'_>, calls: u32, expected: (Effect, Option<&str>)) {
    let native = read(POLICY).expect("the policy is valid");
    let context = Context {
        before: Before {
            calls,
            ..Before::default()
        },
        ..Context::default()
    };
    let verdict = native.decide(&call, &context);
    let rule = verdict
        .rule
        .map(|ix| native.rules[ix.0 as usize].name.as_str());
    assert_eq!((verdict.effect, rule), expected);
}

#[test]
fn the_strictest_rule_decides_and_then_the_default() {
    let (high, low, text) = (
        json!({"amount": 700}),
        json!({"amount": 20}),
        json!({"amount": "many"}),
    );
    let refund = |args| Call {
        tool: "refund",
        args: Some(args),
        ..Call::default()
    };
    check(refund(&high), 0, (Effect::Deny, Some("refund-cap")));
    check(refund(&low), 0, (Effect::Warn, Some("refunds")));
    check(refund(&low), 10, (Effect::Ask, Some("too-many")));
    check(refund(&text), 0, (Effect::Error, Some("refund-cap")));
    let ops = Call {
        user: "ops-1",
        ..refund(&high)
    };
    check(ops, 0, (Effect::Warn, Some("refunds")));
    let other = Call {
        tool: "read_file",
        ..Call::default()
    };
    check(other, 0, (Effect::Allow, Some("reads")));
    let none = Call {
        tool: "order",
        ..Call::default()
    };
    check(none, 0, (Effect::Ask, None));
}

#[test]
fn arguments_that_are_not_recorded_are_an_error() {
    let bare = Call {
        tool: "refund",
        ..Call::default()
    };
    check(bare, 0, (Effect::Error, Some("refund-cap")));
}

#[track_caller]
fn wrong(rule: &str) -> String {
    read(rule).expect_err("a mistake")
}

#[test]
fn mistakes_have_a_line_a_column_and_what_was_meant() {
    insta::assert_snapshot!(wrong("[[rule]]\nid = \"a\"\nefect = \"deny\"\n"), @r#"
    policy.toml:3:1: unknown key 'efect' · did you mean 'effect'?
      efect = "deny"
      ^^^^^
    "#);
    insta::assert_snapshot!(wrong("[[rule]]\nid = \"a\"\neffect = \"deny\"\nwhen = \"tol:refund\"\n"), @r#"
    policy.toml:4:9: 'tol' is not a field · did you mean 'tool'?
      when = "tol:refund"
              ^^^
    "#);
    let example = wrong(
        "[[rule]]\nid = \"a\"\neffect = \"deny\"\ntool = \"x\"\nmatch = [{ tool = \"y\" }]\n",
    );
    let expected = "policy.toml:5:10: the rule does not match this example: another tool";
    assert!(example.starts_with(expected), "{example}");
    let open = wrong("[[rule]]\nid = \"a\"\neffect = \"allow\"\n");
    let expected = "policy.toml:1:1: the rule has no tool, class, when or cel";
    assert!(open.starts_with(expected), "{open}");
    let broken = wrong("[[rule]\n");
    assert!(broken.starts_with("policy.toml:1:"), "{broken}");
}

#[test]
fn other_files_are_named_with_their_place() {
    let found =
        uses("[[use]]\nfile = \"~/.claude/settings.json\"\nroot = \"/w\"\n").expect("valid");
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].file.as_str(), found[0].root.as_deref()),
        ("~/.claude/settings.json", Some("/w"))
    );
}

#[cfg(feature = "cel")]
#[test]
fn both_conditions_must_hold_and_mistakes_in_cel_have_a_place() {
    let rule = "[[rule]]\nid = \"a\"\neffect = \"deny\"\nwhen = \"tool:refund\"\ncel = \"args.amount > 500 && run.calls >= 2\"\n";
    let native = read(rule).expect("the policy is valid");
    let decide = |tool: &str, amount: Value, calls: u32| {
        let args = json!({ "amount": amount });
        let call = Call {
            tool,
            args: Some(&args),
            ..Call::default()
        };
        let before = Before {
            calls,
            ..Before::default()
        };
        let context = Context {
            before,
            ..Context::default()
        };
        native.decide(&call, &context)
    };
    assert_eq!(decide("refund", json!(700), 2).effect, Effect::Deny);
    assert_eq!(decide("refund", json!(700), 1).effect, Effect::Allow);
    assert_eq!(decide("order", json!(700), 2).effect, Effect::Allow);
    let error = decide("refund", json!("many"), 2);
    assert_eq!(error.effect, Effect::Error);
    assert!(error.why.starts_with("cel: "), "{}", error.why);
    assert_eq!(native.needs("refund"), Needs::Run);
    insta::assert_snapshot!(wrong("[[rule]]\nid = \"a\"\neffect = \"deny\"\ncel = \"args.amount > 500 && cals > 2\"\n"), @r#"
    policy.toml:4:29: 'cals' is not known to cel · did you mean 'class'?
      cel = "args.amount > 500 && cals > 2"
                                  ^^^^
    "#);
    let open = wrong("[[rule]]\nid = \"a\"\neffect = \"deny\"\ncel = \"tool ==\"\n");
    assert!(
        open.starts_with("policy.toml:4:15: cel cannot be read: "),
        "{open}"
    );
}
