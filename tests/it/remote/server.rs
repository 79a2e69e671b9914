//! An HTTP server for tests, on `std::net`, with the faults of real servers.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

/// A request as received.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
    /// The body as it came.
    pub(crate) text: String,
}

impl Received {
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
    /// Sends less than promised.
    pub(crate) is_cut: bool,
}

impl Answer {
    pub(crate) fn json(value: &Value) -> Answer {
        Answer {
            status: 200,
            headers: vec![("content-type", "application/json".to_owned())],
            body: value.to_string(),
            is_cut: false,
        }
    }

    pub(crate) fn status(status: u16) -> Answer {
        Answer {
            status,
            headers: Vec::new(),
            body: String::new(),
            is_cut: false,
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Answer {
        self.headers.push((name, value.to_owned()));
        self
    }
}

/// What is wrong with an answer.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    Instead(Answer),
    /// The body ends early.
    Cut,
    /// Half of the JSON, as if it were all.
    Half,
}

impl Fault {
    /// Whether it says that the request was too large.
    pub(crate) fn is_too_much(&self) -> bool {
        matches!(self, Fault::Instead(answer) if matches!(answer.status, 413 | 422 | 500 | 504 | 524))
    }
}

type Handler = dyn Fn(&Received) -> Answer + Send + Sync;

/// Runs until it is dropped.
pub(crate) struct Server {
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<Received>>>,
    faults: Arc<Mutex<VecDeque<(&'static str, Fault)>>>,
    is_over: Arc<AtomicBool>,
}

impl Server {
    pub(crate) fn start(handler: impl Fn(&Received) -> Answer + Send + Sync + 'static) -> Server {
        Server::over(Some, handler)
    }

    /// A server whose connections are opened by a function, such as one for TLS.
    pub(crate) fn over<S: Read + Write>(
        open: impl Fn(TcpStream) -> Option<S> + Send + Sync + 'static,
        handler: impl Fn(&Received) -> Answer + Send + Sync + 'static,
    ) -> Server {
        let open = Arc::new(open);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let server = Server {
            port: listener.local_addr().expect("an address").port(),
            asked: Arc::default(),
            faults: Arc::default(),
            is_over: Arc::default(),
        };
        let (asked, faults) = (Arc::clone(&server.asked), Arc::clone(&server.faults));
        let is_over = Arc::clone(&server.is_over);
        let handler: Arc<Handler> = Arc::new(handler);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                let (asked, faults) = (Arc::clone(&asked), Arc::clone(&faults));
                let (open, handler) = (Arc::clone(&open), Arc::clone(&handler));
                thread::spawn(move || {
                    if let Some(stream) = open(stream) {
                        serve(stream, &asked, &faults, &*handler);
                    }
                });
            }
        });
        server
    }

    /// The next request whose path contains a text gets a fault.
    pub(crate) fn fault(&self, path: &'static str, fault: Fault) {
        self.faults.lock().expect("a lock").push_back((path, fault));
    }

    /// How many requests contained a text in their path; the list is then cleared.
    pub(crate) fn asked(&self) -> Vec<Received> {
        std::mem::take(&mut *self.asked.lock().expect("a lock"))
    }

    pub(crate) fn has_faults(&self) -> bool {
        !self.faults.lock().expect("a lock").is_empty()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

fn serve(
    stream: impl Read + Write,
    all: &Mutex<Vec<Received>>,
    faults: &Mutex<VecDeque<(&'static str, Fault)>>,
    handler: &Handler,
) {
    let mut reader = BufReader::new(stream);
    while let Some(asked) = read(&mut reader) {
        all.lock().expect("a lock").push(asked.clone());
        let mut answer = handler(&asked);
        let mut faults = faults.lock().expect("a lock");
        let at = faults
            .iter()
            .position(|(path, _)| asked.path.contains(path));
        match at.and_then(|at| faults.remove(at)) {
            None => {}
            Some((_, Fault::Instead(other))) => answer = other,
            Some((_, Fault::Cut)) => answer.is_cut = true,
            Some((_, Fault::Half)) => {
                let half = answer.body.chars().count() / 2;
                answer.body = answer.body.chars().take(half).collect();
            }
        }
        drop(faults);
        if write(reader.get_mut(), &answer).is_err() || answer.is_cut {
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Received> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let target = line.split(' ').nth(1)?.to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().expect("a length"));
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let query = query.split('&').filter_map(|pair| pair.split_once('='));
    Some(Received {
        path: path.to_owned(),
        query: query
            .map(|(name, value)| (name.to_owned(), decoded(value)))
            .collect(),
        headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
        text: String::from_utf8_lossy(&body).into_owned(),
    })
}

fn decoded(text: &str) -> String {
    let mut parts = text.split('%');
    let mut out = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at(2);
        out.push(u8::from_str_radix(code, 16).expect("a code"));
        out.extend(rest.bytes());
    }
    String::from_utf8(out).expect("text")
}

fn write(stream: &mut impl Write, answer: &Answer) -> std::io::Result<()> {
    let length = answer.body.len();
    let mut text = format!(
        "HTTP/1.1 {} x\r\ncontent-length: {length}\r\n",
        answer.status
    );
    for (name, value) in &answer.headers {
        text.extend([name, ": ", value.as_ref(), "\r\n"]);
    }
    text += "\r\n";
    stream.write_all(text.as_bytes())?;
    let sent = if answer.is_cut { length / 2 } else { length };
    stream.write_all(&answer.body.as_bytes()[..sent])?;
    stream.flush()
}
