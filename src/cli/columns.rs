//! The columns of a command's output: which there are, which were asked for, and how rows are sorted by
//! them. One name selects a column in tables, JSON and CSV alike.

use std::collections::HashSet;

use serde_json::Value;

use crate::base::order;
use crate::cli::failure::Failure;
use crate::cli::table::{Cell, Column};
use crate::cli::text_style::TextStyle;
use crate::export::words;
use crate::query::fields::nearest;

/// A column of a command's table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Named {
    /// Its name for `--columns` and `--sort`.
    pub(super) name: &'static str,
    /// Its member in JSON and CSV, which is a name of it too.
    pub(super) member: &'static str,
    pub(super) column: Column<'static>,
}

impl Named {
    pub(super) const fn new(
        name: &'static str,
        member: &'static str,
        column: Column<'static>,
    ) -> Named {
        Named {
            name,
            member,
            column,
        }
    }
}

/// All the columns that a command offers.
#[derive(Debug)]
pub(super) struct Offer<'a> {
    pub(super) named: &'a [Named],
    /// The members of a record in the order of CSV.
    pub(super) members: &'a [&'a str],
    /// Members with values of their own inside: `args` offers `args.amount`.
    pub(super) open: &'a [&'a str],
}

/// The columns to print, in their order.
#[derive(Debug)]
pub(super) struct Picked<'a> {
    named: &'a [Named],
    picks: Vec<Pick<'a>>,
    /// Columns that were asked for are never dropped for lack of room.
    is_asked: bool,
}

#[derive(Debug, Clone, Copy)]
enum Pick<'a> {
    /// By its position in the table.
    Named(usize),
    /// A member of the record that has no column of its own.
    Member(&'a str),
}

impl<'a> Offer<'a> {
    /// None if no columns were asked for.
    pub(super) fn pick(&self, asked: &'a [String]) -> Result<Option<Picked<'a>>, Failure> {
        if asked.is_empty() {
            return Ok(None);
        }
        let picks: Result<Vec<Pick<'a>>, Failure> =
            asked.iter().map(|name| self.find(name.trim())).collect();
        Ok(Some(Picked {
            named: self.named,
            picks: picks?,
            is_asked: true,
        }))
    }

    /// The columns of the table for which `is_shown` holds.
    pub(super) fn usual(&self, is_shown: impl Fn(&Named) -> bool) -> Picked<'a> {
        let shown = (0..self.named.len()).filter(|at| is_shown(&self.named[*at]));
        Picked {
            named: self.named,
            picks: shown.map(Pick::Named).collect(),
            is_asked: false,
        }
    }

    fn find(&self, name: &'a str) -> Result<Pick<'a>, Failure> {
        let is_it = |it: &Named| it.name == name || it.member == name;
        if let Some(at) = self.named.iter().position(is_it) {
            return Ok(Pick::Named(at));
        }
        let root = name.split_once('.').map(|(root, _)| root);
        if self.members.contains(&name) || root.is_some_and(|root| self.open.contains(&root)) {
            return Ok(Pick::Member(name));
        }
        let names = self.named.iter().map(|it| it.name);
        Err(unknown(name, names.chain(self.members.iter().copied())))
    }
}

impl<'a> Picked<'a> {
    pub(super) fn members(&self) -> Vec<&str> {
        self.picks
            .iter()
            .map(|pick| match pick {
                Pick::Named(at) => self.named[*at].member,
                Pick::Member(name) => name,
            })
            .collect()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        let is_it =
            |pick: &Pick<'_>| matches!(pick, Pick::Named(at) if self.named[*at].name == name);
        self.picks.iter().any(is_it)
    }

    /// Whether any column shows what only the record holds.
    pub(super) fn needs_record(&self) -> bool {
        self.picks
            .iter()
            .any(|pick| matches!(pick, Pick::Member(_)))
    }

    pub(super) fn heads(&self) -> Vec<Column<'a>> {
        let head = |pick: &Pick<'a>| match *pick {
            Pick::Named(at) if self.is_asked => Column {
                spare: 0,
                ..self.named[at].column
            },
            Pick::Named(at) => self.named[at].column,
            Pick::Member(name) => Column::left(name, 0).cut_to(12),
        };
        self.picks.iter().map(head).collect()
    }

    /// Puts the cells of a row, parallel to the named columns, in the order that was asked for.
    pub(super) fn cells(
        &self,
        own: &[Cell],
        record: Option<&Value>,
        style: &TextStyle,
    ) -> Vec<Cell> {
        let cell = |pick: &Pick<'_>| match *pick {
            Pick::Named(at) => own[at].clone(),
            Pick::Member(name) => {
                let value = record.and_then(|record| member(record, name));
                Cell::new(
                    value.map_or_else(|| words::NOTHING.to_owned(), |it| style.clean(&plain(it))),
                )
            }
        };
        self.picks.iter().map(cell).collect()
    }
}

fn unknown<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> Failure {
    let mut seen = HashSet::new();
    let known: Vec<&str> = known.filter(|name| seen.insert(*name)).collect();
    let near = nearest(name, known.iter().copied());
    let near = near.map_or_else(String::new, |near| format!(" · did you mean '{near}'?"));
    let known = known.join(", ");
    Failure::Usage(format!("'{name}' is not a column{near} (known: {known})"))
}

/// A member of a record. Those of `usage` and `by` are found by their own names too; `args.amount`
/// leads into an object, `args.items.0` into a list.
pub(super) fn member<'a>(record: &'a Value, name: &str) -> Option<&'a Value> {
    let inside = || {
        let mut outer = ["usage", "by"].into_iter();
        outer.find_map(|outer| record.get(outer)?.get(name))
    };
    step(record, name).or_else(inside)
}

fn step<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let child = |name: &str| match value {
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        value => value.get(name),
    };
    child(path).or_else(|| {
        let (name, rest) = path.split_once('.')?;
        step(child(name)?, rest)
    })
}

/// A value on one line, without the quotes of a text.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

/// A column and a direction: `cost` or `-cost`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Order<'a> {
    pub(super) column: &'a str,
    pub(super) is_descending: bool,
}

impl<'a> Order<'a> {
    /// The column must be one of `known`.
    pub(super) fn parse(text: &'a str, known: &[&str]) -> Result<Order<'a>, Failure> {
        let (column, is_descending) = order::parse(text);
        if known.contains(&column) {
            return Ok(Order {
                column,
                is_descending,
            });
        }
        Err(unsortable(column, known))
    }

    /// A stable sort. Rows whose value is not recorded come last in both directions.
    pub(super) fn sort<T>(self, rows: &mut Vec<T>, key: impl Fn(&T) -> Option<Key>) {
        let mut keyed: Vec<(Option<Key>, T)> = std::mem::take(rows)
            .into_iter()
            .map(|row| (key(&row), row))
            .collect();
        keyed.sort_by(|(a, _), (b, _)| order::compare(a.as_ref(), b.as_ref(), self.is_descending));
        rows.extend(keyed.into_iter().map(|(_, row)| row));
    }
}

pub(super) fn unsortable(column: &str, known: &[&str]) -> Failure {
    let known = known.join(", ");
    Failure::Usage(format!(
        "'{column}' is not a column to sort by (known: {known})"
    ))
}

/// What rows are sorted by.
#[derive(Debug, PartialEq, PartialOrd)]
pub(super) enum Key {
    Number(f64),
    Name(String),
}

impl Key {
    /// None for an empty name: it was not recorded.
    pub(super) fn name(name: &str) -> Option<Key> {
        (!name.is_empty()).then(|| Key::Name(name.to_owned()))
    }

    pub(super) fn of(value: &Value) -> Option<Key> {
        match value {
            Value::Number(number) => number.as_f64().map(Key::Number),
            Value::String(text) => Key::name(text),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
