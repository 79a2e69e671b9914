//! Requests per second of `serve`, beside a plain hyper server that answers the same bytes:
//! `cargo bench --bench serving`. Both are measured in turn, so that other work on the machine slows both.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use saferun_tui::act::net::Net;
use saferun_tui::act::serve::{Options, Serving};
use saferun_tui::analysis::tape::Recording;
use saferun_tui::analysis::tape::player::{self, Mode, Player};
use saferun_tui::ingest::discover::Input;
use saferun_tui::ingest::intake;
use saferun_tui::ingest::prices::PriceTable;
use saferun_tui::model::run::RunIx;
use saferun_tui::store::Store;
use serde_json::{Value, json};

const REQUESTS: usize = 2_000;
const ROUNDS: usize = 7;

/// The request of a step: a conversation of a usual length.
fn request(at: usize) -> Value {
    let turns = (0..8).map(|turn| {
        let role = if turn % 2 == 0 { "user" } else { "assistant" };
        json!({"role": role, "content": format!("turn {turn} of step {at}: {}", "words of a message. ".repeat(12))})
    });
    let tool = json!({"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}}});
    json!({"model": "m", "temperature": 0, "tools": [tool], "messages": turns.collect::<Vec<Value>>()})
}

fn trace() -> String {
    let mut text = String::new();
    for at in 0..REQUESTS {
        let event = json!({"type": "response", "run_id": "r", "model": "m", "request": request(at), "usage": {"input_tokens": 700, "output_tokens": 40},
            "content": format!("answer {at}: {}", "words of an answer. ".repeat(20))});
        writeln!(text, "{event}").expect("a String takes anything");
    }
    text
}

/// Sends all requests on one connection; returns how long that took, and the last body.
fn ask(address: SocketAddr, bodies: &[String]) -> (Duration, Vec<u8>) {
    let mut stream = TcpStream::connect(address).expect("connected");
    stream.set_nodelay(true).expect("set");
    let mut reader = BufReader::new(stream.try_clone().expect("a clone"));
    let started = Instant::now();
    let mut answer = Vec::new();
    for body in bodies {
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream
            .write_all(&[head.as_bytes(), body.as_bytes()].concat())
            .expect("sent");
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).expect("a line");
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().expect("a length");
            }
        }
        answer = vec![0; length];
        reader.read_exact(&mut answer).expect("a body");
    }
    (started.elapsed(), answer)
}

/// Reads each request and answers the same bytes.
fn plain(answer: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("set");
    let address = listener.local_addr().expect("an address");
    let answer = Bytes::from(answer);
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            loop {
                let (stream, _) = listener.accept().await.expect("a connection");
                stream.set_nodelay(true).expect("set");
                let answer = answer.clone();
                let service = service_fn(move |request: Request<Incoming>| {
                    let answer = answer.clone();
                    async move {
                        let body = request.into_body().collect().await;
                        drop(body.expect("a body"));
                        Ok::<_, Infallible>(Response::new(Full::new(answer)))
                    }
                });
                let builder = hyper::server::conn::http1::Builder::new();
                let done = builder.serve_connection(TokioIo::new(stream), service);
                tokio::spawn(async move { drop(done.await) });
            }
        });
    });
    address
}

fn serving(net: &Net, store: &Arc<Store>, mode: Mode) -> Serving {
    let options = player::Options {
        mode,
        ignored: Vec::new(),
        keeps_noise: false,
        skips_errors: false,
        stubs: true,
        until: None,
    };
    let recording = Recording::of(store, RunIx(0));
    let player = Player::new(Arc::clone(store), recording, options);
    let how = Options {
        speed: None,
        live: None,
    };
    Serving::start(net, ([127, 0, 0, 1], 0).into(), player, how).expect("it listens")
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    REQUESTS as f64 / times[times.len() / 2].as_secs_f64()
}

fn main() {
    let folder = std::env::temp_dir().join(format!("serving-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("trace.jsonl");
    fs::write(&path, trace()).expect("written");
    let messages = intake::load(
        vec![Input::File(path)],
        intake::Options::new(PriceTable::built_in()),
    );
    let store = Arc::new(Store::load(messages).0);
    let net = Net::start().expect("a thread");
    let bodies: Vec<String> = (0..REQUESTS).map(|at| request(at).to_string()).collect();
    let (_, answer) = ask(serving(&net, &store, Mode::Order).address, &bodies);
    let beside = plain(answer);
    for mode in [Mode::Order, Mode::Hash, Mode::Content, Mode::Loose] {
        let (mut own, mut other) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let serving = serving(&net, &store, mode);
            // An agent takes longer to start.
            while !serving.look(|player, _| player.digests().are_ready()) {
                thread::sleep(Duration::from_millis(1));
            }
            own.push(ask(serving.address, &bodies).0);
            assert_eq!(serving.look(|player, _| player.served()), REQUESTS);
            other.push(ask(beside, &bodies).0);
        }
        let (own, other) = (median(own), median(other));
        writeln!(
            std::io::stdout(),
            "{:8} {own:8.0} requests/s   plain hyper {other:8.0} requests/s   ratio {:.2}",
            mode.word(),
            own / other
        )
        .expect("written");
    }
    fs::remove_dir_all(&folder).expect("removed");
}
