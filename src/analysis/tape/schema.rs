//! The smallest value that a JSON schema accepts, for calls without a recorded answer.

use serde_json::{Map, Value, json};

/// Schemas nest; deeper ones get `null`.
const DEEPEST: usize = 16;

pub fn smallest(schema: &Value) -> Value {
    value(schema, 0)
}

fn value(schema: &Value, depth: usize) -> Value {
    if depth > DEEPEST {
        return Value::Null;
    }
    let known = ["const", "default"]
        .iter()
        .find_map(|name| schema.get(*name));
    let first = schema.get("enum").and_then(|all| all.get(0));
    if let Some(given) = known.or(first) {
        return given.clone();
    }
    let one_of = ["anyOf", "oneOf", "allOf"];
    if let Some(one) = one_of.iter().find_map(|name| schema.get(*name)?.get(0)) {
        return value(one, depth + 1);
    }
    let kind = match schema.get("type") {
        Some(Value::String(kind)) => kind.to_lowercase(),
        Some(Value::Array(kinds)) => kinds
            .first()
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_lowercase(),
        _ => String::new(),
    };
    match kind.as_str() {
        "string" => "".into(),
        "integer" | "number" => schema.get("minimum").cloned().unwrap_or_else(|| json!(0)),
        "boolean" => false.into(),
        "array" => {
            let least = schema
                .get("minItems")
                .and_then(Value::as_u64)
                .unwrap_or(0)
                .min(8);
            let item = schema
                .get("items")
                .map_or(Value::Null, |items| value(items, depth + 1));
            (0..least).map(|_| item.clone()).collect()
        }
        "null" => Value::Null,
        _ => object(schema, depth),
    }
}

fn object(schema: &Value, depth: usize) -> Value {
    let properties = schema.get("properties").and_then(Value::as_object);
    let required = schema.get("required").and_then(Value::as_array);
    let is_required =
        |name: &String| required.is_none_or(|all| all.iter().any(|it| it.as_str() == Some(name)));
    let members = properties.into_iter().flatten();
    let members = members
        .filter(|(name, _)| is_required(name))
        .map(|(name, schema)| (name.clone(), value(schema, depth + 1)));
    Value::Object(members.collect::<Map<_, _>>())
}
