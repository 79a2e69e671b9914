//! The threads that load: two that read and decode blocks, one that puts them in order.
//!
//! The one that keeps order hands out blocks, takes them back decoded (in any order), feeds them to
//! the rules in file order and sends batches on. The channel is bounded: a slow reader of messages
//! slows the loading, and one that goes away ends it.

mod decode;
mod group;
mod preview;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::ingest::aside::Aside;
use crate::ingest::assemble::merge::Origin;
use crate::ingest::discover::Input;
use crate::ingest::formats::{FORMATS, Format, sniff};
use crate::ingest::prices::PriceTable;
use crate::ingest::{Error, Loaded, Source};
use crate::model::action::SourceIx;

#[derive(Debug, Clone)]
pub struct Options {
    /// Read every source as this format instead of finding out.
    pub format: Option<&'static dyn Format>,
    pub prices: PriceTable,
    /// Read the last rows of a large file first (for a screen).
    pub preview: bool,
    /// Take in any bytes, as lines, where the content is no trace (to account for every byte).
    pub anything: bool,
    /// What following may take of the memory, in bytes: beyond that the oldest actions are let go.
    pub memory: u64,
}

/// As much as following takes when nobody says otherwise, and what it needs at least.
pub const MEMORY: u64 = 512_000_000;
pub const LEAST_MEMORY: u64 = 128_000_000;

impl Options {
    pub fn new(prices: PriceTable) -> Options {
        Options {
            format: None,
            prices,
            preview: false,
            anything: false,
            memory: MEMORY,
        }
    }
}

/// Messages that may wait for their reader.
const QUEUE: usize = 8;

/// Starts to load and returns at once; messages end with [`Loaded::Done`]. Dropping the receiver stops it.
pub fn start(inputs: Vec<Input>, options: Options) -> Receiver<Loaded> {
    let (sender, receiver) = bounded(QUEUE);
    let failed = sender.clone();
    let spawned = thread::Builder::new()
        .name("load".to_owned())
        .spawn(move || {
            // The reader of messages may have gone away: then there is nothing left to do.
            let _ = load(inputs, &options, &sender);
        });
    if let Err(source) = spawned {
        let _ = failed.send(Loaded::Failed(Error::Read {
            path: "load".to_owned(),
            source,
        }));
    }
    receiver
}

/// The reader of messages has gone away.
struct Gone;

fn send(sender: &Sender<Loaded>, message: Loaded) -> Result<(), Gone> {
    sender.send(message).map_err(|_| Gone)
}

fn load(mut inputs: Vec<Input>, options: &Options, sender: &Sender<Loaded>) -> Result<(), Gone> {
    // A file that belongs to another is read with that one, whichever name comes first.
    let mut loader = group::Loader::new(options, sender.clone());
    let kin = &mut loader.kin;
    inputs.sort_by_cached_key(|input| match input {
        Input::File(path) => FORMATS.iter().any(|format| format.is_part(path, kin)),
        Input::Stdin | Input::Bundled { .. } => false,
    });
    let total: u64 = inputs.iter().map(Input::size).sum();
    loader.total = total;
    for input in inputs {
        if loader.is_companion(&input) {
            continue;
        }
        match open(&input, options, sender) {
            Ok(source) => loader.take(source, bundled(&input))?,
            Err(error) => send(sender, Loaded::Failed(error))?,
        }
    }
    loader.finish()?;
    send(sender, Loaded::Done)
}

/// Opens one input and finds out what it is.
fn open(input: &Input, options: &Options, sender: &Sender<Loaded>) -> Result<Arc<Source>, Error> {
    let (path, bytes) = match input {
        Input::File(path) => (path.clone(), crate::ingest::discover::open_file(path)?),
        Input::Stdin => (PathBuf::from("-"), read_stdin(sender)?),
        Input::Bundled { name, bytes, .. } => (
            PathBuf::from(name),
            crate::ingest::bytes::Bytes::Static(bytes),
        ),
    };
    let (format, framing) = sniff::identify(&path, &bytes, options.format, options.anything)?;
    Ok(Arc::new(Source {
        path,
        bytes,
        format,
        framing,
        aside: Aside::default(),
    }))
}

/// The bytes that come with the program beside an input.
fn bundled(input: &Input) -> &'static [(&'static str, &'static [u8])] {
    match input {
        Input::Bundled { companions, .. } => companions,
        Input::File(_) | Input::Stdin => &[],
    }
}

/// Standard input is read to its end and kept: a screen reads bodies again.
fn read_stdin(sender: &Sender<Loaded>) -> Result<crate::ingest::bytes::Bytes, Error> {
    use std::io::Read;
    let fail = |source| Error::Read {
        path: "-".to_owned(),
        source,
    };
    let mut all = Vec::new();
    let mut input = std::io::stdin().lock();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => all.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(fail(error)),
        }
        let read = all.len() as u64;
        if sender.send(Loaded::Progress { read, total: read }).is_err() {
            break;
        }
    }
    Ok(crate::ingest::bytes::Bytes::Memory(Arc::new(
        std::sync::Mutex::new(all),
    )))
}

/// What a companion belongs to, and where it stands among the sources of its group.
#[derive(Debug, Clone)]
struct Member {
    source: Arc<Source>,
    ix: SourceIx,
    stem: String,
    companion: bool,
}

impl Member {
    fn origin(&self) -> Origin<'_> {
        Origin {
            source: self.ix,
            stem: &self.stem,
            companion: self.companion,
        }
    }
}
