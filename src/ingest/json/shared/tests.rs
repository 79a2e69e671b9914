use serde_json::Value;

use super::*;

/// Reading gives what a general parser gives, and converting there and back changes nothing.
#[track_caller]
fn check(json: &str) {
    let expected: Value = serde_json::from_str(json).expect("JSON");
    let marks = Marks::of(json.as_bytes());
    let mut cursor = Cursor::whole(json.as_bytes(), &marks);
    let read = Json::read(&mut cursor).expect("a value");
    assert_eq!(Value::from(&read), expected);
    assert_eq!(Value::from(&Json::from(&expected)), expected);
    assert_eq!(read.to_string(), expected.to_string());
    assert_eq!(
        Json::of_text(&json.into()).map(|it| Value::from(&it)),
        Some(expected)
    );
}

#[test]
fn reads_what_a_general_parser_reads() {
    check("null");
    check(r#"{"a":[1,-2.50,1e400,{"b":"x\n\"y\" \u00e9 \ud83d\ude00"},[],{}],"c":true,"":false}"#);
    check(r#"{"k":1,"l":0,"k":2}"#);
    let many: Vec<String> = (0..100)
        .map(|at| format!(r#""{}":{at}"#, at % 60))
        .collect();
    check(&format!("{{{}}}", many.join(",")));
}

#[test]
fn json_in_a_string_shares_its_text() {
    let outer = Json::of_text(&r#"{"input":"[{\"role\":\"user\"}]"}"#.into()).expect("a value");
    let inner = outer
        .get("input")
        .and_then(Json::text)
        .and_then(Json::of_text);
    let role = inner
        .as_ref()
        .and_then(|it| it.pointer("/0/role")?.as_str());
    assert_eq!(role, Some("user"));
}

#[test]
fn bytes_that_are_no_text_are_replaced() {
    let marks = Marks::of(b"{\"a\":\"x\xff\",\"n\":5}");
    let mut cursor = Cursor::whole(b"{\"a\":\"x\xff\",\"n\":5}", &marks);
    let read = Json::read(&mut cursor).expect("a value");
    assert_eq!(read.get("a").and_then(Json::as_str), Some("x\u{fffd}"));
    assert_eq!(read.get("n").and_then(Json::as_u64), Some(5));
}

#[test]
fn an_object_knows_its_place() {
    let text = br#" {"a": {"b": 1} }"#;
    let marks = Marks::of(text);
    let mut cursor = Cursor::whole(text, &marks);
    let read = Json::read(&mut cursor).expect("a value");
    let inner = read
        .get("a")
        .and_then(Json::as_object)
        .and_then(Object::range);
    assert_eq!(inner, Some(Range { start: 7, end: 15 }));
}

#[test]
fn what_is_nested_too_deep_is_null() {
    let text = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let marks = Marks::of(text.as_bytes());
    let mut cursor = Cursor::whole(text.as_bytes(), &marks);
    assert!(Json::read(&mut cursor).expect("a value").is_null());
    assert!(Json::of_text(&text.as_str().into()).is_none());
}
