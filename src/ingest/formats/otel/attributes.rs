//! Attributes by name, whatever their wire form.

use std::rc::Rc;

use crate::ingest::formats::spans::messages::opened;
use crate::ingest::json::{Json, Object, Text};
use crate::ingest::time;
use crate::model::quantity::{Cost, Time, Tokens};

/// The attributes of a span, a log record or a resource. There are few, and most names that are asked for are
/// not among them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attributes {
    all: Vec<(Text, Json)>,
    /// A bit for each name that may be present.
    marks: u128,
    /// The lists made by [`Attributes::append`].
    lists: Vec<Text>,
}

fn mark(key: &str) -> u128 {
    let bytes = key.as_bytes();
    let at = |at: usize| bytes.get(at).copied().map_or(0, usize::from);
    let last = at(bytes.len().wrapping_sub(1));
    let bit = bytes.len() + 7 * last + 31 * at(bytes.len() / 2);
    1 << (bit % 128)
}

impl Attributes {
    /// From a list of `{"key", "value": AnyValue}` (OTLP).
    pub(crate) fn of_list(list: Option<&Json>) -> Attributes {
        let all = list.and_then(Json::as_array);
        let pair = |one: &Json| {
            let key = one.get("key")?.text()?;
            let value = one.get("value").map(any_value);
            Some((key.clone(), value.unwrap_or_default()))
        };
        Attributes::of_pairs(all.into_iter().flatten().filter_map(pair))
    }

    /// From an object, flat or nested.
    pub(crate) fn of_object(object: Option<&Json>) -> Attributes {
        let members = object.and_then(Json::as_object).map(Object::iter);
        let pair = |(key, value): (&Text, &Json)| (key.clone(), value.clone());
        Attributes::of_pairs(members.into_iter().flatten().map(pair))
    }

    pub(crate) fn of_pairs(pairs: impl Iterator<Item = (Text, Json)>) -> Attributes {
        let all: Vec<_> = pairs.collect();
        let marks = all.iter().fold(0, |marks, (key, _)| marks | mark(key));
        Attributes {
            all,
            marks,
            lists: Vec::new(),
        }
    }

    pub(crate) fn set(&mut self, key: &str, value: Json) {
        self.marks |= mark(key);
        match self.all.iter_mut().find(|(known, _)| known.is(key)) {
            Some((_, old)) => *old = value,
            None => self.all.push((key.into(), value)),
        }
    }

    /// Adds an element to a list, unless the attribute was recorded.
    pub(crate) fn append(&mut self, key: &str, element: Json) {
        if !self.has(key) {
            self.set(key, Json::list([]));
            self.lists.push(key.into());
        }
        let list = self.all.iter_mut().rfind(|(known, _)| known.is(key));
        if let Some((_, Json::Array(all))) = list
            && self.lists.iter().any(|list| list.is(key))
        {
            Rc::make_mut(all).push(element);
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Json> {
        if self.marks & mark(key) == 0 {
            return None;
        }
        let found = self.all.iter().rfind(|(known, _)| known.is(key));
        found
            .map(|(_, value)| value)
            .filter(|value| !value.is_null())
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// The first of several names that is present.
    pub(crate) fn first(&self, keys: &[&str]) -> Option<&Json> {
        keys.iter().find_map(|key| self.get(key))
    }

    /// The first of several names, as text; numbers are formatted.
    pub(crate) fn text(&self, keys: &[&str]) -> Option<String> {
        keys.iter().find_map(|key| match self.get(key)? {
            Json::String(text) if !text.is_empty() => Some(text.to_string()),
            Json::Number(number) => Some(number.to_string()),
            Json::Bool(truth) => Some(truth.to_string()),
            _ => None,
        })
    }

    /// The first of several names, opened if it is JSON in a string.
    pub(crate) fn open(&self, keys: &[&str]) -> Option<Json> {
        self.first(keys).map(opened)
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
    pub(crate) fn below<'b>(
        &'b self,
        prefix: &'b str,
    ) -> impl Iterator<Item = (&'b str, &'b Json)> {
        self.iter()
            .filter_map(move |(key, value)| Some((key.strip_prefix(prefix)?, value)))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Text, &Json)> {
        self.all.iter().map(|(key, value)| (key, value))
    }

    /// Rebuilds the tree that was flattened into dotted names below a prefix, such as `0.message.role`.
    pub(crate) fn tree(&self, prefix: &str) -> Option<Json> {
        let branches: Vec<_> = self
            .below(prefix)
            .map(|(path, value)| (Some(path), value))
            .collect();
        (!branches.is_empty()).then(|| grown(&branches, 0))
    }
}

/// No writer flattens deeper than this.
const DEEPEST: usize = 16;

/// The values that begin with one step of their paths: the rest of each path, and the value.
type Branch<'a> = (&'a str, Vec<(Option<&'a str>, &'a Json)>);

/// The tree of values by their paths. An object whose names are all numbers is a list, in numeric order;
/// some may be missing.
fn grown(values: &[(Option<&str>, &Json)], depth: usize) -> Json {
    if let Some((path, value)) = values.last()
        && (path.is_none() || depth == DEEPEST)
    {
        return (*value).clone();
    }
    let mut branches: Vec<Branch<'_>> = Vec::new();
    for (path, value) in values {
        let Some(path) = path else {
            continue;
        };
        let (step, rest) = match path.split_once('.') {
            Some((step, rest)) => (step, Some(rest)),
            None => (*path, None),
        };
        match branches.iter_mut().rfind(|(known, _)| *known == step) {
            Some((_, inside)) => inside.push((rest, value)),
            None => branches.push((step, vec![(rest, value)])),
        }
    }
    let numbers: Option<Vec<u64>> = branches.iter().map(|(step, _)| step.parse().ok()).collect();
    let values = branches.iter().map(|(_, inside)| grown(inside, depth + 1));
    if let Some(numbers) = numbers {
        let mut all: Vec<(u64, Json)> = numbers.into_iter().zip(values).collect();
        all.sort_by_key(|(number, _)| *number);
        Json::list(all.into_iter().map(|(_, value)| value))
    } else {
        let names = branches.iter().map(|(step, _)| Text::from(*step));
        names.zip(values).collect()
    }
}

pub(crate) fn count(value: &Json) -> Tokens {
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
pub(crate) fn any_value(value: &Json) -> Json {
    let Some(members) = value.as_object() else {
        return value.clone();
    };
    let Some((kind, inner)) = members.iter().next().filter(|_| members.len() == 1) else {
        return if members.is_empty() {
            Json::Null
        } else {
            value.clone()
        };
    };
    let list = || {
        let values = inner.get("values").unwrap_or(inner);
        values.as_array().unwrap_or_default()
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
        "arrayValue" | "array_value" => Json::list(list().iter().map(any_value)),
        "kvlistValue" | "kvlist_value" => {
            let pair = |one: &Json| {
                let value = one.get("value").map(any_value).unwrap_or_default();
                Some((one.get("key")?.text()?.clone(), value))
            };
            list().iter().filter_map(pair).collect()
        }
        _ => value.clone(),
    }
}

/// Nanoseconds since the epoch, as text or number; 0 is not recorded.
pub(crate) fn nanos(value: Option<&Json>) -> Time {
    let number = match value {
        Some(Json::String(text)) => text.parse::<u64>().ok(),
        Some(number @ Json::Number(_)) => number
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
pub(crate) fn instant(value: Option<&Json>) -> Time {
    match value {
        Some(Json::String(text)) => time::from_text(text.as_bytes()),
        Some(number) => number.as_f64().map_or(Time::NONE, time::from_number),
        _ => Time::NONE,
    }
}
