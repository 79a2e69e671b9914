use proptest::prelude::{prop, proptest};
use serde_json::json;

use super::*;
use crate::analysis::policy::past::{Past, Record, Spent};
use crate::analysis::policy::{Before, Effect};
use crate::model::action::Status;
use crate::model::quantity::{Cost, Elapsed, Tokens};

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
fn the_calls_before_are_seen_without_their_results() {
    let past = |tool: &str, status, step| Past {
        tool: tool.to_owned(),
        command: "git push".to_owned(),
        status,
        step,
        ..Past::default()
    };
    let past = [
        past("refund", Status::Error, 1),
        past("Bash", Status::Ok, 2),
        past("refund", Status::Ok, 3),
    ];
    let args = json!({});
    let holds = |text: &str, past| {
        let context = Context {
            past,
            ..Context::default()
        };
        let cel = Cel::compile(text).expect("it can be read");
        cel.test(&call(&args), &context)
    };
    let known = Some(&past[..]);
    for text in [
        "history.filter(h, h.tool == 'refund' && !h.error).size() == 1",
        "count(history, 'ref*') == 2 && count(history, 'Bash') == 1",
        "history[2].step == 3 && history[1].status == 'ok' && history[1].class == 'shell'",
        "history.exists(h, h.command.startsWith('git'))",
    ] {
        assert_eq!(holds(text, known), Ok(true), "{text}");
    }
    assert_eq!(holds("size(history) == 0", Some(&[])), Ok(true));
    let why = holds("size(history) == 0", None).expect_err("it is not known");
    assert_eq!(why, "the calls before this one are not known here");
}

#[test]
fn what_a_run_has_spent_has_no_key_where_it_is_not_recorded() {
    let (args, spent) = (json!({}), Spent::NONE);
    let known = Spent {
        steps: 4,
        tokens: Tokens(900),
        cost: Cost(2_500_000_000_000),
        time: Elapsed(90_000_000),
    };
    let test = |text: &str, spent| {
        let context = Context {
            spent: Some(spent),
            ..Context::default()
        };
        let cel = Cel::compile(text).expect("it can be read");
        cel.test(&call(&args), &context)
    };
    let text = "run.cost_usd > 2 && run.tokens == 900 && run.steps == 4 && run.minutes == 1.5";
    assert_eq!(test(text, known), Ok(true));
    assert!(test("run.cost_usd > 2", spent).is_err());
    assert_eq!(test("has(run.tokens) || run.steps > 0", spent), Ok(false));
}

#[test]
fn the_record_is_known_to_a_what_if_only() {
    let args = json!({});
    let cel = Cel::compile("recorded.effect == 'deny' && recorded.by == ''").expect("valid");
    assert!(cel.looks_at_record() && !cel.looks_at_past());
    let context = Context {
        record: Some(Record {
            effect: Effect::Deny,
            ..Record::NONE
        }),
        ..Context::default()
    };
    assert_eq!(cel.test(&call(&args), &context), Ok(true));
    assert!(cel.test(&call(&args), &Context::default()).is_err());
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
        "transcript.size() > 1",
        "transcript",
        "'transcript' is not known to cel (known: tool, class,",
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
