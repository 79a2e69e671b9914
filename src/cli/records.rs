//! Records for other programs: one JSON document, one JSON object per line, or CSV, all with the same
//! content.

use std::cell::RefCell;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use crate::cli::args::Machine;
use crate::cli::columns::member;
use crate::cli::out::Out;
use crate::export::csv;

/// How the records of a command are written.
#[derive(Debug)]
pub(super) struct Records<'a> {
    pub(super) schema: &'static str,
    /// The member of the JSON document that lists the records.
    pub(super) list: &'static str,
    /// The columns of CSV, by the members of a record.
    pub(super) csv: &'a [&'a str],
    /// The members that were asked for; none for all of them.
    pub(super) only: Option<Vec<&'a str>>,
    /// Further members of the JSON document.
    pub(super) rest: Vec<(&'static str, Value)>,
}

impl Records<'_> {
    /// Writes one record after the other, so that memory holds only one.
    pub(super) fn write<T: Serialize>(
        &self,
        out: &mut Out,
        machine: Machine,
        records: impl Iterator<Item = T>,
    ) -> anyhow::Result<()> {
        let only = self.only.as_deref();
        match (machine, only) {
            (Machine::Json, None) => out.json(&Document::new(self, records))?,
            (Machine::Json, Some(only)) => {
                let records = records.map(|record| select(&record, only));
                out.json(&Document::new(self, records))?;
            }
            (Machine::Jsonl, _) => {
                for record in records {
                    match only {
                        Some(only) => out.json(&select(&record, only))?,
                        None => out.json(&record)?,
                    }
                }
            }
            (Machine::Csv, _) => {
                let members = only.unwrap_or(self.csv);
                let heads: Vec<Value> = members.iter().map(|it| Value::from(*it)).collect();
                out.verbatim(&csv::row(heads.iter().map(Some)))?;
                for record in records {
                    let record = value(&record);
                    let fields = members.iter().map(|name| member(&record, name));
                    out.verbatim(&csv::row(fields))?;
                }
            }
        }
        Ok(())
    }
}

/// A record that has only these members; those that were not recorded are absent.
fn select(record: &impl Serialize, members: &[&str]) -> Map<String, Value> {
    let record = value(record);
    let pair = |name: &&str| Some(((*name).to_owned(), member(&record, name)?.clone()));
    members.iter().filter_map(pair).collect()
}

fn value(record: &impl Serialize) -> Value {
    serde_json::to_value(record).expect("records are JSON objects with text keys")
}

/// A document whose records are made while it is written.
struct Document<'a, I> {
    about: &'a Records<'a>,
    records: Once<I>,
}

impl<'a, I> Document<'a, I> {
    fn new(about: &'a Records<'a>, records: I) -> Document<'a, I> {
        Document {
            about,
            records: Once(RefCell::new(Some(records))),
        }
    }
}

impl<T: Serialize, I: Iterator<Item = T>> Serialize for Document<'_, I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_map(None)?;
        document.serialize_entry("schema", self.about.schema)?;
        document.serialize_entry(self.about.list, &self.records)?;
        for (name, value) in &self.about.rest {
            document.serialize_entry(name, value)?;
        }
        document.end()
    }
}

/// An iterator that is written as a list, once.
struct Once<I>(RefCell<Option<I>>);

impl<T: Serialize, I: Iterator<Item = T>> Serialize for Once<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.take().into_iter().flatten())
    }
}
