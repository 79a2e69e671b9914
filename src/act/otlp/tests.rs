use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{Receiver, Signal, json as json_form, listen, protobuf};
use crate::act::net::Net;
use crate::act::net::server::loopback;
use crate::base::testing;

/// Bytes of protobuf, field by field.
#[derive(Debug, Default, Clone)]
struct Pb(Vec<u8>);

impl Pb {
    fn varint(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn number(mut self, field: u64, number: u64) -> Pb {
        self.varint(field << 3);
        self.varint(number);
        self
    }

    fn bytes(mut self, field: u64, bytes: &[u8]) -> Pb {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    fn message(self, field: u64, message: &Pb) -> Pb {
        self.bytes(field, &message.0)
    }

    fn fixed64(mut self, field: u64, number: u64) -> Pb {
        self.varint(field << 3 | 1);
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn fixed32(mut self, field: u64, number: u32) -> Pb {
        self.varint(field << 3 | 5);
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }
}

fn pb() -> Pb {
    Pb::default()
}

fn pair(key: &str, value: &Pb) -> Pb {
    pb().bytes(1, key.as_bytes()).message(2, value)
}

const TRACE: [u8; 16] = [0xab; 16];
const SPAN: [u8; 8] = [0x12; 8];

fn span() -> Pb {
    let list = pb()
        .message(1, &pb().number(3, (-5_i64) as u64))
        .message(1, &pb().number(2, 1));
    let pairs = pb().message(1, &pair("k", &pb().fixed64(4, 1.5_f64.to_bits())));
    pb().bytes(1, &TRACE)
        .bytes(2, &SPAN)
        .bytes(5, "chat gpt".as_bytes())
        .number(6, 3)
        .fixed64(7, 1_700_000_000_000_000_000)
        .message(9, &pair("list", &pb().message(5, &list)))
        .message(9, &pair("pairs", &pb().message(6, &pairs)))
        .message(9, &pair("raw", &pb().bytes(7, &[1, 2, 3])))
        .message(9, &pair("none", &pb()))
        .message(15, &pb().bytes(2, b"bad").number(3, 2))
        .fixed32(16, 256)
        // A field from the future.
        .number(99, 7)
}

fn request(spans: &[Pb]) -> Pb {
    let scope = pb().bytes(1, b"lib");
    let mut all = pb().message(1, &scope);
    for span in spans {
        all = all.message(2, span);
    }
    let resource = pb().message(1, &pair("service.name", &pb().bytes(1, b"agent")));
    pb().message(1, &pb().message(1, &resource).message(2, &all))
}

fn expected() -> Value {
    json!({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "agent"}}]},
        "scopeSpans": [{"scope": {"name": "lib"}, "spans": [{
            "traceId": "ab".repeat(16), "spanId": "12".repeat(8), "name": "chat gpt", "kind": 3,
            "startTimeUnixNano": "1700000000000000000",
            "attributes": [
                {"key": "list", "value": {"arrayValue": {"values": [{"intValue": "-5"}, {"boolValue": true}]}}},
                {"key": "pairs", "value": {"kvlistValue": {"values": [{"key": "k", "value": {"doubleValue": 1.5}}]}}},
                {"key": "raw", "value": {"bytesValue": "AQID"}},
                {"key": "none", "value": {}},
            ],
            "status": {"message": "bad", "code": 2}, "flags": 256,
        }]}],
    }]})
}

#[test]
fn protobuf_becomes_json_by_the_table() {
    let read = protobuf::read(Signal::Traces, &request(&[span()]).0);
    assert_eq!(read.expect("decoded"), expected());
    let log = pb()
        .fixed64(1, 5)
        .number(2, 9)
        .message(5, &pb().bytes(1, b"said"))
        .bytes(12, b"event");
    let logs = pb().message(1, &pb().message(2, &pb().message(2, &log)));
    assert_eq!(
        protobuf::read(Signal::Logs, &logs.0).expect("decoded"),
        json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [
            {"timeUnixNano": "5", "severityNumber": 9, "body": {"stringValue": "said"}, "eventName": "event"}]}]}]})
    );
    assert_eq!(
        protobuf::read(Signal::Traces, &[]).expect("decoded"),
        json!({"resourceSpans": []})
    );
}

/// A message twice: as bytes, and as the official mapping to JSON. It knows the official numbers and nothing of the table.
#[derive(Debug, Default)]
struct Both {
    pb: Pb,
    json: Map<String, Value>,
}

impl Both {
    fn put(mut self, name: &str, value: Value, pb: Pb) -> Both {
        self.json.insert(name.to_owned(), value);
        Both { pb, ..self }
    }

    /// Default values are not sent.
    fn text(self, field: u64, name: &str, text: &str) -> Both {
        if text.is_empty() {
            return self;
        }
        let pb = self.pb.clone().bytes(field, text.as_bytes());
        self.put(name, text.into(), pb)
    }

    fn id(self, field: u64, name: &str, id: &[u8]) -> Both {
        let pb = self.pb.clone().bytes(field, id);
        let hex = crate::base::escape::hex(id);
        self.put(name, hex.into(), pb)
    }

    fn nanos(self, field: u64, name: &str, nanos: u64) -> Both {
        if nanos == 0 {
            return self;
        }
        let pb = self.pb.clone().fixed64(field, nanos);
        self.put(name, nanos.to_string().into(), pb)
    }

    fn count(self, field: u64, name: &str, count: u32) -> Both {
        if count == 0 {
            return self;
        }
        let pb = self.pb.clone().number(field, u64::from(count));
        self.put(name, count.into(), pb)
    }

    fn flags(self, field: u64, flags: u32) -> Both {
        if flags == 0 {
            return self;
        }
        let pb = self.pb.clone().fixed32(field, flags);
        self.put("flags", flags.into(), pb)
    }

    fn one(self, field: u64, name: &str, inner: Both) -> Both {
        let pb = self.pb.clone().message(field, &inner.pb);
        self.put(name, inner.json.into(), pb)
    }

    fn many(self, field: u64, name: &str, all: Vec<Both>) -> Both {
        if all.is_empty() {
            return self;
        }
        let pb = all
            .iter()
            .fold(self.pb.clone(), |pb, it| pb.message(field, &it.pb));
        let all: Vec<Value> = all.into_iter().map(|it| it.json.into()).collect();
        self.put(name, all.into(), pb)
    }
}

/// Any value of an attribute; in a choice of one, defaults are sent.
fn value() -> impl Strategy<Value = (Pb, Value)> {
    let leaf = prop_oneof![
        ".{0,6}".prop_map(|it| (pb().bytes(1, it.as_bytes()), json!({"stringValue": it}))),
        any::<bool>().prop_map(|it| (pb().number(2, u64::from(it)), json!({"boolValue": it}))),
        any::<i64>().prop_map(|it| (
            pb().number(3, it as u64),
            json!({"intValue": it.to_string()})
        )),
        (-1e9..1e9_f64).prop_map(|it| (pb().fixed64(4, it.to_bits()), json!({"doubleValue": it}))),
        prop::collection::vec(any::<u8>(), 0..5).prop_map(|it| (
            pb().bytes(7, &it),
            json!({"bytesValue": BASE64_STANDARD.encode(it)})
        )),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..3).prop_map(|all| {
                let list = all.iter().fold(pb(), |list, (it, _)| list.message(1, it));
                let all: Vec<Value> = all.into_iter().map(|(_, it)| it).collect();
                (
                    pb().message(5, &list),
                    json!({"arrayValue": {"values": all}}),
                )
            }),
            ("[a-z]{1,3}", inner).prop_map(|(key, (it, json))| {
                let pairs = pb().message(1, &pair(&key, &it));
                (
                    pb().message(6, &pairs),
                    json!({"kvlistValue": {"values": [{"key": key, "value": json}]}}),
                )
            }),
        ]
    })
}

fn attributes() -> impl Strategy<Value = Vec<Both>> {
    let one = ("[a-z.]{1,8}", value()).prop_map(|(key, (pb, json))| {
        let both = Both::default().text(1, "key", &key);
        let whole = both.pb.clone().message(2, &pb);
        both.put("value", json, whole)
    });
    prop::collection::vec(one, 0..3)
}

fn event() -> impl Strategy<Value = Both> {
    (any::<u64>(), ".{0,5}", attributes(), 0..3_u32).prop_map(|(at, name, attributes, dropped)| {
        Both::default()
            .nanos(1, "timeUnixNano", at)
            .text(2, "name", &name)
            .many(3, "attributes", attributes)
            .count(4, "droppedAttributesCount", dropped)
    })
}

fn link() -> impl Strategy<Value = Both> {
    (
        any::<[u8; 16]>(),
        any::<[u8; 8]>(),
        attributes(),
        any::<u32>(),
    )
        .prop_map(|(trace, span, attributes, flags)| {
            Both::default()
                .id(1, "traceId", &trace)
                .id(2, "spanId", &span)
                .many(4, "attributes", attributes)
                .flags(6, flags)
        })
}

fn any_span() -> impl Strategy<Value = Both> {
    let ids = (any::<[u8; 16]>(), any::<[u8; 8]>(), any::<[u8; 8]>());
    let plain = (
        ".{0,9}",
        ".{0,5}",
        0..6_u32,
        any::<u64>(),
        any::<u64>(),
        any::<u32>(),
    );
    let lists = (
        attributes(),
        prop::collection::vec(event(), 0..3),
        prop::collection::vec(link(), 0..2),
    );
    let status = (".{0,5}", 0..3_u32);
    (ids, plain, lists, status).prop_map(
        |((trace, span, parent), plain, (attributes, events, links), status)| {
            let (name, state, kind, start, end, flags) = plain;
            let status = Both::default()
                .text(2, "message", &status.0)
                .count(3, "code", status.1);
            Both::default()
                .id(1, "traceId", &trace)
                .id(2, "spanId", &span)
                .text(3, "traceState", &state)
                .id(4, "parentSpanId", &parent)
                .text(5, "name", &name)
                .count(6, "kind", kind)
                .nanos(7, "startTimeUnixNano", start)
                .nanos(8, "endTimeUnixNano", end)
                .many(9, "attributes", attributes)
                .many(11, "events", events)
                .many(13, "links", links)
                .one(15, "status", status)
                .flags(16, flags)
        },
    )
}

fn any_log() -> impl Strategy<Value = Both> {
    let ids = (any::<[u8; 16]>(), any::<[u8; 8]>());
    let plain = (
        any::<u64>(),
        any::<u64>(),
        0..25_u32,
        ".{0,5}",
        ".{0,5}",
        any::<u32>(),
    );
    (ids, plain, value(), attributes()).prop_map(
        |((trace, span), plain, (body, json), attributes)| {
            let (at, seen, severity, word, name, flags) = plain;
            let log = Both::default()
                .nanos(1, "timeUnixNano", at)
                .count(2, "severityNumber", severity)
                .text(3, "severityText", &word);
            let whole = log.pb.clone().message(5, &body);
            log.put("body", json, whole)
                .many(6, "attributes", attributes)
                .flags(8, flags)
                .id(9, "traceId", &trace)
                .id(10, "spanId", &span)
                .nanos(11, "observedTimeUnixNano", seen)
                .text(12, "eventName", &name)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_message_is_what_the_official_mapping_makes_of_it(
        span in any_span(),
        log in any_log(),
        about in attributes(),
    ) {
        let resource = Both::default().many(1, "attributes", about);
        let scoped = Both::default().many(2, "spans", vec![span]);
        let spans = Both::default().one(1, "resource", resource).many(2, "scopeSpans", vec![scoped]);
        let spans = Both::default().many(1, "resourceSpans", vec![spans]);
        prop_assert_eq!(protobuf::read(Signal::Traces, &spans.pb.0).ok(), Some(Value::Object(spans.json)));
        let scoped = Both::default().many(2, "logRecords", vec![log]);
        let logs = Both::default().many(2, "scopeLogs", vec![scoped]);
        let logs = Both::default().many(1, "resourceLogs", vec![logs]);
        prop_assert_eq!(protobuf::read(Signal::Logs, &logs.pb.0).ok(), Some(Value::Object(logs.json)));
    }
}

#[test]
fn what_is_not_a_message_is_refused_and_never_panics() {
    let whole = request(&[span()]).0;
    for cut in 0..whole.len() {
        let _ = protobuf::read(Signal::Traces, &whole[..cut]);
        for flip in 0..8 {
            let mut bent = whole.clone();
            bent[cut] ^= 1 << flip;
            let _ = protobuf::read(Signal::Traces, &bent);
        }
    }
    for wrong in [
        &b"\x0b"[..],
        b"\x00",
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x0a\x05ab",
    ] {
        assert!(protobuf::read(Signal::Traces, wrong).is_err(), "{wrong:?}");
    }
    let mut deep = pb();
    for _ in 0..200 {
        deep = pb().message(5, &pb().message(1, &deep));
    }
    let spans = pb().bytes(1, &TRACE).message(9, &pair("k", &deep));
    assert!(protobuf::read(Signal::Traces, &request(&[spans]).0).is_err());
}

/// Bytes that look like fields: small numbers of fields in all wire types, and short lengths.
fn any_fields() -> impl Strategy<Value = Vec<u8>> {
    let field = (1_u8..16, 0_u8..8, prop::collection::vec(any::<u8>(), 0..9));
    let field = field.prop_map(|(number, kind, rest)| {
        let mut field = vec![number << 3 | kind];
        if kind == 2 {
            field.push(rest.len() as u8);
        }
        field.extend_from_slice(&rest);
        field
    });
    let inner = prop::collection::vec(field, 0..6).prop_map(|it| it.concat());
    // Inside the messages of a request, as far as its spans or records.
    (inner, 0_usize..4).prop_map(|(mut inner, depth)| {
        for number in [2_u8, 2, 1].into_iter().take(depth) {
            let mut outer = vec![number << 3 | 2, inner.len() as u8];
            outer.append(&mut inner);
            inner = outer;
        }
        inner
    })
}

const SOUGHT: &[&str] = &[
    "resourceSpans",
    "scopeSpans",
    "spans",
    "resourceLogs",
    "scopeLogs",
    "logRecords",
    "traceId",
    "spanId",
    "0123456789abcdef",
    "0123456789abcdef0123456789abcdef",
];

proptest! {
    #![proptest_config(testing::cases(256))]

    #[test]
    fn any_bytes_are_a_message_or_an_error(
        bytes in prop_oneof![any_fields(), prop::collection::vec(any::<u8>(), 0..80), testing::bent(request(&[span()]).0)],
    ) {
        for signal in [Signal::Traces, Signal::Logs, Signal::Metrics] {
            if let Ok(mut read) = protobuf::read(signal, &bytes) {
                let (before, _) = json_form::count(&read);
                let rejected = json_form::reject(&mut read);
                prop_assert_eq!(json_form::count(&read).0 + rejected, before);
            }
        }
    }

    #[test]
    fn any_json_is_a_request_or_an_error(body in testing::json(SOUGHT)) {
        for signal in [Signal::Traces, Signal::Logs, Signal::Metrics] {
            if let Ok(mut read) = json_form::read(signal, body.to_string().as_bytes()) {
                let (before, _) = json_form::count(&read);
                let rejected = json_form::reject(&mut read);
                prop_assert_eq!(json_form::count(&read).0 + rejected, before);
            }
        }
    }
}

#[test]
fn spans_without_ids_are_left_out() {
    let mut read = protobuf::read(
        Signal::Traces,
        &request(&[span(), pb().bytes(5, b"no ids")]).0,
    )
    .expect("decoded");
    assert_eq!(json_form::reject(&mut read), 1);
    assert_eq!(json_form::count(&read), (1, 0));
}

struct Place {
    _net: Net,
    listening: super::Listening,
    folder: tempfile::TempDir,
}

fn place() -> Place {
    let net = Net::start().expect("a thread");
    let folder = tempfile::tempdir().expect("a folder");
    let receiver = Receiver::open(&folder.path().join("t.jsonl")).expect("a file");
    let any = loopback("127.0.0.1:0").expect("loopback");
    let listening = listen(&net, &Arc::new(receiver), any, Some(any)).expect("listeners");
    Place {
        _net: net,
        listening,
        folder,
    }
}

impl Place {
    fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join("t.jsonl")).expect("a file");
        text.lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    }

    /// The status line and the body of an answer.
    #[track_caller]
    fn check(&self, (path, lines): (&str, &str), body: &[u8], status: u16, answer: &[u8]) {
        let found = post(self.listening.http.address, path, lines, body);
        let head = String::from_utf8_lossy(&found).into_owned();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        let at = found
            .windows(4)
            .position(|it| it == b"\r\n\r\n")
            .expect("a head");
        assert_eq!(
            String::from_utf8_lossy(&found[at + 4..]),
            String::from_utf8_lossy(answer)
        );
    }
}

fn post(address: SocketAddr, path: &str, lines: &str, body: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).expect("connected");
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .expect("a time-out");
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\nConnection: close\r\n{lines}\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("sent");
    stream.write_all(body).expect("sent");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

const PROTOBUF: &str = "Content-Type: application/x-protobuf\r\n";
const JSON: &str = "Content-Type: application/json\r\n";

#[test]
fn requests_over_http_are_answered_as_the_protocol_says() {
    let place = place();
    let traces = request(&[span()]).0;
    place.check(("/v1/traces", PROTOBUF), &traces, 200, b"");
    place.check(("/any/prefix/v1/traces", PROTOBUF), b"", 200, b"");
    let body = expected().to_string();
    place.check(("/v1/traces", JSON), body.as_bytes(), 200, b"{}");
    let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    zipped.write_all(&traces).expect("zipped");
    let zipped = zipped.finish().expect("zipped");
    let gzip = format!("{PROTOBUF}Content-Encoding: gzip\r\n");
    place.check(("/v1/traces", &gzip), &zipped, 200, b"");
    assert_eq!(place.lines(), [expected(), expected(), expected()]);
    place.check(("/v1/metrics", PROTOBUF), &[0x0a, 0], 200, b"");
    place.check(("/v1/logs", JSON), b"", 200, b"{}");
    place.check(
        ("/v1/traces", JSON),
        b"[]",
        400,
        br#"{"code":3,"message":"the request is not an object"}"#,
    );
    place.check(
        ("/v1/traces", PROTOBUF),
        b"\x0b",
        400,
        b"\x08\x03\x12\x0bwire type 3",
    );
    let deflate = format!("{JSON}Content-Encoding: deflate\r\n");
    place.check(
        ("/v1/traces", &deflate),
        b"{}",
        415,
        br#"{"code":12,"message":"send gzip or no encoding"}"#,
    );
    place.check(
        ("/v1/traces", "Content-Type: text/plain\r\n"),
        b"{}",
        415,
        b"send protobuf or JSON\n",
    );
    place.check(
        (
            "/v1/traces",
            &format!("{JSON}Origin: https://evil.example\r\n"),
        ),
        b"{}",
        403,
        b"requests from web pages are not accepted\n",
    );
    let nothing = json!({"resourceSpans": [{"scopeSpans": [{"spans": [{"name": "x"}]}]}]});
    place.check(
        ("/v1/traces", JSON),
        nothing.to_string().as_bytes(),
        200,
        br#"{"partialSuccess":{"rejectedSpans":"1","errorMessage":"spans without a trace id of 16 bytes and a span id of 8 bytes were left out"}}"#,
    );
    assert_eq!(place.lines().len(), 3);
}
