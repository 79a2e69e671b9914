use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

#[track_caller]
fn good(record: &str, notes: Flags) {
    assert_eq!(check(record.as_bytes()), Ok(notes), "{record}");
}

#[track_caller]
fn bad(record: &str, what: &str) {
    let found = check(record.as_bytes()).map_err(|mistake| mistake.what);
    assert_eq!(found, Err(what), "{record}");
}

#[test]
fn accepts_what_json_allows() {
    good(
        r#"{"a":[1,-0.5e+3,{"b":null}],"c":{},"d":[],"e":"\u00e9\n\\"}"#,
        Flags::NONE,
    );
    good(" {\t\"a\" : true }\r", Flags::NONE);
}

#[test]
fn rejects_what_json_forbids() {
    bad("{\"a\":1,}", "expected a key in quotes");
    bad("{\"a\" 1}", "expected ':'");
    bad("{\"a\":01}", "expected ',' or '}'");
    bad("{\"a\":NaN}", "expected a value");
    bad("{\"a\":\"\t\"}", "a control character inside a string");
    bad("{\"a\":\"\\x\"}", "a bad escape in a string");
    bad("{} {}", "something follows the object");
    bad("[1]", "not an object");
    bad("{\"a\":[1}", "expected ',' or ']'");
    bad("{\"a\":", "the record is cut short");
}

#[test]
fn notes_what_a_strict_reader_would_reject() {
    good(r#"{"a":"\ud83d"}"#, Flags::LONE_SURROGATE);
    good(r#"{"a":"\ud83d\ude00"}"#, Flags::NONE);
    good(r#"{"a":"\u0041"}"#, Flags::ESCAPED_ASCII);
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(127), "]".repeat(127));
    good(&deep, Flags::TOO_DEEP);
    good(&deep.replacen("[]", "", 1), Flags::NONE);
}

#[test]
fn opens_a_record_with_a_lone_surrogate() {
    assert_eq!(
        value(br#"{"a":"x\ud83d","b":"\\ud83d"}"#),
        Some(json!({"a": "x\u{fffd}", "b": "\\ud83d"}))
    );
}

#[test]
fn opens_a_record_with_bytes_that_are_not_utf8() {
    assert_eq!(
        value(b"{\"a\":\"caf\xe9\"}"),
        Some(json!({"a": "caf\u{fffd}"}))
    );
}

#[test]
fn keeps_numbers_that_floats_cannot_represent() {
    let value = value(br#"{"a":1e400,"b":123456789012345678901234567890}"#).expect("JSON");
    assert_eq!(
        value.to_string(),
        r#"{"a":1e+400,"b":123456789012345678901234567890}"#
    );
}

#[test]
fn survives_a_hundred_thousand_levels_of_nesting() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    good(&deep, Flags::TOO_DEEP);
    assert_eq!(value(deep.as_bytes()), None);
}

#[test]
fn a_string_ends_at_its_quote_at_any_offset_in_a_scanned_word() {
    for before in 0..130 {
        for backslashes in 0..5 {
            let text = format!("{}{}", "x".repeat(before), "\\".repeat(backslashes));
            let record = format!("{{\"{text}n\":\"{text}\",\"b\":1}}");
            let strict = serde_json::from_str::<Value>(&record).is_ok();
            assert_eq!(check(record.as_bytes()).is_ok(), strict, "{record}");
            bad(
                &format!("{{\"{text}\n\":1}}"),
                if backslashes % 2 == 1 {
                    "a bad escape in a string"
                } else {
                    "a control character inside a string"
                },
            );
            bad(
                &format!("{{\"a\":\"{text}"),
                if backslashes % 2 == 1 {
                    "a bad escape in a string"
                } else {
                    "a string does not end"
                },
            );
            good(
                &format!("{{\"{text}{}u00e9\\t\\/\":1}}", ["\\", ""][backslashes % 2]),
                Flags::NONE,
            );
        }
    }
}

proptest! {
    #[test]
    fn agrees_with_serde_json_on_strings_of_any_length(
        text in r#"([a-z ]{0,70}|é|\\\\|\\"|\\n|\\u00e9|\\/|\\x|\\|\x01|"){0,12}"#,
    ) {
        let record = format!("{{\"a\":\"{text}\"}}");
        let strict = serde_json::from_str::<Value>(&record);
        prop_assert_eq!(check(record.as_bytes()).is_ok(), strict.is_ok(), "{} {:?}", record, strict);
    }

    #[test]
    fn agrees_with_serde_json_on_any_text(text in r#"[\[\]{}:,"a0-9.eE+\\ntrufalse -]{0,40}"#) {
        let strict = serde_json::from_str::<Value>(&text);
        let ours = check(text.as_bytes());
        let expected = matches!(strict, Ok(Value::Object(_)));
        prop_assert_eq!(ours.is_ok(), expected, "{} {:?} {:?}", text, strict, ours);
    }

    #[test]
    fn a_truncated_record_opens_with_the_members_before_the_cut(cut in 1_usize..120) {
        let record = r#"{"a":{"b":[1,2,{"c":"héllo \"w\" \u00e9\ud83d\ude00"}],"d":true},"e":"last","f":[{"g":12.5}]}"#;
        let head = &record.as_bytes()[..cut.min(record.len())];
        prop_assert!(matches!(value_head(head), Some(Value::Object(_))), "{:?}", String::from_utf8_lossy(head));
    }

    #[test]
    fn unescape_restores_the_original_text(text in any::<String>()) {
        let written = serde_json::to_string(&text).expect("text");
        let inside = &written.as_bytes()[1..written.len() - 1];
        prop_assert_eq!(unescape(inside), text);
    }
}

#[test]
fn a_cut_record_is_closed_in_time_with_its_length() {
    let cut = r#"[{"a":"#.repeat(200_000);
    let begun = std::time::Instant::now();
    assert_eq!(value_head(cut.as_bytes()), None, "too deep to open");
    assert!(begun.elapsed().as_secs() < 5);
    assert_eq!(
        value_head(br#"[{"a":[1,{"b":"x"#),
        Some(json!([{"a":[1,{"b":"x"}]}]))
    );
}
