//! Compiles values of terms to bit masks, intervals and patterns.

use crate::query::body::{Bounds, ValueTest};
use crate::query::columns::Numbers;
use crate::query::expr::{Comparison, Test, Value};
use crate::query::fields::Shape;
use crate::query::pattern::{Extent, TextTest};
use crate::query::value::{self, Interval};

/// The matching words of a closed list, as a bit mask. The empty word means "not recorded".
pub(in crate::query) fn vocabulary<T: Copy>(
    test: &Test,
    all: &[T],
    word: impl Fn(T) -> (u16, &'static str),
) -> u16 {
    let test = TextTest::of(test, Extent::Whole);
    let passing = all
        .iter()
        .map(|value| word(*value))
        .filter(|(_, word)| !word.is_empty() && test.is_true_of(word));
    passing.fold(0, |mask, (bit, _)| mask | 1 << bit)
}

/// A test of whole numbers in the smallest unit of a column.
pub(in crate::query) fn numbers(test: &Test, shape: Shape) -> Numbers {
    let number = |text: &str| value::number(text, shape).ok();
    let interval = |value: &Value| match value {
        Value::Word(text) | Value::Quoted(text) => {
            number(text).map(|number| Interval::between(Some(number), Some(number)))
        }
        Value::Range(lo, hi) => Some(Interval::between(
            lo.as_deref().and_then(number),
            hi.as_deref().and_then(number),
        )),
    };
    match test {
        Test::Matches(values) | Test::Equals(values) => Numbers {
            any: values.iter().filter_map(interval).collect(),
            negated: false,
        },
        Test::Differs(values) => Numbers {
            any: values.iter().filter_map(interval).collect(),
            negated: true,
        },
        Test::Compare(comparison, text) => Numbers {
            any: number(text)
                .map(|number| Interval::of(*comparison, number))
                .into_iter()
                .collect(),
            negated: false,
        },
        Test::Regex(_) => Numbers {
            any: Vec::new(),
            negated: false,
        },
    }
}

/// A test of a value that may be a number or text.
pub(in crate::query) fn value_test(test: &Test, extent: Extent) -> ValueTest {
    let number = |text: &str| value::number(text, Shape::Json).ok();
    let same = |number| Bounds {
        lo: number,
        hi: number,
        open: false,
    };
    let bounds = |value: &Value| match value {
        Value::Word(text) | Value::Quoted(text) => number(text).map(same),
        Value::Range(lo, hi) => Some(Bounds {
            lo: lo.as_deref().and_then(number).unwrap_or(f64::NEG_INFINITY),
            hi: hi.as_deref().and_then(number).unwrap_or(f64::INFINITY),
            open: false,
        }),
    };
    let texts = TextTest::of(test, extent);
    let (numbers, numeric) = match test {
        Test::Matches(values) | Test::Equals(values) | Test::Differs(values) => {
            let numeric = values.iter().all(|value| matches!(value, Value::Range(..)));
            (values.iter().filter_map(bounds).collect(), numeric)
        }
        Test::Compare(comparison, text) => (
            number(text)
                .map(|bound| half(*comparison, bound))
                .into_iter()
                .collect(),
            true,
        ),
        Test::Regex(_) => (Vec::new(), false),
    };
    ValueTest {
        texts: texts.any,
        numbers,
        negated: texts.negated,
        numeric,
    }
}

pub(super) fn half(comparison: Comparison, bound: f64) -> Bounds {
    let (lo, hi) = (f64::NEG_INFINITY, f64::INFINITY);
    match comparison {
        Comparison::Greater => Bounds {
            lo: bound,
            hi,
            open: true,
        },
        Comparison::GreaterOrEqual => Bounds {
            lo: bound,
            hi,
            open: false,
        },
        Comparison::Less => Bounds {
            lo,
            hi: bound,
            open: true,
        },
        Comparison::LessOrEqual => Bounds {
            lo,
            hi: bound,
            open: false,
        },
    }
}
