use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::body::Incoming;
use hyper::{Request, Response, StatusCode};

use super::Net;
use super::body;
use super::secret::Secret;
use super::server::{self, Answer, Handler, Server};

/// `/echo` answers with the body; `/stream` with three pieces; `/fault` not at all.
struct Echo;

const CAP: usize = 1000;

impl Handler for Echo {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        match request.uri().path() {
            "/fault" => panic!("a planned fault"),
            "/stream" => {
                let (sender, body) = body::channel(1);
                tokio::spawn(async move {
                    for piece in ["é", "rest", "!"] {
                        if sender.send(piece).await.is_err() {
                            return;
                        }
                    }
                });
                Response::new(body)
            }
            _ => match body::collect(request.into_body(), CAP, Duration::from_millis(300)).await {
                Ok(bytes) => Response::new(body::full(bytes)),
                Err(unread) => server::plain(unread.status(), &unread.to_string()),
            },
        }
    }
}

fn echo() -> (Net, Server) {
    let net = Net::start().expect("a thread");
    let address = server::loopback("127.0.0.1:0").expect("loopback");
    let server = server::listen(&net, address, Arc::new(Echo)).expect("a listener");
    (net, server)
}

/// Everything that a server answers to some bytes.
fn raw(address: SocketAddr, bytes: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("connected");
    let time = Some(Duration::from_secs(20));
    stream.set_read_timeout(time).expect("a time-out");
    stream.write_all(bytes.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    // A reset after the answer also ends it.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status of a request with these lines of head, and `body`.
#[track_caller]
fn check(server: &Server, first: &str, lines: &str, body: &str, status: StatusCode) {
    let lines = lines.replace("PORT", &server.address.port().to_string());
    let request = format!("{first} HTTP/1.1\r\n{lines}Connection: close\r\n\r\n{body}");
    let answer = raw(server.address, &request);
    let expected = format!("HTTP/1.1 {}", status.as_u16());
    assert!(answer.starts_with(&expected), "{request:?}: {answer:?}");
}

const HOST: &str = "Host: 127.0.0.1:PORT\r\n";

#[test]
fn requests_that_are_not_meant_for_us_are_refused() {
    let (_net, server) = echo();
    let ok = StatusCode::OK;
    check(
        &server,
        "POST /echo",
        &format!("{HOST}Content-Length: 2\r\n"),
        "hi",
        ok,
    );
    check(&server, "GET /echo", "Host: localhost:PORT\r\n", "", ok);
    let misdirected = StatusCode::MISDIRECTED_REQUEST;
    for host in [
        "Host: evil.example\r\n",
        "Host: evil.example:PORT\r\n",
        "Host: 127.0.0.1\r\n",
        "Host: 127.0.0.1.evil.example:PORT\r\n",
        "Host: me@127.0.0.1:PORT\r\n",
        "Host: 127.0.0.1:PORT\r\nHost: evil.example\r\n",
        "",
    ] {
        check(&server, "GET /echo", host, "", misdirected);
    }
    check(
        &server,
        "GET http://evil.example/echo",
        HOST,
        "",
        misdirected,
    );
    let origin = format!("{HOST}Origin: https://evil.example\r\n");
    check(&server, "POST /echo", &origin, "", StatusCode::FORBIDDEN);
    check(
        &server,
        "OPTIONS /echo",
        HOST,
        "",
        StatusCode::METHOD_NOT_ALLOWED,
    );
    let upgrade = format!("{HOST}Upgrade: websocket\r\n");
    check(
        &server,
        "GET /echo",
        &upgrade,
        "",
        StatusCode::UPGRADE_REQUIRED,
    );
}

#[test]
fn heads_and_bodies_have_limits() {
    let (_net, server) = echo();
    let too_large = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    let long = format!("{HOST}X: {}\r\n", "x".repeat(17_000));
    check(&server, "GET /echo", &long, "", too_large);
    let many = format!("{HOST}{}", "X: x\r\n".repeat(70));
    check(&server, "GET /echo", &many, "", too_large);
    let announced = format!("{HOST}Content-Length: 100000\r\n");
    check(
        &server,
        "POST /echo",
        &announced,
        "",
        StatusCode::PAYLOAD_TOO_LARGE,
    );
    let chunk = format!("258\r\n{}\r\n", "x".repeat(600));
    let chunked = format!("{HOST}Transfer-Encoding: chunked\r\n");
    check(
        &server,
        "POST /echo",
        &chunked,
        &format!("{chunk}{chunk}0\r\n\r\n"),
        StatusCode::PAYLOAD_TOO_LARGE,
    );
    let short = format!("{HOST}Content-Length: 9\r\n");
    check(
        &server,
        "POST /echo",
        &short,
        "slow",
        StatusCode::REQUEST_TIMEOUT,
    );
}

#[test]
fn two_lengths_are_refused() {
    let (_net, server) = echo();
    let both = format!("{HOST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n");
    let turned = format!("{HOST}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n");
    for lines in [
        both,
        turned,
        format!("{HOST}Content-Length: 1\r\nContent-Length: 2\r\n"),
    ] {
        check(
            &server,
            "POST /echo",
            &lines,
            "0\r\n\r\n",
            StatusCode::BAD_REQUEST,
        );
    }
}

#[test]
fn a_head_that_trickles_in_is_cut_off() {
    let (_net, server) = echo();
    let started = Instant::now();
    let answer = raw(server.address, "GET /echo HTTP/1.1\r\nHost: ");
    assert!(!answer.contains("200"), "{answer}");
    let took = started.elapsed();
    assert!(
        took > Duration::from_secs(4) && took < Duration::from_secs(15),
        "{took:?}"
    );
}

#[test]
fn an_answer_can_be_sent_in_pieces() {
    let (_net, server) = echo();
    let head = format!(
        "GET /stream HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n\r\n",
        server.address.port()
    );
    let answer = raw(server.address, &head);
    assert!(
        answer.ends_with("2\r\né\r\n4\r\nrest\r\n1\r\n!\r\n0\r\n\r\n"),
        "{answer:?}"
    );
}

#[test]
fn only_addresses_of_this_machine_are_listened_on() {
    for address in [
        "0.0.0.0:0",
        "192.0.2.1:80",
        "[::]:0",
        "example.com:80",
        "",
        "127.0.0.1",
    ] {
        assert!(server::loopback(address).is_err(), "{address}");
    }
    for address in ["127.0.0.1:0", "[::1]:4318", "localhost:80", "4318"] {
        assert!(server::loopback(address).is_ok(), "{address}");
    }
    let (net, server) = echo();
    let again = server::listen(&net, server.address, Arc::new(Echo));
    assert!(matches!(again, Err(server::Error::Taken { .. })));
}

#[test]
fn a_listener_and_its_connections_end_when_it_is_dropped() {
    let (_net, server) = echo();
    let address = server.address;
    let mut open = TcpStream::connect(address).expect("connected");
    open.write_all(b"GET /echo HTTP/1.1\r\n").expect("sent");
    drop(server);
    let time = Some(Duration::from_secs(3));
    open.set_read_timeout(time).expect("a time-out");
    let ended = open.read(&mut [0; 10]);
    assert!(
        matches!(&ended, Ok(0))
            || ended.is_err_and(|it| it.kind() == std::io::ErrorKind::ConnectionReset)
    );
}

#[test]
fn a_key_is_never_printed() {
    let key = Secret::new("sk-very-secret");
    assert_eq!(
        format!("{key} {key:?} {:?}", Some(&key)),
        "••• ••• Some(•••)"
    );
}

#[test]
fn a_fault_costs_its_request_and_neither_the_connection_nor_the_listener() {
    let (_net, server) = echo();
    let host = HOST.replace("PORT", &server.address.port().to_string());
    let both = format!(
        "GET /fault HTTP/1.1\r\n{host}\r\nGET /stream HTTP/1.1\r\n{host}Connection: close\r\n\r\n"
    );
    let answers = raw(server.address, &both);
    assert!(answers.starts_with("HTTP/1.1 502 "), "{answers}");
    assert!(answers.contains("HTTP/1.1 200 "), "{answers}");
    check(&server, "GET /stream", HOST, "", StatusCode::OK);
}
