//! Listens on this machine only, and passes on only requests that a program of this machine meant for us.
//!
//! Checked before a handler sees a request: the address is a loopback one, the head is small and arrives in time,
//! `Host` is ours (421: a page that rebinds its name is refused), there is no `Origin` (403: web pages may not send to
//! us), and only one length is given (400). HTTP/1 is spoken, or HTTP/2 where gRPC needs it.

mod framing;
mod holder;
mod screen;

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::panic::{self, AssertUnwindSafe};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::sleep;

use crate::act::net::Net;
use crate::act::net::body::{self, Body};
use framing::Watched;

/// The longest head of a request, in bytes and in fields, and how long it may take.
const HEAD: usize = 16 * 1024;
const FIELDS: usize = 64;
const HEAD_TIME: Duration = Duration::from_secs(5);
/// Concurrent requests on one HTTP/2 connection.
const STREAMS: u32 = 32;
/// Further connections wait until one ends.
const CONNECTIONS: usize = 128;

pub type Answer = Response<Body>;

/// Answers requests. The body has not been read: [`body::collect`] reads it with limits, [`body::passed`] forwards it.
pub trait Handler: Send + Sync + 'static {
    /// Dropped when the client goes away.
    fn answer(&self, request: Request<Incoming>) -> impl Future<Output = Answer> + Send;
}

#[derive(Debug, Error)]
pub enum Error {
    #[error("'{0}' is not an address of this machine (use 127.0.0.1:PORT or [::1]:PORT)")]
    NotLoopback(String),
    #[error("{address} is in use by {by}")]
    Taken { address: SocketAddr, by: String },
    #[error("no listener at {address}: {error}")]
    Bind {
        address: SocketAddr,
        error: io::Error,
    },
}

/// A listener. It and its connections end when this is dropped.
#[derive(Debug)]
pub struct Server {
    pub address: SocketAddr,
    accepting: AbortHandle,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// `127.0.0.1:4318`, `[::1]:0`, `localhost:0`, or only a port. Other addresses are refused.
pub fn loopback(text: &str) -> Result<SocketAddr, Error> {
    let literal = text.replacen("localhost", "127.0.0.1", 1);
    let port: Option<SocketAddr> = text
        .parse()
        .ok()
        .map(|port: u16| ([127, 0, 0, 1], port).into());
    let address = literal.parse().ok().or(port);
    let is_ours = |it: &SocketAddr| it.ip().is_loopback();
    address
        .filter(is_ours)
        .ok_or_else(|| Error::NotLoopback(text.to_owned()))
}

/// What is spoken on a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spoken {
    Http1,
    /// Without TLS, so clients must choose it before they connect: gRPC.
    Http2,
}

/// Listens; port 0 takes a free one. Must not be called on the network thread.
pub fn listen<H: Handler>(
    net: &Net,
    address: SocketAddr,
    handler: Arc<H>,
) -> Result<Server, Error> {
    start(net, address, handler, Spoken::Http1)
}

/// The same for clients that speak only HTTP/2.
pub fn listen_http2<H: Handler>(
    net: &Net,
    address: SocketAddr,
    handler: Arc<H>,
) -> Result<Server, Error> {
    start(net, address, handler, Spoken::Http2)
}

fn start<H: Handler>(
    net: &Net,
    address: SocketAddr,
    handler: Arc<H>,
    spoken: Spoken,
) -> Result<Server, Error> {
    if !address.ip().is_loopback() {
        return Err(Error::NotLoopback(address.to_string()));
    }
    let bound = net.wait(TcpListener::bind(address));
    let bound = bound.and_then(|listener| Ok((listener.local_addr()?, listener)));
    let (address, listener) = bound.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => Error::Taken {
            address,
            by: holder::named(address),
        },
        _ => Error::Bind { address, error },
    })?;
    let accepting = net.spawn(accept(listener, (address.port(), spoken), handler));
    Ok(Server {
        address,
        accepting: accepting.abort_handle(),
    })
}

async fn accept<H: Handler>(listener: TcpListener, (port, spoken): (u16, Spoken), handler: Arc<H>) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    // Dropped with this task, which also ends the connections.
    let mut open = JoinSet::new();
    loop {
        while open.try_join_next().is_some() {}
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, peer)) if peer.ip().is_loopback() => {
                // Without it, the pieces of an answer wait for each other.
                let _ = stream.set_nodelay(true);
                let handler = Arc::clone(&handler);
                match spoken {
                    Spoken::Http1 => open.spawn(converse(stream, port, handler, slot)),
                    Spoken::Http2 => open.spawn(converse_http2(stream, port, handler, slot)),
                };
            }
            Ok(_) => {}
            // Out of file descriptors: some will become free.
            Err(_) => sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Serves one connection until it ends.
async fn converse<H: Handler>(
    stream: TcpStream,
    port: u16,
    handler: Arc<H>,
    _slot: OwnedSemaphorePermit,
) {
    let (watched, seen) = Watched::new(stream, HEAD);
    let service = service_fn(move |request: Request<Incoming>| {
        let handler = Arc::clone(&handler);
        let seen = seen.clone();
        async move {
            let mut answer = match screen::refusal(&request, port, seen.is_ambiguous()) {
                Some(refused) => refused,
                None => answered(&*handler, request).await,
            };
            if seen.is_last() {
                let close = HeaderValue::from_static("close");
                answer.headers_mut().insert(CONNECTION, close);
            }
            Ok::<_, Infallible>(answer)
        }
    });
    // A connection that breaks is the client's business.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_header_size(HEAD)
        .max_headers(FIELDS)
        .serve_connection(TokioIo::new(watched), service)
        .await;
}

/// The same for HTTP/2, where a request has one length by construction.
async fn converse_http2<H: Handler>(
    stream: TcpStream,
    port: u16,
    handler: Arc<H>,
    _slot: OwnedSemaphorePermit,
) {
    let service = service_fn(move |request: Request<Incoming>| {
        let handler = Arc::clone(&handler);
        async move {
            let answer = match screen::refusal(&request, port, false) {
                Some(refused) => refused,
                None => answered(&*handler, request).await,
            };
            Ok::<_, Infallible>(answer)
        }
    });
    // A connection that breaks is the client's business.
    let _ = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_header_list_size(HEAD as u32)
        .max_concurrent_streams(STREAMS)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// A handler that panics loses its request, but neither the connection nor the listener.
async fn answered<H: Handler>(handler: &H, request: Request<Incoming>) -> Answer {
    let mut answering = pin!(handler.answer(request));
    let polled = poll_fn(|cx| {
        let polled = panic::catch_unwind(AssertUnwindSafe(|| answering.as_mut().poll(cx)));
        match polled {
            Ok(Poll::Ready(answer)) => Poll::Ready(Some(answer)),
            Ok(Poll::Pending) => Poll::Pending,
            // A future that panicked must not be polled again.
            Err(_) => Poll::Ready(None),
        }
    });
    let fault = || plain(StatusCode::BAD_GATEWAY, "a fault of saferun-tui\n");
    polled.await.unwrap_or_else(fault)
}

/// An answer in plain text.
pub fn plain(status: StatusCode, text: &str) -> Answer {
    typed(status, "text/plain; charset=utf-8", text.to_owned())
}

/// An answer in JSON.
pub fn json(status: StatusCode, value: &serde_json::Value) -> Answer {
    typed(status, "application/json", value.to_string())
}

pub fn typed(status: StatusCode, kind: &'static str, text: String) -> Answer {
    let mut answer = Response::new(body::full(text));
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

/// Whether a host names this machine literally.
fn is_local_name(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost") || bare.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}
