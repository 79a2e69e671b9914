//! The differences inside a pair of actions.

use serde_json::Value;

use crate::analysis::diff::json::{self, Change, Op, Part};
use crate::analysis::diff::mask::IgnoreRules;
use crate::analysis::diff::step;
use crate::ingest::body::Body;
use crate::store::bodies::{self, Depth};
use crate::store::row::Row;

/// Differences in tool, status, arguments, result and text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pair {
    pub changes: Vec<Change>,
    /// The number of differences that were ignored at the user's request.
    pub hidden: usize,
}

/// Opens both actions in full and compares them.
pub fn pair(a: &Row<'_>, b: &Row<'_>, blind: &IgnoreRules) -> Pair {
    let (body_a, body_b) = (bodies::open(a, Depth::Full), bodies::open(b, Depth::Full));
    let mut changes = Vec::new();
    name(&mut changes, "tool", (a.tool(), b.tool()));
    name(
        &mut changes,
        "status",
        (a.status().word(), b.status().word()),
    );
    let all = inside(&body_a, &body_b, &IgnoreRules::default());
    let seen = if blind.is_none() {
        all.clone()
    } else {
        inside(&body_a, &body_b, blind)
    };
    let hidden = all.len().saturating_sub(seen.len());
    changes.extend(seen);
    Pair { changes, hidden }
}

/// A value recorded on one side only is added or removed, not changed.
fn name(changes: &mut Vec<Change>, what: &str, (a, b): (&str, &str)) {
    let value = |name: &str| (!name.is_empty()).then(|| Value::from(name));
    let (a, b) = (value(a), value(b));
    changes.extend(json::changes(what, a.as_ref(), b.as_ref()));
}

fn inside(a: &Body, b: &Body, blind: &IgnoreRules) -> Vec<Change> {
    let args = |body: &Body| body.args.clone().map(|args| blind.args(args));
    let (args_a, args_b) = (args(a), args(b));
    let mut changes = json::changes("args", args_a.as_ref(), args_b.as_ref());
    let (result_a, result_b) = results(a, b, blind);
    changes.extend(json::changes(
        "result",
        result_a.as_ref(),
        result_b.as_ref(),
    ));
    let text = |body: &Body| {
        body.text
            .as_deref()
            .map(|text| blind.text(text).into_owned())
    };
    let (text_a, text_b) = (text(a), text(b));
    if text_a.as_deref().map(step::words) != text_b.as_deref().map(step::words) {
        changes.extend(words("text", text_a, text_b));
    }
    changes
}

fn words(what: &str, a: Option<String>, b: Option<String>) -> Option<Change> {
    let op = match (&a, &b) {
        (None, None) => return None,
        (Some(_), None) => Op::Removed,
        (None, Some(_)) => Op::Added,
        (Some(_), Some(_)) => Op::Changed,
    };
    Some(Change {
        path: vec![Part::Key(what.to_owned())],
        op,
        a: a.map(Value::from),
        b: b.map(Value::from),
    })
}

/// Both results as JSON if both are, otherwise as text. Whitespace alone does not count.
fn results(a: &Body, b: &Body, blind: &IgnoreRules) -> (Option<Value>, Option<Value>) {
    let result = |body: &Body| result(body).map(|it| blind.result(it));
    let (a, b) = (result(a), result(b));
    let parsed = |value: &Option<Value>| match value {
        Some(Value::String(text)) => step::parsed(text),
        Some(value @ (Value::Array(_) | Value::Object(_))) => Some(value.clone()),
        _ => None,
    };
    match (parsed(&a), parsed(&b)) {
        (Some(a), Some(b)) => (Some(a), Some(b)),
        _ => match (&a, &b) {
            (Some(Value::String(text)), Some(Value::String(other)))
                if step::squeeze(text) == step::squeeze(other) =>
            {
                (None, None)
            }
            _ => (a, b),
        },
    }
}

/// What a call returned: its result, or else its error message.
pub fn result(body: &Body) -> Option<Value> {
    let error = || {
        body.error
            .as_ref()
            .map(|it| Value::from(it.message.as_str()))
    };
    body.result.clone().or_else(error)
}
