//! Following standard input: what it brings is kept, because it can only be read once.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Sender, TrySendError};

use crate::ingest::bytes::log::Log;

/// How long to wait before checking again whether decoding has caught up.
const PAUSE: Duration = Duration::from_millis(2);

/// `-` stands for standard input.
pub(super) fn is_pipe(path: &Path) -> bool {
    path.as_os_str() == "-"
}

#[derive(Debug)]
pub(super) struct Pipe {
    log: Arc<Log>,
    ended: Arc<AtomicBool>,
}

impl Pipe {
    /// Starts to read; sends a `hint` whenever something came.
    pub(super) fn start(hint: Sender<()>) -> Pipe {
        let pipe = Pipe {
            log: Arc::new(Log::of_pipe()),
            ended: Arc::default(),
        };
        let (log, ended) = (Arc::clone(&pipe.log), Arc::clone(&pipe.ended));
        let reading = thread::Builder::new()
            .name("pipe".to_owned())
            .spawn(move || {
                read(&log, &hint);
                log.end_line();
                ended.store(true, Ordering::Release);
                let _ = hint.try_send(());
            });
        pipe.ended.fetch_or(reading.is_err(), Ordering::Release);
        pipe
    }

    pub(super) fn log(&self) -> &Arc<Log> {
        &self.log
    }

    /// Nothing more will come.
    pub(super) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }
}

fn read(log: &Log, hint: &Sender<()>) {
    let mut input = io::stdin().lock();
    let mut buffer = vec![0; 256 << 10];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return,
            Ok(read) => {
                log.append_piped(&buffer[..read]);
                // Lines that are not decoded yet must not be dropped: the writer waits, as at any full pipe.
                loop {
                    if let Err(TrySendError::Disconnected(())) = hint.try_send(()) {
                        return;
                    }
                    if !log.is_behind() {
                        break;
                    }
                    thread::sleep(PAUSE);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // A pipe that can no longer be read has ended.
            Err(_) => return,
        }
    }
}
