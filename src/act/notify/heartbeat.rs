//! A heartbeat: a request every minute, but only while traces are read, so that a monitor notices a dead watcher.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::act::net::client::{Client, Request};
use crate::act::net::secret::Secret;
use crate::act::notify::Network;
use crate::base::clock::{Clock, System};

/// The timeout of an exchange, and the longest response, which is discarded.
const TIME: Duration = Duration::from_secs(10);
const ANSWER: usize = 64 << 10;
/// Traces count as being read if they were within this time, in microseconds.
const ALIVE: i64 = 30_000_000;

/// Stops when dropped.
#[derive(Debug)]
pub struct Heartbeat {
    /// When the reader last made progress, or found nothing to read.
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
                        // A failure that is still unread is enough.
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

    /// Records that traces are still being read.
    pub fn touch(&self) {
        self.read.store(System.now(), Ordering::Relaxed);
    }

    /// Why the last heartbeat did not arrive.
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
