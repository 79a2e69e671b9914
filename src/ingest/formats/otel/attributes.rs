//! Attributes by name, whatever their wire form.

use serde_json::{Map, Value};

use crate::ingest::formats::spans::messages::parsed;
use crate::ingest::time;
use crate::model::quantity::{Cost, Time, Tokens};

/// The attributes of a span, a log record or a resource.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attributes(Map<String, Value>);

impl Attributes {
    /// From a list of `{"key", "value": AnyValue}` (OTLP).
    pub(crate) fn of_list(list: Option<&Value>) -> Attributes {
        let all = list
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let pair = |one: &Value| {
            let key = one.get("key")?.as_str()?.to_owned();
            Some((key, one.get("value").map(any_value).unwrap_or_default()))
        };
        Attributes(all.iter().filter_map(pair).collect())
    }

    /// From an object, flat or nested.
    pub(crate) fn of_object(object: Option<&Value>) -> Attributes {
        let mut all = Map::new();
        if let Some(Value::Object(members)) = object {
            all.clone_from(members);
        }
        Attributes(all)
    }

    pub(crate) fn set(&mut self, key: &str, value: Value) {
        self.0.insert(key.to_owned(), value);
    }

    /// Adds an element to a list.
    pub(crate) fn append(&mut self, key: &str, element: Value) {
        let list = self
            .0
            .entry(key)
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(all) = list {
            all.push(element);
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// The first of several names that is present.
    pub(crate) fn first(&self, keys: &[&str]) -> Option<&Value> {
        keys.iter().find_map(|key| self.get(key))
    }

    /// The first of several names, as text; numbers are formatted.
    pub(crate) fn text(&self, keys: &[&str]) -> Option<String> {
        keys.iter().find_map(|key| match self.get(key)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(truth) => Some(truth.to_string()),
            _ => None,
        })
    }

    /// The first of several names, parsed if it is JSON in a string.
    pub(crate) fn open(&self, keys: &[&str]) -> Option<Value> {
        self.first(keys).map(parsed)
    }

    /// A count, which may be written as text.
    pub(crate) fn count(&self, keys: &[&str]) -> Tokens {
        self.first(keys).map_or(Tokens::NONE, count)
    }

    pub(crate) fn number(&self, keys: &[&str]) -> Option<f64> {
        let found = self.first(keys)?;
        found.as_f64().or_else(|| found.as_str()?.parse().ok())
    }

    pub(crate) fn cost(&self, keys: &[&str]) -> Cost {
        self.number(keys).map_or(Cost::NONE, Cost::from_usd)
    }

    /// Names with this prefix, each with the rest of the name.
    pub(crate) fn below<'a>(
        &'a self,
        prefix: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.0
            .iter()
            .filter_map(move |(key, value)| Some((key.strip_prefix(prefix)?, value)))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0.iter()
    }

    /// Rebuilds the tree that was flattened into dotted names below a prefix, such as `0.message.role`.
    pub(crate) fn tree(&self, prefix: &str) -> Option<Value> {
        let mut root = Value::Null;
        for (path, value) in self.below(prefix) {
            let steps: Vec<&str> = path.split('.').collect();
            plant(&mut root, &steps, value, 0);
        }
        (!root.is_null()).then(|| arrays(root))
    }
}

/// No writer flattens deeper than this.
const DEEPEST: usize = 16;

fn plant(node: &mut Value, steps: &[&str], value: &Value, depth: usize) {
    let Some((first, rest)) = steps.split_first().filter(|_| depth < DEEPEST) else {
        *node = value.clone();
        return;
    };
    if !node.is_object() {
        *node = Value::Object(Map::new());
    }
    if let Value::Object(members) = node {
        let inner = members.entry((*first).to_owned()).or_insert(Value::Null);
        plant(inner, rest, value, depth + 1);
    }
}

/// Objects whose names are all numbers are lists, in numeric order; some may be missing.
fn arrays(value: Value) -> Value {
    let Value::Object(members) = value else {
        return value;
    };
    let numbered: Option<Vec<u64>> = members.keys().map(|key| key.parse().ok()).collect();
    let inner = members.into_iter().map(|(key, value)| (key, arrays(value)));
    match numbered.filter(|all| !all.is_empty()) {
        Some(numbers) => {
            let mut all: Vec<(u64, Value)> = numbers
                .into_iter()
                .zip(inner.map(|(_, value)| value))
                .collect();
            all.sort_by_key(|(number, _)| *number);
            Value::Array(all.into_iter().map(|(_, value)| value).collect())
        }
        None => Value::Object(inner.collect()),
    }
}

pub(crate) fn count(value: &Value) -> Tokens {
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok());
    // Some writers format counts as 12.0.
    let whole = || {
        value
            .as_f64()
            .filter(|it| it.fract() == 0.0 && (0.0..1e15).contains(it))
            .map(|it| it as u64)
    };
    number.or_else(whole).map_or(Tokens::NONE, Tokens::from)
}

/// The value of an `AnyValue`, in camel or snake case; any other value is returned as is.
pub(crate) fn any_value(value: &Value) -> Value {
    let Value::Object(members) = value else {
        return value.clone();
    };
    let Some((kind, inner)) = members.iter().next().filter(|_| members.len() == 1) else {
        return if members.is_empty() {
            Value::Null
        } else {
            value.clone()
        };
    };
    let list = || {
        let values = inner.get("values").unwrap_or(inner);
        values.as_array().map(Vec::as_slice).unwrap_or_default()
    };
    match kind.as_str() {
        "stringValue" | "string_value" | "boolValue" | "bool_value" | "doubleValue"
        | "double_value" | "bytesValue" | "bytes_value" => inner.clone(),
        "intValue" | "int_value" => {
            match inner.as_str().and_then(|text| text.parse::<i64>().ok()) {
                Some(number) => number.into(),
                None => inner.clone(),
            }
        }
        "arrayValue" | "array_value" => Value::Array(list().iter().map(any_value).collect()),
        "kvlistValue" | "kvlist_value" => {
            Value::Object(Attributes::of_list(Some(&Value::Array(list().to_vec()))).0)
        }
        _ => value.clone(),
    }
}

/// Nanoseconds since the epoch, as text or number; 0 is not recorded.
pub(crate) fn nanos(value: Option<&Value>) -> Time {
    let number = match value {
        Some(Value::String(text)) => text.parse::<u64>().ok(),
        Some(Value::Number(number)) => number
            .as_u64()
            .or_else(|| number.as_f64().map(|it| it as u64)),
        _ => None,
    };
    match number {
        Some(nanos @ 1..) => i64::try_from(nanos / 1000).map_or(Time::NONE, Time),
        _ => Time::NONE,
    }
}

/// An instant as text (RFC 3339, UTC without a zone) or number.
pub(crate) fn instant(value: Option<&Value>) -> Time {
    match value {
        Some(Value::String(text)) => time::from_text(text.as_bytes()),
        Some(Value::Number(number)) => number.as_f64().map_or(Time::NONE, time::from_number),
        _ => Time::NONE,
    }
}
