//! The body of a request without the parts that do not affect its meaning: transport, accounting, ids assigned by the
//! server.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use crate::analysis::diff::{mask, step};

/// Members of a request that do not change its meaning.
pub const DROPPED: &[&str] = &[
    "stream",
    "stream_options",
    "metadata",
    "client_metadata",
    "user",
    "store",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "seed",
];
/// Members dropped at any depth.
pub const DROPPED_ANYWHERE: &[&str] = &[
    "cache_control",
    "annotations",
    "refusal",
    "logprobs",
    // Times and ids that Codex adds.
    "internal_chat_message_metadata_passthrough",
];
/// Members whose strings are ids of calls.
const IDS: &[&str] = &["tool_call_id", "call_id", "tool_use_id", "id"];

/// A path to ignore: `$.temperature`, `messages[*].name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    steps: Vec<String>,
}

impl Ignored {
    pub fn parse(text: &str) -> Result<Ignored, String> {
        let path = text.strip_prefix('$').unwrap_or(text);
        let path = path.replace('[', ".").replace(']', "");
        let steps: Vec<String> = path
            .split('.')
            .filter(|step| !step.is_empty())
            .map(str::to_owned)
            .collect();
        if steps.is_empty() {
            Err(format!(
                "'{text}' is not a path: write one such as $.temperature or messages[*].name"
            ))
        } else {
            Ok(Ignored { steps })
        }
    }
}

/// A request as it is compared.
pub fn norm(body: &Value, ignored: &[Ignored]) -> Value {
    let mut tree = Tree::default();
    visit(body, ignored, &mut tree);
    tree.root
}

/// The hash of a request as it is compared; equal requests have equal hashes.
pub fn hash(body: &Value, ignored: &[Ignored]) -> u64 {
    let mut hash = HashSink::default();
    visit(body, ignored, &mut hash);
    hash.0.finish()
}

/// Takes the parts of a request as it is compared, in order.
trait Sink {
    fn open(&mut self, is_object: bool);
    /// The name of the member whose value comes next.
    fn name(&mut self, name: &str);
    fn text(&mut self, text: Cow<'_, str>);
    /// Any other value, as it is.
    fn value(&mut self, value: Cow<'_, Value>);
    fn close(&mut self);
}

fn visit(body: &Value, ignored: &[Ignored], sink: &mut impl Sink) {
    let cut = (!ignored.is_empty()).then(|| {
        let mut body = body.clone();
        for path in ignored {
            remove(&mut body, &path.steps);
        }
        body
    });
    let body = cut.as_ref().unwrap_or(body);
    let mut walk = Walk {
        ids: HashMap::new(),
        sink,
    };
    match body {
        Value::Object(members) => walk.object(members, |name| !DROPPED.contains(&name)),
        body => walk.value(body, ""),
    }
}

struct Walk<'a, 's, S> {
    /// Ids become numbers in order of their appearance, so that a run with other ids is the same.
    ids: HashMap<&'a str, usize>,
    sink: &'s mut S,
}

impl<'a, S: Sink> Walk<'a, '_, S> {
    fn value(&mut self, value: &'a Value, key: &str) {
        match value {
            Value::Object(members) => self.object(members, |_| true),
            Value::Array(items) => {
                self.sink.open(false);
                for item in items {
                    self.value(item, key);
                }
                self.sink.close();
            }
            Value::String(text) if IDS.contains(&key) => {
                let next = self.ids.len();
                let number = self.ids.entry(text).or_insert(next);
                self.sink.text(format!("#{number}").into());
            }
            Value::String(text) if key == "arguments" => match serde_json::from_str(text) {
                Ok(value) => self.sink.value(Cow::Owned(value)),
                Err(_) => self.sink.text(text.as_str().into()),
            },
            Value::String(text) if text.contains('\r') => {
                self.sink.text(text.replace("\r\n", "\n").into());
            }
            Value::String(text) => self.sink.text(text.as_str().into()),
            Value::Null | Value::Bool(_) | Value::Number(_) => {
                self.sink.value(Cow::Borrowed(value));
            }
        }
    }

    /// The members by name, without those that are null or never matter.
    fn object(&mut self, members: &'a Map<String, Value>, is_kept: impl Fn(&str) -> bool) {
        let kept = |(name, value): &(&String, &Value)| {
            !value.is_null() && !DROPPED_ANYWHERE.contains(&name.as_str()) && is_kept(name)
        };
        let mut names: Vec<_> = members.iter().filter(kept).collect();
        names.sort_unstable_by_key(|(name, _)| *name);
        self.sink.open(true);
        for (name, value) in names {
            self.sink.name(name);
            self.value(value, name);
        }
        self.sink.close();
    }
}

/// Makes a value of the parts.
#[derive(Default)]
struct Tree {
    root: Value,
    /// The containers that are open, each with the name of its next member.
    open: Vec<(Value, String)>,
}

impl Tree {
    fn put(&mut self, value: Value) {
        match self.open.last_mut() {
            Some((Value::Object(members), name)) => {
                members.insert(std::mem::take(name), value);
            }
            Some((Value::Array(items), _)) => items.push(value),
            Some(_) | None => self.root = value,
        }
    }
}

impl Sink for Tree {
    fn open(&mut self, is_object: bool) {
        let container = if is_object {
            Value::Object(Map::new())
        } else {
            Value::Array(Vec::new())
        };
        self.open.push((container, String::new()));
    }

    fn name(&mut self, name: &str) {
        if let Some((_, next)) = self.open.last_mut() {
            name.clone_into(next);
        }
    }

    fn text(&mut self, text: Cow<'_, str>) {
        self.put(Value::String(text.into_owned()));
    }

    fn value(&mut self, value: Cow<'_, Value>) {
        self.put(value.into_owned());
    }

    fn close(&mut self) {
        if let Some((container, _)) = self.open.pop() {
            self.put(container);
        }
    }
}

/// Hashes the parts. Each begins with what it is, so that no two sequences of parts are alike.
#[derive(Default)]
struct HashSink(DefaultHasher);

impl Sink for HashSink {
    fn open(&mut self, is_object: bool) {
        self.0.write(if is_object { b"{" } else { b"[" });
    }

    fn name(&mut self, name: &str) {
        name.hash(&mut self.0);
    }

    fn text(&mut self, text: Cow<'_, str>) {
        self.0.write(b"s");
        text.hash(&mut self.0);
    }

    fn value(&mut self, value: Cow<'_, Value>) {
        self.0.write(b"v");
        step::canon(&value).hash(&mut self.0);
    }

    fn close(&mut self) {
        self.0.write(b"}");
    }
}

fn remove(value: &mut Value, steps: &[String]) {
    let Some((step, rest)) = steps.split_first() else {
        return;
    };
    match value {
        Value::Object(members) if rest.is_empty() => match step.as_str() {
            "*" => members.clear(),
            name => {
                members.shift_remove(name);
            }
        },
        Value::Object(members) => match step.as_str() {
            "*" => members.values_mut().for_each(|inner| remove(inner, rest)),
            name => {
                if let Some(inner) = members.get_mut(name) {
                    remove(inner, rest);
                }
            }
        },
        Value::Array(items) => {
            let is_chosen = |at: usize| step == "*" || step.parse() == Ok(at);
            let items = items.iter_mut().enumerate();
            for (_, item) in items.filter(|(at, _)| is_chosen(*at)) {
                if rest.is_empty() {
                    // Removing it would shift the others.
                    *item = Value::Null;
                } else {
                    remove(item, rest);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

static DATE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\b\d{4}-\d\d-\d\d\b").ok());

/// Dates without a time, which system prompts hold.
pub(super) fn dateless(text: &str) -> String {
    match &*DATE {
        Some(date) => date.replace_all(text, "<date>").into_owned(),
        None => text.to_owned(),
    }
}

/// A normalised request with noise in its texts masked: ids, times, dates, temporary paths, white space at ends.
pub fn quiet(value: &Value) -> Value {
    match value {
        Value::String(text) => dateless(&mask::quiet(text)).into(),
        Value::Array(items) => items.iter().map(quiet).collect(),
        Value::Object(members) => {
            let quieted = members
                .iter()
                .map(|(name, value)| (name.clone(), quiet(value)));
            Value::Object(quieted.collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// Where two values differ first, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub path: String,
    pub recorded: String,
    pub got: String,
}

/// The longest quotation of a value.
const QUOTED: usize = 80;

impl Difference {
    /// Quotes the texts from shortly before they differ.
    pub fn texts(path: &str, recorded: &str, got: &str) -> Difference {
        let same = recorded.chars().zip(got.chars());
        let same = same.take_while(|(one, other)| one == other).count();
        let from = match same {
            short if short < QUOTED / 2 => 0,
            long => long - 20,
        };
        let quoted = |text: &str| {
            let head = if from > 0 && !text.is_empty() {
                "…"
            } else {
                ""
            };
            let mut rest = text.chars().skip(from);
            let cut: String = rest.by_ref().take(QUOTED).collect();
            let tail = if rest.next().is_some() { "…" } else { "" };
            format!("{head}{cut}{tail}")
        };
        Difference {
            path: path.to_owned(),
            recorded: quoted(recorded),
            got: quoted(got),
        }
    }
}

/// The first difference, in the order of sorted members.
pub fn difference(path: &str, recorded: &Value, got: &Value) -> Option<Difference> {
    match (recorded, got) {
        (Value::Object(one), Value::Object(other)) => {
            let mut names: Vec<&String> = one.keys().chain(other.keys()).collect();
            names.sort_unstable();
            names.dedup();
            names.into_iter().find_map(|name| {
                let path = format!("{path}.{name}");
                beside(&path, one.get(name), other.get(name))
            })
        }
        (Value::Array(one), Value::Array(other)) => {
            let longer = one.len().max(other.len());
            (0..longer).find_map(|at| beside(&format!("{path}[{at}]"), one.get(at), other.get(at)))
        }
        (one, other) if step::canon(one) == step::canon(other) => None,
        (one, other) => Some(Difference::texts(path, &spelled(one), &spelled(other))),
    }
}

fn beside(path: &str, recorded: Option<&Value>, got: Option<&Value>) -> Option<Difference> {
    match (recorded, got) {
        (Some(one), Some(other)) => difference(path, one, other),
        (None, None) => None,
        (one, other) => {
            let spelled = |value: Option<&Value>| value.map(spelled).unwrap_or_default();
            Some(Difference::texts(path, &spelled(one), &spelled(other)))
        }
    }
}

fn spelled(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => step::canon(value),
    }
}
