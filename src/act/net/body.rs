//! Bodies of requests and answers: whole, or sent piece by piece; and reading them with limits.

use std::future::ready;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body as HttpBody, Bytes, Frame};
use hyper::{HeaderMap, StatusCode};
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// What is sent as the body of a request or of an answer.
pub type Body = UnsyncBoxBody<Bytes, io::Error>;

pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

pub fn empty() -> Body {
    full(Bytes::new())
}

/// A whole body, and trailers after it.
pub fn with_trailers(bytes: impl Into<Bytes>, trailers: HeaderMap) -> Body {
    full(bytes)
        .with_trailers(ready(Some(Ok(trailers))))
        .boxed_unsync()
}

/// Forwards a body as it arrives.
pub fn passed<B>(body: B) -> Body
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: std::error::Error + Send + Sync + 'static,
{
    body.map_err(io::Error::other).boxed_unsync()
}

/// A body whose pieces are sent one by one; at most `pieces` are queued.
pub fn channel(pieces: usize) -> (Sender, Body) {
    let (sender, receiver) = mpsc::channel(pieces);
    (Sender(sender), Pieces(receiver).boxed_unsync())
}

/// The sending end of a body. The body ends when it is dropped.
#[derive(Debug, Clone)]
pub struct Sender(mpsc::Sender<io::Result<Frame<Bytes>>>);

/// The other side has closed the connection.
#[derive(Debug, Error)]
#[error("the connection was closed by the other side")]
pub struct Disconnected;

impl Sender {
    /// Waits while the other side reads more slowly than we write.
    pub async fn send(&self, bytes: impl Into<Bytes>) -> Result<(), Disconnected> {
        let frame = Frame::data(bytes.into());
        self.0.send(Ok(frame)).await.map_err(|_| Disconnected)
    }

    /// Trailers, the last thing of a body (HTTP/2, chunked HTTP/1).
    pub async fn trailers(&self, fields: HeaderMap) -> Result<(), Disconnected> {
        let frame = Frame::trailers(fields);
        self.0.send(Ok(frame)).await.map_err(|_| Disconnected)
    }

    /// Cuts the body: the other side sees a connection that broke, not a body that ended.
    pub async fn cut(&self) {
        let broken = io::Error::new(io::ErrorKind::ConnectionAborted, "cut");
        // If the connection is closed already, there is nothing left to cut.
        let _ = self.0.send(Err(broken)).await;
    }
}

struct Pieces(mpsc::Receiver<io::Result<Frame<Bytes>>>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0.poll_recv(cx)
    }
}

/// Why a body was not read to its end.
#[derive(Debug, Error)]
pub enum Unread {
    #[error("the body is longer than {0} bytes")]
    TooLong(usize),
    #[error("the body did not arrive within {} s", .0.as_secs())]
    TooSlow(Duration),
    #[error("the body broke off: {0}")]
    Broken(String),
}

impl Unread {
    /// What a server answers.
    pub fn status(&self) -> StatusCode {
        match self {
            Unread::TooLong(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Unread::TooSlow(_) => StatusCode::REQUEST_TIMEOUT,
            Unread::Broken(_) => StatusCode::BAD_REQUEST,
        }
    }
}

/// Reads a whole body of at most `cap` bytes within `time`. A body that announces more is not read at all.
pub async fn collect<B>(body: B, cap: usize, time: Duration) -> Result<Bytes, Unread>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    if body.size_hint().lower() > cap as u64 {
        return Err(Unread::TooLong(cap));
    }
    timeout(time, gather(body, cap))
        .await
        .unwrap_or(Err(Unread::TooSlow(time)))
}

async fn gather<B>(mut body: B, cap: usize) -> Result<Bytes, Unread>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Unread::Broken(error.to_string()))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if all.len() + data.len() > cap {
            return Err(Unread::TooLong(cap));
        }
        all.extend_from_slice(&data);
    }
    Ok(all.into())
}
