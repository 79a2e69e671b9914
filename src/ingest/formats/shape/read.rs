//! Parses the declaration of a shape and reports errors in it.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Shape;
use super::path::{Condition, Field, Path, ValueSource, Want};
use super::row::{KINDS, RowField, RowRule, RunField};

/// A line of a declaration and what is wrong with it.
pub type Wrong = (usize, String);

const TOP: &[&str] = &["name", "about", "match", "run", "words", "row"];

/// Reads a declaration, which must not take the name of a built-in format. The error has the line and the
/// remedy.
pub fn read(text: &str, built_in: &[&str]) -> Result<Shape, Wrong> {
    let at = At { text, built_in };
    let table = DeTable::parse(text).map_err(|error| {
        let span = error.span().unwrap_or_default();
        (at.line(&span), error.message().to_owned())
    })?;
    let mut shape = Shape {
        name: "",
        about: "a declared shape",
        when: Vec::new(),
        run: Vec::new(),
        words: Vec::new(),
        rows: Vec::new(),
    };
    for (key, value) in table.get_ref() {
        match &**key.get_ref() {
            "name" => shape.name = keep(at.name(value)?),
            "about" => shape.about = keep(at.string(value)?),
            "match" => shape.when = at.conditions(value)?,
            "run" => shape.run = at.fields(value, RunField::ALL)?,
            "words" => shape.words = at.words(value)?,
            "row" => shape.rows = at.rows(value)?,
            other => return at.unknown(&key.span(), other, TOP.iter().copied()),
        }
    }
    let missing = [
        (shape.name.is_empty(), "name", "name = \"my-log\""),
        (
            shape.when.is_empty(),
            "match",
            "[match] with a path that every record has, such as event = true",
        ),
        (
            shape.rows.is_empty(),
            "row",
            "[[row]] with kind = \"prompt\" and text = \"a.path\"",
        ),
    ];
    match missing.into_iter().find(|(missing, ..)| *missing) {
        Some((_, what, example)) => Err((1, format!("'{what}' is missing: add {example}"))),
        None => Ok(shape),
    }
}

/// Names of formats live as long as the program.
fn keep(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

type Value<'a> = Spanned<DeValue<'a>>;

/// The declaration, for line numbers, and the names that are taken.
#[derive(Clone, Copy)]
struct At<'t> {
    text: &'t str,
    built_in: &'t [&'t str],
}

impl At<'_> {
    fn line(self, span: &Range<usize>) -> usize {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        memchr::memchr_iter(b'\n', before.as_bytes()).count() + 1
    }

    fn wrong<T>(self, span: &Range<usize>, what: impl Into<String>) -> Result<T, Wrong> {
        Err((self.line(span), what.into()))
    }

    fn unknown<T>(
        self,
        span: &Range<usize>,
        name: &str,
        known: impl Iterator<Item = &'static str>,
    ) -> Result<T, Wrong> {
        let known: Vec<&str> = known.collect();
        self.wrong(
            span,
            format!("'{name}' is not known here (known: {})", known.join(", ")),
        )
    }

    fn string<'v>(self, value: &'v Value<'_>) -> Result<&'v str, Wrong> {
        match value.get_ref() {
            DeValue::String(text) => Ok(text),
            _ => self.wrong(&value.span(), "a string in quotes is needed here"),
        }
    }

    fn name<'v>(self, value: &'v Value<'_>) -> Result<&'v str, Wrong> {
        let name = self.string(value)?;
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || !name.bytes().all(plain) {
            return self.wrong(&value.span(), "a name is made of a-z, 0-9 and -");
        }
        if self.built_in.contains(&name) {
            return self.wrong(
                &value.span(),
                format!("'{name}' is a built-in format; take another name"),
            );
        }
        Ok(name)
    }

    fn table<'v, 'a>(self, value: &'v Value<'a>) -> Result<&'v DeTable<'a>, Wrong> {
        match value.get_ref() {
            DeValue::Table(table) => Ok(table),
            _ => self.wrong(
                &value.span(),
                "a table is needed here, such as { event = \"ask\" }",
            ),
        }
    }

    fn path(self, span: &Range<usize>, text: &str) -> Result<Path, Wrong> {
        match Path::parse(text) {
            Some(path) => Ok(path),
            None => self.wrong(
                span,
                format!("'{text}' is not a path (such as meta.model, calls.0.name or /id)"),
            ),
        }
    }

    fn conditions(self, value: &Value<'_>) -> Result<Vec<Condition>, Wrong> {
        let mut all = Vec::new();
        for (key, value) in self.table(value)? {
            let path = self.path(&key.span(), key.get_ref())?;
            let want = match value.get_ref() {
                DeValue::Boolean(there) => Want::There(*there),
                DeValue::String(one) => Want::OneOf(vec![one.to_string()]),
                DeValue::Array(several) => {
                    let texts = several
                        .iter()
                        .map(|one| self.string(one).map(str::to_owned));
                    Want::OneOf(texts.collect::<Result<_, _>>()?)
                }
                _ => {
                    return self.wrong(
                        &value.span(),
                        "true (it is there), a text, or a list of texts",
                    );
                }
            };
            all.push(Condition { path, want });
        }
        Ok(all)
    }

    fn words(self, value: &Value<'_>) -> Result<Vec<(String, String)>, Wrong> {
        let words = self.table(value)?.iter();
        words
            .map(|(key, value)| Ok((key.get_ref().to_string(), self.string(value)?.to_owned())))
            .collect()
    }

    fn fields<N: Copy>(
        self,
        value: &Value<'_>,
        known: &[(N, &'static str)],
    ) -> Result<Vec<(N, Field)>, Wrong> {
        let mut all = Vec::new();
        for (key, value) in self.table(value)? {
            match known.iter().find(|(_, word)| *word == &**key.get_ref()) {
                Some((name, _)) => all.push((*name, self.field(value)?)),
                None => {
                    return self.unknown(
                        &key.span(),
                        key.get_ref(),
                        known.iter().map(|(_, word)| *word),
                    );
                }
            }
        }
        Ok(all)
    }

    fn field(self, value: &Value<'_>) -> Result<Field, Wrong> {
        let places = match value.get_ref() {
            DeValue::Array(several) => several
                .iter()
                .map(|one| self.place(one))
                .collect::<Result<_, _>>()?,
            _ => vec![self.place(value)?],
        };
        Ok(Field(places))
    }

    fn place(self, value: &Value<'_>) -> Result<ValueSource, Wrong> {
        match value.get_ref() {
            DeValue::String(text) => Ok(match text.strip_prefix('=') {
                Some(literal) => ValueSource::Literal(literal.to_owned()),
                None => ValueSource::Path(self.path(&value.span(), text)?),
            }),
            DeValue::Table(members) => {
                let members = members.iter();
                let made =
                    members.map(|(key, value)| Ok((key.get_ref().to_string(), self.field(value)?)));
                Ok(ValueSource::Object(made.collect::<Result<_, _>>()?))
            }
            _ => self.wrong(&value.span(), "a path, a text after =, or a list of them"),
        }
    }

    fn rows(self, value: &Value<'_>) -> Result<Vec<RowRule>, Wrong> {
        match value.get_ref() {
            DeValue::Array(rows) => rows.iter().map(|row| self.row(row)).collect(),
            _ => self.wrong(&value.span(), "rows are written [[row]]"),
        }
    }

    fn row(self, value: &Value<'_>) -> Result<RowRule, Wrong> {
        let mut kind = None;
        let mut row = RowRule {
            kind: KINDS[0].0,
            each: Vec::new(),
            when: Vec::new(),
            unless: Vec::new(),
            fields: Vec::new(),
        };
        for (key, value) in self.table(value)? {
            let known = RowField::ALL
                .iter()
                .find(|(_, word)| *word == &**key.get_ref());
            match (&**key.get_ref(), known) {
                ("kind", _) => kind = Some(self.kind(value)?),
                ("if", _) => row.when = self.conditions(value)?,
                ("unless", _) => row.unless = self.conditions(value)?,
                ("each", _) => {
                    row.each = self.string(value)?.split('.').map(str::to_owned).collect();
                }
                (_, Some((field, _))) => row.fields.push((*field, self.field(value)?)),
                (name, None) => {
                    let rest = RowField::ALL.iter().map(|(_, word)| *word);
                    return self.unknown(
                        &key.span(),
                        name,
                        ["kind", "if", "unless", "each"].into_iter().chain(rest),
                    );
                }
            }
        }
        match kind {
            Some(kind) => Ok(RowRule { kind, ..row }),
            None => self.wrong(
                &value.span(),
                "a row needs a kind, such as kind = \"prompt\"",
            ),
        }
    }

    fn kind(self, value: &Value<'_>) -> Result<crate::ingest::fact::FactKind, Wrong> {
        let word = self.string(value)?;
        match KINDS.iter().find(|(_, known)| *known == word) {
            Some((kind, _)) => Ok(*kind),
            None => self.unknown(&value.span(), word, KINDS.iter().map(|(_, word)| *word)),
        }
    }
}
