//! One canonical text for a value, however its writer ordered names and spaced it.

use serde_json::{Map, Value};

/// JSON with sorted keys and without blanks.
pub fn stable(value: &Value) -> String {
    sorted(value).to_string()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Object(entries) => {
            let mut keys: Vec<&String> = entries.keys().collect();
            keys.sort_unstable();
            let entries = keys
                .into_iter()
                .map(|key| (key.clone(), sorted(&entries[key])));
            Value::Object(entries.collect::<Map<String, Value>>())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}
