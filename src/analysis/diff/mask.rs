//! What does not count as a difference: noise that changes with every run, and paths the user
//! ignores.
//!
//! The output always says so and counts what was hidden. Nothing is dropped silently.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::analysis::diff::step;
use crate::query;
use crate::query::expr::{Expr, Path, Step, Subject};
use crate::query::fields::Field;

/// Values that are not compared.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct IgnoreRules {
    /// Treats all ids, times and temporary paths as equal.
    pub noise: bool,
    pub ignored: Vec<Ignored>,
}

/// A path in filter syntax: `args.request_id`, `result.items[*].ts`, `text`.
#[derive(Debug, Clone, PartialEq)]
pub struct Ignored(Subject);

impl Ignored {
    /// Parses a path, or explains what is wrong with it.
    pub fn parse(text: &str) -> Result<Ignored, String> {
        let words = || {
            format!("'{text}' is not a path that can be ignored; use args.KEY, result.KEY or text")
        };
        let parsed = query::parse(&format!("has:{text}"));
        match parsed {
            Ok(Expr::Has(subjects)) => match subjects.as_slice() {
                [it @ (Subject::Args(_) | Subject::Result(_) | Subject::Field(Field::Text))] => {
                    Ok(Ignored(it.clone()))
                }
                _ => Err(words()),
            },
            Ok(_) => Err(words()),
            Err(error) => Err(format!("{}: {}", words(), error.message)),
        }
    }

    pub fn words(&self) -> String {
        self.0.to_string()
    }
}

impl IgnoreRules {
    pub fn is_none(&self) -> bool {
        *self == IgnoreRules::default()
    }

    /// The arguments of a call, without what does not count.
    pub fn args(&self, mut args: Value) -> Value {
        for ignored in &self.ignored {
            if let Ignored(Subject::Args(path)) = ignored {
                remove(&mut args, path);
            }
        }
        if self.noise {
            mask(&mut args);
        }
        args
    }

    /// The result of a call, without what does not count. Looks inside JSON strings.
    pub fn result(&self, mut result: Value) -> Value {
        let paths = self.ignored.iter().filter_map(|it| match it {
            Ignored(Subject::Result(path)) => Some(path),
            Ignored(_) => None,
        });
        let paths: Vec<&Path> = paths.collect();
        if let Value::String(text) = &result
            && !paths.is_empty()
            && let Some(inner) = step::parsed(text)
        {
            result = inner;
        }
        for path in paths {
            remove(&mut result, path);
        }
        if self.noise {
            mask(&mut result);
        }
        result
    }

    /// Whether differences in text are ignored.
    pub fn ignores_text(&self) -> bool {
        let is_text = |it: &Ignored| matches!(it.0, Subject::Field(_));
        self.ignored.iter().any(is_text)
    }

    pub fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.ignores_text() {
            return Cow::Borrowed("");
        }
        if self.noise {
            quiet(text)
        } else {
            Cow::Borrowed(text)
        }
    }
}

/// Removes the value at the end of a path.
fn remove(value: &mut Value, path: &[Step]) {
    let Some((step, rest)) = path.split_first() else {
        *value = Value::Null;
        return;
    };
    match (value, step) {
        (Value::Object(fields), Step::Key(key)) if rest.is_empty() => {
            fields.shift_remove(key);
        }
        (Value::Object(fields), Step::Key(key)) => {
            if let Some(inner) = fields.get_mut(key) {
                remove(inner, rest);
            }
        }
        (Value::Object(fields), Step::Each) if rest.is_empty() => fields.clear(),
        (Value::Object(fields), Step::Each) => {
            fields.values_mut().for_each(|inner| remove(inner, rest));
        }
        (Value::Array(items), Step::Each) if rest.is_empty() => items.clear(),
        (Value::Array(items), Step::Each) => items.iter_mut().for_each(|item| remove(item, rest)),
        (Value::Array(items), Step::Key(key)) => {
            let item = key.parse().ok().and_then(|at: usize| items.get_mut(at));
            if let Some(item) = item {
                remove(item, rest);
            }
        }
        (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_), _) => {}
    }
}

fn mask(value: &mut Value) {
    match value {
        Value::String(text) => match step::parsed(text) {
            // JSON inside a string: the order of its members is noise too.
            Some(mut inner) => {
                mask(&mut inner);
                *text = step::canon(&inner);
            }
            None => {
                if let Cow::Owned(quiet) = quiet(text) {
                    *text = quiet;
                }
            }
        },
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Object(fields) => fields.values_mut().for_each(mask),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Patterns that change with every run, and their placeholders.
static NOISE: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let patterns = [
        (
            r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b",
            "<uuid>",
        ),
        (
            r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?",
            "<time>",
        ),
        (
            r"\b(?:call|toolu|srvtoolu|chatcmpl|msg|resp|req)[_-][0-9A-Za-z]{12,}\b",
            "<id>",
        ),
        (
            r#"(?:/private)?(?:/var)?/tmp/[^/\s"'`:;,)]+|/var/folders/[^/\s]+/[^/\s]+/T/[^/\s"'`:;,)]+"#,
            "<tmp>",
        ),
        // What Codex puts before the output of a command.
        (r"\bChunk ID: [0-9a-f]{4,16}\b", "Chunk ID: <id>"),
        (
            r"\bWall time: \d+(?:\.\d+)? seconds\b",
            "Wall time: <duration>",
        ),
        // What Gemini CLI puts after it, also inside JSON, where the line before it ends in `\n`.
        (
            r"(Process Group PGID|Background PIDs): \d+(?:, \d+)*\b",
            "$1: <id>",
        ),
    ];
    let compiled = patterns.into_iter();
    compiled
        .filter_map(|(pattern, word)| Some((Regex::new(pattern).ok()?, word)))
        .collect()
});

/// White space at the end of a line or of the text.
static TRAILING: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\s+\z|[ \t\r]+(\n)").ok());

/// Replaces noise by placeholders.
pub fn quiet(text: &str) -> Cow<'_, str> {
    let mut quiet = match &*TRAILING {
        Some(pattern) => pattern.replace_all(text, "$1"),
        None => Cow::Borrowed(text),
    };
    for (pattern, word) in NOISE.iter() {
        if let Cow::Owned(next) = pattern.replace_all(&quiet, *word) {
            quiet = Cow::Owned(next);
        }
    }
    quiet
}
