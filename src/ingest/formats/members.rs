//! What detection asks of a record: small questions whose answer is "no" for anything of another type.

use serde_json::Value;

/// A string member; empty if there is none.
pub(super) fn text<'a>(record: &'a Value, key: &str) -> &'a str {
    record.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Whether all of these members exist, whatever they hold.
pub(super) fn all(record: &Value, keys: &[&str]) -> bool {
    keys.iter().all(|key| record.get(key).is_some())
}

/// Whether one of these members exists, whatever it holds.
pub(super) fn any(record: &Value, keys: &[&str]) -> bool {
    keys.iter().any(|key| record.get(key).is_some())
}

/// How many elements of a list are asked about.
const FIRST: usize = 20;

/// Whether at least half of the first elements of a list fit.
pub(super) fn most(list: &Value, fits: impl Fn(&Value) -> bool) -> bool {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    let first = &list[..list.len().min(FIRST)];
    let fitting = first.iter().filter(|it| fits(it)).count();
    fitting > 0 && fitting * 2 >= first.len()
}
