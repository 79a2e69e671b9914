//! The `saferun` format.

use serde_json::Value;

use crate::ingest::assemble::Rules;
use crate::ingest::body::Body;
use crate::ingest::fact::FactSink;
use crate::ingest::formats::Format;

#[derive(Debug)]
pub struct Saferun;

impl Format for Saferun {
    fn name(&self) -> &'static str {
        "saferun"
    }

    fn about(&self) -> &'static str {
        ""
    }

    fn sniff(&self, _record: &Value) -> u8 {
        0
    }

    fn decode(&self, _record: &[u8], _out: &mut FactSink<'_>) {}

    fn rules(&self) -> Box<dyn Rules> {
        unimplemented!()
    }

    fn open(&self, _record: &Value, _part: u16) -> Body {
        Body::default()
    }

    fn open_result(&self, _record: &Value, _part: u16, _body: &mut Body) {}

    fn open_attached(&self, _record: &Value, _part: u16, _body: &mut Body) {}
}
