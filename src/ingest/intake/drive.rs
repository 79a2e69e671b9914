//! The thread that drives an intake: reads what is queued, polls what grows, waits for more.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crossbeam_channel::{Receiver, Sender};

use super::ended::Reader;
use super::group::Shared;
use super::growing;
use super::growing::Growing;
use super::messages::Control;
use super::options::Options;
use super::outlet::{Outlet, ReceiverGone};
use crate::ingest::assemble::Builder;
use crate::ingest::bytes::Bytes;
use crate::ingest::discover::{self, Input};
use crate::ingest::error::Error;
use crate::ingest::formats::{FORMATS, sniff};
use crate::ingest::loaded::Loaded;
use crate::ingest::notice::Notice;
use crate::ingest::relations::Relations;
use crate::ingest::source::Source;

pub(super) struct Driver {
    shared: Shared,
    controls: Receiver<Control>,
    /// Sources that end and are still to be read.
    queue: Vec<Input>,
    reader: Reader,
    /// None as long as nothing is followed.
    growing: Option<Growing>,
}

impl Driver {
    /// Reads `inputs`, then waits for controls.
    pub(super) fn reading(
        inputs: Vec<Input>,
        options: Options,
        sender: Sender<Loaded>,
        controls: Receiver<Control>,
    ) -> Driver {
        let builder = Builder::new(options.prices.clone());
        Driver {
            shared: Shared::new(options, Outlet::new(builder, sender)),
            controls,
            queue: inputs,
            reader: Reader::default(),
            growing: None,
        }
    }

    /// Follows `paths` within the memory limit; with `poll` the system is not asked to report changes.
    pub(super) fn following(
        (paths, poll): (Vec<PathBuf>, bool),
        options: Options,
        sender: Sender<Loaded>,
        controls: Receiver<Control>,
    ) -> Driver {
        let room = growing::room(&options);
        let builder = Builder::new(options.prices.clone()).within(room);
        Driver {
            shared: Shared::new(options, Outlet::new(builder, sender)),
            controls,
            queue: Vec::new(),
            reader: Reader::default(),
            growing: Some(Growing::new(paths, poll)),
        }
    }

    /// Runs until nothing can come any more.
    pub(super) fn run(mut self) -> Result<(), ReceiverGone> {
        let mut is_new = true;
        loop {
            self.read_queue()?;
            // What a pipe brought before it ended is still to be read.
            let is_over = self.growing.as_ref().is_some_and(Growing::is_over);
            if let Some(growing) = &mut self.growing {
                growing.look(&mut self.shared)?;
            }
            if is_new {
                self.shared.out.send(Loaded::Done)?;
                if let Some(growing) = &mut self.growing {
                    growing.announce(&self.shared)?;
                }
            }
            if is_over && let Some(growing) = &mut self.growing {
                return growing.finish(&mut self.shared);
            }
            is_new = self.wait()?;
        }
    }

    /// Sleeps until something is to be done; whether controls asked for it.
    fn wait(&mut self) -> Result<bool, ReceiverGone> {
        let control = match &self.growing {
            Some(growing) => growing.wait(&self.controls)?,
            None => Some(self.controls.recv().map_err(|_| ReceiverGone)?),
        };
        let Some(control) = control else {
            return Ok(false);
        };
        self.obey(control)?;
        // All that was asked for at once is sorted before it is read.
        while let Ok(control) = self.controls.try_recv() {
            self.obey(control)?;
        }
        Ok(true)
    }

    fn obey(&mut self, control: Control) -> Result<(), ReceiverGone> {
        let path = match &control {
            Control::Add(input) => input.path(),
            Control::Follow(path) => Some(path.clone()),
        };
        if let Some(path) = path.filter(|path| self.shared.is_open(path)) {
            let path = path.to_string_lossy().into_owned();
            return self
                .shared
                .out
                .send(Loaded::Failed(Error::AlreadyOpen { path }));
        }
        match control {
            Control::Add(input) => self.queue.push(input),
            Control::Follow(path) => {
                let growing = self
                    .growing
                    .get_or_insert_with(|| Growing::new(Vec::new(), false));
                growing.follow(path);
            }
        }
        Ok(())
    }

    fn read_queue(&mut self) -> Result<(), ReceiverGone> {
        if self.queue.is_empty() {
            return Ok(());
        }
        let mut inputs = std::mem::take(&mut self.queue);
        let shared = &mut self.shared;
        // Folders may hold other files than when they were last listed.
        shared.relations = Relations::default();
        // A file that belongs to another is read with that one, whichever name comes first.
        inputs.sort_by_cached_key(|input| match input {
            Input::File(path) => FORMATS
                .iter()
                .any(|format| format.is_part(path, &mut shared.relations)),
            Input::Stdin | Input::Bundled { .. } => false,
        });
        shared.out.expect(inputs.iter().map(Input::size).sum());
        for input in inputs {
            if let Input::File(path) = &input {
                if shared.is_companion(path) {
                    continue;
                }
                shared.open(path);
            }
            match open(&input, shared) {
                Ok(source) => self.reader.read(&source, bundled(&input), shared)?,
                Err(error) => shared.out.send(Loaded::Failed(error))?,
            }
        }
        // Adding sources is rare: until then no memory is held for it.
        self.reader = Reader::default();
        shared.out.finish_reading()
    }
}

/// Opens an input and detects its format.
fn open(input: &Input, shared: &Shared) -> Result<Arc<Source>, Error> {
    let (path, bytes) = match input {
        Input::File(path) => (path.clone(), discover::open_file(path)?),
        Input::Stdin => (PathBuf::from("-"), read_stdin(&shared.out)?),
        Input::Bundled { name, bytes, .. } => (PathBuf::from(name), Bytes::Static(bytes)),
    };
    let options = &shared.options;
    let read_as = sniff::identify(&path, &bytes, options.format, options.anything)?;
    if let Some(caveat) = read_as.caveat {
        let notice = Notice::found(caveat.into(), &path);
        // If the receiver is gone, sending the rows will say so.
        let _ = shared.out.send(Loaded::Notice(notice));
    }
    Ok(Arc::new(Source::new(path, bytes, read_as.of())))
}

/// The files that are bundled with an input.
fn bundled(input: &Input) -> &'static [(&'static str, &'static [u8])] {
    match input {
        Input::Bundled { companions, .. } => companions,
        Input::File(_) | Input::Stdin => &[],
    }
}

/// Standard input is read to its end and kept, because screens read bodies again.
fn read_stdin(out: &Outlet) -> Result<Bytes, Error> {
    use std::io::Read;
    let mut all = Vec::new();
    let mut input = std::io::stdin().lock();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => all.extend_from_slice(&buffer[..read]),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(source) => {
                return Err(Error::Read {
                    path: "-".to_owned(),
                    source,
                });
            }
        }
        let read = all.len() as u64;
        if out.send(Loaded::Progress { read, total: read }).is_err() {
            break;
        }
    }
    Ok(Bytes::Memory(Arc::new(Mutex::new(all))))
}
