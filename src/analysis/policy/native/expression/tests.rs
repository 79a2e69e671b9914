use proptest::prelude::{prop, proptest};
use serde_json::json;

use super::*;
use crate::analysis::policy::Before;

fn call(args: &Json) -> Call<'_> {
    Call {
        tool: "refund",
        args: Some(args),
        user: "ann",
        ..Call::default()
    }
}

type Json = serde_json::Value;

#[track_caller]
fn check(text: &str, args: &Json, expected: Result<bool, &str>) {
    let cel = Cel::compile(text).expect("it can be read");
    let context = Context {
        before: Before {
            calls: 3,
            errors: 2,
            blocked: 0,
        },
        ..Context::default()
    };
    let found = cel.test(&call(args), &context);
    assert_eq!(
        found.as_ref().map_err(String::as_str),
        expected.as_ref().map_err(|it| *it),
        "{text}"
    );
}

#[test]
fn arguments_are_compared_as_what_they_are() {
    let args = json!({"amount": 4200, "ratio": 0.5, "big": 18_446_744_073_709_551_615_u64, "note": "Ångström", "list": [1, 2], "none": null});
    check("args.amount > 500", &args, Ok(true));
    check("args.amount > 500.0 && args.ratio < 1", &args, Ok(true));
    check("args.big > 5u", &args, Ok(true));
    check(
        "args.note.startsWith('Å') && size(args.list) == 2",
        &args,
        Ok(true),
    );
    check("args.none == null", &args, Ok(true));
    check("args.list.exists(x, x == 2)", &args, Ok(true));
    check("has(args.other)", &args, Ok(false));
    check("tool == 'refund' && class == 'other'", &args, Ok(true));
    check(
        "run.calls == 3 && run.errors >= 2 && step == 4",
        &args,
        Ok(true),
    );
    check("user == 'bob'", &args, Ok(false));
}

#[test]
fn our_own_functions_match_patterns_and_folders() {
    let args = json!({"path": "/w/src/../secret/key", "tool": "mcp__shop__refund"});
    check("glob(args.tool, 'mcp__*__refund')", &args, Ok(true));
    check("under(args.path, '/w/secret')", &args, Ok(true));
    check("under(args.path, '/w/src')", &args, Ok(false));
    check("re(args.tool, '^mcp__[a-z]+__')", &args, Ok(true));
}

#[test]
fn what_cannot_be_evaluated_is_an_error_without_values() {
    let args = json!({"amount": "a secret", "long": "x".repeat(70_000)});
    let whole = json!({"amount": "a secret"});
    check(
        "args.total > 500",
        &whole,
        Err("cel: a key is missing (guard it with has())"),
    );
    check(
        "args.amount",
        &whole,
        Err("cel gives string, not true or false"),
    );
    check(
        "args.amount == 'x'",
        &args,
        Err("an argument is longer than 64 KiB"),
    );
    let cel = Cel::compile("args.amount > 500").expect("it can be read");
    let why = cel
        .test(&call(&whole), &Context::default())
        .expect_err("text and a number");
    assert!(!why.contains("secret"), "{why}");
    let bare = Call {
        tool: "refund",
        ..Call::default()
    };
    let why = cel
        .test(&bare, &Context::default())
        .expect_err("no arguments");
    assert_eq!(why, "the arguments are not recorded");
}

#[track_caller]
fn wrong(text: &str, at: &str, what: &str, meant: Option<&str>) {
    let found = Cel::compile(text).expect_err("a mistake");
    assert!(found.what.starts_with(what), "{}", found.what);
    assert_eq!(
        (text.get(found.at.clone()), found.meant),
        (Some(at), meant),
        "{text}"
    );
}

#[test]
fn names_that_do_not_exist_are_refused_at_their_place() {
    wrong(
        "args.a > 1 && amout > 2",
        "amout",
        "'amout' is not known to cel",
        None,
    );
    wrong(
        "tol == 'x'",
        "tol",
        "'tol' is not known to cel",
        Some("tool"),
    );
    wrong("args.list.exists(x, y > 1)", "y", "'y' is not known", None);
    wrong(
        "startWith(tool, 'x')",
        "startWith",
        "cel has no function",
        Some("startsWith"),
    );
    wrong(
        "re(tool, '(')",
        "(",
        "the regular expression is invalid",
        None,
    );
    wrong(
        "history.size() > 1",
        "history",
        "'history' is not known to cel (known: tool, class,",
        None,
    );
}

#[test]
fn what_cannot_be_read_is_refused_at_its_place() {
    let found = Cel::compile("args.a >").expect_err("a mistake");
    assert!(found.what.starts_with("cel cannot be read"), "{found:?}");
    assert_eq!(found.at.start, 8);
    assert!(Cel::compile(&"(".repeat(1000)).is_err());
    assert!(Cel::compile(&"!".repeat(5000)).is_err());
}

proptest! {
    /// Any text is an expression or is refused.
    #[test]
    fn any_text_can_be_put_to_it(text in prop::string::string_regex("(args|tool|run|[a-c]|[0-9]|'|\"|[(){}\\[\\],.?:!<>=&|+*/%-]| |\\n|\\\\|é){0,24}").expect("a pattern")) {
        if let Ok(cel) = Cel::compile(&text) {
            let args = json!({"a": 1});
            let _ = cel.test(&call(&args), &Context::default());
        }
    }
}
