//! Differences between two JSON values, path by path.

use std::fmt;

use serde_json::Value;
use similar::{Algorithm, DiffOp, TextDiff};

use crate::analysis::diff::step::canon;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// Only B has it.
    Added,
    /// Only A has it.
    Removed,
    Changed,
    /// The JSON type differs.
    TypeChanged,
}

impl Op {
    pub fn word(self) -> &'static str {
        match self {
            Op::Added => "added",
            Op::Removed => "removed",
            Op::Changed => "changed",
            Op::TypeChanged => "type_changed",
        }
    }
}

/// A step of a path. Array indices refer to A, or to B for additions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Key(String),
    Index(usize),
}

/// One difference. `path` starts with what the value is: `args` or `result`.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub path: Vec<Part>,
    pub op: Op,
    pub a: Option<Value>,
    pub b: Option<Value>,
}

/// Displays a path in filter syntax: `args.items[0].id`. Raw trace content.
#[derive(Debug)]
pub struct PathText<'a>(pub &'a [Part]);

impl fmt::Display for PathText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, part) in self.0.iter().enumerate() {
            let dot = if at > 0 { "." } else { "" };
            match part {
                Part::Key(key) if is_name(key) => write!(f, "{dot}{key}")?,
                Part::Key(key) => write!(f, "{dot}{key:?}")?,
                Part::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

fn is_name(key: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    !key.is_empty() && key.chars().all(is_plain)
}

/// The differences between two values. Key order does not count, nor does `1` versus `1.0`.
pub fn changes(root: &str, a: Option<&Value>, b: Option<&Value>) -> Vec<Change> {
    let mut walk = Walk {
        path: vec![Part::Key(root.to_owned())],
        found: Vec::new(),
    };
    walk.values(a, b);
    walk.found
}

/// The differences so far, and the current path. Recursion is bounded by the depth limit of the
/// JSON parser.
#[derive(Debug)]
struct Walk {
    path: Vec<Part>,
    found: Vec<Change>,
}

impl Walk {
    fn at(&mut self, part: Part, a: Option<&Value>, b: Option<&Value>) {
        self.path.push(part);
        self.values(a, b);
        self.path.pop();
    }

    fn values(&mut self, a: Option<&Value>, b: Option<&Value>) {
        let op = match (a, b) {
            (None, None) => return,
            (Some(_), None) => Op::Removed,
            (None, Some(_)) => Op::Added,
            (Some(Value::Object(a)), Some(Value::Object(b))) => {
                for (key, value) in a {
                    self.at(Part::Key(key.clone()), Some(value), b.get(key));
                }
                for (key, value) in b.iter().filter(|(key, _)| !a.contains_key(*key)) {
                    self.at(Part::Key(key.clone()), None, Some(value));
                }
                return;
            }
            (Some(Value::Array(a)), Some(Value::Array(b))) => return self.arrays(a, b),
            (Some(a), Some(b)) if kind(a) != kind(b) => Op::TypeChanged,
            (Some(a), Some(b)) if canon(a) == canon(b) => return,
            (Some(_), Some(_)) => Op::Changed,
        };
        self.found.push(Change {
            path: self.path.clone(),
            op,
            a: a.cloned(),
            b: b.cloned(),
        });
    }

    /// Equal items serve as anchors. Between them, items are compared by position.
    fn arrays(&mut self, a: &[Value], b: &[Value]) {
        let [old, new] = [a, b].map(|items| items.iter().map(canon).collect::<Vec<String>>());
        let [old, new] =
            [&old, &new].map(|texts| texts.iter().map(String::as_str).collect::<Vec<_>>());
        let diff = TextDiff::configure()
            .algorithm(Algorithm::Patience)
            .diff_slices(&old, &new);
        for op in diff.ops() {
            let (old, new) = match op {
                DiffOp::Equal { .. } => continue,
                DiffOp::Delete { .. } | DiffOp::Insert { .. } | DiffOp::Replace { .. } => {
                    (op.old_range(), op.new_range())
                }
            };
            let both = old.len().min(new.len());
            for at in 0..both {
                let (old, new) = (old.start + at, new.start + at);
                self.at(Part::Index(old), Some(&a[old]), Some(&b[new]));
            }
            for (at, item) in a.iter().enumerate().take(old.end).skip(old.start + both) {
                self.at(Part::Index(at), Some(item), None);
            }
            for (at, item) in b.iter().enumerate().take(new.end).skip(new.start + both) {
                self.at(Part::Index(at), None, Some(item));
            }
        }
    }
}

fn kind(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}
