//! A sign of life: a request every minute, but only while traces are read. Who misses it knows that nobody watches.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::act::net::client::{Client, Request};
use crate::act::net::secret::Secret;
use crate::act::notify::Network;
use crate::base::clock::{Clock, System};

/// How long an exchange may take, and the longest answer, which nobody reads.
const TIME: Duration = Duration::from_secs(10);
const ANSWER: usize = 64 << 10;
/// Reading is alive if it went on in this time, in microseconds.
const ALIVE: i64 = 30_000_000;

/// Ends when it is dropped.
#[derive(Debug)]
pub struct Heartbeat {
    /// When something was last read, or it was found that there is nothing to read.
    read: Arc<AtomicI64>,
    failures: Receiver<String>,
    _stop: Sender<()>,
}

impl Heartbeat {
    pub fn start(network: &Network, url: &str, every: Duration) -> Result<Heartbeat, String> {
        let url = Secret::new(url);
        Request::get(url.reveal())
            .map_err(|_| "the heartbeat is not the URL of a server".to_owned())?;
        let read = Arc::new(AtomicI64::new(System.now()));
        let (stop, stopped) = bounded::<()>(0);
        let (failed, failures) = bounded(1);
        let (client, seen) = (network.client().clone(), Arc::clone(&read));
        thread::Builder::new()
            .name("heartbeat".to_owned())
            .spawn(move || {
                loop {
                    if System.now() - seen.load(Ordering::Relaxed) < ALIVE
                        && let Err(why) = beat(&client, &url)
                    {
                        // One that nobody took away yet says enough.
                        let _ = failed.try_send(why);
                    }
                    if stopped.recv_timeout(every) != Err(RecvTimeoutError::Timeout) {
                        return;
                    }
                }
            })
            .map_err(|error| error.to_string())?;
        Ok(Heartbeat {
            read,
            failures,
            _stop: stop,
        })
    }

    /// Reading goes on.
    pub fn touch(&self) {
        self.read.store(System.now(), Ordering::Relaxed);
    }

    /// Why the last one did not arrive.
    pub fn failure(&self) -> Option<String> {
        self.failures.try_recv().ok()
    }
}

fn beat(client: &Client, url: &Secret) -> Result<(), String> {
    let request = Request::get(url.reveal()).map_err(|_| "not a URL".to_owned())?;
    let answer = client.send(request.within(TIME).at_most(ANSWER));
    match answer {
        Ok(answer) if answer.is_success() => Ok(()),
        Ok(answer) => Err(format!("it answered {}", answer.status)),
        Err(error) => Err(error.to_string()),
    }
}
