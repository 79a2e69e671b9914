use proptest::prelude::*;
use serde_json::{Value, json};

use crate::analysis::diff::Column;
use crate::analysis::diff::describe;
use crate::analysis::diff::fold::{self, Item};
use crate::analysis::diff::json::{self as values, Change, Op, Part, PathText};
use crate::analysis::diff::label::Label;
use crate::analysis::diff::mask::{IgnoreRules, Ignored, quiet};
use crate::analysis::diff::sketch::Sketch;
use crate::analysis::diff::step::{CallOutcome, Sort, Step, canon, dice, result_key};
use crate::analysis::diff::text_changes::{self, Side};

#[track_caller]
fn check_canon(json: &str, expected: &str) {
    let value: Value = serde_json::from_str(json).expect("JSON");
    assert_eq!(canon(&value), expected);
}

#[test]
fn equal_values_have_the_same_canonical_text() {
    check_canon(
        r#"{ "b": 1.0, "a": [ true, null ] }"#,
        r#"{"a":[true,null],"b":1}"#,
    );
    check_canon("-0.0", "0");
    check_canon("1e2", "100");
    check_canon("1.10", "1.1");
    check_canon("0.1e1", "1");
    check_canon(r#""\u0041\n""#, r#""A\n""#);
    check_canon("1e400", "1e+400");
}

#[test]
fn long_ids_that_differ_in_the_last_digit_are_different() {
    check_canon("9007199254740993", "9007199254740993");
    check_canon("9007199254740992", "9007199254740992");
}

#[test]
fn similarity_is_the_share_of_common_features() {
    let call = |args: Value| Step::call("t", &args, CallOutcome::default());
    let (a, b) = (call(json!({"x": 1, "y": 2})), call(json!({"x": 1, "y": 3})));
    // .x .x=1 .y are shared; .y=2 and .y=3 are not.
    assert_eq!(dice(&a.features, &b.features), 2000 * 3 / 8);
    let twice = call(json!({"x": [1, 1]}));
    let once = call(json!({"x": [1]}));
    assert_eq!(dice(&twice.features, &once.features), 2000 * 2 / 5);
    assert_eq!(dice(&[], &[]), 1000);
}

#[test]
fn results_are_compared_by_value() {
    let key = |text: &str| result_key(&Value::from(text));
    assert_eq!(key("a  b\n"), key("a b"));
    assert_eq!(key(r#"{"a": 1, "b": 2}"#), key(r#"{"b":2.0,"a":1}"#));
    assert_ne!(key("[1]"), key("[2]"));
}

#[track_caller]
fn check_changes(a: &Value, b: &Value, expected: &[(&str, Op)]) {
    let found = values::changes("args", Some(a), Some(b));
    let found: Vec<(String, Op)> = found
        .iter()
        .map(|it| (PathText(&it.path).to_string(), it.op))
        .collect();
    let expected: Vec<(String, Op)> = expected
        .iter()
        .map(|(path, op)| ((*path).to_owned(), *op))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn each_difference_has_a_path() {
    check_changes(
        &json!({"order": "8841", "amount": 420, "note": null, "gone": 1}),
        &json!({"amount": 4200.0, "order": "8841", "note": "x", "new": [1]}),
        &[
            ("args.amount", Op::Changed),
            ("args.note", Op::TypeChanged),
            ("args.gone", Op::Removed),
            ("args.new", Op::Added),
        ],
    );
    check_changes(&json!({"a": 1}), &json!({"a": 1.0}), &[]);
    check_changes(
        &json!({"odd key": 1}),
        &json!({"odd key": 2}),
        &[("args.\"odd key\"", Op::Changed)],
    );
}

#[test]
fn array_items_are_aligned_before_they_are_compared() {
    check_changes(
        &json!({"items": [{"id": 1}, {"id": 2}, {"id": 3}]}),
        &json!({"items": [{"id": 2}, {"id": 3}, {"id": 4}]}),
        &[("args.items[0]", Op::Removed), ("args.items[2]", Op::Added)],
    );
    check_changes(
        &json!([1, {"a": 1, "b": 1}, 3]),
        &json!([1, {"a": 1, "b": 2}, 3]),
        &[("args[1].b", Op::Changed)],
    );
}

/// Applies differences to A, which gives B.
fn apply(a: &Value, changes: &[Change]) -> Value {
    let of = |part: &Part| -> Vec<Change> {
        let inside = changes.iter().filter(|it| it.path.first() == Some(part));
        let deeper = inside.map(|it| Change {
            path: it.path[1..].to_vec(),
            ..it.clone()
        });
        deeper.collect()
    };
    if let [only] = changes
        && only.path.is_empty()
    {
        return only.b.clone().expect("a value");
    }
    match a {
        Value::Object(fields) => {
            let mut fields = fields.clone();
            for change in changes {
                let Some(Part::Key(key)) = change.path.first() else {
                    continue;
                };
                let part = Part::Key(key.clone());
                match (change.path.len(), change.op) {
                    (1, Op::Removed) => drop(fields.shift_remove(key)),
                    (1, Op::Added) => {
                        fields.insert(key.clone(), change.b.clone().expect("a value"));
                    }
                    _ => {
                        let changed = apply(&a[key], &of(&part));
                        fields.insert(key.clone(), changed);
                    }
                }
            }
            Value::Object(fields)
        }
        Value::Array(items) => {
            let is =
                |at: usize, op: Op| move |it: &&Change| it.path == [Part::Index(at)] && it.op == op;
            let items_left = items.iter().enumerate().filter_map(|(at, item)| {
                if changes.iter().any(|it| is(at, Op::Removed)(&it)) {
                    return None;
                }
                let inside = of(&Part::Index(at)).into_iter();
                let inside: Vec<Change> = inside
                    .filter(|it| !it.path.is_empty() || it.op != Op::Added)
                    .collect();
                Some(if inside.is_empty() {
                    item.clone()
                } else {
                    apply(item, &inside)
                })
            });
            let mut items_left: Vec<Value> = items_left.collect();
            let mut added: Vec<(usize, Value)> = changes
                .iter()
                .filter_map(|it| match (it.path.as_slice(), it.op) {
                    ([Part::Index(at)], Op::Added) => Some((*at, it.b.clone()?)),
                    _ => None,
                })
                .collect();
            added.sort_by_key(|(at, _)| *at);
            for (at, value) in added {
                items_left.insert(at, value);
            }
            Value::Array(items_left)
        }
        other => other.clone(),
    }
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3..3_i64).prop_map(Value::from),
        "[ab]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[abc]", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn applying_the_differences_to_a_gives_b(a in json(), b in json()) {
        let mut changes = values::changes("args", Some(&a), Some(&b));
        for change in &mut changes {
            change.path.remove(0);
        }
        prop_assert_eq!(canon(&apply(&a, &changes)), canon(&b));
        prop_assert!(values::changes("args", Some(&a), Some(&a)).is_empty());
    }
}

#[test]
fn sketches_estimate_similarity() {
    let words = |name: &str, count: usize| {
        let words = (0..count).map(|at| format!("{name}{at}"));
        words.collect::<Vec<_>>().join(" ")
    };
    let step = |salt: usize, shared: usize, own: &str| {
        let text = format!("{} {}", words(&format!("s{salt}x"), shared), own);
        Step::words(Sort::Say, &text)
    };
    let mut errors = Vec::new();
    for salt in 0..200 {
        let (shared, only_a, only_b) = (salt % 17 * 3, salt % 13 * 2, salt % 7 * 5);
        let a = step(salt, shared, &words(&format!("a{salt}x"), only_a));
        let b = step(salt, shared, &words(&format!("b{salt}x"), only_b));
        let exact = dice(&a.features, &b.features) as i32;
        let found = Sketch::new(&a.features).dice(&Sketch::new(&b.features)) as i32;
        errors.push(found - exact);
    }
    // With 256 bits, single estimates may be off by an eighth or more, but their mean may not.
    let mean = errors.iter().sum::<i32>() / errors.len() as i32;
    assert!(mean.abs() < 30, "{mean}");
    let worst = errors.iter().map(|error| error.abs()).max();
    assert!(worst < Some(400), "{worst:?}");
}

#[test]
fn noise_is_replaced_by_placeholders() {
    let text = "at 2026-11-25T22:40:43.120Z wrote /tmp/tmpx81/a.py for 7f3a91c2-0000-4000-8000-1234567890ab (call_AbCdEf123456)";
    assert_eq!(quiet(text), "at <time> wrote <tmp>/a.py for <uuid> (<id>)");
    assert_eq!(
        quiet(r#"{"output":"ok\nProcess Group PGID: 12253\n"}"#),
        r#"{"output":"ok\nProcess Group PGID: <id>\n"}"#
    );
    assert_eq!(
        quiet("Process Group PGID: 12253\nBackground PIDs: 7, 8"),
        "Process Group PGID: <id>\nBackground PIDs: <id>"
    );
    assert_eq!(
        quiet("run_migrations at 14:02 in /var/tmpl/x"),
        "run_migrations at 14:02 in /var/tmpl/x"
    );
}

#[test]
fn an_ignored_path_is_not_compared() {
    let blind = |path: &str| IgnoreRules {
        noise: false,
        ignored: vec![Ignored::parse(path).expect("a path")],
    };
    let args = json!({"id": 1, "items": [{"ts": 1, "n": 2}, {"ts": 3, "n": 4}]});
    assert_eq!(
        blind("args.id").args(args.clone()),
        json!({"items": [{"ts": 1, "n": 2}, {"ts": 3, "n": 4}]})
    );
    assert_eq!(
        blind("args.items[*].ts").args(args.clone()),
        json!({"id": 1, "items": [{"n": 2}, {"n": 4}]})
    );
    assert_eq!(
        blind("result.a").result(Value::from(r#"{"a":1,"b":2}"#)),
        json!({"b": 2})
    );
    assert_eq!(blind("text").text("anything"), "");
    assert_eq!(blind("result.a").args(args.clone()), args);
    assert!(Ignored::parse("tool").is_err());
    assert!(Ignored::parse("args.x tool:y").is_err());
    assert!(Ignored::parse("args.").is_err());
}

#[test]
fn long_equal_stretches_are_folded_except_at_their_ends() {
    let same = Column {
        a: Some(0),
        b: Some(0),
        label: Label::Same,
    };
    let other = Column {
        label: Label::Args,
        ..same
    };
    let columns = [
        vec![same; 4],
        vec![other],
        vec![same; 4],
        vec![other],
        vec![same; 5],
    ]
    .concat();
    let items = fold::items(&columns, &|_| true);
    let expected = [
        Item::Folded(0..3),
        Item::Column(3),
        Item::Column(4),
        Item::Column(5),
        Item::Column(6),
        Item::Column(7),
        Item::Column(8),
        Item::Column(9),
        Item::Column(10),
        Item::Folded(11..15),
    ];
    assert_eq!(items, expected);
    assert_eq!(fold::items(&columns, &|_| false).len(), columns.len());
}

#[track_caller]
fn check_words(a: &str, b: &str, expected: &str) {
    let lines = text_changes::differences(a, b).into_iter().map(|line| {
        let pieces = line.into_iter().map(|piece| match piece.side {
            Side::Both => piece.text,
            Side::Old => format!("[-{}-]", piece.text),
            Side::New => format!("{{+{}+}}", piece.text),
        });
        pieces.collect::<String>()
    });
    assert_eq!(lines.collect::<Vec<_>>().join("\n"), expected);
}

#[test]
fn texts_are_compared_by_word() {
    check_words(
        "it was damaged",
        "it is damaged",
        "it [-was-]{+is+} damaged",
    );
    check_words(
        "one two",
        "three four five",
        "[-one two-]\n{+three four five+}",
    );
    check_words(
        "a\nb\nc\nd\ne",
        "a\nb\nc\nd\nf",
        "… 3 equal lines\nd\n[-e-]\n{+f+}",
    );
}

#[test]
fn a_changed_number_shows_its_factor() {
    let change = |a: Value, b: Value| {
        let found = values::changes("args", Some(&a), Some(&b));
        let description = describe::describe(&found[0]);
        description
            .lines
            .concat()
            .into_iter()
            .map(|it| it.text)
            .collect::<String>()
    };
    assert_eq!(change(json!(420), json!(4200)), "420 → 4200  ×10");
    assert_eq!(change(json!(5), json!(2)), "5 → 2  ÷2.5");
    assert_eq!(change(json!(5), json!(6)), "5 → 6");
    assert_eq!(change(json!("a"), json!("b")), "\"a\" → \"b\"");
}
