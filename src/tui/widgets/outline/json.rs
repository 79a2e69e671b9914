//! A JSON value as rows: one for each value, the keys of an object beside their values.

use base64::Engine as _;
use serde_json::{Map, Value};

use crate::base::{human, text};
use crate::tui::widgets::outline::build::{Builder, Named, New};
use crate::tui::widgets::outline::{Form, diff};
use crate::tui::widgets::tone::Tone;

/// Notes beside values, and which are folded at first, by path.
#[derive(Debug, Default)]
pub struct Remarks {
    /// `items[2].price`, and the note after its value.
    pub notes: Vec<(String, String)>,
    pub folded: Vec<String>,
}

/// Values nest no deeper than the parser allows; the walk has its own bound.
const DEEPEST: usize = 256;
/// Values begin below each other where their keys are not wider than this.
const WIDEST_KEY: usize = 18;
/// How many keys are measured for their width.
const SAMPLE: usize = 64;
/// Longer strings are shown below their key.
const LONG: usize = 200;

/// Adds the rows of a value: of an object or an array those inside of it, else one.
pub fn value(builder: &mut Builder, value: &Value, remarks: &Remarks) {
    let mut walk = Walk {
        builder,
        remarks,
        path: String::new(),
    };
    match value {
        Value::Object(fields) if !fields.is_empty() && blob(value).is_none() => walk.fields(fields),
        Value::Array(items) if !items.is_empty() => walk.items(items),
        Value::String(content) if blob_text(content).is_none() => match nested(content) {
            Some(inner) => walk.inside(&inner),
            None => walk.content(content),
        },
        other => walk.add(Named::Nothing, other, 0),
    }
}

struct Walk<'a> {
    builder: &'a mut Builder,
    remarks: &'a Remarks,
    path: String,
}

impl Walk<'_> {
    fn fields(&mut self, fields: &Map<String, Value>) {
        let widths = fields
            .keys()
            .take(SAMPLE)
            .map(|key| text::width(&text::sanitize(key)));
        let hang = widths
            .filter(|width| *width <= WIDEST_KEY)
            .max()
            .unwrap_or(0)
            + 2;
        for (number, (key, value)) in fields.iter().enumerate() {
            if self.builder.is_full() {
                return self.hide(fields.len() - number);
            }
            let before = self.path.len();
            if before > 0 {
                self.path.push('.');
            }
            self.path.push_str(key);
            self.add(Named::Key(key), value, hang);
            self.path.truncate(before);
        }
    }

    /// What is inside of an object or an array.
    fn inside(&mut self, value: &Value) {
        match value {
            Value::Object(fields) => self.fields(fields),
            Value::Array(items) => self.items(items),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn items(&mut self, items: &[Value]) {
        for (number, value) in items.iter().enumerate() {
            if self.builder.is_full() {
                return self.hide(items.len() - number);
            }
            let before = self.path.len();
            self.path.extend(["[", &number.to_string(), "]"]);
            self.add(Named::Item(number), value, 2);
            self.path.truncate(before);
        }
    }

    fn hide(&mut self, values: usize) {
        let plural = if values == 1 { "" } else { "s" };
        let count = human::count(values as u64);
        self.builder.more(&format!("{count} more value{plural}"));
    }

    fn add(&mut self, key: Named<'_>, value: &Value, hang: usize) {
        let new = |form, tone, text| New {
            form,
            key,
            tone,
            text,
            hang,
        };
        if let Some(words) = blob(value) {
            self.builder.push(new(Form::Scalar, Tone::Waiting, &words));
            return;
        }
        match value {
            Value::Object(fields) if !fields.is_empty() && self.builder.depth() < DEEPEST => {
                self.builder.open(new(Form::Object, Tone::Faint, ""));
                self.fields(fields);
            }
            Value::Array(items) if !items.is_empty() && self.builder.depth() < DEEPEST => {
                self.builder.open(new(Form::Array, Tone::Faint, ""));
                self.items(items);
            }
            Value::String(content) => match nested(content) {
                Some(inner) => {
                    let form = if inner.is_array() {
                        Form::Array
                    } else {
                        Form::Object
                    };
                    self.builder.open(new(form, Tone::Faint, NESTED));
                    self.inside(&inner);
                }
                None if content.contains('\n') || content.len() > LONG => {
                    self.builder.open(new(Form::Text, Tone::Faint, ""));
                    self.content(content);
                }
                None => self.scalar(value, new(Form::Scalar, Tone::Plain, "")),
            },
            other => self.scalar(other, new(Form::Scalar, Tone::Plain, "")),
        }
        let at = self.builder.close();
        if self.remarks.folded.contains(&self.path) {
            self.builder.fold(at);
        }
    }

    /// A value in a row of its own, with its note; the row stays open.
    fn scalar(&mut self, value: &Value, new: New<'_>) {
        let (tone, mut words) = scalar(value);
        let mut notes = self.remarks.notes.iter();
        let end = words.len();
        if let Some((_, note)) = notes.find(|(path, _)| *path == self.path) {
            words.extend(["   ", note]);
        }
        self.builder.open(New {
            tone,
            text: &words,
            ..new
        });
        if words.len() > end {
            self.builder.span(end..words.len(), Tone::Bad);
        }
    }

    /// The lines of a text; those of a patch in the tones of a patch.
    fn content(&mut self, content: &str) {
        if diff::is_patch(content) {
            diff::patch(self.builder, content);
        } else {
            self.builder.lines(Tone::Plain, content);
        }
    }
}

/// Longer strings are not looked into.
const LONGEST_NESTED: usize = 1 << 20;
const NESTED: &str = "(JSON in a string)";

/// The value that a string holds, as tools often return it; only those with others inside.
pub fn nested(content: &str) -> Option<Value> {
    let bare = content.trim();
    let is_like_it = (bare.starts_with('{') && bare.ends_with('}'))
        || (bare.starts_with('[') && bare.ends_with(']'));
    if !is_like_it || bare.len() > LONGEST_NESTED {
        return None;
    }
    let value = serde_json::from_str(bare).ok()?;
    let has_any = match &value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    };
    has_any.then_some(value)
}

/// The tone and the words of a value that has none inside of it.
pub fn scalar(value: &Value) -> (Tone, String) {
    match value {
        Value::String(content) => (Tone::String, format!("\"{content}\"")),
        Value::Number(number) => (Tone::Number, number.to_string()),
        Value::Null => (Tone::Faint, "null".to_owned()),
        Value::Bool(truth) => (Tone::Number, truth.to_string()),
        Value::Array(items) if items.is_empty() => (Tone::Faint, "[]".to_owned()),
        Value::Object(fields) if fields.is_empty() => (Tone::Faint, "{}".to_owned()),
        Value::Array(_) | Value::Object(_) => (Tone::Faint, "nested too deep to show".to_owned()),
    }
}

/// Binary data is not shown, only its type and size.
fn blob(value: &Value) -> Option<String> {
    match value {
        Value::String(content) => blob_text(content),
        Value::Object(fields) => {
            let inner = fields
                .get("source")
                .and_then(Value::as_object)
                .unwrap_or(fields);
            let named = ["media_type", "mimeType", "mime_type"]
                .iter()
                .find_map(|key| inner.get(*key)?.as_str());
            let data = ["data", "blob"]
                .iter()
                .find_map(|key| inner.get(*key)?.as_str())?;
            is_base64(data).then(|| placeholder(named, data))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}

fn blob_text(content: &str) -> Option<String> {
    if let Some(rest) = content.strip_prefix("data:") {
        let (kind, data) = rest.split_once(";base64,")?;
        return is_base64(data).then(|| placeholder(Some(kind), data));
    }
    is_base64(content).then(|| placeholder(None, content))
}

/// Shorter texts of such letters may be words, ids or hashes.
const SHORTEST_BLOB: usize = 256;

fn is_base64(data: &str) -> bool {
    let letter =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
    let bare = data.trim_end_matches('=');
    if data.len() < SHORTEST_BLOB || data.len() - bare.len() > 2 || !bare.bytes().all(letter) {
        return false;
    }
    // Hexadecimal digits and lines of one repeated letter are not encoded data.
    let some = bare.as_bytes().get(..SHORTEST_BLOB - 2).unwrap_or_default();
    let has = |test: fn(&u8) -> bool| some.iter().any(test);
    has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_digit)
}

/// `image/png 640×480 · 45 kB, not shown`.
fn placeholder(kind: Option<&str>, data: &str) -> String {
    let size = human::bytes(data.len() as u64 / 4 * 3);
    let head = data.get(..64).unwrap_or_default();
    let head = base64::engine::general_purpose::STANDARD_NO_PAD
        .decode(head)
        .unwrap_or_default();
    let kind = kind.or_else(|| smell(&head)).unwrap_or("base64 data");
    let pixels = pixels(&head).map(|(width, height)| format!(" {width}×{height}"));
    format!("[{kind}{} · {size}, not shown]", pixels.unwrap_or_default())
}

fn smell(head: &[u8]) -> Option<&'static str> {
    let smells: &[(&[u8], &str)] = &[
        (b"\x89PNG", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"GIF8", "image/gif"),
        (b"RIFF", "image/webp"),
        (b"%PDF", "application/pdf"),
        (b"PK\x03\x04", "application/zip"),
        (b"\x1f\x8b", "application/gzip"),
    ];
    smells
        .iter()
        .find(|(magic, _)| head.starts_with(magic))
        .map(|(_, kind)| *kind)
}

/// The size of a PNG or GIF image, read from its header.
fn pixels(head: &[u8]) -> Option<(u32, u32)> {
    if head.starts_with(b"\x89PNG") {
        let number = |at: usize| Some(u32::from_be_bytes(head.get(at..at + 4)?.try_into().ok()?));
        return Some((number(16)?, number(20)?));
    }
    if head.starts_with(b"GIF8") {
        let number = |at: usize| Some(u16::from_le_bytes(head.get(at..at + 2)?.try_into().ok()?));
        return Some((number(6)?.into(), number(8)?.into()));
    }
    None
}
