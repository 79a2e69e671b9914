use serde_json::json;

use super::{Escapes, line, number};
use crate::model::quantity::{Cost, Elapsed, Time, Tokens, Usage};

#[track_caller]
fn check(escapes: Escapes, text: &str, expected: &str) {
    let mut out = Vec::new();
    line(&mut out, &json!({ text: text }), escapes).expect("a vector takes everything");
    let out = String::from_utf8(out).expect("JSON is UTF-8");
    assert_eq!(out, format!("{{\"{expected}\":\"{expected}\"}}\n"));
    let back: serde_json::Value = serde_json::from_str(&out).expect("what we write is JSON");
    assert_eq!(back, json!({ text: text }));
}

#[test]
fn strings_are_escaped_for_a_terminal() {
    check(Escapes::Unsafe, "é✓ \"ok\"", "é✓ \\\"ok\\\"");
    check(
        Escapes::Unsafe,
        "\u{1b}[31m\u{9b}1m",
        "\\u001b[31m\\u009b1m",
    );
    check(
        Escapes::Unsafe,
        "a\u{202e}b\u{200b}\u{7f}\u{feff}",
        "a\\u202eb\\u200b\\u007f\\ufeff",
    );
    check(Escapes::Unsafe, "\u{e0041}", "\\udb40\\udc41");
}

#[test]
fn ascii_output_escapes_every_other_character() {
    check(Escapes::NonAscii, "é✓😀", "\\u00e9\\u2713\\ud83d\\ude00");
}

#[track_caller]
fn check_number(number: Option<serde_json::Number>, expected: &str) {
    assert_eq!(
        number.map_or("absent".to_owned(), |number| number.to_string()),
        expected
    );
}

#[test]
fn money_has_no_float_noise() {
    check_number(number::usd(Cost(2_440_000_000)), "0.00244");
    check_number(number::usd(Cost(1)), "0.000000000001");
    check_number(number::usd(Cost(12_000_000_000_000)), "12");
    check_number(number::usd(Cost(0)), "0");
    check_number(number::usd(Cost::NONE), "absent");
}

#[test]
fn spans_are_milliseconds() {
    check_number(number::millis(Elapsed(912_000)), "912");
    check_number(number::millis(Elapsed(1_500)), "1.5");
    check_number(number::millis(Elapsed::NONE), "absent");
}

#[test]
fn unrecorded_values_are_absent() {
    assert!(number::usage(&Usage::NONE).is_none());
    assert_eq!(number::time(Time::NONE), None);
    let usage = Usage {
        input: Tokens(0),
        ..Usage::NONE
    };
    let json = serde_json::to_value(number::usage(&usage)).expect("serialises");
    assert_eq!(json, json!({"input_tokens": 0, "total_tokens": 0}));
}
