//! The one HTTP stack: every listener and every request that this program sends goes through here.
//!
//! `hyper` runs on one thread with a name of its own, started only by commands that listen or connect. The server
//! listens on this machine only; the client sends to https, or by plain http to this machine, and follows no redirect.

pub mod body;
pub mod client;
pub mod coding;
pub mod secret;
pub mod server;
mod tls;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

#[cfg(test)]
mod tests;

/// The thread that does all network I/O. Clones share it; it ends with the last of them.
#[derive(Debug, Clone)]
pub struct Net {
    thread: Arc<Running>,
}

#[derive(Debug)]
struct Running {
    handle: Handle,
    /// Dropped to end the thread.
    stop: Mutex<Option<oneshot::Sender<()>>>,
    joined: Mutex<Option<JoinHandle<()>>>,
}

impl Net {
    pub fn start() -> io::Result<Net> {
        let runtime = Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .thread_name("saferun-names")
            .max_blocking_threads(4)
            .build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel::<()>();
        let thread = thread::Builder::new()
            .name("saferun-net".to_owned())
            .spawn(move || {
                // An error only says that the sender was dropped, which is the signal.
                let _ = runtime.block_on(stopped);
                runtime.shutdown_background();
            })?;
        Ok(Net {
            thread: Arc::new(Running {
                handle,
                stop: Mutex::new(Some(stop)),
                joined: Mutex::new(Some(thread)),
            }),
        })
    }

    /// Runs a future on the network thread.
    pub fn spawn<F>(&self, future: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.thread.handle.spawn(future)
    }

    /// Waits for a future on the calling thread, which must not be the network thread.
    pub fn wait<F: Future>(&self, future: F) -> F::Output {
        self.thread.handle.block_on(future)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let taken = |lock: &Mutex<Option<oneshot::Sender<()>>>| {
            lock.lock().unwrap_or_else(PoisonError::into_inner).take()
        };
        drop(taken(&self.stop));
        let thread = self
            .joined
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // The last owner may be a task of that thread itself.
        if let Some(thread) = thread.filter(|it| it.thread().id() != thread::current().id()) {
            // A panic there was already reported; there is no caller to return it to.
            let _ = thread.join();
        }
    }
}
