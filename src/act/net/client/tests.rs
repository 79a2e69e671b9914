use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::BodyExt;
use hyper::Request as HttpRequest;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::dial::Dialer;
use super::{Client, Error, Request};
use crate::act::net::secret::Secret;
use crate::act::net::{Net, body, tls};

/// A server that answers the n-th request of its connections with the n-th of some answers, and returns what it
/// received.
fn peer(answers: Vec<Vec<u8>>) -> (String, thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let thread = thread::spawn(move || {
        let mut seen = Vec::new();
        let mut answers = answers.into_iter();
        let mut next = answers.next();
        while next.is_some() {
            let (stream, _) = listener.accept().expect("a connection");
            let mut reader = BufReader::new(stream.try_clone().expect("a clone"));
            let mut stream = stream;
            while let Some(answer) = next.take() {
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n")
                    && reader.read_line(&mut head).expect("a line") > 0
                {}
                if head.is_empty() {
                    next = Some(answer);
                    break;
                }
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "));
                let length = length.map_or(0, |it| it.parse().expect("a length"));
                let mut body = vec![0; length];
                reader.read_exact(&mut body).expect("a body");
                seen.push(format!("{head}{}", String::from_utf8_lossy(&body)));
                stream.write_all(&answer).expect("written");
                let ends = String::from_utf8_lossy(&answer).contains("close");
                next = answers.next();
                if ends {
                    break;
                }
            }
        }
        seen
    });
    (url, thread)
}

fn answer(head: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {head}\r\ncontent-length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

fn client() -> Client {
    let net = Net::start().expect("a thread");
    Client::with(&net, Dialer::from_environment(|_| None))
}

#[test]
fn a_request_is_sent_and_its_answer_decoded() {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(br#"{"ok":true}"#).expect("written");
    let packed = answer(
        "200 OK\r\ncontent-encoding: gzip",
        &gzip.finish().expect("packed"),
    );
    let (url, peer) = peer(vec![packed, answer("429 Slow\r\nretry-after: 7", b"wait")]);
    let client = client();
    let key = Secret::new("sk-1");
    let send = || {
        let request = Request::post_json(&format!("{url}/v1/x?y=1"), &serde_json::json!({"a": 1}));
        let request = request.and_then(|it| it.bearer(&key)).expect("a request");
        assert!(!format!("{request:?}").contains("sk-1"));
        client.send(request).expect("an answer")
    };
    assert_eq!(
        send().json().expect("JSON"),
        serde_json::json!({"ok": true})
    );
    let second = send();
    assert_eq!(
        (
            second.status,
            second.header("retry-after"),
            second.text().as_str()
        ),
        (429, Some("7"), "wait")
    );
    let seen = peer.join().expect("the peer");
    assert!(
        seen[0].starts_with("POST /v1/x?y=1 HTTP/1.1\r\n"),
        "{}",
        seen[0]
    );
    assert!(
        seen[0].contains("authorization: Bearer sk-1\r\n") && seen[0].ends_with(r#"{"a":1}"#),
        "{}",
        seen[0]
    );
}

#[test]
fn a_redirect_is_an_answer() {
    let (url, _peer) = peer(vec![answer(
        "302 Found\r\nlocation: http://192.0.2.1/",
        b"",
    )]);
    let got = client()
        .send(Request::get(&url).expect("a request"))
        .expect("an answer");
    assert_eq!(
        (got.status, got.header("location")),
        (302, Some("http://192.0.2.1/"))
    );
}

#[test]
fn answers_have_limits() {
    let bomb = {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&vec![0; 100_000]).expect("written");
        gzip.finish().expect("packed")
    };
    let (url, _peer) = peer(vec![
        answer("200 OK\r\nconnection: close", &[b'x'; 2000]),
        answer(
            "200 OK\r\nconnection: close\r\ncontent-encoding: gzip",
            &bomb,
        ),
    ]);
    let client = client();
    let get = || Request::get(&url).expect("a request").at_most(1000);
    assert!(matches!(client.send(get()), Err(Error::Unread { .. })));
    assert!(matches!(client.send(get()), Err(Error::Undecoded { .. })));
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    let request = Request::get(&url)
        .expect("a request")
        .within(Duration::from_millis(200));
    assert!(matches!(client.send(request), Err(Error::Time { .. })));
}

#[test]
fn a_connection_that_ended_meanwhile_is_replaced() {
    let close = || answer("200 OK\r\nconnection: close", b"x");
    let (url, peer) = peer(vec![
        answer("200 OK", b"x"),
        answer("200 OK", b"y"),
        close(),
        close(),
    ]);
    let client = client();
    for _ in 0..4 {
        let got = client.send(Request::get(&url).expect("a request"));
        assert_eq!(got.expect("an answer").status, 200);
        thread::sleep(Duration::from_millis(30));
    }
    assert_eq!(peer.join().expect("the peer").len(), 4);
}

#[test]
fn an_answer_arrives_piece_by_piece() {
    let (url, _peer) = peer(vec![
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
            .to_vec(),
    ]);
    let client = client();
    let text = client.net.wait(async {
        let mut request = HttpRequest::new(body::empty());
        *request.uri_mut() = url.parse().expect("a URL");
        let answer = client.exchange(request).await.expect("an answer");
        answer
            .into_body()
            .collect()
            .await
            .expect("a body")
            .to_bytes()
    });
    assert_eq!(&text[..], b"onetwo");
}

#[test]
fn certificates_are_checked() {
    let certificate = CertificateDer::from_pem_slice(include_bytes!("localhost.cert.pem"))
        .expect("a certificate");
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("localhost.key.pem")).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(
        tokio_rustls::rustls::crypto::ring::default_provider(),
    ));
    let config = config
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth();
    let config = config
        .with_single_cert(vec![certificate.clone()], key)
        .expect("a server");
    let net = Net::start().expect("a thread");
    let listener = net
        .wait(tokio::net::TcpListener::bind("127.0.0.1:0"))
        .expect("a port");
    let port = listener.local_addr().expect("an address").port();
    net.spawn(async move {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let acceptor = TlsAcceptor::from(Arc::new(config));
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream
                .write_all(&answer("200 OK\r\nconnection: close", b"private"))
                .await;
            let _ = stream.shutdown().await;
        }
    });
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("a root");
    let trusting = Client::with(&net, Dialer::trusting(tls::trusting(roots).expect("TLS")));
    let url = format!("https://localhost:{port}/");
    let get = |url: &str| Request::get(url).expect("a request");
    assert_eq!(
        trusting.send(get(&url)).expect("an answer").text(),
        "private"
    );
    let strangers = Client::with(
        &net,
        Dialer::trusting(tls::trusting(RootCertStore::empty()).expect("TLS")),
    );
    assert!(matches!(
        strangers.send(get(&url)),
        Err(Error::Connect { .. })
    ));
    let other_name = format!("https://127.0.0.1:{port}/");
    assert!(matches!(
        trusting.send(get(&other_name)),
        Err(Error::Connect { .. })
    ));
}

#[test]
fn a_proxy_is_asked_for_a_tunnel() {
    let (url, peer) = peer(vec![b"HTTP/1.1 403 Forbidden\r\n\r\n".to_vec()]);
    let net = Net::start().expect("a thread");
    let client = Client::with(
        &net,
        Dialer::from_environment(|name| {
            (name == "HTTPS_PROXY").then(|| url.replace("//", "//me:pw@"))
        }),
    );
    let refused = client.send(Request::get("https://api.example.com/").expect("a request"));
    assert!(refused.is_err_and(|it| it.to_string().contains("403")));
    let seen = peer.join().expect("the peer");
    assert!(
        seen[0].starts_with("CONNECT api.example.com:443 HTTP/1.1\r\n"),
        "{}",
        seen[0]
    );
    assert!(
        seen[0].contains("Proxy-Authorization: Basic bWU6cHc="),
        "{}",
        seen[0]
    );
}
