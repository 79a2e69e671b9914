use proptest::prelude::*;

use super::{parse, parse_over_policy};
use crate::query::expr::{
    Comparison, Expr, Find, Path, Regex, Scope, State, Step, Subject, Term, Test, Text, TimeOfDay,
    Value,
};
use crate::query::fields::{FIELDS, Field, Shape};

/// Parses `text` and checks how it prints.
#[track_caller]
fn check(text: &str, printed: &str) {
    let expr = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(expr.to_string(), printed);
    assert_eq!(parse(printed).expect("a filter"), expr);
}

#[track_caller]
fn rejects(text: &str, at: &str, message: &str, suggestion: Option<&str>) {
    let error = parse(text).expect_err(text);
    assert_eq!(text.get(error.span.clone()), Some(at), "{error:?}");
    assert!(error.message.contains(message), "{error:?}");
    assert_eq!(error.suggestion.as_deref(), suggestion);
}

#[test]
fn parses_every_example_of_the_help() {
    for text in [
        "tool:refund",
        "status:blocked",
        "cost>0.05",
        "latency>=2s",
        "agent:support*",
        "-user:bot",
        "args.amount>500",
        "\"free text\"",
        "kind:(tool|model)",
        "policy:refund-cap",
        "turn:3..9",
        "turn:3..",
        "cost:..$0.05",
        "since:10m",
        "since:2026-02-11",
        "since:2026-02-11T20:50:00+01:00",
        "/regex/",
        "/regex/i",
        "is:retry",
        "is:(error|unknown-cost)",
        "has:approval",
        "has:args.amount",
        "args.items[*].price>10k",
        "args.items.0:a",
        "label.\"odd name\"=x",
        "at:14:02..14:05",
        "at:14:02:11..",
        "tool~/^re(f|g)/",
        "retry:yes",
    ] {
        check(text, text);
    }
}

#[test]
fn parses_and_or_not_and_brackets() {
    check("a b AND c", "a b c");
    check("a b | -c", "(a b) OR -c");
    check("NOT (a OR b) !c", "-(a OR b) -c");
    check("((a))", "a");
}

#[test]
fn and_or_not_are_operators_in_any_case() {
    check("not tool:a", "-tool:a");
    check("tool:a or tool:b", "tool:a OR tool:b");
    check("a and b Or not (c)", "(a b) OR -c");
    check("\"or\" android", "\"or\" android");
    rejects("and a", "and", "a term is missing next to and", None);
}

#[test]
fn rejects_operators_of_other_languages() {
    rejects("a && b", "&&", "AND", Some("AND"));
    rejects("tool:a&&tool:b", "&&", "AND", Some("AND"));
    rejects("a&& b", "&&", "AND", Some("AND"));
    rejects("a || b", "||", "OR", Some("OR"));
    rejects("tool:a||b", "||", "OR", Some("OR"));
}

#[test]
fn suggests_brackets_for_a_list_without_them() {
    let brackets = "put several values in brackets";
    rejects(
        "x tool:Bash,Read",
        "tool:Bash,Read",
        brackets,
        Some("tool:(Bash,Read)"),
    );
    rejects(
        "tool=\"a b\",c",
        "tool=\"a b\",c",
        brackets,
        Some("tool=(\"a b\",c)"),
    );
    rejects(
        "is:error,retry",
        "is:error,retry",
        brackets,
        Some("is:(error,retry)"),
    );
    rejects("tool:Bash, x", "tool:Bash,", brackets, Some("tool:Bash"));
    rejects("cost>0,05", ",", "with a point", None);
    check("tool:(Bash,Read)", "tool:(Bash|Read)");
}

#[test]
fn a_bar_without_spaces_adds_a_value_to_the_term() {
    check("status:error|denied x", "status:(error|denied) x");
    check("tool:a|\"b c\"|d", "tool:(a|\"b c\"|d)");
    check("is:error|retry", "is:(error|retry)");
    check("has:cost|args.x", "has:(cost|args.x)");
    check("status:error | denied", "status:error OR denied");
    check("tool:a|tool:b", "tool:a OR tool:b");
    check("tool:a|-b", "tool:a OR -b");
    check("(tool:a|b)", "tool:(a|b)");
}

#[test]
fn a_regular_expression_may_follow_the_colon() {
    check("args.command:/push/", "args.command~/push/");
    check(
        "args.command:/git (push|pull)/i x",
        "args.command~/git (push|pull)/i x",
    );
    check("file:/usr/bin foo/", "file:/usr/bin foo/");
    check("file:(/usr) foo/", "file:(/usr) foo/");
    check("args.path=/usr/", "args.path=/usr/");
    rejects("tool:/a/|b", "|", "into one", None);
    rejects("tool:(/a/|b)", "/a/", "mixed with other values", None);
    rejects("seq:/3/", "/3/", "cannot be matched", None);
}

#[test]
fn a_comparison_may_have_spaces_around_it() {
    check("latency > 30s", "latency>30s");
    check("args.amount >=5 x", "args.amount>=5 x");
    check("cost< 0.5", "cost<0.5");
    check("tool = a tool != \"b\"", "tool=a tool!=\"b\"");
    rejects("money > 5", ">", "a field is missing", None);
    rejects("latency >", ">", "a field is missing", None);
    rejects("tool= status:ok", "", "a value is missing", None);
}

#[test]
fn rejects_a_reversed_range() {
    rejects(
        "turn:9..3",
        "9..3",
        "put the smaller one first",
        Some("3..9"),
    );
    rejects(
        "latency:2s..200ms",
        "2s..200ms",
        "nothing is between",
        Some("200ms..2s"),
    );
    check("turn:3..3", "turn:3..3");
}

#[test]
fn suggests_terms_for_times_and_approvals() {
    rejects(
        "x time>20:50",
        "time>20:50",
        "there is no field 'time'",
        Some("at:20:50.."),
    );
    rejects(
        "ts < 20:50",
        "ts < 20:50",
        "there is no field 'ts'",
        Some("at:..20:50"),
    );
    rejects(
        "time>=2026-02-11",
        "time>=2026-02-11",
        "since:",
        Some("since:2026-02-11"),
    );
    rejects("time:noon", "time", "at:14:02..14:05 or since:10m", None);
    rejects(
        "approval:approved",
        "approval:approved",
        "is:approved",
        Some("is:approved"),
    );
    rejects(
        "approval:block",
        "approval:block",
        "has no value",
        Some("decision:block"),
    );
    rejects("since:2026-13-40", "2026-13-40", "is not a date", None);
    rejects("since:5", "5", "needs a unit", None);
}

#[test]
fn in_restricts_adjacent_words() {
    check("in:result refund tool:x", "(in:result refund) tool:x");
    check(
        "in:(args|text) -a b OR c",
        "(-(in:(args|text) a) (in:(args|text) b)) OR c",
    );
    check("in:args (a | (in:text b))", "(in:args a) OR (in:text b)");
    rejects("in:result", "in:result", "needs a word", None);
}

#[test]
fn treats_flags_and_paths_as_words() {
    check("--force", "\"--force\"");
    check("/etc/passwd", "\"/etc/passwd\"");
    check("12:30", "\"12:30\"");
    check("re-run", "re-run");
}

#[test]
fn parses_a_regular_expression_with_brackets() {
    check("tool~(a|b)c", "tool~/(a|b)c/");
    check("tool~a\\/b/c", "tool~/a\\/b\\/c/");
}

#[test]
fn an_empty_filter_matches_everything() {
    assert_eq!(parse("  "), Ok(Expr::All));
}

#[test]
fn the_words_that_screens_show_for_a_status_are_accepted() {
    check("status:open", "status:running");
    check("status:\"no result\"", "status:pending");
    check("status:(no-result|No-End)", "status:(pending|unfinished)");
    check("status!=open", "status!=running");
    rejects(
        "status:waiting",
        "waiting",
        "'waiting' is not a status",
        Some("is:waiting"),
    );
    rejects(
        "is:open",
        "open",
        "'open' is not a state",
        Some("status:running"),
    );
    rejects("is:ok", "ok", "'ok' is not a state", Some("status:ok"));
    rejects(
        "is:no-result",
        "no-result",
        "is not a state",
        Some("pending"),
    );
}

#[test]
fn a_status_that_is_not_recorded_is_no_value() {
    let message = "'unknown' is not a status: none is recorded";
    rejects("status:unknown", "unknown", message, Some("-has:status"));
    rejects(
        "status!=(ok|unknown)",
        "unknown",
        message,
        Some("-has:status"),
    );
    rejects(
        "outcome:\"unknown\"",
        "\"unknown\"",
        message,
        Some("-has:status"),
    );
}

#[test]
fn suggests_the_closest_field() {
    rejects("costt>1", "costt", "'costt' is not a field", Some("cost"));
    rejects(
        "a latncy:5s",
        "latncy",
        "'latncy' is not a field",
        Some("latency"),
    );
    rejects("kind:toool", "toool", "'toool' is not a kind", Some("tool"));
    rejects(
        "status:eror",
        "eror",
        "'eror' is not a status",
        Some("error"),
    );
    rejects(
        "is:blocket",
        "blocket",
        "'blocket' is not a state",
        Some("blocked"),
    );
    rejects("zzzzzz:1", "zzzzzz", "'zzzzzz' is not a field", None);
    rejects(
        "approval:x",
        "approval:",
        "has no value",
        Some("has:approval"),
    );
}

#[test]
fn errors_point_at_the_mistake() {
    rejects("a (b", "(", "never closed", None);
    rejects("a) b", ")", "never opened", None);
    rejects("\"a", "\"a", "never closed", None);
    rejects("latency>2", "2", "needs a unit", None);
    rejects("cost>5s", "5s", "wrong unit", None);
    rejects("tool>5", "tool>5", "only numbers", None);
    rejects("tool:", "", "a value is missing", None);
    rejects("tool~/[/", "/[/", "not a regular expression", None);
    rejects("a OR", "", "a term is missing", None);
    rejects("at:25:00", "25:00", "not a time of day", None);
    rejects(">5", ">5", "a field is missing", None);
    rejects("tool:(a b)", "(a ", "never closed", None);
}

#[test]
fn rejects_endless_brackets() {
    assert!(parse(&"(".repeat(4000)).is_err());
    assert!(parse(&format!("{}a{}", "(".repeat(64), ")".repeat(64))).is_ok());
    assert!(parse(&"a ".repeat(4000)).is_err());
}

fn word() -> impl Strategy<Value = String> {
    "(/[a-z]?)?[a-z][a-zA-Z0-9_.*?@-]{0,6}".prop_filter("a range", |word| !word.contains(".."))
}

fn path() -> impl Strategy<Value = Path> {
    let step = prop_oneof![
        Just(Step::Each),
        "[a-z0-9_-]{1,4}".prop_map(Step::Key),
        "[ -~]{1,4}".prop_map(Step::Key)
    ];
    prop::collection::vec(step, 0..3)
}

fn regex() -> impl Strategy<Value = Regex> {
    let source = prop_oneof![
        "[a-z./ ]{1,6}",
        Just("a\\/b|(c)".to_owned()),
        Just("\\d+\\\\".to_owned())
    ];
    (source, any::<bool>()).prop_map(|(source, any_case)| Regex::new(&source, any_case))
}

fn number(shape: Shape) -> impl Strategy<Value = String> {
    let unit = match shape {
        Shape::Duration => "s",
        _ => "",
    };
    (0..9999_u32).prop_map(move |number| format!("{number}{unit}"))
}

fn value(shape: Shape) -> BoxedStrategy<Value> {
    match shape {
        Shape::Kind => Just(Value::Word("tool".into())).boxed(),
        Shape::Status => Just(Value::Word("error".into())).boxed(),
        Shape::Verdict => Just(Value::Word("block".into())).boxed(),
        Shape::Effect => Just(Value::Word("deny".into())).boxed(),
        Shape::Flag => Just(Value::Word("yes".into())).boxed(),
        Shape::Count | Shape::Score | Shape::Money | Shape::Duration => {
            number(shape).prop_map(Value::Word).boxed()
        }
        Shape::Name | Shape::Text | Shape::Json | Shape::Presence => prop_oneof![
            word().prop_map(Value::Word),
            "\\PC{0,6}".prop_map(Value::Quoted)
        ]
        .boxed(),
    }
}

fn numeric_test(shape: Shape) -> BoxedStrategy<Test> {
    let comparison = prop_oneof![
        Just(Comparison::Greater),
        Just(Comparison::GreaterOrEqual),
        Just(Comparison::Less),
        Just(Comparison::LessOrEqual),
    ];
    let unit = if shape == Shape::Duration { "s" } else { "" };
    let range = (0..999_u32, prop::option::of(0..999_u32)).prop_map(move |(lo, more)| {
        let end = |number: u32| format!("{number}{unit}");
        let hi = more.map(|more| end(lo + more));
        Test::Matches(vec![Value::Range(Some(end(lo)), hi)])
    });
    prop_oneof![
        (comparison, number(shape))
            .prop_map(|(comparison, bound)| Test::Compare(comparison, bound)),
        range
    ]
    .boxed()
}

fn test(shape: Shape) -> BoxedStrategy<Test> {
    let values = || prop::collection::vec(value(shape), 1..3);
    let plain = prop_oneof![
        values().prop_map(Test::Matches),
        values().prop_map(Test::Equals),
        values().prop_map(Test::Differs),
    ];
    match shape {
        Shape::Count | Shape::Score | Shape::Money | Shape::Duration => {
            prop_oneof![plain, numeric_test(shape)].boxed()
        }
        Shape::Json => {
            prop_oneof![plain, numeric_test(shape), regex().prop_map(Test::Regex)].boxed()
        }
        Shape::Flag | Shape::Presence => plain.boxed(),
        Shape::Kind
        | Shape::Status
        | Shape::Verdict
        | Shape::Effect
        | Shape::Name
        | Shape::Text => prop_oneof![plain, regex().prop_map(Test::Regex)].boxed(),
    }
}

fn subject() -> impl Strategy<Value = Subject> {
    let with_value: Vec<Field> = FIELDS
        .iter()
        .filter(|info| info.shape != Shape::Presence)
        .map(|info| info.field)
        .collect();
    prop_oneof![
        prop::sample::select(with_value).prop_map(Subject::Field),
        "[ -~]{1,5}".prop_map(Subject::Label),
        path().prop_map(Subject::Args),
        path().prop_map(Subject::Result),
    ]
}

fn text() -> impl Strategy<Value = Expr> {
    let find = prop_oneof![
        "\\PC{1,8}".prop_map(Find::Phrase),
        regex().prop_map(Find::Regex)
    ];
    let scope = (any::<bool>(), any::<bool>(), any::<bool>())
        .prop_filter("somewhere", |(args, result, text)| {
            *args || *result || *text
        })
        .prop_map(|(args, result, text)| Scope { args, result, text });
    (find, prop::option::of(scope)).prop_map(|(find, scope)| Expr::Text(Text { find, scope }))
}

fn time() -> impl Strategy<Value = TimeOfDay> {
    (0..24_u8, 0..60_u8, prop::option::of(0..60_u8)).prop_map(|(hour, minute, second)| TimeOfDay {
        hour,
        minute,
        second,
    })
}

pub(crate) fn expr() -> impl Strategy<Value = Expr> {
    let term = subject()
        .prop_flat_map(|subject| (Just(subject.clone()), test(subject.shape())))
        .prop_map(|(subject, test)| Expr::Term(Term { subject, test }));
    let states = prop::collection::vec(prop::sample::select(State::ALL.to_vec()), 1..3);
    let leaf = prop_oneof![
        5 => term,
        2 => text(),
        1 => states.prop_map(Expr::Is),
        1 => prop::collection::vec(subject(), 1..3).prop_map(Expr::Has),
        1 => number(Shape::Duration).prop_map(Expr::Since),
        1 => (time(), prop::option::of(time())).prop_map(|(from, to)| Expr::At(Some(from), to)),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expr::And),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Expr::Or),
            inner.prop_map(|inner| Expr::Not(Box::new(inner))),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_is_printed_reads_back_the_same(expr in expr()) {
        let printed = expr.to_string();
        prop_assert_eq!(parse_over_policy(&printed).map_err(|error| format!("{printed}: {error:?}")), Ok(expr));
    }

    #[test]
    fn no_input_makes_it_panic(text in prop_oneof!["\\PC{0,40}", "[-a-z():\"|/!=<>~.,*\\[\\] \\\\]{0,40}"]) {
        match parse(&text) {
            Ok(expr) => prop_assert_eq!(parse(&expr.to_string()), Ok(expr)),
            Err(error) => prop_assert!(text.get(error.span.clone()).is_some(), "{:?}", error),
        }
    }
}

#[test]
fn operators_of_other_languages_are_mistakes_with_the_right_form() {
    let no = "there is no operator";
    rejects("tool==\"Bash\"", "tool==\"Bash\"", no, Some("tool=Bash"));
    rejects("tool==Bash is:error", "tool==Bash", no, Some("tool=Bash"));
    rejects("text=~beads", "text=~beads", no, Some("text~beads"));
    rejects(
        "args.a.b == \"x y\"",
        "args.a.b == \"x y\"",
        no,
        Some("args.a.b=\"x y\""),
    );
    rejects("tool!==Bash", "tool!==Bash", no, Some("tool!=Bash"));
    rejects("tool==", "tool==", no, None);
    check("tool=\"=x\"", "tool=\"=x\"");
}
