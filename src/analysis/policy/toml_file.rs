//! Policies written in TOML: named values with their place in the file, and mistakes about them.

use std::ops::Range;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::analysis::policy::mistake::Mistake;
use crate::query;
use crate::query::expr::Expr;
use crate::query::fields::nearest;

/// A named value, with the text of the whole file.
#[derive(Debug)]
pub struct Entry<'a> {
    pub text: &'a str,
    pub name: &'a str,
    key: Range<usize>,
    pub value: &'a Spanned<DeValue<'a>>,
}

pub fn table(text: &str) -> Result<Spanned<DeTable<'_>>, Mistake> {
    DeTable::parse(text).map_err(|error| {
        let span = error.span().unwrap_or(0..1);
        Mistake::at(text, span, error.message().to_owned())
    })
}

pub fn entries<'a>(text: &'a str, table: &'a DeTable<'a>) -> impl Iterator<Item = Entry<'a>> {
    table.iter().map(move |(key, value)| Entry {
        text,
        name: key.get_ref().as_ref(),
        key: key.span(),
        value,
    })
}

impl<'a> Entry<'a> {
    pub fn wrong(&self, what: impl Into<String>) -> Mistake {
        Mistake::at(self.text, self.value.span(), what)
    }

    pub fn wrong_name(&self, what: impl Into<String>) -> Mistake {
        Mistake::at(self.text, self.key.clone(), what)
    }

    /// Its name, if it is one of those allowed here.
    pub fn known(&self, known: &[&'static str]) -> Result<&'static str, Mistake> {
        if let Some(name) = known.iter().find(|it| **it == self.name) {
            return Ok(name);
        }
        let near = nearest(self.name, known.iter().copied());
        let what = match near {
            Some(_) => format!("unknown key '{}'", self.name),
            None => format!("unknown key '{}' (known: {})", self.name, known.join(", ")),
        };
        Err(Mistake::at(self.text, self.key.clone(), what).meaning(near))
    }

    pub fn no_such(&self, given: &str, known: &[&str]) -> Mistake {
        let near = nearest(given, known.iter().copied());
        let what = format!("'{given}' is not one of {}", known.join(", "));
        self.wrong(what).meaning(near)
    }

    pub fn string(&self) -> Result<&'a str, Mistake> {
        string(self.value).ok_or_else(|| self.wrong("expected a string in quotes"))
    }

    /// One string, or a list of strings.
    pub fn strings(&self) -> Result<Vec<&'a str>, Mistake> {
        let listed = match self.value.get_ref() {
            DeValue::Array(values) => values.iter().map(string).collect(),
            _ => string(self.value).map(|one| vec![one]),
        };
        listed.ok_or_else(|| self.wrong("expected a string in quotes, or a list of strings"))
    }

    pub fn integer(&self) -> Result<i64, Mistake> {
        let number = match self.value.get_ref() {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        number.ok_or_else(|| self.wrong("expected a whole number"))
    }

    /// A number, whole or not.
    pub fn number(&self) -> Result<f64, Mistake> {
        let number = match self.value.get_ref() {
            DeValue::Float(number) => number.as_str().replace('_', "").parse().ok(),
            _ => self.integer().ok().map(|whole| whole as f64),
        };
        number.ok_or_else(|| self.wrong("expected a number"))
    }

    /// A filter; a mistake in it is shown at its place in the file.
    pub fn filter(&self) -> Result<Expr, Mistake> {
        let filter = self.string()?;
        query::parse(filter).map_err(|error| {
            let place = self.inside(filter, error.span);
            Mistake::at(self.text, place, error.message).meaning(error.suggestion.as_deref())
        })
    }

    /// The place in the file of a part of its string; the whole value if the string is written with escapes.
    pub fn inside(&self, string: &str, part: Range<usize>) -> Range<usize> {
        let span = self.value.span();
        let found = self.text.get(span.clone()).and_then(|raw| raw.find(string));
        match found {
            Some(at) => span.start + at + part.start..span.start + at + part.end,
            None => span,
        }
    }

    /// The table of `[name]`.
    pub fn table(&self) -> Result<&'a DeTable<'a>, Mistake> {
        match self.value.get_ref() {
            DeValue::Table(table) => Ok(table),
            _ => Err(self.wrong(format!("expected [{}]", self.name))),
        }
    }

    pub fn bool(&self) -> Result<bool, Mistake> {
        match self.value.get_ref() {
            DeValue::Boolean(value) => Ok(*value),
            _ => Err(self.wrong("expected true or false")),
        }
    }

    /// The tables of `[[name]]`, each with the place of its text.
    pub fn tables(&self) -> Result<Vec<(&'a DeTable<'a>, Range<usize>)>, Mistake> {
        let wrong = || self.wrong(format!("expected [[{}]]", self.name));
        let DeValue::Array(items) = self.value.get_ref() else {
            return Err(wrong());
        };
        let table = |item: &'a Spanned<DeValue<'a>>| match item.get_ref() {
            DeValue::Table(table) => Some((table, item.span())),
            _ => None,
        };
        items
            .iter()
            .map(|item| table(item).ok_or_else(wrong))
            .collect()
    }
}

fn string<'a>(value: &'a Spanned<DeValue<'a>>) -> Option<&'a str> {
    match value.get_ref() {
        DeValue::String(text) => Some(text),
        _ => None,
    }
}

/// A value as JSON; dates are their text.
pub fn json(value: &Spanned<DeValue<'_>>) -> Value {
    match value.get_ref() {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or(Value::Null, Value::from)
        }
        DeValue::Float(number) => number
            .as_str()
            .parse::<f64>()
            .map_or(Value::Null, Value::from),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(items) => items.iter().map(json).collect(),
        DeValue::Table(table) => {
            let entries = table
                .iter()
                .map(|(key, value)| (key.get_ref().to_string(), json(value)));
            Value::Object(entries.collect())
        }
    }
}
