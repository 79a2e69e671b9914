//! Watches the bytes of a connection for requests that give two lengths.
//!
//! `hyper` lets `Transfer-Encoding` win over `Content-Length` and drops the latter, so that a handler cannot see that
//! both were given. Another program on the way may prefer the other one: such requests are refused.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What has been seen of a connection so far.
#[derive(Debug, Clone, Default)]
pub(super) struct ConnectionState {
    is_ambiguous: Arc<AtomicBool>,
    is_last: Arc<AtomicBool>,
}

impl ConnectionState {
    pub(super) fn is_ambiguous(&self) -> bool {
        self.is_ambiguous.load(Ordering::Relaxed)
    }

    /// A chunked body was announced. Its end is not parsed, so no request may follow.
    pub(super) fn is_last(&self) -> bool {
        self.is_last.load(Ordering::Relaxed)
    }
}

#[derive(Debug)]
enum At {
    /// In a head, of which this much has been read.
    Head(Vec<u8>),
    /// In a body with this many bytes left.
    Body(u64),
    /// Nothing more is parsed.
    End,
}

#[derive(Debug)]
pub(super) struct Watched<S> {
    stream: S,
    at: At,
    seen: ConnectionState,
    longest_head: usize,
}

impl<S> Watched<S> {
    pub(super) fn new(stream: S, longest_head: usize) -> (Watched<S>, ConnectionState) {
        let seen = ConnectionState::default();
        let watched = Watched {
            stream,
            at: At::Head(Vec::new()),
            seen: seen.clone(),
            longest_head,
        };
        (watched, seen)
    }

    fn look(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            match &mut self.at {
                At::End => return,
                At::Body(left) => {
                    let skipped = (*left).min(bytes.len() as u64);
                    *left -= skipped;
                    bytes = &bytes[skipped as usize..];
                    if *left == 0 {
                        self.at = At::Head(Vec::new());
                    }
                }
                At::Head(head) => {
                    let before = head.len();
                    head.extend_from_slice(bytes);
                    let Some(end) = end_of_head(head) else {
                        // `hyper` refuses it.
                        if head.len() > self.longest_head {
                            self.at = At::End;
                        }
                        return;
                    };
                    bytes = &bytes[end - before..];
                    self.at = after(&head[..end], &self.seen);
                }
            }
        }
    }
}

/// Where a head ends: after an empty line that follows its first line.
fn end_of_head(head: &[u8]) -> Option<usize> {
    let blank = head.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    let start = blank.count();
    let mut from = start;
    loop {
        let line = head.get(from..)?.iter().position(|byte| *byte == b'\n')?;
        let next = from + line + 1;
        match head.get(next..)? {
            [b'\n', ..] => return Some(next + 1),
            [b'\r', b'\n', ..] => return Some(next + 2),
            _ => from = next,
        }
    }
}

/// What follows a head.
fn after(head: &[u8], seen: &ConnectionState) -> At {
    let mut length = None;
    let mut is_chunked = false;
    for line in head.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        if name.trim_ascii().eq_ignore_ascii_case(b"content-length") {
            let digits = String::from_utf8_lossy(value.trim_ascii()).into_owned();
            length = Some(digits.parse::<u64>().ok());
        }
        is_chunked |= name.trim_ascii().eq_ignore_ascii_case(b"transfer-encoding");
    }
    seen.is_last.store(is_chunked, Ordering::Relaxed);
    if is_chunked && length.is_some() {
        seen.is_ambiguous.store(true, Ordering::Relaxed);
    }
    match length {
        _ if is_chunked => At::End,
        Some(Some(0)) | None => At::Head(Vec::new()),
        Some(Some(length)) => At::Body(length),
        // Not a number: `hyper` refuses it.
        Some(None) => At::End,
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        self.look(&buf.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The result for bytes that arrive whole and one by one: whether two lengths were given, and whether the
    /// connection ends with this request.
    #[track_caller]
    fn check(bytes: &str, is_ambiguous: bool, is_last: bool) {
        for step in [bytes.len(), 1, 7] {
            let (mut watched, seen) = Watched::new((), 16 * 1024);
            for piece in bytes.as_bytes().chunks(step) {
                watched.look(piece);
            }
            let found = (seen.is_ambiguous(), seen.is_last());
            assert_eq!(found, (is_ambiguous, is_last), "{bytes:?} by {step}");
        }
    }

    #[test]
    fn two_lengths_are_noticed_in_any_order_and_behind_any_request() {
        let both = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n";
        let other = "POST / HTTP/1.1\r\ncontent-length: 3\r\ntransfer-encoding : chunked\r\n\r\n";
        let first = "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\na\r\n\r\n";
        check(both, true, true);
        check(other, true, true);
        check(&format!("{first}{both}"), true, true);
        check(
            &format!("\r\nGET / HTTP/1.1\nHost: x\n\n{other}"),
            true,
            true,
        );
    }

    #[test]
    fn one_length_is_enough() {
        check("GET / HTTP/1.1\r\nHost: x\r\n\r\n", false, false);
        check(
            "POST / HTTP/1.1\r\nContent-Length: 40\r\n\r\nTransfer-Encoding: chunked\r\nContent-Len",
            false,
            false,
        );
        check(
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            false,
            true,
        );
    }
}
