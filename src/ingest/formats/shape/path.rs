//! Paths into records, and conditions on the values there.

use serde_json::Value;

/// Where to look for a value: the first source that has one wins.
#[derive(Debug, Clone, Default)]
pub(super) struct Field(pub(super) Vec<ValueSource>);

#[derive(Debug, Clone)]
pub(super) enum ValueSource {
    /// A text in the declaration itself.
    Literal(String),
    Path(Path),
    /// An object made of values from several places.
    Object(Vec<(String, Field)>),
}

#[derive(Debug, Clone)]
pub(super) struct Path {
    /// Starts at the record, for rows that are made from its elements.
    from_record: bool,
    steps: Vec<String>,
}

impl Path {
    pub(super) fn parse(text: &str) -> Option<Path> {
        let (from_record, text) = match text.strip_prefix('/') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let steps: Vec<String> = text.split('.').map(str::to_owned).collect();
        let empty = steps.iter().any(String::is_empty);
        (!empty).then_some(Path { from_record, steps })
    }

    /// The value at the path, unless it is null.
    pub(super) fn get<'a>(&self, record: &'a Value, element: &'a Value) -> Option<&'a Value> {
        let start = if self.from_record { record } else { element };
        step(start, &self.steps).filter(|found| !found.is_null())
    }
}

/// Member names may contain dots: the longest existing name wins.
fn step<'a>(from: &'a Value, steps: &[String]) -> Option<&'a Value> {
    if steps.is_empty() {
        return Some(from);
    }
    match from {
        Value::Object(members) => (1..=steps.len()).rev().find_map(|taken| {
            let name = steps[..taken].join(".");
            step(members.get(&name)?, &steps[taken..])
        }),
        Value::Array(elements) => {
            let at: usize = steps[0].parse().ok()?;
            step(elements.get(at)?, &steps[1..])
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

impl Field {
    pub(super) fn value(&self, record: &Value, element: &Value) -> Option<Value> {
        self.0.iter().find_map(|place| match place {
            ValueSource::Literal(text) => Some(Value::String(text.clone())),
            ValueSource::Path(path) => path.get(record, element).cloned(),
            ValueSource::Object(members) => {
                let member = |(name, field): &(String, Field)| {
                    Some((name.clone(), field.value(record, element)?))
                };
                let made: serde_json::Map<_, _> = members.iter().filter_map(member).collect();
                (!made.is_empty()).then_some(Value::Object(made))
            }
        })
    }

    pub(super) fn text(&self, record: &Value, element: &Value) -> Option<String> {
        self.value(record, element).map(|value| text(&value))
    }
}

/// A value as a name: strings as they are, everything else as JSON.
pub(super) fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// A condition on a record or an element.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    pub(super) path: Path,
    pub(super) want: Want,
}

#[derive(Debug, Clone)]
pub(super) enum Want {
    /// Present, or not.
    There(bool),
    /// One of these; a trailing `*` matches any suffix.
    OneOf(Vec<String>),
}

impl Condition {
    pub(super) fn holds(&self, record: &Value, element: &Value) -> bool {
        let found = self.path.get(record, element);
        match (&self.want, found) {
            (Want::There(there), found) => *there == found.is_some(),
            (Want::OneOf(_), None) => false,
            (Want::OneOf(wanted), Some(found)) => {
                let found = text(found);
                wanted.iter().any(|wanted| match wanted.strip_suffix('*') {
                    Some(beginning) => found.starts_with(beginning),
                    None => *wanted == found,
                })
            }
        }
    }
}
