//! What no format claims: any JSON objects, each a row of its own, so that nothing is hidden.

use serde_json::Value;

use crate::ingest::assemble::{Builder, Draft, From, Rules};
use crate::ingest::body::Body;
use crate::ingest::fact::{Fact, FactKind, FactSink};
use crate::ingest::formats::Format;
use crate::ingest::json::{Cursor, Mistake};
use crate::model::action::{ActionIx, Kind};
use crate::model::symbol::Sym;

#[derive(Debug)]
pub struct AnyJson;

impl Format for AnyJson {
    fn name(&self) -> &'static str {
        "json"
    }

    fn about(&self) -> &'static str {
        "any other JSON objects, shown as they are"
    }

    fn sniff(&self, _record: &Value) -> u8 {
        0
    }

    fn decode(&self, record: &[u8], out: &mut FactSink<'_>) {
        let mut cursor = Cursor::new(record);
        match object(&mut cursor) {
            Ok(()) => out.push(Fact::new(FactKind::Unknown)),
            Err(mistake) => out.malformed(mistake),
        }
        out.note(cursor.notes);
    }

    fn rules(&self) -> Box<dyn Rules> {
        Box::new(OneRun)
    }

    fn open(&self, _record: &Value, _part: u16) -> Body {
        Body::default()
    }

    fn open_result(&self, _record: &Value, _part: u16, _body: &mut Body) {}

    fn open_attached(&self, _record: &Value, _part: u16, _body: &mut Body) {}
}

fn object(cursor: &mut Cursor<'_>) -> Result<(), Mistake> {
    cursor.object(|cursor, _| cursor.skip())?;
    cursor.end()
}

/// All records of a source are one run, named after the file.
#[derive(Debug)]
struct OneRun;

impl Rules for OneRun {
    fn take(&mut self, fact: &Fact, from: &From<'_>, build: &mut Builder) {
        let run = build.run(from.source, from.stem.as_bytes());
        let kind = if fact.kind == FactKind::Malformed {
            Kind::Malformed
        } else {
            Kind::Unknown
        };
        build.act(&Draft {
            kind,
            run,
            agent: Sym::NONE,
            tool: Sym::NONE,
            model: Sym::NONE,
            time: fact.time,
            parent: ActionIx::NONE,
            flags: fact.flags,
            source: from.source,
            line: from.line(fact),
            place: from.place(fact),
        });
    }

    fn finish(&mut self, _build: &mut Builder) {}
}
