//! OTLP over HTTP: `POST …/v1/{traces,logs,metrics}`, protobuf or JSON.

use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{
    CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::json;

use super::{DECODED, Form, REJECTED, Receiver, Refused, SENT, Signal, Taken};
use crate::act::net::body::{self, Unread};
use crate::act::net::coding::{self, Undecoded};
use crate::act::net::server::{self, Answer, Handler};

const TIME: Duration = Duration::from_secs(30);
const PROTOBUF: &str = "application/x-protobuf";

#[derive(Debug)]
pub struct Http {
    receiver: Arc<Receiver>,
}

impl Handler for Http {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        self.post(request).await
    }
}

impl Http {
    pub fn new(receiver: Arc<Receiver>) -> Http {
        Http { receiver }
    }

    /// The path may have any prefix.
    pub async fn post(&self, request: Request<Incoming>) -> Answer {
        let path = request.uri().path().trim_end_matches('/');
        let signals = [
            ("/v1/traces", Signal::Traces),
            ("/v1/logs", Signal::Logs),
            ("/v1/metrics", Signal::Metrics),
        ];
        let found = signals.iter().find(|(end, _)| path.ends_with(end));
        let Some((_, signal)) = found else {
            return server::plain(
                StatusCode::NOT_FOUND,
                "OTLP is at /v1/traces, /v1/logs and /v1/metrics\n",
            );
        };
        if *request.method() != Method::POST {
            return server::plain(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n");
        }
        let kind = text(request.headers(), &CONTENT_TYPE);
        let form = match kind.split(';').next().unwrap_or_default().trim() {
            PROTOBUF => Form::Protobuf,
            "application/json" => Form::Json,
            _ => {
                return server::plain(
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    "send protobuf or JSON\n",
                );
            }
        };
        match self.take(*signal, form, request).await {
            Ok(taken) => accepted(*signal, form, taken),
            Err(failed) => failed.answer(form),
        }
    }

    async fn take(
        &self,
        signal: Signal,
        form: Form,
        request: Request<Incoming>,
    ) -> Result<Taken, Failed> {
        let encoding = text(request.headers(), &CONTENT_ENCODING).to_owned();
        if !matches!(encoding.as_str(), "" | "identity" | "gzip") {
            return Err(Failed::Encoding);
        }
        let sent = body::collect(request.into_body(), SENT, TIME).await;
        let sent = sent.map_err(Failed::Unread)?;
        let decoded = coding::decode(Some(&encoding), sent.into(), DECODED);
        let bytes = decoded.map_err(|error| match error {
            Undecoded::TooLong(_) => Failed::Refused(Refused::TooLarge),
            other => Failed::Refused(Refused::Undecodable(other.to_string())),
        })?;
        let taken = self.receiver.take(signal, form, &bytes).await;
        taken.map_err(Failed::Refused)
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    let value = headers.get(name).and_then(|it| it.to_str().ok());
    value.unwrap_or_default()
}

enum Failed {
    Encoding,
    Unread(Unread),
    Refused(Refused),
}

impl Failed {
    fn answer(&self, form: Form) -> Answer {
        let (status, code, message, retry) = match self {
            Failed::Encoding => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                12,
                "send gzip or no encoding".to_owned(),
                None,
            ),
            Failed::Unread(unread) => (unread.status(), 3, unread.to_string(), None),
            Failed::Refused(refused) => {
                let (status, retry) = match refused {
                    Refused::Undecodable(_) => (StatusCode::BAD_REQUEST, None),
                    Refused::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, None),
                    Refused::Behind => (StatusCode::TOO_MANY_REQUESTS, Some("1")),
                    Refused::Disk(_) => (StatusCode::SERVICE_UNAVAILABLE, Some("5")),
                };
                (
                    status,
                    super::grpc::code(refused),
                    refused.to_string(),
                    retry,
                )
            }
        };
        let mut answer = match form {
            Form::Json => server::json(status, &json!({"code": code, "message": message})),
            Form::Protobuf => {
                // google.rpc.Status
                let mut out = vec![0x08, code];
                field(&mut out, 0x12, message.as_bytes());
                protobuf(status, out)
            }
        };
        if let Some(seconds) = retry {
            answer
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from_static(seconds));
        }
        answer
    }
}

fn accepted(signal: Signal, form: Form, taken: Taken) -> Answer {
    match form {
        Form::Json => {
            let answer = match taken.rejected {
                0 => json!({}),
                rejected => json!({"partialSuccess": {
                    rejected_name(signal): rejected.to_string(), "errorMessage": REJECTED,
                }}),
            };
            server::json(StatusCode::OK, &answer)
        }
        Form::Protobuf => protobuf(StatusCode::OK, success(taken)),
    }
}

fn rejected_name(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "rejectedSpans",
        Signal::Logs => "rejectedLogRecords",
        Signal::Metrics => "rejectedDataPoints",
    }
}

/// `ExportTraceServiceResponse` and its siblings: empty if everything was accepted.
pub(super) fn success(taken: Taken) -> Vec<u8> {
    let mut out = Vec::new();
    if taken.rejected > 0 {
        let mut partial = vec![0x08];
        varint(&mut partial, taken.rejected);
        field(&mut partial, 0x12, REJECTED.as_bytes());
        field(&mut out, 0x0a, &partial);
    }
    out
}

fn field(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn protobuf(status: StatusCode, bytes: Vec<u8>) -> Answer {
    let mut answer = Response::new(body::full(bytes));
    *answer.status_mut() = status;
    let kind = HeaderValue::from_static(PROTOBUF);
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}
