//! YAML as JSON values, within limits on depth and on what aliases repeat.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use saphyr_parser::{Event, Parser, ScalarStyle, Tag};
use serde_json::{Map, Number, Value, json};

/// Deeper nesting is not read.
const DEEPEST: usize = 128;
/// How many values all aliases of a document together may repeat.
const REPEATED: usize = 1 << 20;

/// The member that holds bytes which are not text, in base64.
pub(crate) const BINARY: &str = "$binary";

/// The first document, and why it ends early, if it does: everything before the fault is kept, which a
/// loader of whole documents would discard.
pub(crate) fn read(text: &str) -> (Value, Option<String>) {
    let mut build = Build::default();
    let mut fault = None;
    for event in Parser::new_from_str(text) {
        match event {
            Ok((Event::DocumentEnd, _)) => break,
            Ok((event, _)) => {
                if let Err(what) = build.take(event) {
                    fault = Some(what.to_owned());
                    break;
                }
            }
            Err(error) => {
                fault = Some(error.to_string());
                break;
            }
        }
    }
    (build.end(), fault)
}

/// A list or an object that is not finished.
#[derive(Debug)]
enum Open {
    List(Vec<Value>, usize),
    /// With the key of the next value.
    Map(Map<String, Value>, Option<String>, usize),
}

#[derive(Debug, Default)]
struct Build {
    open: Vec<Open>,
    root: Option<Value>,
    /// Values with an anchor, by its number.
    anchors: Vec<(usize, Value)>,
    repeated: usize,
}

impl Build {
    fn take(&mut self, event: Event<'_>) -> Result<(), &'static str> {
        match event {
            Event::SequenceStart(anchor, _) => self.begin(Open::List(Vec::new(), anchor)),
            Event::MappingStart(anchor, _) => self.begin(Open::Map(Map::new(), None, anchor)),
            Event::SequenceEnd | Event::MappingEnd => {
                self.close();
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(&text, style, tag.as_deref());
                self.add(value, anchor);
                Ok(())
            }
            Event::Alias(anchor) => {
                let known = self.anchors.iter().rev().find(|(at, _)| *at == anchor);
                let value = known.map(|(_, value)| value.clone()).unwrap_or_default();
                self.repeated += size(&value);
                if self.repeated > REPEATED {
                    return Err("its aliases repeat too much");
                }
                self.add(value, 0);
                Ok(())
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
        }
    }

    fn begin(&mut self, open: Open) -> Result<(), &'static str> {
        if self.open.len() >= DEEPEST {
            return Err("nested too deeply");
        }
        self.open.push(open);
        Ok(())
    }

    fn close(&mut self) {
        match self.open.pop() {
            Some(Open::List(list, anchor)) => self.add(Value::Array(list), anchor),
            Some(Open::Map(map, _, anchor)) => self.add(Value::Object(map), anchor),
            None => {}
        }
    }

    fn add(&mut self, value: Value, anchor: usize) {
        if anchor > 0 {
            self.anchors.push((anchor, value.clone()));
        }
        match self.open.last_mut() {
            Some(Open::List(list, _)) => list.push(value),
            Some(Open::Map(map, key, _)) => match key.take() {
                Some(key) => {
                    map.insert(key, value);
                }
                None => *key = Some(as_key(value)),
            },
            None => {
                self.root.get_or_insert(value);
            }
        }
    }

    /// The document; lists and objects that a cut left open are closed there.
    fn end(mut self) -> Value {
        while !self.open.is_empty() {
            self.close();
        }
        self.root.unwrap_or_default()
    }
}

fn as_key(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn size(value: &Value) -> usize {
    1 + match value {
        Value::Array(list) => list.iter().map(size).sum(),
        Value::Object(map) => map.values().map(size).sum(),
        Value::String(text) => text.len() / 16,
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let kind = tag.map(|tag| tag.suffix.as_str()).unwrap_or_default();
    match (kind, style) {
        ("binary", _) => binary(text),
        ("", ScalarStyle::Plain) => plain(text),
        _ => text.into(),
    }
}

fn binary(text: &str) -> Value {
    let packed: String = text.split_ascii_whitespace().collect();
    match STANDARD.decode(&packed).map(String::from_utf8) {
        Ok(Ok(text)) => text.into(),
        Ok(Err(_)) => json!({ BINARY: packed }),
        Err(_) => text.into(),
    }
}

/// A scalar without quotes, by the core schema; numbers that JSON cannot write stay text.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => true.into(),
        "false" | "False" | "FALSE" => false.into(),
        _ if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) => {
            text.into()
        }
        _ => match text.parse::<i64>() {
            Ok(number) => number.into(),
            Err(_) => text
                .parse()
                .ok()
                .and_then(Number::from_f64)
                .map_or_else(|| text.into(), Value::Number),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &Value) {
        assert_eq!(read(text), (expected.clone(), None));
    }

    #[test]
    fn reads_what_python_and_ruby_write() {
        let text = "a:\n- b: 'it''s\n\n    two lines'\n  c: \"\\u00e9\\\n    x\"\n  d: |-\n    one\n    two\n- !!binary |\n  /+8=\n- &x [1, 2.5, true, null, ~, '1', 2026-01-01]\n- *x\n";
        let list = json!([1, 2.5, true, null, null, "1", "2026-01-01"]);
        check(
            text,
            &json!({"a": [{"b": "it's\ntwo lines", "c": "éx", "d": "one\ntwo"}, {BINARY: "/+8="}, list, list]}),
        );
        check("--- # a comment\nk: !!binary aGk=\n", &json!({"k": "hi"}));
    }

    #[test]
    fn what_comes_before_a_fault_is_kept() {
        let (value, fault) = read("a:\n- 1\n- 2\n- 'cut");
        assert_eq!(value, json!({"a": [1, 2]}));
        assert!(fault.is_some());
        assert!(read(&"[".repeat(10_000)).1.is_some());
        let bomb = (1..30).fold("a0: &a0 [x, x]\n".to_owned(), |text, n| {
            let before = n - 1;
            format!("{text}a{n}: &a{n} [*a{before}, *a{before}, *a{before}]\n")
        });
        assert!(read(&bomb).1.is_some_and(|why| why.contains("aliases")));
    }
}
