//! A JSON value that shares the text of its record: strings are places in one copy of the record, so that
//! reading a value allocates little, cloning it costs nothing, and JSON inside a string is read in place.
//!
//! For formats whose records repeat whole conversations. Its methods have the names of
//! [`serde_json::Value`], which opened bodies are made of.

mod object;
mod text;

use std::fmt;
use std::rc::Rc;

use serde_json::Value;

pub use self::object::Object;
pub use self::text::Text;
use super::{Checked, Cursor, DEEPEST, Marks, Range, Str, unescape};
use crate::model::action::Flags;

/// A value. Of duplicate members the last one counts.
#[derive(Debug, Clone, Default)]
pub enum Json {
    #[default]
    Null,
    Bool(bool),
    /// A number as written.
    Number(Text),
    String(Text),
    Array(Rc<Vec<Json>>),
    Object(Rc<Object>),
}

impl Json {
    /// Reads the value at a cursor; null if it is nested too deep to be opened.
    pub fn read(cursor: &mut Cursor<'_>) -> Checked<Json> {
        let reader = Reader::at(cursor);
        let value = reader.value(cursor, 0, &mut Unfinished::default())?;
        Ok(if cursor.notes.has(Flags::TOO_DEEP) {
            Json::Null
        } else {
            value
        })
    }

    /// The value in a text that is JSON.
    pub fn of_text(text: &Text) -> Option<Json> {
        let bytes = text.as_bytes();
        let marks = Marks::of(bytes);
        let mut cursor = Cursor::whole(bytes, &marks);
        let reader = Reader {
            text: text.clone(),
            base: 0,
            is_text: true,
        };
        let value = reader.value(&mut cursor, 0, &mut Unfinished::default());
        let value = value.ok()?;
        cursor.end().ok()?;
        Some(value).filter(|_| !cursor.notes.has(Flags::TOO_DEEP))
    }

    /// An array of values.
    pub fn list(all: impl IntoIterator<Item = Json>) -> Json {
        Json::Array(Rc::new(all.into_iter().collect()))
    }

    pub fn is_null(&self) -> bool {
        matches!(self, Json::Null)
    }

    pub fn is_object(&self) -> bool {
        matches!(self, Json::Object(_))
    }

    pub fn is_array(&self) -> bool {
        matches!(self, Json::Array(_))
    }

    pub fn is_string(&self) -> bool {
        matches!(self, Json::String(_))
    }

    /// A member of an object.
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.as_object()?.get(key)
    }

    /// A value by the names of members and the indexes of elements, each after a slash.
    pub fn pointer(&self, path: &str) -> Option<&Json> {
        let mut steps = path.split('/').skip(1);
        steps.try_fold(self, |value, step| match value {
            Json::Array(all) => all.get(step.parse::<usize>().ok()?),
            other => other.get(step),
        })
    }

    /// The text of a string.
    pub fn text(&self) -> Option<&Text> {
        match self {
            Json::String(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        self.text().map(Text::as_str)
    }

    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Json::Bool(truth) => Some(*truth),
            _ => None,
        }
    }

    pub fn as_array(&self) -> Option<&[Json]> {
        match self {
            Json::Array(all) => Some(all),
            _ => None,
        }
    }

    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Json::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The members of an object, to change them.
    pub fn as_object_mut(&mut self) -> Option<&mut Object> {
        match self {
            Json::Object(object) => Some(Rc::make_mut(object)),
            _ => None,
        }
    }

    pub fn as_f64(&self) -> Option<f64> {
        self.number()?
            .parse()
            .ok()
            .filter(|it: &f64| it.is_finite())
    }

    pub fn as_u64(&self) -> Option<u64> {
        self.number()?.parse().ok()
    }

    pub fn as_i64(&self) -> Option<i64> {
        self.number()?.parse().ok()
    }

    fn number(&self) -> Option<&Text> {
        match self {
            Json::Number(written) => Some(written),
            _ => None,
        }
    }

    /// The members with these names, in order; if they are lists, their elements.
    pub fn elements(&self, names: &[&str]) -> Vec<&Json> {
        let mut found = Vec::new();
        let members = self.as_object().map(Object::iter);
        for (name, value) in members.into_iter().flatten() {
            if names.contains(&name.as_str()) {
                value.flat(&mut |one| found.push(one));
            }
        }
        found
    }

    /// Where an object is in the block that it was read from.
    pub fn range(&self) -> Option<Range> {
        self.as_object()?.range()
    }

    /// Calls `each` for every element of this value, however deep lists are nested in lists; for the value
    /// itself if it is not a list.
    pub fn flat<'a>(&'a self, each: &mut dyn FnMut(&'a Json)) {
        match self {
            Json::Array(all) => all.iter().for_each(|one| one.flat(each)),
            other => each(other),
        }
    }
}

/// Members and elements of containers that have not ended: each is allocated once, when its size is known.
#[derive(Default)]
struct Unfinished {
    members: Vec<(Text, Json)>,
    elements: Vec<Json>,
}

/// What is known about the text that a value is read from.
struct Reader {
    /// A copy of the text; empty if it is not valid UTF-8.
    text: Text,
    /// Where the text begins in the block.
    base: usize,
    is_text: bool,
}

impl Reader {
    /// Copies the text of the record at a cursor.
    fn at(cursor: &Cursor<'_>) -> Reader {
        let base = cursor.position();
        let text = std::str::from_utf8(&cursor.bytes()[base..]);
        Reader {
            is_text: text.is_ok(),
            text: Text::from(text.unwrap_or_default()),
            base,
        }
    }

    fn value(
        &self,
        cursor: &mut Cursor<'_>,
        depth: usize,
        unfinished: &mut Unfinished,
    ) -> Checked<Json> {
        let first = cursor.peek();
        let start = cursor.position();
        Ok(match first {
            b'"' => Json::String(self.string(cursor)?),
            b'{' | b'[' if depth >= DEEPEST => {
                cursor.skip()?;
                Json::Null
            }
            b'{' => {
                let first = unfinished.members.len();
                cursor.members(|cursor, key| {
                    let name = self.shared(cursor, key);
                    let value = self.value(cursor, depth + 1, unfinished)?;
                    unfinished.members.push((name, value));
                    Ok(())
                })?;
                let end = cursor.position();
                let members = unfinished.members.drain(first..).collect();
                Json::Object(Rc::new(Object::read(members, Range { start, end })))
            }
            b'[' => {
                let first = unfinished.elements.len();
                cursor.array(|cursor| {
                    let value = self.value(cursor, depth + 1, unfinished)?;
                    unfinished.elements.push(value);
                    Ok(())
                })?;
                Json::list(unfinished.elements.drain(first..))
            }
            _ => {
                cursor.skip()?;
                match first {
                    b't' => Json::Bool(true),
                    b'f' => Json::Bool(false),
                    b'n' => Json::Null,
                    _ => Json::Number(self.part(cursor, (start, cursor.position()))),
                }
            }
        })
    }

    fn string(&self, cursor: &mut Cursor<'_>) -> Checked<Text> {
        let found = cursor.string()?;
        Ok(self.shared(cursor, found))
    }

    fn shared(&self, cursor: &Cursor<'_>, found: Str) -> Text {
        if cursor.is_escaped(found) {
            return Text::from(unescape(cursor.raw(found)).into_owned());
        }
        let start = found.start() as usize;
        self.part(cursor, (start, start + found.len() as usize))
    }

    /// The text between two positions of the block.
    fn part(&self, cursor: &Cursor<'_>, (start, end): (usize, usize)) -> Text {
        if self.is_text {
            self.text.slice(start - self.base, end - self.base)
        } else {
            Text::from(unescape(&cursor.bytes()[start..end]).as_ref())
        }
    }
}

impl From<Text> for Json {
    fn from(text: Text) -> Json {
        Json::String(text)
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Json {
        Json::String(text.into())
    }
}

impl From<i64> for Json {
    fn from(number: i64) -> Json {
        Json::Number(number.to_string().into())
    }
}

impl From<&Value> for Json {
    fn from(value: &Value) -> Json {
        match value {
            Value::Null => Json::Null,
            Value::Bool(truth) => Json::Bool(*truth),
            Value::Number(number) => Json::Number(number.to_string().into()),
            Value::String(text) => Json::from(text.as_str()),
            Value::Array(all) => Json::list(all.iter().map(Json::from)),
            Value::Object(members) => {
                let members = members.iter();
                members
                    .map(|(key, value)| (Text::from(key.as_str()), Json::from(value)))
                    .collect()
            }
        }
    }
}

impl From<&Json> for Value {
    fn from(value: &Json) -> Value {
        match value {
            Json::Null => Value::Null,
            Json::Bool(truth) => Value::Bool(*truth),
            Json::Number(written) => written.parse().map_or(Value::Null, Value::Number),
            Json::String(text) => Value::String(text.to_string()),
            Json::Array(all) => all.iter().map(Value::from).collect(),
            Json::Object(members) => {
                let members = members.iter();
                members
                    .map(|(key, value)| (key.to_string(), Value::from(value)))
                    .collect()
            }
        }
    }
}

impl FromIterator<(Text, Json)> for Json {
    fn from_iter<I: IntoIterator<Item = (Text, Json)>>(members: I) -> Json {
        let members = members.into_iter().collect();
        Json::Object(Rc::new(Object::read(members, Range { start: 0, end: 0 })))
    }
}

/// As JSON.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Json::Number(written) => f.write_str(written),
            other => Value::from(other).fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;
