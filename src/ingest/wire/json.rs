//! Lookups in untrusted JSON. A value of an unexpected type counts as missing.

use serde_json::Value;

pub(super) fn text<'a>(of: &'a Value, name: &str) -> Option<&'a str> {
    of.get(name)?.as_str()
}

pub(super) fn owned(of: &Value, name: &str) -> Option<String> {
    text(of, name)
        .filter(|it| !it.is_empty())
        .map(str::to_owned)
}

pub(super) fn items<'a>(of: &'a Value, name: &str) -> &'a [Value] {
    let list = of.get(name).and_then(Value::as_array);
    list.map(Vec::as_slice).unwrap_or_default()
}

/// A member that exists and is not null.
pub(super) fn present<'a>(of: &'a Value, name: &str) -> Option<&'a Value> {
    of.get(name).filter(|it| !it.is_null())
}

/// The text of contents: a string, or the texts of parts.
pub(super) fn words(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(words).collect(),
        Value::Object(_) => {
            let names = ["text", "refusal", "content"];
            let found = names.iter().find_map(|name| content.get(name));
            found.map(words).unwrap_or_default()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => String::new(),
    }
}

/// Arguments as recorded: the object that a text holds, or the text itself.
pub(super) fn unpacked(text: &str) -> Value {
    if text.trim().is_empty() {
        return Value::Object(serde_json::Map::new());
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(args)) => Value::Object(args),
        Ok(_) | Err(_) => Value::from(text),
    }
}
