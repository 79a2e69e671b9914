//! The receiving end of what is read: letting go of it ends the reading.

use std::convert::Infallible;
use std::ops::Deref;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::ingest::Loaded;

/// What a loader or a follower tells. Whoever follows may have nothing to tell for hours, so it is not left
/// to its next message to find out that nobody listens: that side waits on a [`Listener`] too.
#[derive(Debug)]
pub struct Messages {
    receiver: Receiver<Loaded>,
    _held: Option<Sender<Infallible>>,
}

/// Becomes ready when nobody listens any more; nothing is ever sent on it.
pub(super) type Listener = Receiver<Infallible>;

impl Messages {
    pub(super) fn held(receiver: Receiver<Loaded>) -> (Messages, Listener) {
        let (held, listener) = bounded(0);
        let messages = Messages {
            receiver,
            _held: Some(held),
        };
        (messages, listener)
    }
}

impl From<Receiver<Loaded>> for Messages {
    fn from(receiver: Receiver<Loaded>) -> Messages {
        Messages {
            receiver,
            _held: None,
        }
    }
}

impl Deref for Messages {
    type Target = Receiver<Loaded>;

    fn deref(&self) -> &Receiver<Loaded> {
        &self.receiver
    }
}
