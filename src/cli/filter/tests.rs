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
fn carets_stand_under_the_mistake() {
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
fn a_field_that_does_not_exist_is_refused() {
    let error = parse("costt>5")
        .expect_err("there is no such field")
        .to_string();
    assert!(
        error.contains("did you mean 'cost'?\n  costt>5\n  ^^^^^"),
        "{error}"
    );
}
