//! Writes requests to the file, one line each, on its own thread: a slow disk must not stall the network.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crossbeam_channel::{Receiver, Sender, unbounded};
use serde_json::Value;
use tokio::sync::oneshot;

use super::Refused;
use crate::act::append::Appender;

/// How much may be queued for writing, in bytes.
const WAITING: usize = 64 << 20;
/// The size at which a file is rotated.
const LARGEST: u64 = 1 << 30;

#[derive(Debug)]
pub(super) struct Store {
    lines: Sender<Line>,
    waiting: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Line {
    request: Value,
    size: usize,
    written: oneshot::Sender<io::Result<()>>,
}

impl Store {
    pub(super) fn open(path: &Path) -> io::Result<Store> {
        let file = File {
            path: path.to_owned(),
            appender: Appender::open(path)?,
            size: path.metadata()?.len(),
            largest: LARGEST,
        };
        let (lines, waiting_lines) = unbounded();
        let waiting = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&waiting);
        let writer = thread::Builder::new().name("otlp".to_owned());
        writer.spawn(move || run(file, &waiting_lines, &left))?;
        Ok(Store { lines, waiting })
    }

    pub(super) async fn write(&self, request: &Value) -> Result<(), Refused> {
        let size = request.to_string().len() + 1;
        if self.waiting.fetch_add(size, Ordering::Relaxed) + size > WAITING {
            self.waiting.fetch_sub(size, Ordering::Relaxed);
            return Err(Refused::Behind);
        }
        let (written, done) = oneshot::channel();
        let line = Line {
            request: request.clone(),
            size,
            written,
        };
        let gone = || Refused::Disk(io::Error::other("the writer has ended"));
        self.lines.send(line).map_err(|_| gone())?;
        done.await.map_err(|_| gone())?.map_err(Refused::Disk)
    }
}

fn run(mut file: File, lines: &Receiver<Line>, waiting: &AtomicUsize) {
    for line in lines {
        let done = file.write(&line.request, line.size as u64);
        waiting.fetch_sub(line.size, Ordering::Relaxed);
        // The sender may be gone.
        let _ = line.written.send(done);
    }
}

#[derive(Debug)]
struct File {
    path: PathBuf,
    appender: Appender,
    size: u64,
    largest: u64,
}

impl File {
    fn write(&mut self, request: &Value, size: u64) -> io::Result<()> {
        if self.size > 0 && self.size + size > self.largest {
            self.rotate()?;
        }
        self.appender.append(request)?;
        self.size += size;
        Ok(())
    }

    /// Renames the file to `FILE.1`; readers that follow it continue with the new one.
    fn rotate(&mut self) -> io::Result<()> {
        let mut aside = self.path.clone().into_os_string();
        aside.push(".1");
        std::fs::rename(&self.path, aside)?;
        self.appender = Appender::open(&self.path)?;
        self.size = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::{Appender, File};

    #[test]
    fn a_file_that_is_full_is_put_aside() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t.jsonl");
        let mut file = File {
            appender: Appender::open(&path).expect("opened"),
            path: path.clone(),
            size: 0,
            largest: 20,
        };
        for n in 0..3 {
            file.write(&json!({ "n": n }), 8).expect("written");
        }
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("read");
        assert_eq!(read("t.jsonl.1"), "{\"n\":0}\n{\"n\":1}\n");
        assert_eq!(read("t.jsonl"), "{\"n\":2}\n");
    }
}
