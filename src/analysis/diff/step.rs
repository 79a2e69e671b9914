//! An action as the alignment sees it: a key that decides equality, and features that measure
//! similarity.

use std::hash::BuildHasher;
use std::ops::Range;

use foldhash::quality::FixedState;
use serde_json::{Number, Value};

/// Kinds of step. Only steps of the same kind are aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// A tool call, with its result.
    Tool,
    /// A model response.
    Say,
    /// Input from the user, or from the program around the agent.
    User,
}

/// One action, prepared for comparison. Texts are reduced to 64-bit hashes, which are the same in
/// every process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub sort: Sort,
    /// The hash of the tool's name; 0 if not a call.
    pub tool: u64,
    /// Equal for equal tools and arguments, or for equal words.
    pub key: u64,
    pub result: u64,
    pub is_error: bool,
    pub is_blocked: bool,
    /// A multiset as sorted hashes. Repeated features get distinct hashes.
    pub features: Box<[u64]>,
}

/// The outcome of a call.
#[derive(Debug, Clone, Copy, Default)]
pub struct CallOutcome<'a> {
    /// Equal for equal results (see [`result_key`]).
    pub result: &'a str,
    pub is_error: bool,
    pub is_blocked: bool,
}

/// Longer strings contribute one feature per word.
const MAX_LEAF: usize = 40;

impl Step {
    pub fn call(tool: &str, args: &Value, outcome: CallOutcome<'_>) -> Step {
        let mut features = Features::default();
        features.value(args, &mut String::new());
        let key = format!("tool\0{tool}\0{}", canon(args));
        Step {
            sort: Sort::Tool,
            tool: hash(tool),
            key: hash(&key),
            result: hash(outcome.result),
            is_error: outcome.is_error,
            is_blocked: outcome.is_blocked,
            features: features.done(),
        }
    }

    pub fn words(sort: Sort, text: &str) -> Step {
        let words = words(text);
        let mut features = Features::default();
        let mut key = String::from(if sort == Sort::User { "user" } else { "say" });
        for (at, word) in words.iter().enumerate() {
            features.add(word);
            if let Some(next) = words.get(at + 1) {
                features.add(&format!("{word} {next}"));
            }
            key.push(' ');
            key.push_str(word);
        }
        Step {
            sort,
            tool: 0,
            key: hash(&key),
            result: hash(""),
            is_error: false,
            is_blocked: false,
            features: features.done(),
        }
    }
}

#[derive(Debug, Default)]
struct Features {
    hashes: Vec<u64>,
}

impl Features {
    fn add(&mut self, feature: &str) {
        self.hashes.push(hash(feature));
    }

    /// Every key path, every leaf with its path (indices as `[]`), and each word of long strings.
    fn value(&mut self, value: &Value, path: &mut String) {
        let end = path.len();
        match value {
            Value::Object(fields) => {
                for (key, inner) in fields {
                    path.extend([".", key]);
                    self.add(path);
                    self.value(inner, path);
                    path.truncate(end);
                }
            }
            Value::Array(items) => {
                path.push_str("[]");
                for inner in items {
                    self.value(inner, path);
                }
            }
            Value::String(text) if text.chars().nth(MAX_LEAF).is_some() => {
                for word in words(text) {
                    path.extend(["~", &word]);
                    self.add(path);
                    path.truncate(end);
                }
            }
            leaf => {
                path.push('=');
                write_canon(leaf, path);
                self.add(path);
            }
        }
        path.truncate(end);
    }

    fn done(mut self) -> Box<[u64]> {
        self.hashes.sort_unstable();
        let mut at = 0;
        while at < self.hashes.len() {
            let first = self.hashes[at];
            let rest = self.hashes[at..].iter().take_while(|it| **it == first);
            let equal = at..at + rest.count();
            at = equal.end;
            self.number(equal);
        }
        self.hashes.sort_unstable();
        self.hashes.into_boxed_slice()
    }

    /// Makes repeated features count separately.
    fn number(&mut self, equal: Range<usize>) {
        for (nth, it) in self.hashes[equal].iter_mut().enumerate().skip(1) {
            *it = HASH.hash_one((*it, nth));
        }
    }
}

/// A fixed seed, because hashes of two runs are compared.
const HASH: FixedState = FixedState::with_seed(0x5afe);

pub(super) fn hash(text: &str) -> u64 {
    HASH.hash_one(text)
}

/// The Dice coefficient of two multisets, in thousandths.
pub fn dice(a: &[u64], b: &[u64]) -> u32 {
    let all = a.len() + b.len();
    if all == 0 {
        return 1000;
    }
    let (mut shared, mut at, mut other) = (0_usize, 0, 0);
    while at < a.len() && other < b.len() {
        match a[at].cmp(&b[other]) {
            std::cmp::Ordering::Less => at += 1,
            std::cmp::Ordering::Greater => other += 1,
            std::cmp::Ordering::Equal => {
                shared += 1;
                at += 1;
                other += 1;
            }
        }
    }
    (2000 * shared / all) as u32
}

/// Lower-cased runs of ASCII letters and digits.
pub fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let found = lower.split(|c| !is_word(c)).filter(|word| !word.is_empty());
    found.map(str::to_owned).collect()
}

/// Canonical JSON: sorted keys, no spaces, whole numbers without a decimal point.
pub fn canon(value: &Value) -> String {
    let mut out = String::new();
    write_canon(value, &mut out);
    out
}

fn write_canon(value: &Value, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Number(number) => out.push_str(&number_text(number)),
        Value::String(text) => quote(text, out),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_canon(item, out);
            }
            out.push(']');
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, inner)| (key.as_str(), inner));
            write_object(fields.collect(), out);
        }
    }
}

/// An object of these members, in canonical JSON.
pub fn write_object(mut fields: Vec<(&str, &Value)>, out: &mut String) {
    fields.sort_unstable_by_key(|(key, _)| *key);
    out.push('{');
    for (at, (key, inner)) in fields.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        quote(key, out);
        out.push(':');
        write_canon(inner, out);
    }
    out.push('}');
}

fn quote(text: &str, out: &mut String) {
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if text.bytes().all(is_plain) {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        // Serialising a string cannot fail.
        out.push_str(&serde_json::to_string(text).unwrap_or_default());
    }
}

/// Below this, every whole number is exact as a float, so that `1` and `1.0` are equal.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Text that is equal for equal numbers. Large integers keep all digits, because ids may differ in
/// the last one.
pub fn number_text(number: &Number) -> String {
    let text = number.to_string();
    let is_whole = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'-');
    let Some(float) = text.parse::<f64>().ok().filter(|float| float.is_finite()) else {
        return text;
    };
    if float.fract() == 0.0 && (!is_whole || float.abs() < EXACT) {
        // Avoids −0.
        return format!("{:.0}", float + 0.0);
    }
    if is_whole { text } else { float.to_string() }
}

/// Text that is equal for equal results: JSON by value, other text ignoring whitespace.
pub fn result_key(result: &Value) -> String {
    match result {
        Value::String(text) => match parsed(text) {
            Some(value) => canon(&value),
            None => squeeze(text),
        },
        value => canon(value),
    }
}

/// The object or array in a string, since many tools return JSON as text.
pub fn parsed(text: &str) -> Option<Value> {
    let looks = text.trim_start().starts_with(['{', '[']);
    let value = looks.then(|| serde_json::from_str(text).ok()).flatten();
    value.filter(|value: &Value| value.is_object() || value.is_array())
}

pub(super) fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
