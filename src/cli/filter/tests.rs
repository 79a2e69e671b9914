use super::{Mistake, parse, point};
use crate::query::parse::ParseError;

fn mistake(span: std::ops::Range<usize>) -> ParseError {
    ParseError {
        span,
        message: "no".to_owned(),
        suggestion: Some("yes".to_owned()),
    }
}

#[track_caller]
fn check(filter: &str, span: std::ops::Range<usize>, expected: &str) {
    assert_eq!(point(filter, &mistake(span)).to_string(), expected);
}

#[test]
fn carets_point_at_the_mistake() {
    check(
        "a:1 costt>5",
        4..9,
        "no · did you mean 'yes'?\n  a:1 costt>5\n      ^^^^^",
    );
    check("a:1 (", 5..5, "no · did you mean 'yes'?\n  a:1 (\n       ^");
}

#[test]
fn columns_count_characters() {
    let error = mistake(3..5);
    let mistake = Mistake::new("é é", &error);
    assert_eq!((mistake.column, mistake.length), (3, 1));
}

#[test]
fn an_unknown_field_is_an_error_with_a_suggestion() {
    let error = parse("costt>5")
        .expect_err("the field does not exist")
        .to_string();
    assert!(
        error.contains("did you mean 'cost'?\n  costt>5\n  ^^^^^"),
        "{error}"
    );
}
