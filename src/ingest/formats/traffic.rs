//! The formats `vcr` and `har`: recorded HTTP traffic of model APIs, read as sessions.
//!
//! The exchanges in a file are converted to events of our own format, by the code that reads the traffic of the proxy
//! (`ingest/wire`): it puts answers together, streamed or not, and finds out which requests continue which conversation.
//! Of headers, only the date is read: no key is ever shown.

mod events;
mod exchange;
mod har;
mod vcr;

use std::path::Path;

use serde_json::Value;

use self::events::Events;
use self::exchange::Exchange;
use super::saferun::Saferun;
use crate::ingest::assemble::Assembler;
use crate::ingest::body::Body;
use crate::ingest::fact::FactSink;
use crate::ingest::format::{Decode, Format, Held, Layout, Open, Recorded, Request, Sent};
use crate::ingest::json::Record;
use crate::ingest::packed::converted::Convert;
use crate::ingest::request::RequestPart;

/// A notation of recorded traffic.
#[derive(Debug)]
pub struct Traffic {
    name: &'static str,
    times: Held,
    is_one: fn(&[u8]) -> bool,
    convert: Convert,
}

pub static VCR: Traffic = Traffic {
    name: "vcr",
    times: Held::Partly,
    is_one: vcr::is_one,
    convert: |path, text| converted("vcr", path, vcr::exchanges(text)),
};

pub static HAR: Traffic = Traffic {
    name: "har",
    times: Held::Yes,
    is_one: har::is_one,
    convert: |path, text| converted("har", path, har::exchanges(text)),
};

/// The exchanges of a file, and why some are missing, if any are.
type Exchanges = (Vec<Exchange>, Option<String>);

fn converted(name: &'static str, path: &Path, (exchanges, fault): Exchanges) -> Vec<u8> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let mut events = Events::new(name, &stem);
    for exchange in &exchanges {
        events.take(exchange);
    }
    events.end(fault.as_deref())
}

/// Whether converted traffic holds a model call.
pub(crate) fn has_model_calls(text: &[u8]) -> bool {
    memchr::memmem::find(text, events::ANSWER).is_some()
}

impl Format for Traffic {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        match self.name {
            "vcr" => {
                "VCR cassettes with model calls (vcrpy, pytest-recording, Ruby), in YAML or JSON"
            }
            _ => "HAR files with model calls (browsers, mitmproxy, Playwright, Polly)",
        }
    }

    fn recorded(&self) -> Recorded {
        Recorded {
            tokens: Held::Yes,
            cost: Held::Partly,
            times: self.times,
            results: Held::Yes,
            approvals: Held::No,
        }
    }
}

impl Decode for Traffic {
    fn decode(&self, record: Record<'_>, out: &mut FactSink<'_>) {
        Saferun.decode(record, out);
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Saferun.assembler()
    }
}

impl Layout for Traffic {
    fn convert(&self, _path: &Path, head: &[u8]) -> Option<Convert> {
        (self.is_one)(head).then_some(self.convert)
    }
}

impl Open for Traffic {
    fn open(&self, record: &Value, part: u16) -> Body {
        Saferun.open(record, part)
    }

    fn open_result(&self, record: &Value, part: u16, body: &mut Body) {
        Saferun.open_result(record, part, body);
    }
}

impl Request for Traffic {
    fn sent(&self) -> Sent {
        Sent::Bodies
    }

    fn context(&self, record: &Value, part: u16) -> Option<Vec<RequestPart>> {
        Saferun.context(record, part)
    }
}
