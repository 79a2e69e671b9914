use super::{Field, nearest_rank};
use crate::model::quantity::Elapsed;

#[track_caller]
fn check(spans: &[i64], percent: usize, expected: Option<i64>) {
    let spans: Vec<Elapsed> = spans.iter().map(|us| Elapsed(*us)).collect();
    assert_eq!(nearest_rank(&spans, percent), expected.map(Elapsed));
}

#[test]
fn percentiles_are_recorded_values() {
    check(&[10, 20, 30, 40], 50, Some(20));
    check(&[10, 20, 30, 40], 90, Some(40));
    check(&[10], 99, Some(10));
    check(&[], 50, None);
    let hundred: Vec<i64> = (1..=100).collect();
    check(&hundred, 99, Some(99));
}

#[test]
fn every_field_is_found_by_name() {
    for field in Field::ALL {
        assert_eq!(Field::from_word(field.word()), Some(*field));
    }
    assert_eq!(Field::from_word("Tool"), None);
}
