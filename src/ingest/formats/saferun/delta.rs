//! Requests recorded as a difference from an earlier one:
//! `{"$base":"e12","$drop":["k"],"messages":{"$keep":37,"$add":[…]}}`. Names that are absent are as in the base.

use serde_json::{Map, Value};

/// The id of the event whose request is the base of this one.
pub(super) fn base(record: &Value) -> Option<&str> {
    record.get("request")?.get("$base")?.as_str()
}

/// Replaces the difference by the whole request. `base` is the whole event of the base.
pub(super) fn rebase(record: &mut Value, base: &Value) {
    let before = base.get("request").and_then(Value::as_object);
    let changes = record.get("request").and_then(Value::as_object);
    if let (Some(before), Some(changes)) = (before, changes) {
        let whole = Value::Object(applied(before, changes));
        record["request"] = whole;
    }
}

fn applied(before: &Map<String, Value>, changes: &Map<String, Value>) -> Map<String, Value> {
    let mut whole = before.clone();
    let dropped = changes.get("$drop").and_then(Value::as_array);
    for name in dropped.into_iter().flatten().filter_map(Value::as_str) {
        whole.remove(name);
    }
    for (name, value) in changes {
        if matches!(name.as_str(), "$base" | "$drop") {
            continue;
        }
        let value = match part(value) {
            Some((keep, add)) => extended(before.get(name), keep, add),
            None => value.clone(),
        };
        whole.insert(name.clone(), value);
    }
    whole
}

/// A list that begins with the first items of the base's list and continues with these.
fn part(value: &Value) -> Option<(usize, &[Value])> {
    let value = value.as_object()?;
    let keep = value.get("$keep")?.as_u64()?;
    let add = value.get("$add").and_then(Value::as_array);
    Some((
        usize::try_from(keep).ok()?,
        add.map(Vec::as_slice).unwrap_or_default(),
    ))
}

fn extended(before: Option<&Value>, keep: usize, add: &[Value]) -> Value {
    let before = before.and_then(Value::as_array).map(Vec::as_slice);
    let kept = before.unwrap_or_default().iter().take(keep);
    Value::Array(kept.chain(add).cloned().collect())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{base, rebase};

    #[track_caller]
    fn check(before: &Value, changes: &Value, whole: &Value) {
        let mut record = json!({ "request": changes });
        assert_eq!(base(&record), Some("e1"));
        rebase(&mut record, &json!({ "request": before }));
        assert_eq!(record["request"], *whole);
    }

    #[test]
    fn a_difference_keeps_adds_drops_and_replaces() {
        check(
            &json!({"model": "m", "messages": [1, 2, 3], "k": 1, "tools": ["a"], "temperature": 1}),
            &json!({"$base": "e1", "$drop": ["k"], "messages": {"$keep": 2, "$add": [9]}, "temperature": 0.2}),
            &json!({"model": "m", "messages": [1, 2, 9], "tools": ["a"], "temperature": 0.2}),
        );
    }

    #[test]
    fn more_than_the_base_has_cannot_be_kept() {
        check(
            &json!({"messages": [1]}),
            &json!({"$base": "e1", "messages": {"$keep": 7, "$add": [2]}, "input": {"$keep": 1, "$add": [3]}}),
            &json!({"messages": [1, 2], "input": [3]}),
        );
    }
}
