//! A JSON value, or plain text, as lines for reading. Costs what is asked for, not what the value holds.

use serde_json::Value;

use crate::base::{human, text};

/// What a piece of a line is; the theme gives it a style.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Faint,
    Strong,
    Key,
    String,
    Number,
    Good,
    Bad,
    Waiting,
}

/// One line of sanitised text in pieces.
pub type Line = Vec<(Tone, String)>;

/// Lines that are collected until a limit; what comes later is counted or told in words.
#[derive(Debug)]
pub struct Lines {
    pub lines: Vec<Line>,
    width: usize,
    limit: usize,
    /// Something was left out because of the limit of lines.
    pub full: bool,
}

/// The longest string that is shown; of longer ones the head is shown and the rest is counted.
const LONGEST: usize = 64 * 1024;

impl Lines {
    pub fn new(width: usize, limit: usize) -> Lines {
        Lines {
            lines: Vec::new(),
            width: width.max(8),
            limit,
            full: false,
        }
    }

    pub fn push(&mut self, line: Line) {
        if self.lines.len() < self.limit {
            self.lines.push(line);
        } else {
            self.full = true;
        }
    }

    /// One line of a single tone, wrapped.
    pub fn say(&mut self, tone: Tone, words: &str) {
        self.wrapped(0, tone, &text::sanitize(words));
    }

    /// The same, indented on every row that it takes.
    pub fn say_in(&mut self, indent: usize, tone: Tone, words: &str) {
        self.wrapped(indent, tone, &text::sanitize(words));
    }

    /// A value below something else.
    pub fn value_in(&mut self, depth: usize, value: &Value) {
        match value {
            Value::String(content) => self.text(depth * 2, Tone::Plain, content),
            other => self.children(depth, other),
        }
    }

    /// One field of an object, with a mark before its key.
    pub fn field(&mut self, depth: usize, (mark, key): (&str, &str), value: &Value) {
        let lead = vec![
            (Tone::Waiting, mark.to_owned()),
            (Tone::Key, text::sanitize(key).into_owned()),
            (Tone::Plain, "  ".to_owned()),
        ];
        self.entry(depth, lead, value);
    }

    /// Text of several lines, each wrapped.
    pub fn text(&mut self, indent: usize, tone: Tone, content: &str) {
        let (head, rest) = head_of(content);
        for line in text::sanitize_lines(head) {
            if self.full {
                return;
            }
            self.wrapped(indent, tone, &line);
        }
        self.count(indent, rest);
    }

    /// A value as indented lines: `key  value`, items with `-`, text of several lines as a block.
    pub fn value(&mut self, value: &Value) {
        match value {
            Value::String(content) => self.text(0, Tone::Plain, content),
            Value::Object(_) | Value::Array(_) => self.children(0, value),
            Value::Null | Value::Bool(_) | Value::Number(_) => {
                let line = vec![scalar(value)];
                self.push(line);
            }
        }
    }

    fn children(&mut self, depth: usize, value: &Value) {
        match value {
            Value::Object(entries) if !entries.is_empty() => {
                for (key, value) in entries {
                    let lead = vec![
                        (Tone::Key, text::sanitize(key).into_owned()),
                        (Tone::Plain, "  ".to_owned()),
                    ];
                    self.entry(depth, lead, value);
                }
            }
            Value::Array(items) if !items.is_empty() => {
                for item in items {
                    self.entry(depth, vec![(Tone::Faint, "- ".to_owned())], item);
                }
            }
            other => {
                let line = vec![(Tone::Plain, "  ".repeat(depth)), scalar(other)];
                self.push(line);
            }
        }
    }

    fn entry(&mut self, depth: usize, lead: Line, value: &Value) {
        if self.full || depth > DEEPEST {
            self.full = true;
            return;
        }
        let mut line = vec![(Tone::Plain, "  ".repeat(depth))];
        line.extend(lead);
        match value {
            Value::Object(entries) if !entries.is_empty() => {
                self.push(line);
                self.children(depth + 1, value);
            }
            Value::Array(items) if !items.is_empty() => {
                self.push(line);
                self.children(depth + 1, value);
            }
            Value::String(content) if content.contains('\n') || content.len() > self.width => {
                self.push(line);
                self.text((depth + 1) * 2, Tone::String, content);
            }
            other => {
                line.push(scalar(other));
                self.push(line);
            }
        }
    }

    fn wrapped(&mut self, indent: usize, tone: Tone, line: &str) {
        let indent = indent.min(self.width / 2);
        for row in text::wrap(line, self.width - indent) {
            self.push(vec![(Tone::Plain, " ".repeat(indent)), (tone, row)]);
        }
    }

    fn count(&mut self, indent: usize, rest: usize) {
        if rest > 0 {
            self.wrapped(
                indent,
                Tone::Faint,
                &format!("… {} more", human::bytes(rest as u64)),
            );
        }
    }
}

/// Values nest no deeper than the parser allows; the walk has its own bound.
const DEEPEST: usize = 256;

/// The head of a long text, cut between characters, and the bytes that are left out.
fn head_of(content: &str) -> (&str, usize) {
    if content.len() <= LONGEST {
        return (content, 0);
    }
    let end = content.floor_char_boundary(LONGEST);
    (content.get(..end).unwrap_or_default(), content.len() - end)
}

fn scalar(value: &Value) -> (Tone, String) {
    match value {
        Value::String(content) => (
            Tone::String,
            format!("\"{}\"", text::sanitize(head_of(content).0)),
        ),
        Value::Number(number) => (
            Tone::Number,
            text::sanitize(&number.to_string()).into_owned(),
        ),
        Value::Null => (Tone::Faint, "null".to_owned()),
        Value::Bool(truth) => (Tone::Number, truth.to_string()),
        Value::Array(_) => (Tone::Faint, "[]".to_owned()),
        Value::Object(_) => (Tone::Faint, "{}".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Lines;

    #[track_caller]
    fn check(value: &Value, limit: usize, expected: &[&str]) {
        let mut lines = Lines::new(40, limit);
        lines.value(value);
        let joined = |line: &super::Line| {
            line.iter()
                .map(|(_, piece)| piece.as_str())
                .collect::<String>()
        };
        let shown: Vec<String> = lines.lines.iter().map(joined).collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn an_object_is_shown_by_keys() {
        check(
            &json!({"order_id": "8841", "amount": 4200, "tags": ["a", null], "deep": {"x": {}}}),
            99,
            &[
                "order_id  \"8841\"",
                "amount  4200",
                "tags  ",
                "  - \"a\"",
                "  - null",
                "deep  ",
                "  x  {}",
            ],
        );
    }

    #[test]
    fn text_of_several_lines_is_a_block() {
        check(
            &json!({"body": "one\ntwo"}),
            99,
            &["body  ", "  one", "  two"],
        );
    }

    #[test]
    fn a_huge_string_is_cut_and_the_rest_is_counted() {
        let mut lines = Lines::new(40, 100_000);
        lines.value(&Value::String("x\n".repeat(30 << 20)));
        assert!(lines.lines.len() < 40_000);
        assert!(
            lines
                .lines
                .last()
                .is_some_and(|line| line[1].1.ends_with(" more"))
        );
    }

    #[test]
    fn no_more_lines_than_the_limit_are_made() {
        let many: Vec<u32> = (0..1_000_000).collect();
        let mut lines = Lines::new(40, 10);
        lines.value(&json!(many));
        assert_eq!((lines.lines.len(), lines.full), (10, true));
    }
}
