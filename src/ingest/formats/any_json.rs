//! The fallback for unknown formats: any JSON objects, each a row, so that nothing is hidden.

use serde_json::Value;

use crate::ingest::assemble::{Assembler, Builder, Draft, From};
use crate::ingest::body::Body;
use crate::ingest::fact::{Fact, FactKind, FactSink};
use crate::ingest::format::{Decode, Format, Held, Layout, Open, Recorded, Request};
use crate::ingest::json::{Broken, Checked, Cursor, Record};
use crate::ingest::time;
use crate::model::action::Kind;
use crate::model::quantity::Time;

#[derive(Debug)]
pub struct AnyJson;

impl Format for AnyJson {
    fn name(&self) -> &'static str {
        "json"
    }

    fn about(&self) -> &'static str {
        "any other JSON objects, shown as they are"
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::No,
            cost: Held::No,
            times: Held::Partly,
            results: Held::No,
            approvals: Held::No,
        }
    }
}

impl Decode for AnyJson {
    fn sniff(&self, _record: &Value) -> u8 {
        0
    }

    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        let mut cursor = Cursor::new(record);
        match object(&mut cursor) {
            Ok(time) => {
                let mut fact = Fact::new(FactKind::Unknown);
                fact.time = time;
                out.push(fact);
            }
            Err(Broken) => out.malformed(),
        }
        out.note(cursor.notes);
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(OneRun)
    }
}

impl Layout for AnyJson {}

impl Open for AnyJson {
    fn open(&self, record: &Value, _part: u16) -> Body {
        Body {
            id: record.get("id").and_then(Value::as_str).map(str::to_owned),
            text: Some(record.to_string()),
            ..Body::default()
        }
    }

    fn open_result(&self, _record: &Value, _part: u16, _body: &mut Body) {}

    fn open_attached(&self, _record: &Value, _part: u16, _body: &mut Body) {}
}

impl Request for AnyJson {}

/// Checks an object; returns its time if a member has one of the usual names.
fn object(cursor: &mut Cursor<'_>) -> Checked<Time> {
    let mut found = Time::NONE;
    cursor.object(|cursor, key| {
        if !matches!(key, b"timestamp" | b"ts" | b"time" | b"created_at") {
            return cursor.skip();
        }
        let text = cursor.name_or_skip()?;
        found = text.map_or(Time::NONE, |text| time::from_text(cursor.raw(text)));
        Ok(())
    })?;
    cursor.end()?;
    Ok(found)
}

/// All records of a source are one run, named after the file.
#[derive(Debug)]
struct OneRun;

impl Assembler for OneRun {
    fn take(&mut self, fact: &Fact, from: &From<'_>, build: &mut Builder) {
        let run = build.run(from.source, from.stem.as_bytes());
        let kind = if fact.kind == FactKind::Malformed {
            Kind::Malformed
        } else {
            Kind::Unknown
        };
        build.act(&Draft::new(kind, run, fact, from));
    }

    fn finish(&mut self, _build: &mut Builder) {}
}
