//! An answer on its way through the proxy: decoded piece by piece, and assembled.

use std::io::Write;

use flate2::write::MultiGzDecoder;
use serde_json::Value;

use crate::ingest::wire::Api;
use crate::ingest::wire::answer::{Failed, ModelAnswer};
use crate::ingest::wire::reading::Reading;

/// The longest answer that is recorded.
pub(super) const LONGEST: u64 = 32 << 20;
/// How much of an error body is kept, to show what went wrong.
const HEAD: usize = 2000;

pub(super) struct Answering {
    pub(super) status: u16,
    pub(super) headers: Option<Value>,
    decoder: Decoder,
    reading: Option<Reading>,
    head: Vec<u8>,
    /// All of it, decoded, where it is not a model's answer but is read.
    pub(super) body: Vec<u8>,
    is_kept: bool,
    /// As sent.
    pub(super) bytes: u64,
    decoded: u64,
    /// When the first text arrived.
    pub(super) spoke: Option<i64>,
}

enum Decoder {
    Plain,
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    Zstd(Box<zstd::stream::write::Decoder<'static, Vec<u8>>>),
    /// The encoding cannot be decoded.
    Unknown,
}

impl Answering {
    pub(super) fn new(
        api: Option<Api>,
        (status, headers): (u16, Option<Value>),
        encoding: Option<&str>,
    ) -> Answering {
        let decoder = match encoding.map(str::trim).unwrap_or_default() {
            "" | "identity" => Decoder::Plain,
            "gzip" | "x-gzip" => Decoder::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
            "zstd" => zstd::stream::write::Decoder::new(Vec::new())
                .map_or(Decoder::Unknown, |it| Decoder::Zstd(Box::new(it))),
            _ => Decoder::Unknown,
        };
        Answering {
            status,
            headers,
            decoder,
            reading: api.map(Reading::new),
            head: Vec::new(),
            body: Vec::new(),
            is_kept: false,
            bytes: 0,
            decoded: 0,
            spoke: None,
        }
    }

    /// Keeps the body.
    pub(super) fn keeping(mut self, is_kept: bool) -> Answering {
        self.is_kept = is_kept;
        self
    }

    pub(super) fn push(&mut self, bytes: &[u8], at: i64) {
        self.bytes += bytes.len() as u64;
        if self.is_too_long() {
            return;
        }
        let decoded;
        let bytes = match &mut self.decoder {
            Decoder::Plain => bytes,
            Decoder::Gzip(decoder) => {
                let done = decoder.write_all(bytes).and_then(|()| decoder.flush());
                decoded = std::mem::take(decoder.get_mut());
                if done.is_err() {
                    self.decoder = Decoder::Unknown;
                }
                &decoded
            }
            Decoder::Zstd(decoder) => {
                let done = decoder.write_all(bytes).and_then(|()| decoder.flush());
                decoded = std::mem::take(decoder.get_mut());
                if done.is_err() {
                    self.decoder = Decoder::Unknown;
                }
                &decoded
            }
            Decoder::Unknown => return,
        };
        self.decoded += bytes.len() as u64;
        let room = HEAD.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..room]);
        if self.is_kept {
            self.body.extend_from_slice(bytes);
        }
        if let Some(reading) = &mut self.reading {
            reading.push(bytes);
            if self.spoke.is_none() && reading.has_spoken() {
                self.spoke = Some(at);
            }
        }
    }

    /// Whether its last event was seen.
    pub(super) fn is_over(&self) -> bool {
        self.reading.as_ref().is_some_and(Reading::is_over)
    }

    pub(super) fn is_too_long(&self) -> bool {
        self.bytes > LONGEST || self.decoded > 2 * LONGEST
    }

    /// The answer, or the reason why there is none.
    pub(super) fn end(&mut self, is_whole: bool) -> ModelAnswer {
        let reading = self.reading.take();
        let mut answer = reading.map_or_else(ModelAnswer::default, |it| it.end(is_whole));
        if self.status >= 400 && answer.error.is_none() {
            answer.error = Some(Failed {
                kind: None,
                message: String::from_utf8_lossy(&self.head).trim().to_owned(),
            });
        }
        answer
    }
}
