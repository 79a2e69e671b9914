//! Tests that require opening an action: text, arguments, results, labels.

use std::borrow::Cow;

use serde_json::Value;

use crate::ingest::body::Body;
use crate::ingest::command;
use crate::query::expr::{Path, Scope, Step};
use crate::query::pattern::{Pattern, TextTest};

#[derive(Debug, Clone)]
pub enum BodyTest {
    /// A word, phrase or regular expression in the given scope.
    Words {
        pattern: Pattern,
        scope: Scope,
    },
    /// The text of the action.
    Text(TextTest),
    /// The line of a call of a shell.
    Command(TextTest),
    /// The kind or message of its error.
    Error(TextTest),
    Value {
        root: Root,
        path: Path,
        test: ValueTest,
    },
    Label {
        name: String,
        test: ValueTest,
    },
    /// Whether it ran with other arguments than were approved. False for both where that cannot be compared.
    ApprovedDiffers(bool),
    HasText,
    HasCommand,
    HasValue {
        root: Root,
        path: Path,
    },
    HasLabel(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Root {
    Args,
    Result,
}

/// A test of one JSON value.
#[derive(Debug, Clone)]
pub struct ValueTest {
    pub texts: Vec<Pattern>,
    /// Both ends included.
    pub numbers: Vec<Bounds>,
    pub negated: bool,
    /// Only a number can match: `>`, `3..9`.
    pub numeric: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    pub lo: f64,
    pub hi: f64,
    /// Whether the ends themselves are excluded.
    pub open: bool,
}

impl Bounds {
    pub fn contains(self, value: f64) -> bool {
        if self.open {
            self.lo < value && value < self.hi
        } else {
            self.lo <= value && value <= self.hi
        }
    }
}

/// The result of testing one action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    True,
    False,
    /// A number was required but there was only text, or the arguments of a call are not recorded. Queries treat it as
    /// false, and count it.
    Unknown,
}

impl From<bool> for Answer {
    fn from(found: bool) -> Answer {
        if found { Answer::True } else { Answer::False }
    }
}

/// The result, and whether a number was compared with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judgement {
    pub answer: Answer,
    pub judged: bool,
}

impl BodyTest {
    /// Whether the arguments of a call are all that it looks at.
    pub fn is_of_args_alone(&self) -> bool {
        match self {
            BodyTest::Value { root, .. } | BodyTest::HasValue { root, .. } => *root == Root::Args,
            BodyTest::Command(_) | BodyTest::HasCommand => true,
            BodyTest::Words { scope, .. } => scope.args && !scope.result && !scope.text,
            BodyTest::Text(_)
            | BodyTest::Error(_)
            | BodyTest::Label { .. }
            | BodyTest::ApprovedDiffers(_)
            | BodyTest::HasText
            | BodyTest::HasLabel(_) => false,
        }
    }

    pub fn judge(&self, body: &Body) -> Judgement {
        let found = match self {
            BodyTest::Value { root, path, test } => {
                return test.judge(&values(root.of(body), path));
            }
            BodyTest::Label { name, test } => {
                let texts: Vec<Value> = labels(body, name)
                    .map(|text| Value::String(text.to_owned()))
                    .collect();
                return test.judge(&texts.iter().map(Cow::Borrowed).collect::<Vec<_>>());
            }
            BodyTest::Words { pattern, scope } => {
                any_text(body, *scope, &mut |text| pattern.matches(text))
            }
            BodyTest::Text(test) => body
                .text
                .as_deref()
                .is_some_and(|text| test.is_true_of(text)),
            BodyTest::Command(test) => command(body).is_some_and(|line| test.is_true_of(&line)),
            BodyTest::HasCommand => command(body).is_some(),
            BodyTest::Error(test) => body.error.as_ref().is_some_and(|error| {
                let kind = error.kind.as_deref().unwrap_or_default();
                let any = |text: &str| test.any.iter().any(|pattern| pattern.matches(text));
                (any(kind) || any(&error.message)) != test.negated
            }),
            BodyTest::ApprovedDiffers(wanted) => approved_differs(body) == Some(*wanted),
            BodyTest::HasText => body.text.as_ref().is_some_and(|text| !text.is_empty()),
            BodyTest::HasValue { root, path } => has(root.of(body), path),
            BodyTest::HasLabel(name) => labels(body, name).next().is_some(),
        };
        Judgement {
            answer: found.into(),
            judged: false,
        }
    }
}

fn command(body: &Body) -> Option<String> {
    command::among(body.args.as_ref()?)
}

/// Whether a call ran with other arguments than some approval of it shows; none where no approval shows any.
pub(super) fn approved_differs(body: &Body) -> Option<bool> {
    let called = body.args.as_ref();
    let each = body
        .approvals
        .iter()
        .filter_map(|it| it.differences(called));
    each.map(|found| !found.is_empty()).reduce(|a, b| a || b)
}

impl Root {
    pub(super) fn of(self, body: &Body) -> Option<&Value> {
        match self {
            Root::Args => body.args.as_ref(),
            Root::Result => body.result.as_ref(),
        }
    }
}

impl ValueTest {
    pub(super) fn judge(&self, values: &[Cow<'_, Value>]) -> Judgement {
        if !self.numeric {
            let any = values.iter().any(|value| self.matches(value));
            return Judgement {
                answer: (!values.is_empty() && any != self.negated).into(),
                judged: false,
            };
        }
        let mut numbers = values.iter().filter_map(|value| number(value)).peekable();
        if numbers.peek().is_none() && !values.is_empty() {
            return Judgement {
                answer: Answer::Unknown,
                judged: true,
            };
        }
        let found = numbers.any(|number| self.numbers.iter().any(|bounds| bounds.contains(number)));
        Judgement {
            answer: found.into(),
            judged: !values.is_empty(),
        }
    }

    fn matches(&self, value: &Value) -> bool {
        let as_number = || {
            number(value)
                .is_some_and(|number| self.numbers.iter().any(|bounds| bounds.contains(number)))
        };
        let text = scalar(value);
        text.is_some_and(|text| self.texts.iter().any(|pattern| pattern.matches(&text)))
            || (value.is_number() && as_number())
    }
}

/// A number, or text that consists of a number.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64().filter(|number| number.is_finite()),
        Value::String(text) => {
            let digits = text.trim();
            let digits = digits.strip_prefix('$').unwrap_or(digits);
            let starts =
                digits.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
            if starts {
                digits
                    .parse()
                    .ok()
                    .filter(|number: &f64| number.is_finite())
            } else {
                None
            }
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => Some(Cow::Borrowed("null")),
        Value::Bool(true) => Some(Cow::Borrowed("true")),
        Value::Bool(false) => Some(Cow::Borrowed("false")),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// The scalars at a path. If it leads to an object or array, all scalars inside.
pub fn values<'a>(root: Option<&'a Value>, path: &Path) -> Vec<Cow<'a, Value>> {
    let mut found = Vec::new();
    if let Some(root) = root {
        walk(root, path, &mut |value| leaves(value, &mut found));
    }
    found
}

fn leaves<'a>(value: Cow<'a, Value>, out: &mut Vec<Cow<'a, Value>>) {
    match value {
        Cow::Borrowed(Value::Array(items)) => items
            .iter()
            .for_each(|item| leaves(Cow::Borrowed(item), out)),
        Cow::Borrowed(Value::Object(entries)) => entries
            .values()
            .for_each(|entry| leaves(Cow::Borrowed(entry), out)),
        Cow::Owned(Value::Array(items)) => items
            .into_iter()
            .for_each(|item| leaves(Cow::Owned(item), out)),
        Cow::Owned(Value::Object(entries)) => entries
            .into_iter()
            .for_each(|(_, entry)| leaves(Cow::Owned(entry), out)),
        scalar => out.push(scalar),
    }
}

pub(super) fn has(root: Option<&Value>, path: &Path) -> bool {
    let mut any = false;
    if let Some(root) = root {
        walk(root, path, &mut |_| any = true);
    }
    any
}

/// Calls `found` with the values at the end of the path. Looks inside JSON strings, because many
/// tools return those.
fn walk<'a>(value: &'a Value, path: &[Step], found: &mut dyn FnMut(Cow<'a, Value>)) {
    let Some((step, rest)) = path.split_first() else {
        found(Cow::Borrowed(value));
        return;
    };
    match (value, step) {
        (Value::Object(entries), Step::Key(key)) => {
            if let Some(value) = entries.get(key) {
                walk(value, rest, found);
            }
        }
        (Value::Array(items), Step::Key(key)) => {
            if let Some(item) = key.parse::<usize>().ok().and_then(|index| items.get(index)) {
                walk(item, rest, found);
            }
        }
        (Value::Object(entries), Step::Each) => {
            entries.values().for_each(|value| walk(value, rest, found));
        }
        (Value::Array(items), Step::Each) => items.iter().for_each(|item| walk(item, rest, found)),
        (Value::String(text), _) if text.trim_start().starts_with(['{', '[']) => {
            if let Ok(inner) = serde_json::from_str::<Value>(text) {
                walk(&inner, path, &mut |value| {
                    found(Cow::Owned(value.into_owned()));
                });
            }
        }
        (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_), _) => {}
    }
}

fn labels<'a>(body: &'a Body, name: &'a str) -> impl Iterator<Item = &'a str> {
    body.labels
        .iter()
        .filter(move |(known, _)| known == name)
        .map(|(_, text)| text.as_str())
}

/// Whether `test` is true of any text of the action in the given scope: keys, strings and numbers
/// of arguments and result, the action's own text, errors, and messages of policies and people.
pub fn any_text(body: &Body, scope: Scope, test: &mut dyn FnMut(&str) -> bool) -> bool {
    (scope.args && body.args.as_ref().is_some_and(|value| any_in(value, test)))
        || (scope.result
            && body
                .result
                .as_ref()
                .is_some_and(|value| any_in(value, test)))
        || (scope.text && any_prose(body, test))
}

fn any_prose(body: &Body, test: &mut dyn FnMut(&str) -> bool) -> bool {
    let error = body
        .error
        .iter()
        .flat_map(|error| [error.kind.as_deref(), Some(error.message.as_str())])
        .flatten();
    let decisions = body
        .decisions
        .iter()
        .filter_map(|decision| decision.reason.as_deref());
    let approvals = body
        .approvals
        .iter()
        .filter_map(|approval| approval.reason.as_deref());
    body.text
        .as_deref()
        .into_iter()
        .chain(error)
        .chain(decisions)
        .chain(approvals)
        .any(test)
}

pub(super) fn any_in(value: &Value, test: &mut dyn FnMut(&str) -> bool) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| any_in(item, test)),
        Value::Object(entries) => entries
            .iter()
            .any(|(key, value)| test(key) || any_in(value, test)),
        Value::String(text) => test(text),
        Value::Number(number) => test(&number.to_string()),
        Value::Null | Value::Bool(_) => false,
    }
}
