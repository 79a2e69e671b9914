//! The copy of the traffic, on its way from the proxy to the writer. Forwarding never waits for it: when too much is
//! queued for the writer, pieces are dropped from the copy, and counted.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};
use hyper::HeaderMap;
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use tokio::sync::oneshot;
use tokio::time::{Instant, Sleep, sleep, timeout};

use super::time::Clockwork;
use crate::ingest::wire::Api;

/// How much may be queued for the writer.
const PIECES: usize = 4096;
const BYTES: usize = 64 << 20;
/// How long to wait for an answer, or for more of it.
pub(super) const IDLE: Duration = Duration::from_mins(15);

/// The head of a request, as far as it is recorded.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) api: Option<Api>,
    /// The MCP server that it is for.
    pub(super) server: Option<String>,
    pub(super) method: String,
    /// Without the query, which may hold a key.
    pub(super) path: String,
    pub(super) upstream: String,
    pub(super) headers: HeaderMap,
}

#[cfg(test)]
impl Head {
    pub(super) fn of_model_call() -> Head {
        Head {
            api: Some(Api::Chat),
            server: None,
            method: "POST".to_owned(),
            path: "/v1/chat/completions".to_owned(),
            upstream: "h".to_owned(),
            headers: HeaderMap::new(),
        }
    }
}

/// How a request ended.
#[derive(Debug)]
pub(super) enum End {
    /// The answer was forwarded to its end, or the client left before.
    Over { is_whole: bool },
    /// There is no answer.
    Failed(String),
    /// A breaker answered.
    Stopped { rule: String, reason: String },
}

#[derive(Debug)]
pub(super) enum What {
    Begin(Box<Head>),
    Asked(Bytes),
    /// The request was forwarded to its end.
    AskedAll(Lost),
    Answer {
        status: u16,
        headers: Box<HeaderMap>,
    },
    Said(Bytes),
    End {
        how: End,
        lost: Lost,
    },
    /// Answers once everything before it is recorded.
    Settle(oneshot::Sender<()>),
}

/// What is missing from the copy of a request and its answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) pieces: u64,
    pub(super) bytes: u64,
}

#[derive(Debug)]
pub(super) struct Message {
    pub(super) exchange: u64,
    /// Microseconds since the epoch; never less than in an earlier message.
    pub(super) at: i64,
    pub(super) what: What,
}

/// The sending end.
#[derive(Debug, Clone)]
pub(super) struct Copier {
    clock: Clockwork,
    out: Sender<Message>,
    waiting: Arc<AtomicUsize>,
    last: Arc<AtomicU64>,
}

/// The writer's end.
#[derive(Debug)]
pub(super) struct Copies {
    messages: Receiver<Message>,
    waiting: Arc<AtomicUsize>,
}

pub(super) fn channel(clock: Clockwork) -> (Copier, Copies) {
    let (out, messages) = unbounded();
    let waiting = Arc::new(AtomicUsize::new(0));
    let copier = Copier {
        clock,
        out,
        waiting: Arc::clone(&waiting),
        last: Arc::default(),
    };
    (copier, Copies { messages, waiting })
}

impl Copies {
    /// The next message within `time`.
    pub(super) fn next(
        &self,
        time: Duration,
    ) -> Result<Message, crossbeam_channel::RecvTimeoutError> {
        let message = self.messages.recv_timeout(time)?;
        if let What::Asked(bytes) | What::Said(bytes) = &message.what {
            self.waiting.fetch_sub(bytes.len(), Ordering::Relaxed);
        }
        Ok(message)
    }
}

impl Copier {
    pub(super) fn begin(&self, head: Head) -> Exchange {
        let exchange = Exchange {
            number: self.last.fetch_add(1, Ordering::Relaxed) + 1,
            copier: self.clone(),
            lost: Lost::default(),
            is_over: false,
        };
        exchange.send(What::Begin(Box::new(head)));
        exchange
    }

    /// Waits until all answers that clients have seen to their ends are recorded. False: not within this time.
    pub(super) async fn settle(&self, time: Duration) -> bool {
        let (done, settled) = oneshot::channel();
        self.send(0, What::Settle(done));
        matches!(timeout(time, settled).await, Ok(Ok(())))
    }

    fn send(&self, exchange: u64, what: What) {
        let message = Message {
            exchange,
            at: self.clock.now(),
            what,
        };
        // Without a writer nothing is recorded, and everything is forwarded.
        let _ = self.out.send(message);
    }
}

/// A request in flight. Dropping it ends it: the client left.
#[derive(Debug)]
pub(super) struct Exchange {
    number: u64,
    copier: Copier,
    lost: Lost,
    is_over: bool,
}

impl Exchange {
    fn send(&self, what: What) {
        self.copier.send(self.number, what);
    }

    /// The copy of a request, while the rest of it is in flight.
    pub(super) fn asking(&self) -> Asking {
        Asking {
            number: self.number,
            copier: self.copier.clone(),
            lost: Lost::default(),
        }
    }

    pub(super) fn answer(&self, status: u16, headers: &HeaderMap) {
        let headers = Box::new(headers.clone());
        self.send(What::Answer { status, headers });
    }

    pub(super) fn end(&mut self, how: End) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        let lost = self.lost;
        self.send(What::End { how, lost });
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let how = if thread::panicking() {
            End::Failed("a fault of the recorder while it passed this on".to_owned())
        } else {
            End::Over { is_whole: false }
        };
        self.end(how);
    }
}

impl Copier {
    /// Sends a piece if there is room for it.
    fn piece(&self, (number, what): (u64, fn(Bytes) -> What), bytes: &Bytes, lost: &mut Lost) {
        let len = bytes.len();
        let waiting = self.waiting.load(Ordering::Relaxed);
        if self.out.len() >= PIECES || waiting + len > BYTES {
            lost.pieces += 1;
            lost.bytes += len as u64;
            return;
        }
        self.waiting.fetch_add(len, Ordering::Relaxed);
        self.send(number, what(bytes.clone()));
    }
}

/// The copy of a request.
#[derive(Debug)]
pub(super) struct Asking {
    number: u64,
    copier: Copier,
    lost: Lost,
}

/// A body that is forwarded as it arrives, and copied.
#[derive(Debug)]
pub(super) struct Tee<B, W: Witness> {
    body: B,
    witness: W,
    patience: Duration,
    /// Ends when nothing has arrived for that long.
    idle: Pin<Box<Sleep>>,
}

/// Sees the pieces of a body.
pub(super) trait Witness: Unpin {
    fn piece(&mut self, bytes: &Bytes);
    fn end(&mut self, is_whole: bool);
}

impl Witness for Asking {
    fn piece(&mut self, bytes: &Bytes) {
        self.copier
            .piece((self.number, What::Asked), bytes, &mut self.lost);
    }

    fn end(&mut self, is_whole: bool) {
        if is_whole {
            self.copier.send(self.number, What::AskedAll(self.lost));
        }
    }
}

impl Witness for Exchange {
    fn piece(&mut self, bytes: &Bytes) {
        self.copier
            .piece((self.number, What::Said), bytes, &mut self.lost);
    }

    fn end(&mut self, is_whole: bool) {
        Exchange::end(self, End::Over { is_whole });
    }
}

impl<B: HttpBody, W: Witness> Tee<B, W> {
    pub(super) fn new(body: B, witness: W) -> Tee<B, W> {
        Tee::patient(body, witness, IDLE)
    }

    fn patient(body: B, mut witness: W, patience: Duration) -> Tee<B, W> {
        if body.is_end_stream() {
            witness.end(true);
        }
        Tee {
            body,
            witness,
            patience,
            idle: Box::pin(sleep(patience)),
        }
    }
}

impl<B, W: Witness> HttpBody for Tee<B, W>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Error + Send + Sync + 'static,
{
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let Some(bytes) = frame.data_ref() {
                    self.witness.piece(bytes);
                }
                // With a length, the caller does not poll again after the last piece.
                if self.body.is_end_stream() {
                    self.witness.end(true);
                }
                let until = Instant::now() + self.patience;
                self.idle.as_mut().reset(until);
            }
            Poll::Ready(Some(Err(_))) => self.witness.end(false),
            Poll::Ready(None) => self.witness.end(true),
            Poll::Pending if self.idle.as_mut().poll(cx).is_ready() => {
                self.witness.end(false);
                return Poll::Ready(Some(Err(io::ErrorKind::TimedOut.into())));
            }
            Poll::Pending => {}
        }
        polled.map_err(io::Error::other)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::panic;

    use http_body_util::BodyExt;

    use super::*;
    use crate::act::net::{Net, body};

    impl Witness for Vec<bool> {
        fn piece(&mut self, _bytes: &Bytes) {}

        fn end(&mut self, is_whole: bool) {
            self.push(is_whole);
        }
    }

    #[test]
    fn a_body_that_stops_coming_is_cut_and_a_slow_one_is_not() {
        let net = Net::start().expect("a thread");
        let took = net.spawn(async {
            let (sender, body) = body::channel(1);
            let patience = Duration::from_millis(400);
            let mut tee = Tee::patient(body, Vec::new(), patience);
            tokio::spawn(async move {
                for _ in 0..3 {
                    sleep(Duration::from_millis(200)).await;
                    let _ = sender.send("piece").await;
                }
                sleep(Duration::from_mins(1)).await;
                drop(sender);
            });
            for _ in 0..3 {
                assert!(tee.frame().await.is_some_and(|it| it.is_ok()));
            }
            let last = tee.frame().await.expect("an end").expect_err("cut");
            (last.kind(), tee.witness)
        });
        let (kind, ends) = net.wait(took).expect("it ended");
        assert_eq!((kind, ends), (io::ErrorKind::TimedOut, vec![false]));
    }

    #[test]
    fn an_exchange_that_a_fault_ends_is_recorded_as_failed() {
        let (copier, copies) = channel(Clockwork::start());
        let exchange = copier.begin(Head::of_model_call());
        let fault = panic::catch_unwind(panic::AssertUnwindSafe(move || {
            let passing = exchange;
            assert_eq!(passing.number, 0, "a planned fault");
        }));
        assert!(fault.is_err());
        let next = || copies.next(Duration::from_secs(5)).expect("a message").what;
        assert!(matches!(next(), What::Begin(_)));
        let What::End { how, .. } = next() else {
            panic!("not an end");
        };
        assert!(matches!(how, End::Failed(why) if why.contains("fault")));
    }
}
