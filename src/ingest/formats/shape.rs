//! Declared shapes: home-made records that a small TOML file describes, path by path.
//!
//! ```toml
//! name = "house-log"
//! about = "the log of our support bot"
//!
//! [match]                      # a record of this shape meets all of these
//! session = true               # any value
//! event = ["ask", "call"]      # one of these; a trailing * matches any suffix
//!
//! [run]                        # properties of the run of a record
//! id = "session"
//! model = "meta.model"
//!
//! [words]                      # the log's words for ok, error, approved …
//! done = "ok"
//!
//! [[row]]                      # the rows of a record, in this order
//! kind = "prompt"
//! if = { event = "ask" }
//! text = "said"
//!
//! [[row]]
//! kind = "tool_call"
//! each = "calls"               # one row per element; paths start there, or at the record with /
//! tool = "name"
//! args = { url = "url", body = "payload" }
//! result = ["output", "=none"] # the first that is present; =text is a literal
//! ```

mod path;
mod read;
mod row;

use serde_json::Value;

use self::path::{Condition, Field};
use self::row::{RecordScope, RowPart, RowRule, RunField};
use crate::ingest::assemble::Assembler;
use crate::ingest::body::Body;
use crate::ingest::fact::{FactKind, FactSink};
use crate::ingest::format::{Decode, Format, Layout, Open, Request};
use crate::ingest::formats::entry::{Entry, add_attached, add_result, elements, whole};
use crate::ingest::formats::saferun;
use crate::ingest::json::{Cursor, Range, Record, value};

pub use read::{Wrong, read};

/// A declared format.
#[derive(Debug)]
pub struct Shape {
    name: &'static str,
    about: &'static str,
    when: Vec<Condition>,
    run: Vec<(RunField, Field)>,
    words: Vec<(String, String)>,
    rows: Vec<RowRule>,
}

/// More confident than "unknown", less confident than any built-in format about its own records.
const DECLARED: u8 = 30;

/// The bundled shapes.
pub(super) fn bundled(built_in: &[&str]) -> Vec<Shape> {
    const TEXTS: &[&str] = &[include_str!("shape/medagentbench.toml")];
    // A test reads all of them, so they are valid.
    TEXTS
        .iter()
        .filter_map(|text| read(text, built_in).ok())
        .collect()
}

impl Format for Shape {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }
}

impl Decode for Shape {
    fn sniff(&self, record: &Value) -> u8 {
        let fits = self.when.iter().all(|it| it.holds(record, record));
        if fits {
            DECLARED.max(SURE_OF_ALL * u8::from(self.takes_whole()))
        } else {
            0
        }
    }

    fn takes_whole(&self) -> bool {
        self.rows.iter().any(|row| !row.each.is_empty())
    }

    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        let mut cursor = Cursor::new(record);
        match whole(&mut cursor) {
            Ok((_, found)) => self.emit(record, &found, out),
            Err(_) => out.malformed(),
        }
        out.note(cursor.notes);
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        saferun::file_assembler()
    }
}

impl Layout for Shape {}

impl Open for Shape {
    /// A declared row may name any path of its record, at its end too.
    fn glance(&self) -> usize {
        GLANCE
    }

    /// Declarations may add texts of their own.
    fn is_pieced(&self) -> bool {
        true
    }

    fn open(&self, record: &Value, part: u16) -> Body {
        self.entry(record, part).map_or_else(
            || raw(record),
            |entry| Body {
                // Added where they are attached.
                decisions: Vec::new(),
                approvals: Vec::new(),
                ..entry.body
            },
        )
    }

    fn open_result(&self, record: &Value, part: u16, body: &mut Body) {
        if let Some(entry) = self.entry(record, part) {
            add_result(entry.body, body);
        }
    }

    fn open_attached(&self, record: &Value, part: u16, body: &mut Body) {
        if let Some(entry) = self.entry(record, part) {
            add_attached(entry.body, body);
        }
    }
}

impl Request for Shape {}

/// Records of one task with everything in it are larger than lines.
const GLANCE: usize = 1 << 20;

/// The confidence needed to take a document whole; see [`Shape::takes_whole`].
const SURE_OF_ALL: u8 = 40;

/// A record without a declared row.
fn raw(record: &Value) -> Body {
    Body {
        text: Some(record.to_string()),
        ..Body::default()
    }
}

impl Shape {
    fn emit(&self, record: Record<'_>, found: &Value, out: &mut FactSink<'_>) {
        let mut run = String::new();
        let mut setting = Entry::new(FactKind::Setting);
        for (what, field) in &self.run {
            if let Some(text) = field.text(found, found) {
                what.put(text, &mut setting, &mut run);
            }
        }
        setting.run.clone_from(&run);
        setting.push(0, None, out);
        let mut rows = 0;
        let mut at = 0;
        while let Some(first) = self.rows.get(at) {
            let same = |row: &&RowRule| row.each == first.each;
            let group = self.rows[at..].iter().take_while(same).count();
            let group = at..at + group;
            at = group.end;
            if first.each.is_empty() {
                rows += self.emit_group(group, (found, found), None, &run, out);
                continue;
            }
            let path: Vec<&str> = first.each.iter().map(String::as_str).collect();
            elements(record, &path, &mut |place| {
                let element = value(&record.block[place.start..place.end]).unwrap_or_default();
                rows += self.emit_group(group.clone(), (found, &element), Some(place), &run, out);
            });
        }
        if rows == 0 {
            let mut unknown = Entry::new(FactKind::Unknown);
            unknown.run = run;
            unknown.push(u16::MAX, None, out);
        }
    }

    /// Emits the rows of one record or element; returns their number.
    fn emit_group(
        &self,
        group: std::ops::Range<usize>,
        (record, element): (&Value, &Value),
        place: Option<Range>,
        run: &str,
        out: &mut FactSink<'_>,
    ) -> usize {
        let mut call = String::new();
        let mut entry = 0;
        for number in group {
            let row = &self.rows[number];
            let scope = RecordScope {
                record,
                element,
                words: &self.words,
            };
            if !row.applies(&scope) {
                continue;
            }
            let place_of = place.map_or(0, |place| place.start);
            for &part in row.parts() {
                let Some(mut fact) = row.entry(part, &scope) else {
                    continue;
                };
                run.clone_into(&mut fact.run);
                if fact.fact.kind == FactKind::ToolCall {
                    if fact.id.is_empty() {
                        fact.id = format!("{place_of}.{number}");
                    }
                    call.clone_from(&fact.id);
                } else if fact.call.is_empty() {
                    // What follows a call in the same record refers to it.
                    call.clone_into(&mut fact.call);
                }
                fact.push(part.of(number), place, out);
                entry += 1;
            }
        }
        entry
    }

    /// The fact of a part, found again in the opened record (or element).
    fn entry(&self, element: &Value, part: u16) -> Option<Entry> {
        let (number, part) = RowPart::from(part);
        let scope = RecordScope {
            record: element,
            element,
            words: &self.words,
        };
        self.rows.get(number)?.entry(part, &scope)
    }
}

#[cfg(test)]
mod tests;
