//! Leaves no half-written file behind when a signal ends the program while it writes.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::SigId;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::low_level::unregister;

/// Turns a signal into an error of the next write, so that the partial file is removed. A second signal ends the program at once.
#[derive(Debug)]
pub(super) struct Interrupt {
    came: Arc<AtomicBool>,
    handlers: Vec<SigId>,
}

impl Interrupt {
    pub(super) fn watch() -> io::Result<Interrupt> {
        let came = Arc::new(AtomicBool::new(false));
        let mut handlers = Vec::new();
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            // In this order: the first signal only sets the flag that makes the second one fatal.
            handlers.push(flag::register_conditional_default(signal, came.clone())?);
            handlers.push(flag::register(signal, came.clone())?);
        }
        Ok(Interrupt { came, handlers })
    }

    /// The writer `inner`, which fails once a signal has come.
    pub(super) fn guard<W: Write>(&self, inner: W) -> Guarded<W> {
        Guarded {
            inner,
            came: Arc::clone(&self.came),
        }
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        for handler in self.handlers.drain(..) {
            unregister(handler);
        }
    }
}

#[derive(Debug)]
pub(super) struct Guarded<W> {
    inner: W,
    came: Arc<AtomicBool>,
}

impl<W> Guarded<W> {
    pub(super) fn into_inner(self) -> W {
        self.inner
    }
}

impl<W: Write> Write for Guarded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.came.load(Ordering::Relaxed) {
            return Err(io::Error::other("interrupted; nothing was written"));
        }
        self.inner.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
