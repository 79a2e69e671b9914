//! Secrets in JSON: members under names of secrets, pairs of a name and a value, and whatever their texts hold.

use serde_json::{Map, Value};

use super::hidden;
use super::names::{Secrecy, hides, secrecy};
use super::text::mask_text;

/// How deep texts that are JSON themselves are read as such.
const MOST_LEVELS: u32 = 4;
/// Larger texts are read as plain text, which finds nearly the same and needs no memory.
const LARGEST_PARSED: usize = 4 << 20;

/// Members that say which secret the others of their object are.
const NAMING: &[&str] = &[
    "name", "key", "header", "field", "k", "path", "variable", "option", "env",
];
/// The others: `{"name": "Authorization", "value": …}`.
const VALUES: &[&str] = &[
    "value", "values", "val", "v", "from", "to", "a", "b", "actual", "default",
];
/// Members that describe a secret, in an object under its name.
const DESCRIBING: &[&str] = &[
    "type",
    "name",
    "description",
    "title",
    "kind",
    "scheme",
    "format",
    "in",
    "decision",
    "reason",
    "status",
    "state",
    "policy",
    "rule",
    "url",
    "host",
    "user",
    "username",
    "path",
    "domain",
];
/// Lists of names: their elements are not values.
const LISTS_OF_NAMES: &[&str] = &[
    "required",
    "enum",
    "columns",
    "fields",
    "headers_allowed",
    "scopes",
];
/// Types of a JSON schema.
const SCHEMA_TYPES: &[&str] = &[
    "string", "number", "integer", "boolean", "object", "array", "null",
];

/// Masks every secret in a value, and returns how many there were.
pub(super) fn mask(value: &mut Value, level: u32) -> usize {
    match value {
        Value::String(text) => mask_string(text, level),
        Value::Array(items) => mask_list(items, level),
        Value::Object(members) => mask_object(members, level),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

fn mask_string(text: &mut String, level: u32) -> usize {
    if let Some(mut value) = as_json(text, level) {
        let count = mask(&mut value, level + 1);
        if count > 0 {
            let written = if text.contains('\n') {
                serde_json::to_string_pretty(&value)
            } else {
                serde_json::to_string(&value)
            };
            *text = written.unwrap_or_default();
        }
        return count;
    }
    match mask_text(text) {
        Some((masked, count)) => {
            *text = masked;
            count
        }
        None => 0,
    }
}

/// A text that is an object or a list in JSON.
fn as_json(text: &str, level: u32) -> Option<Value> {
    let bare = text.trim();
    let is_json = (bare.starts_with('{') && bare.ends_with('}'))
        || (bare.starts_with('[') && bare.ends_with(']'));
    if !is_json || level >= MOST_LEVELS || text.len() > LARGEST_PARSED {
        return None;
    }
    serde_json::from_str(bare).ok()
}

/// `["Authorization", "Bearer …"]`, `["--password", "…"]`, and headers as a flat list.
fn mask_list(items: &mut [Value], level: u32) -> usize {
    let is_pair = items.len() == 2;
    let mut count = 0;
    let mut named = Secrecy::None;
    for item in items.iter_mut() {
        let next = item
            .as_str()
            .map_or(Secrecy::None, |text| announced(text, is_pair));
        let own = match item {
            // A list of names, as ["password", "token"].
            Value::String(text) if next != Secrecy::None || secrecy(text) != Secrecy::None => {
                mask_string(text, level)
            }
            item => mask_under(named, item, level),
        };
        count += own;
        named = next;
    }
    count
}

/// What an element of a list says about the next one.
fn announced(text: &str, is_pair: bool) -> Secrecy {
    let is_word = text.len() <= 64 && !text.contains([' ', '=', ':']);
    let is_header = |name: &str| {
        let lower = name.to_ascii_lowercase();
        lower.ends_with("authorization") || lower.ends_with("cookie") || lower.contains("api-key")
    };
    if is_word && (is_pair || text.starts_with('-') || is_header(text)) {
        secrecy(text)
    } else {
        Secrecy::None
    }
}

fn mask_object(members: &mut Map<String, Value>, level: u32) -> usize {
    let mut count = mask_keys(members);
    let naming = NAMING
        .iter()
        .filter_map(|name| members.get(*name)?.as_str());
    let named = naming.map(secrecy).max().unwrap_or(Secrecy::None);
    let is_logprob = members.contains_key("logprob");
    for (name, value) in members.iter_mut() {
        let own = match secrecy(name) {
            Secrecy::Maybe if is_logprob => Secrecy::None,
            Secrecy::None if VALUES.contains(&name.as_str()) => named,
            own => own,
        };
        let is_list_of_names = LISTS_OF_NAMES.contains(&name.as_str()) && value.is_array();
        count += match value {
            Value::Array(items) if is_list_of_names => {
                items.iter_mut().map(|item| mask(item, level)).sum()
            }
            value => mask_under(own, value, level),
        };
    }
    count
}

/// Masks a value whose name says what it is.
fn mask_under(secrecy: Secrecy, value: &mut Value, level: u32) -> usize {
    if secrecy == Secrecy::None {
        return mask(value, level);
    }
    match value {
        Value::String(text) if hides(secrecy, text) => {
            *text = hide_value(text);
            1
        }
        Value::String(text) => mask_string(text, level),
        Value::Number(number) => {
            let text = number.to_string();
            let is_secret = match secrecy {
                Secrecy::Sure | Secrecy::UnlessPath => text.len() >= 3,
                Secrecy::Code => hides(secrecy, &text),
                Secrecy::Maybe | Secrecy::None => false,
            };
            if is_secret {
                *value = Value::String(hidden(&text));
            }
            usize::from(is_secret)
        }
        Value::Array(items) => {
            let items = items.iter_mut();
            items.map(|item| mask_under(secrecy, item, level)).sum()
        }
        Value::Object(members) if is_schema(members) => mask_object(members, level),
        Value::Object(members) => {
            let mut count = mask_keys(members);
            for (name, value) in members.iter_mut() {
                let is_described = DESCRIBING.contains(&name.as_str());
                let own = if is_described { Secrecy::None } else { secrecy };
                count += mask_under(own, value, level);
            }
            count
        }
        Value::Null | Value::Bool(_) => 0,
    }
}

/// A value under its name; the scheme of an `Authorization` stays readable.
fn hide_value(text: &str) -> String {
    let scheme = super::text::scheme(text);
    let (scheme, rest) = text.split_at_checked(scheme).unwrap_or(("", text));
    format!("{scheme}{}", hidden(rest))
}

/// The description of a parameter, not its value.
fn is_schema(members: &Map<String, Value>) -> bool {
    let kind = members.get("type");
    let is_type = |kind: &Value| {
        kind.as_str()
            .is_some_and(|kind| SCHEMA_TYPES.contains(&kind))
    };
    let typed = kind.is_some_and(|kind| {
        is_type(kind)
            || kind
                .as_array()
                .is_some_and(|kinds| kinds.iter().all(is_type))
    });
    typed
        || ["$ref", "anyOf", "oneOf", "allOf"]
            .iter()
            .any(|name| members.contains_key(*name))
}

/// Masks secrets that are keys themselves; a key that is taken by then gets a number.
fn mask_keys(members: &mut Map<String, Value>) -> usize {
    let masked: Vec<Option<(String, usize)>> = members.keys().map(|key| mask_text(key)).collect();
    if masked.iter().all(Option::is_none) {
        return 0;
    }
    let mut count = 0;
    for ((key, value), masked) in std::mem::take(members).into_iter().zip(masked) {
        let (name, found) = masked.unwrap_or((key, 0));
        count += found;
        let mut free = name.clone();
        for number in 2.. {
            if !members.contains_key(&free) {
                break;
            }
            free = format!("{name}-{number}");
        }
        members.insert(free, value);
    }
    count
}
