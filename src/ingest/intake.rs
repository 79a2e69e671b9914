//! The intake: sources in, batches out. One driver reads sources that end and follows sources that grow.
//!
//! One thread drives (`drive`). It numbers the sources, feeds their facts in file order to the assembler of
//! each group of files, and sends batches to the reader of messages. The channel is bounded: a slow reader
//! slows the intake, and a reader that goes away ends it. Sources that end are decoded on more threads
//! (`ended`); sources that grow are polled in turn (`growing`). Both share one builder, so symbols, runs
//! and actions are numbered on from one source to the next and a source can be added at any time.

mod decode;
mod drive;
mod ended;
mod feed;
mod follow;
mod group;
mod growing;
mod messages;
mod options;
mod outlet;
mod pipe;
mod preview;
mod stored;
mod watch;

use std::io;
use std::path::PathBuf;
use std::thread;

use crossbeam_channel::{Receiver, bounded};

pub use self::messages::{Closed, Control, Messages};
pub use self::options::{LEAST_MEMORY, MEMORY, Options};

use self::drive::Driver;
use crate::ingest::discover::Input;
use crate::ingest::error::Error;
use crate::ingest::loaded::Loaded;

/// How many messages may wait for their reader.
const QUEUE: usize = 8;

/// Starts to read `inputs` to their end and returns at once. The last message is [`Loaded::Done`];
/// dropping the receiver stops the reading.
pub fn load(inputs: Vec<Input>, options: Options) -> Receiver<Loaded> {
    open(inputs, options).without_controls()
}

/// Like [`load`], but stays open after [`Loaded::Done`], so that sources can be added with
/// [`Messages::send`]. Dropping the messages ends it.
pub fn open(inputs: Vec<Input>, options: Options) -> Messages {
    let (sender, receiver) = bounded(QUEUE);
    let (messages, controls) = Messages::open(receiver);
    let failed = sender.clone();
    let driver = Driver::reading(inputs, options, sender, controls);
    if let Err(source) = spawn("load", driver) {
        // The queue is empty, so this cannot block; without a reader nothing is left to report.
        let _ = failed.send(Loaded::Failed(Error::Read {
            path: "load".to_owned(),
            source,
        }));
    }
    messages
}

/// Starts to follow and returns at once. `paths` are files (which need not exist yet), folders and globs,
/// or `-` for standard input. After [`Loaded::Done`] come the actions that are appended. Dropping the
/// messages ends it, and so does the end of standard input if nothing else is followed. With `poll`, files
/// are polled instead of watched through the system.
pub fn follow(paths: Vec<PathBuf>, options: Options, poll: bool) -> io::Result<Messages> {
    let (sender, receiver) = bounded(QUEUE);
    let (messages, controls) = Messages::open(receiver);
    spawn(
        "follow",
        Driver::following((paths, poll), options, sender, controls),
    )?;
    Ok(messages)
}

fn spawn(name: &str, driver: Driver) -> io::Result<()> {
    let thread = thread::Builder::new().name(name.to_owned());
    thread.spawn(move || {
        // An error means that the reader of messages has gone away: there is nothing left to do.
        let _ = driver.run();
    })?;
    Ok(())
}

#[cfg(test)]
mod tests;
