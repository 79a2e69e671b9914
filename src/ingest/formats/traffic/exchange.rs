//! One request and its answer, whatever notation they were recorded in.

use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::MultiGzDecoder;
use serde_json::Value;

use crate::ingest::yaml::BINARY;
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
        // A name and a password may stand before the host.
        (host.rsplit('@').next().unwrap_or_default(), path)
    }
}

/// The bytes of a body: a text, base64, or JSON that the recorder has parsed; unpacked if they are compressed.
pub(super) fn bytes(body: &Value) -> Vec<u8> {
    let encoded = |text: &str| {
        let packed: String = text.split_ascii_whitespace().collect();
        STANDARD.decode(packed).unwrap_or_default()
    };
    match body {
        Value::Null => Vec::new(),
        Value::String(text) => unpacked(text.clone().into_bytes()),
        Value::Object(members) => match members.get(BINARY).and_then(Value::as_str) {
            Some(text) => unpacked(encoded(text)),
            None => body.to_string().into_bytes(),
        },
        other => other.to_string().into_bytes(),
    }
}

/// Recorders keep the header that says how a body is compressed even where they have unpacked it, so its first bytes
/// decide.
pub(super) fn unpacked(bytes: Vec<u8>) -> Vec<u8> {
    let mut text = Vec::new();
    let read = match bytes.as_slice() {
        [0x1f, 0x8b, ..] => MultiGzDecoder::new(bytes.as_slice())
            .take(LARGEST)
            .read_to_end(&mut text),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => zstd::Decoder::new(bytes.as_slice())
            .and_then(|decoder| decoder.take(LARGEST).read_to_end(&mut text)),
        _ => return bytes,
    };
    // What comes before a fault is worth reading.
    match read {
        Err(_) if text.is_empty() => bytes,
        Ok(_) | Err(_) => text,
    }
}

/// The first of these members that is there.
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
