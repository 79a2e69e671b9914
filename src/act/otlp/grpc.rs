//! OTLP over gRPC: a frame of five bytes and a message, and the outcome in trailers.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, Response};

use super::http::success;
use super::{DECODED, Form, Receiver, Refused, SENT, Signal, Taken};
use crate::act::net::body;
use crate::act::net::coding::{self, Undecoded};
use crate::act::net::server::{Answer, Handler};

const TIME: Duration = Duration::from_secs(30);
const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
const UNIMPLEMENTED: u8 = 12;
/// A flag and the length of the message.
const HEAD: usize = 5;

#[derive(Debug)]
pub(super) struct Grpc {
    receiver: Arc<Receiver>,
}

/// The gRPC code for a refusal.
pub(super) fn code(refused: &Refused) -> u8 {
    match refused {
        Refused::Undecodable(_) => 3,
        Refused::TooLarge => 8,
        Refused::Behind | Refused::Disk(_) => 14,
    }
}

impl Handler for Grpc {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let signal = match request.uri().path() {
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => Signal::Traces,
            "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => Signal::Logs,
            "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => Signal::Metrics,
            _ => return failed(UNIMPLEMENTED, "only OTLP is spoken here"),
        };
        let kind = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|it| it.to_str().ok());
        if !kind.is_some_and(|it| it.starts_with("application/grpc")) {
            return failed(UNIMPLEMENTED, "only gRPC is spoken here");
        }
        let encoding = request
            .headers()
            .get("grpc-encoding")
            .and_then(|it| it.to_str().ok());
        let encoding = encoding.unwrap_or("identity").to_owned();
        if !matches!(encoding.as_str(), "identity" | "gzip") {
            return failed(UNIMPLEMENTED, "send gzip or no encoding");
        }
        match self.take(signal, &encoding, request).await {
            Ok(taken) => accepted(taken),
            Err(refused) => failed(code(&refused), &refused.to_string()),
        }
    }
}

impl Grpc {
    pub(super) fn new(receiver: Arc<Receiver>) -> Grpc {
        Grpc { receiver }
    }

    async fn take(
        &self,
        signal: Signal,
        encoding: &str,
        request: Request<Incoming>,
    ) -> Result<Taken, Refused> {
        let sent = body::collect(request.into_body(), SENT + HEAD, TIME).await;
        let sent = sent.map_err(|unread| match unread {
            body::Unread::TooLong(_) => Refused::TooLarge,
            other => Refused::Undecodable(other.to_string()),
        })?;
        let message = unframed(&sent, encoding)?;
        self.receiver.take(signal, Form::Protobuf, &message).await
    }
}

/// The one message of a unary call.
fn unframed(sent: &[u8], encoding: &str) -> Result<Vec<u8>, Refused> {
    let wrong = |what: &str| Refused::Undecodable(what.to_owned());
    let (head, message) = sent
        .split_at_checked(HEAD)
        .ok_or_else(|| wrong("no frame"))?;
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
    if message.len() as u64 != u64::from(length) {
        return Err(wrong("the length of the frame is wrong"));
    }
    match head[0] {
        0 => Ok(message.to_vec()),
        1 if encoding == "identity" => Err(wrong("a compressed frame without an encoding")),
        1 => {
            coding::decode(Some(encoding), message.to_vec(), DECODED).map_err(|error| match error {
                Undecoded::TooLong(_) => Refused::TooLarge,
                other => Refused::Undecodable(other.to_string()),
            })
        }
        _ => Err(wrong("the flag of the frame is not known")),
    }
}

fn grpc(answer: &mut Answer) {
    let kind = HeaderValue::from_static("application/grpc");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
}

fn accepted(taken: Taken) -> Answer {
    let message = success(taken);
    let mut frame = vec![0];
    frame.extend_from_slice(
        &u32::try_from(message.len())
            .unwrap_or(u32::MAX)
            .to_be_bytes(),
    );
    frame.extend_from_slice(&message);
    let mut trailers = HeaderMap::new();
    trailers.insert(STATUS, HeaderValue::from_static("0"));
    let mut answer = Response::new(body::with_trailers(frame, trailers));
    grpc(&mut answer);
    answer
}

/// The outcome alone, in the headers.
fn failed(code: u8, message: &str) -> Answer {
    let mut answer = Response::new(body::empty());
    grpc(&mut answer);
    let headers = answer.headers_mut();
    headers.insert(STATUS, HeaderValue::from(u16::from(code)));
    // Nothing that is left needs percent-encoding.
    let is_plain = |it: &char| matches!(it, ' '..='~') && *it != '%';
    let plain: String = message.chars().filter(is_plain).collect();
    if let Ok(plain) = HeaderValue::from_str(&plain) {
        headers.insert(MESSAGE, plain);
    }
    answer
}
