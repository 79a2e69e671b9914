//! The reader's end of an intake: messages come out, controls go in. Dropping it ends the intake.

use std::ops::Deref;
use std::path::PathBuf;

use crossbeam_channel::{Receiver, Sender, unbounded};

use crate::ingest::discover::Input;
use crate::ingest::loaded::Loaded;

/// A request to a running intake. Symbols, runs, actions and sources are numbered on from those it already
/// sent, so its messages still fill the same store.
#[derive(Debug, Clone)]
pub enum Control {
    /// Read this source to its end, after those that are being read. [`Loaded::Done`] comes again after it.
    /// A file that was read as a companion of another is skipped; one that is open already is an error.
    Add(Input),
    /// Read this file, which need not exist yet, and then whatever is appended to it. The memory limit
    /// (`Options::memory`) applies only if the intake began by following.
    Follow(PathBuf),
}

/// The intake has ended: it takes no more sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nothing can be added: the intake has ended")]
pub struct Closed;

/// The messages of an intake. An intake that follows may have nothing to send for hours, so it does not
/// rely on its next message to notice that its reader is gone: it waits for controls too, and the control
/// channel closes when this is dropped.
#[derive(Debug)]
pub struct Messages {
    receiver: Receiver<Loaded>,
    controls: Option<Sender<Control>>,
}

impl Messages {
    pub(super) fn open(receiver: Receiver<Loaded>) -> (Messages, Receiver<Control>) {
        let (sender, controls) = unbounded();
        let messages = Messages {
            receiver,
            controls: Some(sender),
        };
        (messages, controls)
    }

    /// The messages alone: the intake ends when it has read what it was given.
    pub(super) fn without_controls(self) -> Receiver<Loaded> {
        self.receiver
    }

    /// Asks the intake for something; never blocks.
    pub fn send(&self, control: Control) -> Result<(), Closed> {
        let controls = self.controls.as_ref().ok_or(Closed)?;
        controls.send(control).map_err(|_| Closed)
    }
}

/// Messages from elsewhere (a test, or none at all): nothing can be added to them.
impl From<Receiver<Loaded>> for Messages {
    fn from(receiver: Receiver<Loaded>) -> Messages {
        Messages {
            receiver,
            controls: None,
        }
    }
}

impl Deref for Messages {
    type Target = Receiver<Loaded>;

    fn deref(&self) -> &Receiver<Loaded> {
        &self.receiver
    }
}
