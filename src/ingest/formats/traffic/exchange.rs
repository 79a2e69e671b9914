//! One request and its answer, whatever notation they were recorded in.

use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::MultiGzDecoder;
use serde_json::Value;

use crate::ingest::json;
use crate::ingest::records::limits::BOM;
use crate::ingest::yaml::{self, BINARY};
use crate::model::quantity::{Elapsed, Time};

/// A body that unpacks to more than this is cut.
const LARGEST: u64 = 64 << 20;

#[derive(Debug, Default)]
pub(super) struct Exchange {
    pub(super) method: String,
    pub(super) url: String,
    pub(super) request: Vec<u8>,
    /// None without an answer.
    pub(super) status: Option<u16>,
    pub(super) response: Vec<u8>,
    pub(super) began: Time,
    pub(super) took: Elapsed,
}

impl Exchange {
    /// Host and path. What follows is dropped: it may hold a key.
    pub(super) fn address(&self) -> (&str, &str) {
        let url = self.url.split(['?', '#']).next().unwrap_or_default();
        let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
        let (host, path) = match rest.find('/') {
            Some(at) => rest.split_at_checked(at).unwrap_or((rest, "")),
            None => (rest, ""),
        };
        // A name and a password may precede the host.
        (host.rsplit('@').next().unwrap_or_default(), path)
    }
}

/// A recording as one JSON value, and why it ends early, if it does. Anything but whole JSON is read as YAML, which
/// includes JSON and keeps everything before a fault.
pub(super) fn document(whole: &[u8]) -> (Value, Option<String>) {
    let whole = whole.strip_prefix(BOM).unwrap_or(whole);
    match json::value(whole) {
        Some(found) => (found, None),
        None => yaml::read(&String::from_utf8_lossy(whole)),
    }
}

/// The bytes of a body: a text, base64, or JSON that the recorder has parsed; unpacked if they are compressed.
pub(super) fn bytes(body: &Value) -> Vec<u8> {
    match body {
        Value::Null => Vec::new(),
        Value::String(text) => unpacked(text.clone().into_bytes()),
        Value::Object(members) => match members.get(BINARY) {
            Some(packed @ Value::String(_)) => from_base64(packed),
            Some(_) | None => body.to_string().into_bytes(),
        },
        other => other.to_string().into_bytes(),
    }
}

/// The bytes of a body that is recorded in base64; none if it is not text.
pub(super) fn from_base64(body: &Value) -> Vec<u8> {
    let text = body.as_str().unwrap_or_default();
    let packed: String = text.split_ascii_whitespace().collect();
    unpacked(STANDARD.decode(packed).unwrap_or_default())
}

/// Recorders keep the header that says how a body is compressed even where they have unpacked it, so its first bytes
/// decide.
fn unpacked(bytes: Vec<u8>) -> Vec<u8> {
    let mut text = Vec::new();
    let read = match bytes.as_slice() {
        [0x1f, 0x8b, ..] => MultiGzDecoder::new(bytes.as_slice())
            .take(LARGEST)
            .read_to_end(&mut text),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => zstd::Decoder::new(bytes.as_slice())
            .and_then(|decoder| decoder.take(LARGEST).read_to_end(&mut text)),
        _ => return bytes,
    };
    // The part before a fault is worth reading.
    match read {
        Err(_) if text.is_empty() => bytes,
        Ok(_) | Err(_) => text,
    }
}

/// The first of these members that is present; null if there is none.
pub(super) fn member<'a>(of: &'a Value, names: &[&str]) -> &'a Value {
    let found = names
        .iter()
        .find_map(|name| of.get(name).filter(|it| !it.is_null()));
    found.unwrap_or(&Value::Null)
}

pub(super) fn text(of: &Value, names: &[&str]) -> String {
    member(of, names).as_str().unwrap_or_default().to_owned()
}

pub(super) fn status(code: &Value) -> Option<u16> {
    let code = code.as_u64().filter(|code| *code > 0)?;
    u16::try_from(code).ok()
}
