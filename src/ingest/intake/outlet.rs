//! Where the actions of all sources come together and leave as batches.

use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use crate::ingest::assemble::Builder;
use crate::ingest::error::Error;
use crate::ingest::loaded::Loaded;
use crate::ingest::source::Source;

/// New rows wait at most this long before they are sent.
const LINGER: Duration = Duration::from_millis(30);

/// The receiver of messages has gone away: the intake ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ReceiverGone;

/// The builder that all sources share, and the channel that its batches leave through.
#[derive(Debug)]
pub(super) struct Outlet {
    pub(super) builder: Builder,
    pub(super) channel: Channel,
}

/// The channel, and how far the reading of sources that end has got.
#[derive(Debug)]
pub(super) struct Channel {
    sender: Sender<Loaded>,
    /// Bytes read, of all that are to be read.
    read: u64,
    total: u64,
    sent: Instant,
}

impl Outlet {
    pub(super) fn new(builder: Builder, sender: Sender<Loaded>) -> Outlet {
        Outlet {
            builder,
            channel: Channel {
                sender,
                read: 0,
                total: 0,
                sent: Instant::now(),
            },
        }
    }

    pub(super) fn send(&self, message: Loaded) -> Result<(), ReceiverGone> {
        self.channel.send(message)
    }

    pub(super) fn fail(&self, source: &Source, error: std::io::Error) -> Result<(), ReceiverGone> {
        let path = source.path.to_string_lossy().into_owned();
        self.send(Loaded::Failed(Error::Read {
            path,
            source: error,
        }))
    }

    /// This many more bytes are to be read.
    pub(super) fn expect(&mut self, bytes: u64) {
        self.channel.total = self.channel.read + bytes;
    }

    /// Counts bytes that were read.
    pub(super) fn count(&mut self, bytes: u64) {
        self.channel.read += bytes;
    }

    /// A block was assembled: drops old actions if the memory limit is reached, and sends what is full, or
    /// everything if the receiver has waited long enough. The first block goes out at once.
    pub(super) fn advance(&mut self, bytes: u64) -> Result<(), ReceiverGone> {
        let is_first = self.channel.read == 0;
        self.count(bytes);
        self.builder.drop_before(0);
        if is_first || self.channel.sent.elapsed() > LINGER {
            self.builder.flush();
        }
        self.channel.send_ready(&mut self.builder)
    }

    pub(super) fn flush(&mut self) -> Result<(), ReceiverGone> {
        self.builder.flush();
        self.channel.send_ready(&mut self.builder)
    }

    /// All that was to be read is read.
    pub(super) fn finish_reading(&mut self) -> Result<(), ReceiverGone> {
        self.flush()?;
        let read = self.channel.read;
        self.channel.total = read;
        self.send(Loaded::Progress { read, total: read })
    }
}

impl Channel {
    pub(super) fn send(&self, message: Loaded) -> Result<(), ReceiverGone> {
        self.sender.send(message).map_err(|_| ReceiverGone)
    }

    /// Sends the batches that are full.
    pub(super) fn send_ready(&mut self, builder: &mut Builder) -> Result<(), ReceiverGone> {
        if !builder.is_ready() {
            return Ok(());
        }
        self.sent = Instant::now();
        for mut batch in builder.take_ready() {
            batch.read = self.read;
            batch.total = self.total.max(self.read);
            self.send(Loaded::Batch(Box::new(batch)))?;
        }
        Ok(())
    }
}
